// What metrics are made of: ranks, sketches, instruments and rates.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/metrics/instruments.h"
#include "strategies/metrics/rank.h"
#include "strategies/metrics/rates.h"
#include "strategies/metrics/sketch.h"

namespace phoenix {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(NearestRank, IsTheCeilingInIntegerArithmetic) {
  EXPECT_EQ(nearest_rank(11, 0.95), 11U);  // 10.45; round() - 1 would take the 10th
  EXPECT_EQ(nearest_rank(12, 0.95), 12U);  // 11.4
  EXPECT_EQ(nearest_rank(100, 0.07), 7U);  // 7.000000000000001 in floating point
  EXPECT_EQ(nearest_rank(100, 0.0), 1U);
  EXPECT_EQ(nearest_rank(100, 1.0), 100U);
  EXPECT_EQ(nearest_rank(0, 0.5), 0U);
  EXPECT_EQ(nearest_rank(18'446'744'073'709'551'615ULL, 1.0), 18'446'744'073'709'551'615ULL);
}

TEST(NearestRank, EqualsIntegerPercentagesForEverySmallCount) {
  for (std::uint64_t n = 1; n <= 300; ++n) {
    for (std::uint64_t p = 1; p <= 100; ++p) {
      ASSERT_EQ(nearest_rank(n, static_cast<double>(p) / 100), (n * p + 99) / 100) << n << ' ' << p;
    }
  }
}

TEST(SketchBins, WorkedPlaces) {
  const Sketch sketch(0.01);
  // gamma = 1.01 / 0.99 = 1.020202; ceil(ln 10 / ln gamma) = 116, 2 gamma^116 / (gamma + 1)
  EXPECT_EQ(sketch.bin_of(10), 116);
  EXPECT_NEAR(sketch.value_of(116), 10.0747, 1e-4);
  EXPECT_EQ(sketch.bin_of(100), 231);
  EXPECT_NEAR(sketch.value_of(231), 100.4946, 1e-4);
  EXPECT_EQ(sketch.bin_of(1000), 346);
  EXPECT_NEAR(sketch.value_of(346), 1002.4280, 1e-4);
  EXPECT_EQ(sketch.bin_of(1), 0);
  EXPECT_NEAR(sketch.value_of(0), 0.99, 1e-9);
  // Eight decades are 921.0 bins, at 0.005 1842.1; the last one is begun.
  EXPECT_EQ(sketch.bin_of(1e8), 922);
  EXPECT_EQ(Sketch(0.005).bin_of(1e8), 1843);
}

TEST(SketchBins, EveryValueIsWithinTheErrorOfItsBin) {
  const Sketch sketch(0.01);
  for (double x = 1e-9; x < 1e9; x *= 1.0037) {
    ASSERT_NEAR(sketch.value_of(sketch.bin_of(x)) / x, 1, 0.01 + 1e-9) << x;
  }
}

double exact_quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[nearest_rank(values.size(), q) - 1];
}

void expect_bound(const std::vector<double>& values, double error) {
  Sketch sketch(error);
  for (const double v : values) ASSERT_TRUE(sketch.record(v));
  for (int percent = 0; percent <= 100; ++percent) {
    const double q = percent / 100.0;
    const double exact = exact_quantile(values, q);
    ASSERT_NEAR(sketch.quantile(q), exact, exact * (error + 1e-9)) << q;
  }
}

TEST(Sketch, EveryQuantileOfALognormalIsWithinTheError) {
  Random random(1);
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) {
    const double normal = std::sqrt(-2 * std::log(random.uniform_positive())) *
                          std::cos(2 * 3.14159265358979 * random.uniform());
    values.push_back(0.005 * std::exp(1.5 * normal));
  }
  expect_bound(values, 0.01);
  expect_bound(values, 0.005);
}

