// How far a strategy is from another, or from a baseline: everything a comparison of two samples
// says. Differences are a - b; b is the baseline.
//
// paired_difference() is for runs that shared their random numbers, replication by replication:
// what both met cancels out, so that few runs tell small differences. welch_difference() is for
// runs that have nothing in common, as on real machines; its samples need not be of one size.
#pragma once

#include <cstddef>
#include <span>

#include "analysis/statistics/interval.h"
#include "analysis/statistics/wilcoxon.h"

namespace phoenix::statistics {

// The t test of a mean, or of a difference of means, against zero.
struct StudentTest {
  double t = kUnknown;   // infinite where there is a difference without any spread
  double nu = kUnknown;  // degrees of freedom
  double p = kUnknown;   // of two sides; 1 where all differences are zero
};

// Pairs where a is below b, above it, or equal to it; which of them is a win depends on the metric.
struct WinCounts {
  std::size_t below = 0, above = 0, equal = 0;
};

struct PairedDifference {
  std::size_t n = 0;                            // pairs that both sides know
  std::size_t dropped = 0;                      // pairs with a side missing
  double mean_a = kUnknown, mean_b = kUnknown;  // of complete pairs; NaN without any, as `mean`
  double mean = kUnknown;

  // NaN with less than two pairs.
  double sd = kUnknown;  // of the differences
  Interval interval;     // of the mean difference: t(1 - a/2, n - 1) sd / sqrt(n) to both sides
  StudentTest student;

  // mean / mean_b with Fieller's interval (1954): all x for which the t test of (a - b) - x b does
  // not reject. It contains 0 exactly where `interval` does. It is not known where mean_b itself is
  // not told from 0 at this confidence. `relative` is NaN where mean_b is 0.
  double relative = kUnknown;
  Interval relative_interval;

  // Cohen's d_z = mean / sd: 0 where all differences are zero, infinite where all are the same.
  // Hedges' g_z is d_z J(n - 1) with J(m) = G(m/2) / (sqrt(m/2) G((m-1)/2)), G the gamma function,
  // which takes the bias of few pairs away (Hedges 1981); NaN with less than three pairs.
  double cohen_dz = kUnknown;
  double hedges_gz = kUnknown;

  // What pairing gained: the correlation of both sides, NaN where one has no spread; and the
  // variance that independent runs would have over the paired one, (s_a^2 + s_b^2) / sd^2.
  double correlation = kUnknown;
  double variance_ratio = kUnknown;

  WinCounts wins;
  SignedRanks ranks;
};

// Paired by index; what one side has more than the other counts as missing on the other.
// REQUIRES: 0 < confidence < 1. O(n log n).
PairedDifference paired_difference(std::span<const double> a, std::span<const double> b,
                                   double confidence = kDefaultConfidence);

struct WelchDifference {
  std::size_t n_a = 0, n_b = 0;
  std::size_t missing = 0;  // of both
  double mean_a = kUnknown, mean_b = kUnknown;
  double mean = kUnknown;            // NaN where one side has no values
  double standard_error = kUnknown;  // NaN, as all below, where one side has less than two
  Interval interval;
  StudentTest student;
};

// Unequal variances: se^2 = s_a^2/n_a + s_b^2/n_b, degrees of freedom by Welch (1947) and
// Satterthwaite; where neither side has any spread they are n_a + n_b - 2.
// REQUIRES: 0 < confidence < 1.
WelchDifference welch_difference(std::span<const double> a, std::span<const double> b,
                                 double confidence = kDefaultConfidence);

// The two-sided t test of an estimate by its standard error. REQUIRES: standard_error >= 0, nu > 0.
StudentTest student_test(double estimate, double standard_error, double nu);

}  // namespace phoenix::statistics
