// What the statistics promise, held against simulated truth: error rates, power and coverage.
// Bounds are those a correct procedure leaves in one of 1,000 seeds; seeds are fixed.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/comparison.h"
#include "analysis/statistics/distributions.h"
#include "analysis/statistics/mean.h"
#include "analysis/statistics/power.h"
#include "analysis/statistics/quantile.h"
#include "strategies/core/random.h"

namespace phoenix::statistics {
namespace {

using Values = std::vector<double>;

double exponential(Random& random, double mean) {
  return -mean * std::log(random.uniform_positive());
}

// Box and Muller's method, one number of the two.
double normal(Random& random) {
  const double radius = std::sqrt(2 * exponential(random, 1));
  return radius * std::cos(6.283185307179586 * random.uniform());
}

// Successes of `n` trials, each with this chance, in all but one of 1,000 cases.
void expect_successes(int found, int n, double chance) {
  const auto trials = static_cast<std::uint64_t>(n);
  EXPECT_GE(static_cast<std::uint64_t>(found), binomial_quantile(trials, chance, 0.0005));
  EXPECT_LE(static_cast<std::uint64_t>(found), binomial_quantile(trials, chance, 0.9995));
}

// Strategies under common random numbers: what all of them meet in a replication, and their own.
std::vector<Values> cells(Random& random, const Values& means, std::size_t runs, double own_sd) {
  std::vector<Values> all(means.size(), Values(runs));
  for (std::size_t r = 0; r < runs; ++r) {
    const double common = 10 * normal(random);
    for (std::size_t s = 0; s < means.size(); ++s) {
      all[s][r] = means[s] + common + own_sd * normal(random);
    }
  }
  return all;
}

MetricComparison compare(const std::vector<Values>& all, PairTest test = PairTest::kStudent) {
  const MetricCells metric{{all.begin(), all.end()}};
  CompareOptions options;
  options.test = test;
  Result<std::vector<MetricComparison>> compared = compare_cells({&metric, 1}, options);
  EXPECT_TRUE(compared);
  return std::move(compared->front());
}

TEST(EqualStrategies, AreToldApartAsSeldomAsPromised) {
  constexpr int kComparisons = 200;
  for (const PairTest test : {PairTest::kStudent, PairTest::kWilcoxon}) {
    for (const std::size_t strategies : {2U, 5U}) {
      int indistinguishable = 0;
      for (int seed = 0; seed < kComparisons; ++seed) {
        Random random = Streams(static_cast<std::uint64_t>(seed)).named("test/equal");
        const MetricComparison found =
            compare(cells(random, Values(strategies, 100.0), 15, 3), test);
        bool are_all_best = true;
        for (const RankedCell& cell : found.ranking) are_all_best &= cell.is_among_best;
        bool is_none_better = true;
        for (const PairComparison& pair : found.pairs) is_none_better &= !pair.better;
        EXPECT_TRUE(!is_none_better || are_all_best);
        indistinguishable += is_none_better;
      }
      EXPECT_GE(indistinguishable, kComparisons * 93 / 100) << strategies << " strategies";
    }
  }
}

TEST(ADifferenceOfFivePercent, IsFoundWithThePredictedPower) {
  constexpr int kComparisons = 2000;
  // Differences have sqrt(2) times the spread that each strategy has of its own.
  constexpr double kOwnSd = 6;
  const double sd = kOwnSd * std::sqrt(2.0);
  const std::optional<std::size_t> runs = replications_needed(5, sd, 0.8);
  ASSERT_TRUE(runs);
  for (const std::size_t n : {*runs, *runs / 2}) {
    const double power = paired_power(n, 5, sd);
    int found = 0;
    for (int seed = 0; seed < kComparisons; ++seed) {
      Random random = Streams(static_cast<std::uint64_t>(seed)).named("test/power");
      found += compare(cells(random, {100, 105}, n, kOwnSd)).pairs.front().better.has_value();
    }
    expect_successes(found, kComparisons, power);
  }
}

TEST(Ranks, AreRangesThatHoldTheTruth) {
  int wrong = 0;
  constexpr int kComparisons = 300;
  for (int seed = 0; seed < kComparisons; ++seed) {
    Random random = Streams(static_cast<std::uint64_t>(seed)).named("test/ranks");
    const MetricComparison found = compare(cells(random, {100, 101, 104, 120}, 12, 3));
    bool is_right = true;
    for (const RankedCell& cell : found.ranking) {
      is_right &= cell.first <= cell.cell + 1 && cell.cell + 1 <= cell.last;
    }
    EXPECT_EQ(found.ranking.back().first, 4U) << "far behind";
    wrong += !is_right;
  }
  // By Holm at most 5 % of comparisons claim anything that is not so.
  EXPECT_LE(static_cast<std::uint64_t>(wrong), binomial_quantile(kComparisons, 0.05, 0.999));
}

// Mean response time of so many customers of an M/M/1 queue by Lindley's recursion, service mean 1,
// begun in its steady state: no wait with probability 1 - load, else exponential.
double response_mean(Random& random, double load, int customers) {
  double wait = random.uniform() < load ? exponential(random, 1 / (1 - load)) : 0;
  double sum = 0;
  for (int i = 0; i < customers; ++i) {
    const double response = wait + exponential(random, 1);
    sum += response;
    wait = std::max(0.0, response - exponential(random, 1 / load));
  }
  return sum / customers;
}

TEST(Coverage, OfQueueMeansByStudentAndBootstrap) {
  constexpr int kExperiments = 400;
  constexpr double kLoad = 0.5;
  constexpr double kTruth = 2;  // 1 / (mu - lambda)
  int by_student = 0;
  int by_bootstrap = 0;
  for (int seed = 0; seed < kExperiments; ++seed) {
    Random random = Streams(static_cast<std::uint64_t>(seed)).named("test/queue");
    Values runs(20);
    for (double& run : runs) run = response_mean(random, kLoad, 2000);
    by_student += estimate_mean(runs).interval().contains(kTruth);
    const RunEstimate bootstrap = estimate_over_runs(runs);
    EXPECT_EQ(bootstrap.method, IntervalMethod::kBootstrap);
    by_bootstrap += bootstrap.interval.contains(kTruth);
  }
  expect_successes(by_student, kExperiments, 0.95);
  expect_successes(by_bootstrap, kExperiments, 0.93);  // percentile intervals of 20 runs
}

TEST(Coverage, OfQuantilesByOrderStatistics) {
  constexpr int kExperiments = 1000;
  constexpr std::size_t kSamples = 500;
  for (const double q : {0.1, 0.5, 0.95}) {
    const double truth = -std::log(1 - q);
    // Discrete: what these ranks cover is a little more than asked for, and known.
    int covered = 0;
    for (int seed = 0; seed < kExperiments; ++seed) {
      Random random = Streams(static_cast<std::uint64_t>(seed)).named("test/order");
      Values values(kSamples);
      for (double& value : values) value = exponential(random, 1);
      std::sort(values.begin(), values.end());
      covered += quantile_interval(values, q).contains(truth);
    }
    EXPECT_GE(static_cast<std::uint64_t>(covered), binomial_quantile(kExperiments, 0.95, 0.0005));
    EXPECT_LE(static_cast<std::uint64_t>(covered), binomial_quantile(kExperiments, 0.975, 0.9995));
  }
}

TEST(Coverage, OfRelativeDifferences) {
  constexpr int kExperiments = 1000;
  int covered = 0;
  for (int seed = 0; seed < kExperiments; ++seed) {
    Random random = Streams(static_cast<std::uint64_t>(seed)).named("test/ratio");
    const std::vector<Values> both = cells(random, {95, 100}, 12, 3);
    covered += paired_difference(both[0], both[1]).relative_interval.contains(-0.05);
  }
  expect_successes(covered, kExperiments, 0.95);
}

}  // namespace
}  // namespace phoenix::statistics
