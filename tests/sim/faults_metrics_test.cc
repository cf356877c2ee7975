// What faults of the reports do to those who decide by them: the nodes themselves work as ever.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/fault_runs.h"

namespace phoenix::sim {
namespace {

// A report every 100 ms; one older than half a second makes a node unhealthy.
const Overrides kWatched = {"reports.interval=100 ms", "router.report_timeout=500 ms"};

FaultRig watched_rig(std::string faults) {
  return {.duration = "8 s", .faults = std::move(faults)};
}

TEST(Reports, KeepNodesInUseWhileTheyArrive) {
  const RecordedRun run = watched_rig("").run(kWatched);
  EXPECT_TRUE(decisions(run, "stale").empty());
  EXPECT_GT(arrived_within(run, 0, 0, ms(8000)).size(), 390U);
}

TEST(MetricsMissing, MakesANodeStaleUntilReportsArriveAgain) {
  const RecordedRun run =
      watched_rig(fault("metrics_missing", "node:0", "2 s", "3 s")).run(kWatched);
  const auto stale = decisions(run, "stale");
  const auto fresh = decisions(run, "fresh");
  ASSERT_EQ(stale.size(), 1U);
  ASSERT_EQ(fresh.size(), 1U);
  EXPECT_EQ(stale[0].subject.view(), "node:0 gateway:0");
  EXPECT_EQ(stale[0].reason.view(), "report_age");
  EXPECT_GT(stale[0].value, 0.5);
  EXPECT_GT(stale[0].t, ms(2300));
  EXPECT_LT(stale[0].t, ms(4000));
  EXPECT_GT(fresh[0].t, ms(5000));
  EXPECT_LT(fresh[0].t, ms(5110));
  EXPECT_TRUE(arrived_within(run, 0, stale[0].t + 1, fresh[0].t).empty());
  EXPECT_FALSE(arrived_within(run, 0, fresh[0].t, ms(8000)).empty());
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  EXPECT_EQ(phases(run, "end")[0].affected, 30);
}

// 400 reports, each with chance 0.3: 120 +- 4 * sqrt(400 * 0.3 * 0.7).
TEST(MetricsMissing, DropsItsShareOfReports) {
  FaultRig rig{.rate = "10 /s", .duration = "42 s"};
  rig.faults = fault("metrics_missing", "node:0", "1 s", "40 s", "p = 0.3");
  const RecordedRun run = rig.run({"reports.interval=100 ms", "balancer=resource_aware"});
  EXPECT_NEAR(static_cast<double>(phases(run, "end")[0].affected), 120, 4 * std::sqrt(84.0));
}

// Answers arrive, what the node says of itself does not.
TEST(MetricsMissing, TakesReportsOffAnswersToo) {
  const std::string faults = fault("metrics_missing", "node:0", "2 s", "");
  const RecordedRun run =
      watched_rig(faults).run({"reports.piggyback=true", "router.report_timeout=500 ms"});
  ASSERT_EQ(decisions(run, "stale").size(), 1U);
  EXPECT_EQ(decisions(run, "stale")[0].subject.view(), "node:0 gateway:0");
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
}

TEST(MetricsStale, MakesReportsOldWhenTheyArrive) {
  const RecordedRun run =
      watched_rig(fault("metrics_stale", "node:0", "2 s", "3 s", "delay = \"1 s\"")).run(kWatched);
  const auto stale = decisions(run, "stale");
  ASSERT_GE(stale.size(), 1U);
  EXPECT_EQ(stale[0].subject.view(), "node:0 gateway:0");
  // Reports went on arriving from 3 s on, and their time stamps kept it out.
  EXPECT_TRUE(arrived_within(run, 0, stale[0].t + 1, ms(5000)).empty());
  EXPECT_FALSE(arrived_within(run, 0, ms(5200), ms(8000)).empty());
  EXPECT_EQ(phases(run, "end")[0].affected, 30);
}

TEST(MetricsStale, DoesNoHarmBelowTheTimeoutUnlessDelaysAddUp) {
  const std::string some = fault("metrics_stale", "node:0", "2 s", "3 s", "delay = \"300 ms\"");
  EXPECT_TRUE(decisions(watched_rig(some).run(kWatched), "stale").empty());
  EXPECT_FALSE(decisions(watched_rig(some + some).run(kWatched), "stale").empty());
}

TEST(MetricsFrozen, LooksFreshToTheAgeOfReports) {
  const RecordedRun run =
      watched_rig(fault("metrics_frozen", "node:0", "2 s", "3 s")).run(kWatched);
  EXPECT_TRUE(decisions(run, "stale").empty());
  EXPECT_EQ(phases(run, "end")[0].affected, 30);
}

// At 0.3 of its speed node 0 is busy for 16.7 ms a request. Whoever sees that levels CPU use, with
// 5 / 21.7 = 0.23 of the requests there. Frozen reports of its better days keep it at half.
TEST(MetricsFrozen, HidesASlowNodeFromResourceAwareBalancing) {
  const auto share_of_slow_node = [](const std::string& more) {
    FaultRig rig{.cores = 1, .duration = "30 s"};
    rig.balancer = "resource_aware[cpu=1, memory=0, network=0, response_time=0]";
    rig.faults = fault("slow_cpu", "node:0", "5 s", "", "factor = 0.3") + more;
    const RecordedRun run = rig.run({"reports.interval=100 ms"});
    const auto slow = static_cast<double>(arrived_within(run, 0, ms(6000), ms(30'000)).size());
    return slow / 2400;
  };
  const double seen = share_of_slow_node("");
  const double hidden = share_of_slow_node(fault("metrics_frozen", "node:0", "4 s", ""));
  EXPECT_LT(seen, 0.35);
  EXPECT_GT(hidden, seen + 0.1);
}

}  // namespace
}  // namespace phoenix::sim
