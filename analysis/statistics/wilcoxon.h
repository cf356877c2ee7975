// Wilcoxon's signed-rank test: are paired differences as often and as far above zero as below? For
// when means follow no normal law, as where one run in ten collapses.
//
// Zero differences are dropped, |d| is ranked with mid-ranks, W+ and W- are the sums of ranks of
// both signs. Exact for up to kExactSignedRanks differences without ties: p is twice the share of
// sign patterns whose sum is at most min(W+, W-), at most 1. Else the normal law with mean
// n(n+1)/4, variance n(n+1)(2n+1)/24 - sum(t^3 - t)/48 over groups of t ties and a continuity
// correction of 1/2. Differences are tied when they are equal to the last bit. Source: Wilcoxon
// 1945; Hollander and Wolfe 1999, section 3.1; effect size: Kerby 2014.
#pragma once

#include <cstddef>
#include <span>

#include "analysis/statistics/interval.h"

namespace phoenix::statistics {

inline constexpr std::size_t kExactSignedRanks = 25;

struct SignedRanks {
  std::size_t n = 0;      // differences that are known and not zero
  std::size_t zeros = 0;  // dropped
  double w_plus = 0, w_minus = 0;
  double p = kUnknown;  // of two sides; 1 where all differences are zero, NaN where there are none
  bool is_exact = false;
  double rank_biserial = kUnknown;  // (W+ - W-) / (W+ + W-), in [-1, 1]; NaN where n is 0
};

// Values that are not finite are left out. O(n log n).
SignedRanks signed_ranks(std::span<const double> differences);

// The least p that n differences can come to, 2 / 2^n: with less than six it is above 0.05.
inline double least_signed_rank_p(std::size_t n) {
  return n == 0 ? 1 : std::ldexp(2.0, -static_cast<int>(n));
}

}  // namespace phoenix::statistics
