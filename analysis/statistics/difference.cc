#include "analysis/statistics/difference.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "analysis/statistics/distributions.h"
#include "analysis/statistics/mean.h"
#include "analysis/statistics/sample.h"

namespace phoenix::statistics {
namespace {

// J(m), by logarithms: the gamma function itself overflows from 172 on.
double hedges_correction(double m) {
  return std::exp(std::lgamma(m / 2) - std::lgamma((m - 1) / 2)) / std::sqrt(m / 2);
}

WinCounts count_wins(std::span<const double> differences) {
  WinCounts wins;
  for (const double d : differences) {
    if (d < 0) ++wins.below;
    if (d > 0) ++wins.above;
    if (d == 0) ++wins.equal;
  }
  return wins;
}

// What a mean of differences is relative to the mean of b.
struct Ratio {
  double difference, b;                                // means
  double variance_difference, variance_b, covariance;  // of one pair
};

// The roots of (b^2 - k s_b^2) x^2 - 2 (d b - k s_db) x + (d^2 - k s_d^2), k = t^2 / n.
Interval fieller_interval(const Ratio& r, double k) {
  const double square = r.b * r.b - k * r.variance_b;
  if (!(square > 0)) return {};
  const double middle = r.difference * r.b - k * r.covariance;
  const double rest = r.difference * r.difference - k * r.variance_difference;
  const double root = std::sqrt(std::max(0.0, middle * middle - square * rest));
  return {(middle - root) / square, (middle + root) / square};
}

void fill_spread(PairedDifference& result, const Pairs& pairs, std::span<const double> d,
                 double confidence) {
  const auto n = static_cast<double>(result.n);
  const double variance = covariance_of(d, result.mean, d, result.mean);
  const double variance_a = covariance_of(pairs.a, result.mean_a, pairs.a, result.mean_a);
  const double variance_b = covariance_of(pairs.b, result.mean_b, pairs.b, result.mean_b);
  const double critical = student_critical(confidence, n - 1);

  result.sd = std::sqrt(variance);
  const double standard_error = result.sd / std::sqrt(n);
  result.interval = {result.mean - critical * standard_error,
                     result.mean + critical * standard_error};
  result.student = student_test(result.mean, standard_error, n - 1);
  const double covariance = covariance_of(d, result.mean, pairs.b, result.mean_b);
  result.relative_interval = fieller_interval(
      {result.mean, result.mean_b, variance, variance_b, covariance}, critical * critical / n);

  result.cohen_dz = result.mean == 0 ? 0 : result.mean / result.sd;
  if (result.n >= 3) result.hedges_gz = result.cohen_dz * hedges_correction(n - 1);

  if (variance_a > 0 && variance_b > 0) {
    const double both = covariance_of(pairs.a, result.mean_a, pairs.b, result.mean_b);
    result.correlation = std::clamp(both / std::sqrt(variance_a * variance_b), -1.0, 1.0);
  }
  result.variance_ratio = (variance_a + variance_b) / variance;
}

}  // namespace

StudentTest student_test(double estimate, double standard_error, double nu) {
  assert(!(standard_error < 0) && nu > 0);
  if (estimate == 0 && standard_error == 0) return {0, nu, 1};
  const double t = estimate / standard_error;
  return {t, nu, student_two_sided(t, nu)};
}

PairedDifference paired_difference(std::span<const double> a, std::span<const double> b,
                                   double confidence) {
  const Pairs pairs = complete_pairs(a, b);
  const std::vector<double> d = pairs.differences();
  PairedDifference result;
  result.n = pairs.size();
  result.dropped = pairs.dropped;
  result.wins = count_wins(d);
  result.ranks = signed_ranks(d);
  if (result.n == 0) return result;
  result.mean_a = mean_of(pairs.a);
  result.mean_b = mean_of(pairs.b);
  result.mean = mean_of(d);
  if (result.mean_b != 0) result.relative = result.mean / result.mean_b;
  if (result.n >= 2) fill_spread(result, pairs, d, confidence);
  return result;
}

WelchDifference welch_difference(std::span<const double> a, std::span<const double> b,
                                 double confidence) {
  const MeanEstimate of_a = estimate_mean(a, confidence);
  const MeanEstimate of_b = estimate_mean(b, confidence);
  WelchDifference result;
  result.n_a = of_a.n;
  result.n_b = of_b.n;
  result.missing = of_a.missing + of_b.missing;
  result.mean_a = of_a.mean;
  result.mean_b = of_b.mean;
  result.mean = of_a.mean - of_b.mean;
  if (of_a.n < 2 || of_b.n < 2) return result;

  const auto n_a = static_cast<double>(of_a.n);
  const auto n_b = static_cast<double>(of_b.n);
  const double share_a = of_a.sd * of_a.sd / n_a;
  const double share_b = of_b.sd * of_b.sd / n_b;
  const double square = share_a + share_b;
  result.standard_error = std::sqrt(square);
  const double nu =
      square == 0
          ? n_a + n_b - 2
          : square * square / (share_a * share_a / (n_a - 1) + share_b * share_b / (n_b - 1));
  result.student = student_test(result.mean, result.standard_error, nu);
  const double half = student_critical(confidence, nu) * result.standard_error;
  result.interval = {result.mean - half, result.mean + half};
  return result;
}

}  // namespace phoenix::statistics
