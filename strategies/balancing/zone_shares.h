// How much of a zone's traffic stays there, as a formula (Envoy's zone-aware routing).
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace phoenix {

// The share of its requests that a caller in `home` sends to each zone, given each zone's share of
// all callers and of all serving capacity. All of it stays at home where the capacity there
// suffices; else as much as it takes, and the rest goes where there is more capacity than callers,
// in proportion to the difference. Every node then gets the same load. REQUIRES: equal sizes, home
// is one of them, shares >= 0.
inline std::vector<double> zone_shares(std::size_t home, std::span<const double> callers,
                                       std::span<const double> capacity) {
  std::vector<double> shares(callers.size(), 0.0);
  const bool fits = callers[home] <= capacity[home];
  const double local = fits ? 1.0 : capacity[home] / callers[home];
  double spare = 0;
  for (std::size_t z = 0; z < callers.size(); ++z) {
    if (z != home) spare += std::max(0.0, capacity[z] - callers[z]);
  }
  shares[home] = spare > 0 ? local : 1.0;
  if (fits || spare <= 0) {
    shares[home] = 1.0;
    return shares;
  }
  for (std::size_t z = 0; z < callers.size(); ++z) {
    if (z == home) continue;
    shares[z] = (1 - local) * std::max(0.0, capacity[z] - callers[z]) / spare;
  }
  return shares;
}

}  // namespace phoenix
