// How much of its weight a node gets that has just come or come back: caches are cold, pools empty,
// and a full share at once can knock it over. Source of the formula: Envoy, aggression 1.
#pragma once

#include <algorithm>

#include "strategies/core/time.h"

namespace phoenix {

// max(min_share, max(age, 1 s) / window), 1 from `window` on. A window of 0 is off.
inline double slow_start_share(Duration age, Duration window, double min_share) {
  if (age >= window) return 1.0;
  const double f =
      to_seconds(std::max<Duration>(age, std::chrono::seconds(1))) / to_seconds(window);
  return std::clamp(f, min_share, 1.0);
}

}  // namespace phoenix
