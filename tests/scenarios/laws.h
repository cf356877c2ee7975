// Tests of laws: does a seeded sample follow a distribution? Bounds are met by chance failures once
// in 100,000 seeds or less; seeds are fixed, so a test that passes always passes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

#include <boost/math/distributions/chi_squared.hpp>
#include <gtest/gtest.h>

namespace phoenix::testing {

// Kolmogorov-Smirnov: P(sqrt(n) D > x) is about 2 exp(-2 x^2); 2.5 gives 7e-6.
inline void expect_law(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double worst = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = cdf(sample[i]);
    const auto rank = static_cast<double>(i);
    worst = std::max({worst, expected - rank / n, (rank + 1) / n - expected});
  }
  EXPECT_LT(std::sqrt(n) * worst, 2.5);
}

// Pearson's chi-square with independent cells, each Poisson or multinomial with these means.
inline void expect_counts(const std::vector<double>& counts, const std::vector<double>& means) {
  ASSERT_EQ(counts.size(), means.size());
  double statistic = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    ASSERT_GT(means[i], 5) << "too few for the normal approximation, cell " << i;
    statistic += (counts[i] - means[i]) * (counts[i] - means[i]) / means[i];
  }
  const boost::math::chi_squared law(static_cast<double>(counts.size()));
  EXPECT_LT(statistic, boost::math::quantile(law, 1 - 1e-5));
  // Counts that fit too well are not random either.
  EXPECT_GT(statistic, boost::math::quantile(law, 1e-5));
}

inline double mean_of(const std::vector<double>& sample) {
  double sum = 0;
  for (const double x : sample) sum += x;
  return sum / static_cast<double>(sample.size());
}

inline double variance_of(const std::vector<double>& sample) {
  const double mean = mean_of(sample);
  double sum = 0;
  for (const double x : sample) sum += (x - mean) * (x - mean);
  return sum / static_cast<double>(sample.size() - 1);
}

}  // namespace phoenix::testing
