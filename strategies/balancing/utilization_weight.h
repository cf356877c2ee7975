// The weight that gRPC's proposal A58 gives a node from what it reports, as a formula.
#pragma once

#include <cmath>
#include <limits>

namespace phoenix {

// Answers a second for each CPU in use, where failures count as use. NaN, "not usable", where
// nothing is answered or nothing is used; never infinite.
inline double utilization_weight(double rate, double cpu, double error_rate, double penalty) {
  constexpr double kUnusable = std::numeric_limits<double>::quiet_NaN();
  if (!(rate > 0) || !(cpu > 0)) return kUnusable;
  const double errors = error_rate > 0 ? error_rate / rate * penalty : 0;
  return rate / (cpu + errors);
}

}  // namespace phoenix
