// Prequal's rule and its numbers (Wydrowski et al., Load is not what you should balance, NSDI
// 2024), as formulas.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"

namespace phoenix {

// What one probe told, and what is left of it.
struct ProbeEntry {
  NodeId node = kNoNode;
  double requests = 0;  // in flight there, those chosen since included
  double latency = 0;   // seconds, failures reckoned in
  bool is_failing = false;
  Time heard = kStart;
  double uses = 0;  // a fraction is a chance
};

// Hot: more requests in flight than `threshold`, or failing. Of the cold ones the least latency;
// where all are hot, the fewest requests among those that do not fail, else among all. Of equal
// ones the last heard, then the lower id. REQUIRES: !entries.empty().
inline bool is_hot(const ProbeEntry& entry, double threshold) {
  return entry.is_failing || entry.requests > threshold;
}
inline bool beats(const ProbeEntry& a, const ProbeEntry& b, double threshold) {
  const bool a_hot = is_hot(a, threshold);
  if (a_hot != is_hot(b, threshold)) return !a_hot;
  if (a_hot && a.is_failing != b.is_failing) return !a.is_failing;
  const double x = a_hot ? a.requests : a.latency;
  const double y = a_hot ? b.requests : b.latency;
  if (x != y) return x < y;
  if (a.heard != b.heard) return a.heard > b.heard;
  return a.node < b.node;
}
inline std::size_t hot_cold_choice(std::span<const ProbeEntry> entries, double threshold) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (beats(entries[i], entries[best], threshold)) best = i;
  }
  return best;
}
// The one to drop: most requests among the hot, else most latency among the cold.
inline std::size_t hot_cold_worst(std::span<const ProbeEntry> entries, double threshold) {
  std::size_t worst = 0;
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (beats(entries[worst], entries[i], threshold)) worst = i;
  }
  return worst;
}

// How often one probe may be used so that probes come in as fast as they are used up:
// max(1, (1 + slack) / ((1 - pool / nodes) * probes - removals)). Where the denominator is not
// positive (small fleets) the formula says nothing: NaN.
inline double reuse_budget(double pool, double nodes, double probes, double removals,
                           double slack) {
  const double gained = (1 - pool / nodes) * probes - removals;
  return gained > 0 ? std::max(1.0, (1 + slack) / gained) : NAN;
}

// Nearest-rank quantile; reorders `values`. REQUIRES: !values.empty(), 0 < quantile <= 1.
inline std::uint32_t nearest_rank(std::span<std::uint32_t> values, double quantile) {
  const auto n = static_cast<double>(values.size());
  const auto rank = static_cast<std::ptrdiff_t>(std::clamp(std::ceil(quantile * n), 1.0, n)) - 1;
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

}  // namespace phoenix
