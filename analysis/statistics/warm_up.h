// How much of a run's beginning to delete, so that its numbers are of the steady state: MSER-5
// (White, Cobb and Spratt 2000).
//
// Not for runs whose beginning, faults, ramps, bursts or day are the question, nor for overload or
// loads above 95 % in short runs, which have no steady state: those are measured in fixed windows.
#pragma once

#include <cstddef>
#include <span>

#include "analysis/statistics/interval.h"

namespace phoenix::statistics {

inline constexpr std::size_t kWarmUpBatch = 5;

struct WarmUp {
  std::size_t batches = 0;          // k
  std::size_t deleted_batches = 0;  // d*
  std::size_t deleted = 0;          // observations
  double mean_after = kUnknown;     // of the batches that stay
  // d* is the last one allowed, or there is nothing to choose from: the run is too short, and
  // deleting that much need not be enough. To be told, never passed over.
  bool is_run_too_short = true;
};

// `windows` are observations of equal spans of time, in order: mean latency by the second, say. Of
// the means Z of k batches of 5, d* minimises sum over i > d of (Z_i - mean of them)^2 / (k - d)^2,
// 0 <= d <= k/2, the smallest where several do. Windows without a value do not count in their
// batch, nor batches without any; observations after the last full batch are not looked at. O(n).
WarmUp mser5(std::span<const double> windows);

// The same of batches that are means already; `deleted` is in batches then.
WarmUp mser(std::span<const double> batches);

// What all compared strategies and replications delete: the most that any of them asks for, so that
// the same span of time is left. Too short where one is, or where there is none. `batches` is the
// least of theirs, mean_after is not known.
WarmUp common_warm_up(std::span<const WarmUp> runs);

}  // namespace phoenix::statistics
