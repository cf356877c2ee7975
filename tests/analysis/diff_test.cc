// Two records and what differs between them, worked out by hand.
#include "analysis/diff.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/diff_records.h"

namespace phoenix {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::StartsWith;

double relative_of(const DiffThing& thing, const char* metric) {
  const DiffMetric* found = thing.find(metric);
  return found == nullptr ? 1e9 : found->relative();
}

TEST(Diff, DifferencesAreOfBFromAAsSharesOfA) {
  const RunDiff diff = diff_of(run_a(), run_b());
  EXPECT_EQ(diff.total.find("completed")->a, 980);
  EXPECT_EQ(diff.total.find("completed")->b, 931);
  EXPECT_NEAR(relative_of(diff.total, "completed"), -0.05, 1e-12);
  EXPECT_NEAR(relative_of(diff.total, "throughput"), -0.05, 1e-12);
  EXPECT_NEAR(relative_of(diff.total, "availability"), -0.05, 1e-12);
  EXPECT_NEAR(relative_of(diff.total, "failed"), 2.45, 1e-12);
  EXPECT_NEAR(relative_of(diff.total, "failed.deadline"), 2.45, 1e-12);
  EXPECT_NEAR(relative_of(diff.total, "latency_p50"), 0.10, 1e-12);
  EXPECT_NEAR(relative_of(diff.total, "latency_p95"), 0.15, 1e-12);
  EXPECT_EQ(relative_of(diff.total, "offered"), 0);
  EXPECT_NEAR(relative_of(diff.counters, "retries"), -0.25, 1e-12);
  EXPECT_NEAR(relative_of(diff.counters, "hedges"), 0.2, 1e-12);
}

TEST(Diff, EveryReasonOfFailureIsThere) {
  const RunDiff diff = diff_of(run_a(), run_b());
  for (std::size_t i = 1; i < static_cast<std::size_t>(FailureReason::kCount); ++i) {
    const std::string reason(to_text(static_cast<FailureReason>(i)));
    EXPECT_NE(diff.total.find("failed." + reason), nullptr) << reason;
  }
}

TEST(Diff, WhereAIsZeroThereIsNoRelativeDifference) {
  const RunDiff diff = diff_of(run_a(), run_b());
  const DiffMetric& ejections = *diff.counters.find("ejections");
  EXPECT_TRUE(std::isnan(ejections.relative()));
  EXPECT_FALSE(ejections.is_same());
  const DiffMetric& panic = *diff.counters.find("panic_picks");
  EXPECT_TRUE(std::isnan(panic.relative()));
  EXPECT_TRUE(panic.is_same());
}

TEST(Diff, WhatNeitherKnowsIsTheSame) {
  RunSummary run = run_a();
  run.total.latency = LatencySummary::of(Histogram());
  const RunDiff diff = diff_of(run, run);
  EXPECT_TRUE(diff.total.find("latency_p99")->is_same());
  const RunDiff one_knows = diff_of(run, run_b());
  EXPECT_FALSE(one_knows.total.find("latency_p99")->is_same());
}

TEST(Diff, ThingsAreMatchedByNameAndThoseOfOneRecordSaySo) {
  const RunDiff diff = diff_of(run_a(), run_b());
  const auto is = [](const char* name, Presence presence) {
    return AllOf(Field(&DiffThing::name, name), Field(&DiffThing::presence, presence));
  };
  EXPECT_THAT(diff.classes,
              ElementsAre(is("checkout", Presence::kOnlyA), is("browse", Presence::kBoth),
                          is("search", Presence::kOnlyB)));
  EXPECT_THAT(diff.groups, ElementsAre(is("new", Presence::kBoth), is("old", Presence::kOnlyA)));
  EXPECT_TRUE(std::isnan(diff.classes[0].find("offered")->b));
  EXPECT_TRUE(std::isnan(diff.classes[2].find("offered")->a));
  EXPECT_NEAR(relative_of(diff.classes[1], "latency_p50"), 0.25, 1e-12);
  EXPECT_NEAR(relative_of(diff.groups[0], "utilization"), -0.2, 1e-12);
  EXPECT_NEAR(relative_of(diff.groups[0], "request_share"), 1 / 3.0, 1e-12);
}

TEST(Diff, ANameThatComesTwiceIsMatchedInOrder) {
  RunSummary a = run_a();
  a.groups = {{"g", 1, 0, 0, 0, 0}, {"g", 2, 0, 0, 0, 0}};
  RunSummary b = a;
  b.groups.push_back({"g", 3, 0, 0, 0, 0});
  const RunDiff diff = diff_of(a, b);
  ASSERT_EQ(diff.groups.size(), 3U);
  EXPECT_TRUE(diff.groups[0].find("nodes")->is_same());
  EXPECT_TRUE(diff.groups[1].find("nodes")->is_same());
  EXPECT_EQ(diff.groups[2].presence, Presence::kOnlyB);
}

TEST(Diff, FaultsAreMatchedById) {
  const RunDiff diff = diff_of(run_a(), run_b());
  ASSERT_EQ(diff.faults.size(), 3U);
  EXPECT_EQ(diff.faults[0].id, "crash");
  EXPECT_EQ(diff.faults[0].a->affected, 30U);
  EXPECT_EQ(diff.faults[0].b->affected, 33U);
  EXPECT_EQ(diff.faults[1].id, "slow");
  EXPECT_FALSE(diff.faults[1].b.has_value());
  EXPECT_EQ(diff.faults[2].id, "cut");
  EXPECT_FALSE(diff.faults[2].a.has_value());
  EXPECT_EQ(diff.faults[2].b->begin_s, 1);
}

TEST(Diff, IdentityComesFromEachRecord) {
  const TempFolder folder;
  const std::string a = write_record(folder.file("a.h5"), run_a());
  const std::string b = write_record(folder.file("b.h5"), run_b());
  const RunDiff diff = diff_of(a, b);
  EXPECT_EQ(diff.a.path, a);
  EXPECT_EQ(diff.b.path, b);
  EXPECT_EQ(diff.a.scenario, "small");
  EXPECT_EQ(diff.a.world, "sim");
  EXPECT_EQ(diff.a.balancer, "p2c[choices=2]");
  EXPECT_EQ(diff.a.seed, 0xfedcba9876543210);
  EXPECT_EQ(diff.a.duration_s, 12);
  EXPECT_EQ(diff.a.measured_s, 10);
  EXPECT_TRUE(diff.a.complete);
  EXPECT_TRUE(diff.is_same_file());
  EXPECT_FALSE(diff.is_same_play());
}

TEST(Diff, ARecordIsItself) {
  const TempFolder folder;
  const std::string a = write_record(folder.file("a.h5"), run_a());
  const RunDiff diff = diff_of(a, a);
  EXPECT_TRUE(diff.is_same_play());
  for (const DiffMetric& metric : diff.total.metrics) EXPECT_TRUE(metric.is_same()) << metric.name;
}

DecisionRow decision(std::int64_t i, const char* subject) {
  DecisionRow row;
  row.seq = row.t = i;
  row.family = "routing";
  row.action = "eject";
  row.subject = subject;
  return row;
}

TEST(Diff, DecisionsAreComparedToTheEndOfLongTables) {
  constexpr std::int64_t kRows = 140'000;  // more than two pieces of reading
  constexpr std::int64_t kOdd = 133'000;
  const auto fill = [](std::int64_t odd) {
    return [odd](RecordWriter& writer) {
      for (std::int64_t i = 0; i < kRows; ++i) {
        writer.append(decision(i, i == odd ? "node:7" : "node:1"));
      }
    };
  };
  const RunDiff diff = diff_of(run_a(), run_a(), fill(-1), fill(kOdd));
  EXPECT_EQ(diff.decisions.total_a, 140'000U);
  EXPECT_EQ(diff.decisions.total_b, 140'000U);
  EXPECT_EQ(diff.decisions.alike_at_first, 133'000U);
  ASSERT_EQ(diff.decisions.different.size(), 1U);
  EXPECT_EQ(diff.decisions.different[0].b->subject, "node:7");
}

TEST(Diff, AnIncompleteRecordIsComparedAndSaysSo) {
  const TempFolder folder;
  RunSummary stopped = run_b();
  stopped.complete = false;
  {
    const auto writer = make_writer(folder.file("b.h5"));
    for (const SummaryRow& row : stopped.to_rows()) writer->append(row);
  }
  const RunDiff diff =
      diff_of(write_record(folder.file("a.h5"), run_a()), folder.file("b.h5.part"));
  EXPECT_TRUE(diff.a.complete);
  EXPECT_FALSE(diff.b.complete);
  EXPECT_NEAR(relative_of(diff.total, "throughput"), -0.05, 1e-12);
}

std::string refusal(const std::string& path_a, const std::string& path_b) {
  const Result<RunDiff> diff = diff_records(opened(path_a), opened(path_b));
  return diff ? "" : diff.error();
}

TEST(Diff, ARecordWithoutSummaryIsNamed) {
  const TempFolder folder;
  const std::string a = write_record(folder.file("a.h5"), run_a());
  const std::string b = folder.file("b.h5");
  ASSERT_TRUE(make_writer(b)->finish().ok());
  EXPECT_THAT(refusal(a, b), AllOf(StartsWith("cannot read " + b + ": "), HasSubstr("summary")));
  EXPECT_THAT(refusal(b, a), StartsWith("cannot read " + b + ": "));
}

TEST(Diff, AnImpossibleHistogramIsNamedWithItsRecord) {
  const TempFolder folder;
  const std::string good = write_record(folder.file("good.h5"), run_a());
  const std::string bad = write_record(folder.file("bad.h5"), run_a(), [](RecordWriter& writer) {
    HistogramRow row;
    row.scope = "total";
    row.low = 0.25;
    row.high = 0.5;
    row.count = -3;
    writer.append(row);
  });
  const std::string expected = "cannot read " + bad +
                               ": its table 'histograms' has a bucket from 0.25 to 0.5 s of -3 "
                               "requests";
  EXPECT_EQ(refusal(good, bad), expected);
  EXPECT_EQ(refusal(bad, good), expected);
}

TEST(Diff, AMissingTableIsNamedWithItsRecord) {
  const TempFolder folder;
  const std::string good = write_record(folder.file("good.h5"), run_a());
  const std::string bad = write_record(folder.file("bad.h5"), run_a());
  {
    const Hdf5Handle file(H5Fopen(bad.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
    ASSERT_GE(H5Ldelete(file, "windows", H5P_DEFAULT), 0);
  }
  EXPECT_EQ(refusal(good, bad), "cannot read " + bad + ": it has no table 'windows'");
}

}  // namespace
}  // namespace phoenix