TEST(Sketch, EveryQuantileOfTwoHumpsIsWithinTheError) {
  Random random(2);
  std::vector<double> values;
  for (int i = 0; i < 10'000; ++i) values.push_back(0.001 * (1 + random.uniform()));
  for (int i = 0; i < 10'000; ++i) values.push_back(5 + random.uniform());
  expect_bound(values, 0.01);
}

TEST(Sketch, MergingIsTheSameAsRecordingBoth) {
  Random random(3);
  Sketch a, b, both;
  for (int i = 0; i < 5'000; ++i) {
    const double v = std::exp(20 * random.uniform() - 10);
    (i % 3 == 0 ? a : b).record(v);
    both.record(v);
  }
  ASSERT_TRUE(a.merge(b));
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.min(), both.min());
  EXPECT_EQ(a.max(), both.max());
  EXPECT_NEAR(a.sum(), both.sum(), both.sum() * 1e-12);
  for (int percent = 0; percent <= 100; ++percent) {
    ASSERT_EQ(a.quantile(percent / 100.0), both.quantile(percent / 100.0));
  }
}

TEST(Sketch, UnequalErrorsDoNotMerge) {
  Sketch a(0.01);
  Sketch b(0.02);
  b.record(1);
  const Status merged = a.merge(b);
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error(), "found a sketch of error 0.02; allowed one of error 0.01");
  EXPECT_EQ(a.count(), 0U);
}

TEST(Sketch, AHistogramsCountsStayWithinOnePercent) {
  Random random(4);
  Histogram histogram;
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto ns = static_cast<std::int64_t>(std::exp(8 + 12 * random.uniform()));
    histogram.record(Duration{ns});
    values.push_back(static_cast<double>(ns) * 1e-9);
  }
  Sketch sketch(0.005);
  sketch.merge(histogram);
  EXPECT_EQ(sketch.count(), histogram.count());
  EXPECT_NEAR(sketch.mean(), histogram.mean_seconds(), 1e-12);
  for (const double q : {0.0, 0.05, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = exact_quantile(values, q);
    EXPECT_NEAR(sketch.quantile(q), exact, exact * 0.01) << q;
  }
}

TEST(Sketch, OddValues) {
  Sketch sketch;
  EXPECT_TRUE(std::isnan(sketch.quantile(0.5)));
  EXPECT_TRUE(std::isnan(sketch.mean()));
  EXPECT_FALSE(sketch.record(-1));
  EXPECT_FALSE(sketch.record(std::nan("")));
  EXPECT_FALSE(sketch.record(INFINITY));
  EXPECT_EQ(sketch.count(), 0U);
  EXPECT_TRUE(sketch.record(0));
  EXPECT_TRUE(sketch.record(0));
  EXPECT_TRUE(sketch.record(1e300));
  EXPECT_EQ(sketch.quantile(0.5), 0);
  EXPECT_EQ(sketch.quantile(1), 1e300);
  EXPECT_EQ(sketch.count(), 3U);
}

