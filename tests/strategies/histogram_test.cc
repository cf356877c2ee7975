// The latency histogram: where values land, how exact its quantiles are, and that merging is
// adding.
#include "strategies/metrics/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"

namespace phoenix {
namespace {

TEST(HistogramBuckets, WorkedPlaces) {
  // v < 128: index v. Else s = floor(log2 v) - 7, index = (s + 1) 128 + (v >> s) - 128.
  EXPECT_EQ(Histogram::bucket_of(0), 0U);
  EXPECT_EQ(Histogram::bucket_of(127), 127U);
  EXPECT_EQ(Histogram::bucket_of(255), 255U);
  EXPECT_EQ(Histogram::bucket_of(1'000), 506U);  // [1000, 1004)
  EXPECT_EQ(Histogram::bucket_low(506), 1'000U);
  EXPECT_EQ(Histogram::bucket_width(506), 4U);
  EXPECT_EQ(Histogram::bucket_of(1'000'000), 1'780U);  // [999424, 1003520)
  EXPECT_EQ(Histogram::bucket_low(1'780), 999'424U);
  EXPECT_EQ(Histogram::bucket_width(1'780), 4'096U);
}

TEST(HistogramBuckets, TileTheWholeRangeWithoutGapOrOverlap) {
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    const std::uint64_t low = Histogram::bucket_low(i);
    const std::uint64_t last = low + (Histogram::bucket_width(i) - 1);
    ASSERT_EQ(Histogram::bucket_of(low), i);
    ASSERT_EQ(Histogram::bucket_of(last), i);
    ASSERT_EQ(Histogram::bucket_low(i + 1), last + 1);
  }
  EXPECT_EQ(Histogram::bucket_of(std::numeric_limits<std::uint64_t>::max()),
            Histogram::kBuckets - 1);
}

TEST(Histogram, EmptyIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.quantile(0.5), Duration{0});
  EXPECT_EQ(histogram.min(), Duration{0});
  EXPECT_EQ(histogram.max(), Duration{0});
  EXPECT_EQ(histogram.mean_seconds(), 0.0);
}

TEST(Histogram, NegativeCountsAsZeroAndHugeIsKept) {
  Histogram histogram;
  histogram.record(Duration{-5});
  histogram.record(Duration::max());
  EXPECT_EQ(histogram.min(), Duration{0});
  EXPECT_EQ(histogram.max(), Duration::max());
  EXPECT_EQ(histogram.quantile(1), Duration::max());
}

TEST(Histogram, QuantileIsNearestRank) {
  Histogram histogram;
  for (int v = 1; v <= 100; ++v) histogram.record(Duration{v});
  EXPECT_EQ(histogram.quantile(0), Duration{1});
  EXPECT_EQ(histogram.quantile(0.5), Duration{50});
  EXPECT_EQ(histogram.quantile(0.501), Duration{51});
  EXPECT_EQ(histogram.quantile(0.99), Duration{99});
  EXPECT_EQ(histogram.quantile(1), Duration{100});
  // 0.07 * 100 is a little above 7 in floating point and still means rank 7.
  EXPECT_EQ(histogram.quantile(0.07), Duration{7});
}

TEST(Histogram, ReportsTheMiddleOfABucketWithinTheExtremes) {
  Histogram histogram;
  histogram.record(Duration{1});
  histogram.record(Duration{1'000'000});
  histogram.record(Duration{1'000'000});
  histogram.record(Duration{2'000'000});
  EXPECT_EQ(histogram.quantile(0.5), Duration{1'001'472});  // of [999424, 1003520)
  Histogram same;
  same.record(Duration{1'000});
  same.record(Duration{1'000});
  EXPECT_EQ(same.quantile(0.3), Duration{1'000});  // 1002, cut to the maximum
}

TEST(Histogram, RelativeErrorIsBelowHalfABucket) {
  // 2^-8 by construction: the middle of a bucket of width 2^s whose low end is at least 2^(s+7).
  Random random(3);
  std::vector<std::int64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const auto v = static_cast<std::int64_t>(std::exp(random.uniform() * 25));
    values.push_back(v);
    histogram.record(Duration{v});
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * 20'000 - 1e-6));
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(q).count()), exact, exact / 256 + 0.5) << q;
  }
}

TEST(Histogram, MergingIsTheSameAsRecordingBoth) {
  Histogram a;
  Histogram b;
  Histogram both;
  Random random(5);
  for (int i = 0; i < 1'000; ++i) {
    const Duration v{static_cast<std::int64_t>(random.below(1'000'000))};
    (i % 3 == 0 ? a : b).record(v);
    both.record(v);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.min(), both.min());
  EXPECT_EQ(a.max(), both.max());
  EXPECT_NEAR(a.mean_seconds(), both.mean_seconds(), 1e-12);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    ASSERT_EQ(a.bucket_count(i), both.bucket_count(i));
  }
}

TEST(Histogram, MergingAnEmptyOneChangesNothing) {
  Histogram a;
  a.record(Duration{7});
  a.merge(Histogram{});
  EXPECT_EQ(a.min(), Duration{7});
  EXPECT_EQ(a.max(), Duration{7});
}

TEST(Histogram, ClearForgetsEverything) {
  Histogram histogram;
  histogram.record(Duration{7});
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0U);
  histogram.record(Duration{9});
  EXPECT_EQ(histogram.quantile(0.5), Duration{9});
  EXPECT_EQ(histogram.min(), Duration{9});
}

}  // namespace
}  // namespace phoenix
