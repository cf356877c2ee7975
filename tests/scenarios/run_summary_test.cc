#include "scenarios/run_summary.h"

#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "scenarios/scenario.h"
#include "tests/scenarios/fixed_summary.h"

namespace phoenix {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Rows as text, so that a difference is readable and NaN equals NaN.
std::string as_text(const std::vector<SummaryRow>& rows) {
  std::string text;
  for (const SummaryRow& row : rows) {
    char value[40];
    std::snprintf(value, sizeof(value), "%a", row.value);
    for (const std::string_view part :
         {row.scope.view(), row.name.view(), row.metric.view(), std::string_view(value),
          row.unit.view(), row.text.view()}) {
      text += std::string(part) + "|";
    }
    text += "\n";
  }
  return text;
}

TEST(RunSummary, RowsThereAndBackLoseNothing) {
  RunSummary before = fixed_summary();
  before.hedges = 62'050;
  before.hedges_won = 40'001;
  before.hedges_denied = 17;
  const RunSummary after = RunSummary::from_rows(before.to_rows());
  EXPECT_EQ(as_text(after.to_rows()), as_text(before.to_rows()));
  EXPECT_EQ(after.hedges, 62'050U);
  EXPECT_EQ(after.hedges_won, 40'001U);
  EXPECT_EQ(after.hedges_denied, 17U);
  EXPECT_EQ(after.digest, 0xfedcba9876543210);
  EXPECT_EQ(after.total.failed_total(), 1'900U);
  ASSERT_EQ(after.faults.size(), 2U);
  EXPECT_EQ(after.faults[0].kind, "crash_restart");
  EXPECT_TRUE(std::isnan(after.faults[1].end_s));
  EXPECT_EQ(after.worst_target, "availability");
  EXPECT_EQ(after.targets.at(3).side, "under");
  EXPECT_TRUE(after.complete);
}

TEST(RunSummary, EveryRowHasItsOwnPlaceAndAUnit) {
  std::set<std::string> places;
  for (const SummaryRow& row : fixed_summary().to_rows()) {
    const std::string place = std::string(row.scope.view()) + "/" + std::string(row.name.view()) +
                              "/" + std::string(row.metric.view());
    EXPECT_TRUE(places.insert(place).second) << place;
    EXPECT_FALSE(row.unit.view().empty()) << place;
    EXPECT_LT(row.metric.view().size(), 32U) << place;
  }
}

TEST(RunSummary, OnlyTheRunScopeKnowsHowFastItWent) {
  RunSummary slow = fixed_summary();
  slow.wall_s = 99;
  slow.simulated_requests_per_second = 1;
  const auto without_run = [](const RunSummary& summary) {
    std::vector<SummaryRow> rows = summary.to_rows();
    std::erase_if(rows, [](const SummaryRow& row) { return row.scope.view() == "run"; });
    return as_text(rows);
  };
  EXPECT_EQ(without_run(slow), without_run(fixed_summary()));
  EXPECT_NE(as_text(slow.to_rows()), as_text(fixed_summary().to_rows()));
}

TEST(RunSummary, ThingsWhoseNamesAreCutAlikeStayApart) {
  RunSummary summary;
  const std::string stem(40, 'x');
  summary.classes.resize(2);
  summary.classes[0].name = stem + "1";
  summary.classes[0].offered = 1;
  summary.classes[1].name = stem + "2";
  summary.classes[1].offered = 2;
  const RunSummary after = RunSummary::from_rows(summary.to_rows());
  ASSERT_EQ(after.classes.size(), 2U);
  EXPECT_EQ(after.classes[0].name, std::string(32, 'x'));
  EXPECT_EQ(after.classes[0].offered, 1U);
  EXPECT_EQ(after.classes[1].offered, 2U);
}

TEST(RunSummary, DamagedRowsBecomeZeroAndUnknownOnesAreLeftOut) {
  std::vector<SummaryRow> rows(3);
  rows[0].scope = rows[1].scope = "total";
  rows[0].metric = "offered";
  rows[0].value = kNan;
  rows[1].metric = "attempts";
  rows[1].value = -5;
  rows[2].scope = "weather";
  const RunSummary summary = RunSummary::from_rows(rows);
  EXPECT_EQ(summary.total.offered, 0U);
  EXPECT_EQ(summary.attempts, 0U);
  EXPECT_EQ(RunSummary::from_rows({}).classes.size(), 0U);
}

TEST(LatencySummary, OfNothingIsUnknown) {
  EXPECT_TRUE(std::isnan(LatencySummary::of(Histogram()).p95));
  EXPECT_TRUE(std::isnan(LatencySummary::of(Histogram()).max));
}

TEST(LatencySummary, TakesItsQuantilesFromTheHistogram) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(std::chrono::milliseconds(i));
  const LatencySummary latency = LatencySummary::of(histogram);
  EXPECT_NEAR(latency.mean, 0.5005, 1e-9);
  EXPECT_NEAR(latency.p50, 0.5, 0.5 / 256);
  EXPECT_NEAR(latency.p999, 0.999, 0.999 / 256);
  EXPECT_DOUBLE_EQ(latency.max, 1.0);
}

RunSummary served(std::uint64_t offered, std::uint64_t completed) {
  RunSummary run;
  run.measured_s = 10;
  run.total.offered = offered;
  run.total.completed = completed;
  run.total.throughput_per_s = static_cast<double>(completed) / 10;
  run.total.availability =
      offered > 0 ? static_cast<double>(completed) / static_cast<double>(offered) : kNan;
  run.total.latency.p95 = 0.1;
  return run;
}

TEST(JudgeTargets, HoldsTheFiveAgainstWhatTheRunCameTo) {
  RunSummary run = served(1'000, 900);
  judge_targets(Targets{}, 0.9, 60, run);
  ASSERT_EQ(run.targets.size(), 5U);
  EXPECT_DOUBLE_EQ(run.targets[0].compliance, 0.5);          // 50 ms of 100 ms
  EXPECT_DOUBLE_EQ(run.targets[1].compliance, 0.9);          // 90 of the 100 offered a second
  EXPECT_DOUBLE_EQ(run.targets[2].compliance, 0.9 / 0.999);  // availability
  EXPECT_NEAR(run.targets[3].compliance, 0.8, 1e-12);        // (1.5 - 0.9) / 0.75
  EXPECT_DOUBLE_EQ(run.targets[4].compliance, 0.5);          // 30 s of 60 s
  EXPECT_NEAR(run.compliance_mean, (0.5 + 0.9 + 0.9 / 0.999 + 0.8 + 0.5) / 5, 1e-12);
  EXPECT_DOUBLE_EQ(run.compliance_minimum, 0.5);
  EXPECT_EQ(run.worst_target, "response_time_p95");
}

TEST(JudgeTargets, AnIdleRunMissesNothingAndKnowsNoResponseTime) {
  RunSummary run = served(0, 0);
  judge_targets(Targets{}, 0, kNan, run);
  EXPECT_EQ(run.targets[0].side, "unknown");
  EXPECT_EQ(run.targets[1].side, "met");
  EXPECT_EQ(run.targets[2].side, "unknown");
  EXPECT_EQ(run.targets[3].side, "under");
  EXPECT_DOUBLE_EQ(run.compliance_mean, 1.0);
}

TEST(JudgeTargets, TargetsNobodyAskedForAreLeftOut) {
  RunSummary run = served(1'000, 1'000);
  Targets asked;
  asked.throughput = kNan;
  asked.utilization = kNan;
  asked.scaling_response_time = Duration{0};
  judge_targets(asked, 0.5, kNan, run);
  ASSERT_EQ(run.targets.size(), 2U);
  EXPECT_EQ(run.targets[0].name, "response_time_p95");
  EXPECT_EQ(run.targets[1].name, "availability");
}

}  // namespace
}  // namespace phoenix
