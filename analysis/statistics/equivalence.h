// Whether two samples are the same for all that matters, simulated against real: two one-sided t
// tests (Schuirmann 1987). That a difference was not found proves nothing; that it is smaller than
// a margin fixed before the runs does.
//
// t1 = (m + d) / se, t2 = (m - d) / se, p = max(P(T > t1), P(T < t2)); equivalent where p < a,
// which is when the interval of confidence 1 - 2a lies within (-d, d). Differences are a - b.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "analysis/statistics/interval.h"
#include "strategies/core/result.h"

namespace phoenix::statistics {

enum class EquivalenceVerdict {
  kUndecided,  // more runs are needed; also where a side has less than two
  kEquivalent,
  kDifferent,  // the interval of confidence 1 - a excludes 0, and it is not equivalent
};
std::string_view to_text(EquivalenceVerdict verdict);

struct Equivalence {
  EquivalenceVerdict verdict = EquivalenceVerdict::kUndecided;
  std::size_t n_a = 0, n_b = 0;  // runs; of pairs, complete ones on both sides
  std::size_t dropped = 0;       // pairs with a side missing, or missing runs
  double margin = 0;
  double mean = kUnknown;  // difference
  double standard_error = kUnknown;
  double t1 = kUnknown, t2 = kUnknown;  // infinite without any spread
  double p = kUnknown;
  Interval interval;             // of confidence 1 - 2a
  Interval difference_interval;  // of confidence 1 - a
};

inline constexpr double kDefaultMarginShare = 0.1;  // of the real mean
inline constexpr double kDefaultEquivalenceLevel = 0.05;

// `margin` is in the unit of the values, fixed before the runs; the default is 0.1 of the real
// value. The error tells a margin that is not above 0 and finite (as that of a real value of 0), or
// a level that is not above 0 and below 0.5.
Result<Equivalence> equivalence_of_pairs(std::span<const double> a, std::span<const double> b,
                                         double margin, double level = kDefaultEquivalenceLevel);

// Of samples that have no random numbers in common, by Welch's standard error.
Result<Equivalence> equivalence_of_samples(std::span<const double> a, std::span<const double> b,
                                           double margin, double level = kDefaultEquivalenceLevel);

}  // namespace phoenix::statistics
