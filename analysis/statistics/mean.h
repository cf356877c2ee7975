// The mean over runs with its Student-t interval: how well so many runs tell a number.
//
// mean m, s^2 = sum (x - m)^2 / (n - 1), half width t(1 - a/2, n - 1) s / sqrt(n). Exact for normal
// values; means and quantiles of long runs are close to that. O(n log n).
#pragma once

#include <cstddef>
#include <span>

#include "analysis/statistics/interval.h"

namespace phoenix::statistics {

struct MeanEstimate {
  std::size_t n = 0;        // runs it rests on
  std::size_t missing = 0;  // values left out: not finite
  double mean = kUnknown;   // NaN where n is 0
  // NaN where n is 1 or less: one run is a value and no more. 0 where all values are the same.
  double sd = kUnknown;
  double half_width = kUnknown;

  Interval interval() const { return {mean - half_width, mean + half_width}; }
  double standard_error() const { return sd / std::sqrt(static_cast<double>(n)); }
};

// REQUIRES: 0 < confidence < 1.
MeanEstimate estimate_mean(std::span<const double> values, double confidence = kDefaultConfidence);

}  // namespace phoenix::statistics
