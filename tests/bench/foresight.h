// What a fleet costs under somebody who knows the future: the bound no scaler can pass. For the
// scaling table.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tests/bench/fluid_fleet.h"

namespace phoenix {

// Least node-hours in which not one second is missed, where every boot takes its median: the k-th
// node is up whenever the load needs k of them, and stays up over a gap that is shorter than
// another boot and drain would take. `busiest` is the share of its capacity that a node may carry.
inline double foresight_node_hours(const std::vector<float>& rates, double busiest) {
  const double each = kNodeRate * busiest;
  const auto start = static_cast<std::size_t>((kBootMedian + kDrain) / std::chrono::seconds(1));
  std::vector<std::size_t> needed_at;  // by node, the last second it was needed, from 1; 0: never
  double paid = 0;
  for (std::size_t second = 1; second <= rates.size(); ++second) {
    const double rate = static_cast<double>(rates[second - 1]);
    const auto need = static_cast<std::size_t>(std::max(1.0, std::ceil(rate / each - 1e-9)));
    if (needed_at.size() < need) needed_at.resize(need, 0);
    for (std::size_t node = 0; node < need; ++node) {
      const std::size_t gap = second - needed_at[node];
      const bool is_new = needed_at[node] == 0 || gap > start;
      paid += static_cast<double>(is_new ? start + 1 : gap);
      needed_at[node] = second;
    }
  }
  return paid / 3600;
}

}  // namespace phoenix