TEST(Sketch, BeyondItsBinsTheLowestArePutTogetherAndTheHighestStayExact) {
  Sketch sketch(0.01, 128);
  for (int i = 0; i < 1'000; ++i) sketch.record(std::pow(10.0, i / 100.0));  // ten decades
  EXPECT_EQ(sketch.count(), 1'000U);
  EXPECT_GT(sketch.collapsed(), 800U);
  EXPECT_LT(sketch.memory_bytes(), 2'048U);
  for (const double q : {0.95, 0.99, 0.999}) {
    const double exact = std::pow(10.0, (std::ceil(q * 1'000) - 1) / 100.0);
    EXPECT_NEAR(sketch.quantile(q), exact, exact * 0.0101) << q;
  }
  // In whatever order.
  Sketch backwards(0.01, 128);
  for (int i = 1'000; i-- > 0;) backwards.record(std::pow(10.0, i / 100.0));
  EXPECT_EQ(backwards.quantile(0.99), sketch.quantile(0.99));
  EXPECT_EQ(backwards.count(), 1'000U);
}

TEST(Instruments, CountersOfThreadsMergeWithoutLoss) {
  Counter threads[3];
  for (int i = 0; i < 999; ++i) threads[i % 3].add();
  threads[0].add(1);
  Counter all;
  for (const Counter& one : threads) all.merge(one);
  EXPECT_EQ(all.total(), 1'000U);
}

TEST(Instruments, AGaugeIsUnknownUntilItIsSet) {
  Gauge gauge;
  EXPECT_TRUE(std::isnan(gauge.value()));
  gauge.set(0);
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Instruments, SummaryTellsSizeAndSpread) {
  Summary a, b, both;
  const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
  for (int i = 0; i < 8; ++i) {
    (i < 3 ? a : b).record(values[i]);
    both.record(values[i]);
  }
  EXPECT_DOUBLE_EQ(both.mean(), 5);
  EXPECT_DOUBLE_EQ(both.deviation(), std::sqrt(32.0 / 7));
  a.record(std::nan(""));
  a.merge(b);
  a.merge(Summary{});
  EXPECT_EQ(a.count(), 8U);
  EXPECT_DOUBLE_EQ(a.sum(), 40);
  EXPECT_DOUBLE_EQ(a.min(), 2);
  EXPECT_DOUBLE_EQ(a.max(), 9);
  EXPECT_DOUBLE_EQ(a.deviation(), both.deviation());
  EXPECT_TRUE(std::isnan(Summary{}.mean()));
  EXPECT_TRUE(std::isnan(Summary{}.min()));
}

TEST(ScopeTimer, RecordsHoweverTheScopeIsLeft) {
  Time now = kStart;
  LatencyTimer timer;
  const auto clock = [&now] { return now; };
  const auto twice = [&](int x) {
    ScopeTimer scope(timer, clock);
    now += milliseconds(3);
    if (x < 0) return 0;  // an early exit
    return 2 * x;
  };
  EXPECT_EQ(twice(4), 8);
  EXPECT_EQ(twice(-1), 0);
  {
    ScopeTimer scope(timer, clock);
    now += milliseconds(5);
    scope.fail();
  }
  EXPECT_THROW(
      {
        ScopeTimer scope(timer, clock);
        now += milliseconds(7);
        throw std::runtime_error("no");
      },
      std::runtime_error);
  EXPECT_EQ(timer.times().count(), 4U);
  EXPECT_EQ(timer.failures(), 2U);
  EXPECT_EQ(timer.times().min(), milliseconds(3));
  EXPECT_EQ(timer.times().max(), milliseconds(7));
}

TEST(Rates, ACounterThatFallsHasStartedOver) {
  const std::vector<MetricPoint> totals = {{kStart, 100},
                                           {kStart + seconds(10), 150},
                                           {kStart + seconds(20), 20},
                                           {kStart + seconds(30), 70}};
  EXPECT_DOUBLE_EQ(counter_rate(totals), 4);  // (50 + 20 + 50) / 30 s
}

TEST(Rates, FewerThanTwoPointsAreUnknown) {
  EXPECT_TRUE(std::isnan(counter_rate({})));
  EXPECT_TRUE(std::isnan(counter_rate(std::vector<MetricPoint>{{kStart, 5}})));
  EXPECT_TRUE(std::isnan(counter_rate(std::vector<MetricPoint>{{kStart, 5}, {kStart, 9}})));
  EXPECT_TRUE(std::isnan(
      counter_rate(std::vector<MetricPoint>{{kStart, 5}, {kStart + seconds(1), std::nan("")}})));
}

TEST(Rates, TheFirstTotalSaysNothing) {
  TotalTracker total;
  EXPECT_TRUE(std::isnan(total.rise(100)));
  EXPECT_EQ(total.rise(130), 30);
  EXPECT_TRUE(std::isnan(total.rise(std::nan(""))));
  EXPECT_EQ(total.rise(135), 5);
  EXPECT_EQ(total.rise(2), 2);
}

TEST(Rates, MovingAverageForgetsByAge) {
  EXPECT_NEAR(ewma_share(seconds(1), seconds(10)), 0.095163, 1e-6);
  EXPECT_NEAR(ewma_share(seconds(5), seconds(10)), 0.393469, 1e-6);
  MovingAverage average(seconds(10));
  EXPECT_TRUE(std::isnan(average.value()));
  average.observe(10, kStart);
  average.observe(20, kStart + seconds(5));
  EXPECT_NEAR(average.value(), 13.93469, 1e-5);
  average.observe(std::nan(""), kStart + seconds(9));
  EXPECT_NEAR(average.value(), 13.93469, 1e-5);
}

}  // namespace
}  // namespace phoenix
