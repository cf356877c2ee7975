// Which part of the runs counts: named, deleted by MSER-5 where there is a steady state, or all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/compare/results_folder.h"
#include "analysis/compare/warm_up.h"
#include "tests/analysis/compare_samples.h"

namespace phoenix {
namespace {

using testing::HasSubstr;

ComparisonPlan plan_with(const std::vector<std::string>& overrides) {
  PlanRequest request = sample_request();
  request.overrides = overrides;
  auto plan = ComparisonPlan::make(std::move(request));
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error());
  return std::move(*plan);
}

// Settles from 5 to 1 within `settling` of 60 intervals.
CellResult pilot(std::size_t settling) {
  CellResult result = sample_result(0, 1);
  result.window_mean.clear();
  for (std::size_t i = 0; i < 60; ++i) {
    const double noise = 0.01 * static_cast<double>(i / 5 % 2);
    const double excess =
        i < settling ? 4.0 * (1.0 - static_cast<double>(i) / static_cast<double>(settling)) : 0.0;
    result.window_mean.push_back(1 + excess + noise);
  }
  return result;
}

TEST(WarmUp, IsFoundByPilotsOnlyWhereThereIsASteadyStateAndNobodyNamedOne) {
  EXPECT_TRUE(needs_pilot(sample_plan()));
  EXPECT_FALSE(needs_pilot(plan_with({"warmup=0.5 s"})));
  EXPECT_FALSE(needs_pilot(plan_with({"warmup=0 s"}))) << "none is a choice too";
  EXPECT_FALSE(needs_pilot(plan_with({"workload.arrivals=mmpp"})));
  EXPECT_FALSE(needs_pilot(plan_with({"cluster.group.web.maximum=8", "scaler=hpa"})));
  EXPECT_THAT(warm_up_text(plan_with({"workload.arrivals=diurnal"})),
              HasSubstr("because of a rate that changes"));
}

TEST(WarmUp, IsTheLongestThatAnyPilotAsksForInAllRuns) {
  const WarmUpRule rule =
      warm_up_of({pilot(0), pilot(12), pilot(7)}, std::chrono::milliseconds(500));
  EXPECT_FALSE(rule.is_run_too_short);
  EXPECT_GE(rule.seconds, 5);  // 12 intervals of 0.5 s, in batches of 5: 10 or 15 of them
  EXPECT_LE(rule.seconds, 7.5);
  const ComparisonPlan plan = sample_plan().with_warm_up({1, false});
  EXPECT_FALSE(needs_pilot(plan)) << "decided once";
  for (std::uint64_t cell = 0; cell < plan.cells_max(); ++cell) {
    EXPECT_EQ(plan.scenario(cell)->warmup, std::chrono::seconds(1));
    EXPECT_THAT(plan.command(cell), HasSubstr("--set 'warmup=1 s'"));
  }
  EXPECT_EQ(ComparisonPlan::from_json(plan.to_json())->to_json(), plan.to_json());
}

TEST(WarmUp, OfRunsThatNeverSettleIsTold) {
  CellResult climbing = pilot(0);
  for (std::size_t i = 0; i < climbing.window_mean.size(); ++i) {
    climbing.window_mean[i] = static_cast<double>(i);
  }
  const WarmUpRule rule = warm_up_of({pilot(5), climbing}, std::chrono::seconds(1));
  EXPECT_TRUE(rule.is_run_too_short);
  EXPECT_EQ(rule.seconds, 0);
  EXPECT_THAT(warm_up_text(sample_plan().with_warm_up(rule)), HasSubstr("too short for MSER-5"));
}

TEST(WarmUp, IsDecidedOnceForAFolder) {
  const TempFolder temp;
  auto folder = ResultsFolder::create(temp.file("r"), sample_plan());
  ASSERT_TRUE(folder.ok());
  EXPECT_TRUE(folder->needs_pilot());
  const auto pilots = folder->pilot();
  ASSERT_TRUE(pilots.ok()) << pilots.error();
  EXPECT_EQ(pilots->plan().cells_max(), 2U);
  EXPECT_TRUE(folder->decide_warm_up({0.5, false}).ok());
  EXPECT_FALSE(ResultsFolder::open(temp.file("r"))->needs_pilot());
  const auto again = ResultsFolder::create(temp.file("r"), sample_plan());
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again->plan().request().warm_up->seconds, 0.5);
}

TEST(WarmUp, IsDecidedByOneAndReadByThoseWhoWaited) {
  const TempFolder temp;
  auto first = ResultsFolder::create(temp.file("r"), sample_plan());
  auto second = ResultsFolder::open(temp.file("r"));
  ASSERT_TRUE(first.ok() && second.ok());
  std::atomic<bool> stop = false;
  {
    const auto lock = first->wait_for_plan(stop);
    ASSERT_TRUE(lock.ok()) << lock.error();
    stop = true;
    EXPECT_FALSE(second->wait_for_plan(stop).ok());
    EXPECT_TRUE(first->decide_warm_up({0.5, false}).ok());
  }
  stop = false;
  const auto lock = second->wait_for_plan(stop);
  ASSERT_TRUE(lock.ok()) << lock.error();
  EXPECT_TRUE(second->needs_pilot()) << "as it was when the folder was opened";
  EXPECT_TRUE(second->read_plan_again().ok());
  EXPECT_EQ(second->plan().request().warm_up->seconds, 0.5);
}

}  // namespace
}  // namespace phoenix
