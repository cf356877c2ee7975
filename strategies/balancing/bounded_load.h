// The bound of consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016), as a
// formula.
#pragma once

#include <cmath>

namespace phoenix {

// The most requests a node may have under way: ceil((1 + slack) * fair_share). Its fair share is
// its part of all requests under way, the new one counted: (m + 1) / n on equal nodes.
inline double bounded_load(double slack, double fair_share) {
  constexpr double kRounding = 1e-9;  // 1.2 * 5 is a little above 6
  return std::ceil((1 + slack) * fair_share - kRounding);
}

}  // namespace phoenix
