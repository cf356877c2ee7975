// What a diff works out from rows: distributions, throughput by interval, decisions in order.
#include "analysis/diff_rows.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phoenix {
namespace {

using testing::ElementsAre;

HistogramRow bucket(double low, double high, std::int64_t count, const char* scope = "total",
                    const char* name = "") {
  HistogramRow row;
  row.scope = scope;
  row.name = name;
  row.low = low;
  row.high = high;
  row.count = count;
  return row;
}

DistributionDiff distance(const std::vector<HistogramRow>& a, const std::vector<HistogramRow>& b) {
  return diff_distributions(a, b).at(0);
}

TEST(DiffDistributions, TheDistanceIsTheLargestBetweenSharesAnsweredWithinATime) {
  // Within 10 ms: 50 % and 20 %. Within 20 ms: 100 % and 80 %.
  const DistributionDiff d =
      distance({bucket(0, 0.01, 50), bucket(0.01, 0.02, 50)},
               {bucket(0, 0.01, 40), bucket(0.01, 0.02, 120), bucket(0.02, 0.03, 40)});
  EXPECT_EQ(d.count_a, 100U);
  EXPECT_EQ(d.count_b, 200U);
  EXPECT_NEAR(d.distance, 0.3, 1e-12);
  EXPECT_EQ(d.at_s, 0.01);
  EXPECT_NEAR(d.share_a, 0.5, 1e-12);
  EXPECT_NEAR(d.share_b, 0.2, 1e-12);
}

TEST(DiffDistributions, BucketsNeedNotHaveTheSameBounds) {
  // At 10 ms a quarter of A's one bucket has passed, and all of B.
  const DistributionDiff d = distance({bucket(0, 0.04, 100)}, {bucket(0, 0.01, 10)});
  EXPECT_NEAR(d.distance, 0.75, 1e-12);
  EXPECT_EQ(d.at_s, 0.01);
}

TEST(DiffDistributions, EqualOnesAreAtDistanceZeroAndDisjointOnesAtOne) {
  const std::vector<HistogramRow> fast = {bucket(0.001, 0.002, 7), bucket(0.002, 0.003, 9)};
  const std::vector<HistogramRow> slow = {bucket(0.5, 0.6, 4)};
  EXPECT_EQ(distance(fast, fast).distance, 0);
  EXPECT_NEAR(distance(fast, slow).distance, 1, 1e-12);
  EXPECT_EQ(distance(fast, slow).at_s, 0.003);
}

TEST(DiffDistributions, TheOrderOfRowsDoesNotMatterNorDoesWhichIsA) {
  const std::vector<HistogramRow> a = {bucket(0.01, 0.02, 50), bucket(0, 0.01, 50)};
  const std::vector<HistogramRow> b = {bucket(0.02, 0.03, 40), bucket(0, 0.01, 40),
                                       bucket(0.01, 0.02, 120)};
  EXPECT_NEAR(distance(a, b).distance, 0.3, 1e-12);
  EXPECT_NEAR(distance(b, a).distance, 0.3, 1e-12);
}

TEST(DiffDistributions, EachScopeIsItsOwnAndTheTotalComesFirst) {
  const std::vector<DistributionDiff> diffs =
      diff_distributions({bucket(0, 1, 5, "class", "x"), bucket(0, 1, 5)},
                         {bucket(0, 1, 5), bucket(1, 2, 5, "class", "y")});
  ASSERT_EQ(diffs.size(), 3U);
  EXPECT_EQ(diffs[0].scope, "total");
  EXPECT_EQ(diffs[1].name, "x");
  EXPECT_EQ(diffs[2].name, "y");
  EXPECT_EQ(diffs[0].distance, 0);
  EXPECT_TRUE(std::isnan(diffs[1].distance)) << "nothing to compare with";
  EXPECT_EQ(diffs[1].count_b, 0U);
  EXPECT_TRUE(std::isnan(diffs[2].distance));
}

TEST(DiffDistributions, ImpossibleBucketsAreToldApart) {
  const double nan = std::nan("");
  EXPECT_TRUE(check_histogram({bucket(0, 1, 0), bucket(1, 2, 3)}).ok());
  for (const HistogramRow& row : {bucket(0, 1, -1), bucket(1, 1, 1), bucket(2, 1, 1),
                                  bucket(nan, 1, 1), bucket(0, nan, 1), bucket(0, HUGE_VAL, 1)}) {
    EXPECT_FALSE(check_histogram({bucket(0, 1, 1), row}).ok()) << row.low << " " << row.high;
  }
}

// Rows of intervals that end `interval_ms` apart.
std::vector<WindowRow> windows(std::int64_t interval_ms, const std::vector<std::int64_t>& counts) {
  std::vector<WindowRow> rows;
  for (const std::int64_t completed : counts) {
    WindowRow row;
    row.t = static_cast<std::int64_t>(rows.size() + 1) * interval_ms * 1'000'000;
    row.completed = completed;
    rows.push_back(row);
  }
  return rows;
}

TEST(DiffThroughput, TheLargestDifferenceIsFoundWithItsInterval) {
  const ThroughputDiff diff =
      diff_throughput(windows(1'000, {100, 100, 100}), windows(1'000, {100, 70, 120}));
  EXPECT_EQ(diff.intervals, 3U);
  EXPECT_NEAR(diff.interval_s, 1, 1e-9);
  EXPECT_NEAR(diff.begin_s, 1, 1e-9);
  EXPECT_NEAR(diff.end_s, 2, 1e-9);
  EXPECT_NEAR(diff.largest.a, 100, 1e-6);
  EXPECT_NEAR(diff.largest.b, 70, 1e-6);
  EXPECT_NEAR(diff.largest.relative(), -0.3, 1e-6);
  EXPECT_NEAR(diff.mean_relative, 50.0 / 300, 1e-6);
}

TEST(DiffThroughput, LongerIntervalsOfOneRecordAreUsedForBoth) {
  // Over 2 s each: A 20 and 20 per second, B 20 and 10.
  const std::vector<WindowRow> fine = windows(1'000, {10, 30, 20, 20});
  const std::vector<WindowRow> coarse = windows(2'000, {40, 20});
  const ThroughputDiff diff = diff_throughput(fine, coarse);
  EXPECT_EQ(diff.intervals, 2U);
  EXPECT_NEAR(diff.interval_s, 2, 1e-9);
  EXPECT_NEAR(diff.begin_s, 2, 1e-9);
  EXPECT_NEAR(diff.largest.a, 20, 1e-6);
  EXPECT_NEAR(diff.largest.b, 10, 1e-6);
  EXPECT_NEAR(diff_throughput(coarse, fine).largest.a, 10, 1e-6);
}

TEST(DiffThroughput, OnlyTheTimeBothCoverIsComparedAndNoScrapAtItsEnd) {
  // B was stopped a tenth into its third second, in a burst.
  std::vector<WindowRow> stopped = windows(1'000, {100, 100, 50});
  stopped[2].t = 2'100'000'000;
  const ThroughputDiff diff = diff_throughput(windows(1'000, {100, 100, 100, 100}), stopped);
  EXPECT_EQ(diff.intervals, 2U);
  EXPECT_NEAR(diff.mean_relative, 0, 1e-9);
}

TEST(DiffThroughput, EndsOfIntervalsThatAreABitLateChangeLittle) {
  std::vector<WindowRow> late = windows(1'000, {100, 100, 100});
  for (WindowRow& row : late) row.t += 2'000'000;
  const ThroughputDiff diff = diff_throughput(windows(1'000, {100, 100, 100}), late);
  EXPECT_EQ(diff.intervals, 3U);
  EXPECT_NEAR(diff.mean_relative, 0, 0.005);
}

TEST(DiffThroughput, NothingIsKnownWithoutIntervals) {
  const ThroughputDiff diff = diff_throughput({}, windows(1'000, {100}));
  EXPECT_EQ(diff.intervals, 0U);
  EXPECT_TRUE(std::isnan(diff.largest.a));
}

DecisionRow decision(double t_s, const char* action, const char* subject) {
  DecisionRow row;
  row.t = static_cast<std::int64_t>(t_s * 1e9);
  row.family = "routing";
  row.action = action;
  row.subject = subject;
  return row;
}

DecisionsDiff decisions(const std::vector<DecisionRow>& a, const std::vector<DecisionRow>& b) {
  DecisionsDiffer differ;
  differ.add(a, b);
  return differ.take();
}

TEST(DiffDecisions, TheyAreCountedByKindAndTheFirstThatDifferAreShown) {
  const DecisionsDiff diff =
      decisions({decision(1, "eject", "node:1"), decision(2, "eject", "node:2"),
                 decision(3, "readmit", "node:1")},
                {decision(1, "eject", "node:1"), decision(2.5, "eject", "node:3"),
                 decision(9, "readmit", "node:1"), decision(10, "panic", "gateway:0")});
  ASSERT_EQ(diff.counts.size(), 3U);
  EXPECT_EQ(diff.counts[0].action, "eject");
  EXPECT_EQ(diff.counts[0].a, 2U);
  EXPECT_EQ(diff.counts[0].b, 2U);
  EXPECT_EQ(diff.counts[1].action, "panic");
  EXPECT_EQ(diff.counts[1].a, 0U);
  EXPECT_EQ(diff.counts[1].b, 1U);
  EXPECT_EQ(diff.alike_at_first, 1U);
  ASSERT_EQ(diff.different.size(), 2U) << "the readmissions are alike, if not at one time";
  EXPECT_EQ(diff.different[0].number, 1U);
  EXPECT_EQ(diff.different[0].a->subject, "node:2");
  EXPECT_EQ(diff.different[0].b->subject, "node:3");
  EXPECT_EQ(diff.different[0].b->at_s, 2.5);
  EXPECT_EQ(diff.different[1].number, 3U);
  EXPECT_FALSE(diff.different[1].a.has_value());
  EXPECT_EQ(diff.different[1].b->action, "panic");
}

TEST(DiffDecisions, OnlyTheFirstFewAreKept) {
  std::vector<DecisionRow> a;
  std::vector<DecisionRow> b;
  for (int i = 0; i < 20; ++i) {
    a.push_back(decision(i, "eject", "node:1"));
    b.push_back(decision(i, "eject", "node:2"));
  }
  const DecisionsDiff diff = decisions(a, b);
  EXPECT_EQ(diff.different.size(), DecisionsDiff::kShown);
  EXPECT_EQ(diff.different.back().number, DecisionsDiff::kShown - 1);
  EXPECT_EQ(diff.total_a, 20U);
}

TEST(DiffDecisions, PiecesAddUp) {
  const std::vector<DecisionRow> a = {decision(1, "eject", "x"), decision(2, "eject", "y")};
  DecisionsDiffer differ;
  differ.add({a[0]}, {a[0]});
  differ.add({a[1]}, {});
  const DecisionsDiff diff = differ.take();
  EXPECT_EQ(diff.alike_at_first, 1U);
  ASSERT_EQ(diff.different.size(), 1U);
  EXPECT_EQ(diff.different[0].number, 1U);
  EXPECT_FALSE(diff.different[0].b.has_value());
}

}  // namespace
}  // namespace phoenix
