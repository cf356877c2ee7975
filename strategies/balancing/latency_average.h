// Averages of response times over time, as formulas. Times are seconds; nothing here keeps state.
#pragma once

#include <algorithm>
#include <cmath>

#include "strategies/core/time.h"

namespace phoenix {

// What remains of an old value's share after `elapsed`: exp(-elapsed / decay). Time that seems to
// run backward counts as none, so that no share exceeds 1.
inline double remaining_share(Duration elapsed, Duration decay) {
  return elapsed.count() <= 0
             ? 1.0
             : std::exp(-static_cast<double>(elapsed.count()) / static_cast<double>(decay.count()));
}

// Weighted average of old and new by age.
inline double averaged(double old_value, double sample, double share) {
  return old_value * share + sample * (1.0 - share);
}

// Finagle's peak EWMA: rises at once, falls slowly.
inline double peak_averaged(double old_value, double sample, double share) {
  return sample > old_value ? sample : averaged(old_value, sample, share);
}

// What an attempt says about its node. A failure counts as at least `penalty`, so that failing fast
// never looks like being fast.
inline double charged_seconds(Duration latency, bool ok, Duration penalty) {
  return to_seconds(ok ? latency : std::max(latency, penalty));
}

// A node nobody has heard of: free for one first request, then behind everyone who has answered.
inline double unknown_node_load(std::uint32_t in_flight) {
  constexpr double kPenaltySeconds = 1e6;
  return in_flight == 0 ? 0.0 : kPenaltySeconds + in_flight;
}

}  // namespace phoenix
