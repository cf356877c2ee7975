// What second copies do for a cluster: the same runs with and without them.
#include <gtest/gtest.h>

#include "tests/sim/fault_runs.h"

namespace phoenix::sim {
namespace {

// Ten nodes at 30 % load. Work is exponential with a mean of 10 ms, so 5 % of the answers take more
// than 30 ms + 2 ms of travel, and one in a thousand more than 69 + 2.
FaultRig rig_with(std::string faults) {
  return {.nodes = 10,
          .work = "exponential(10 ms)",
          .rate = "1200 /s",
          .duration = "30 s",
          .deadline = "2 s",
          .faults = std::move(faults)};
}

// Node 0 stands still for half a second: 1/10 of the requests of 1/60 of the time, 1 in 600.
std::string half_a_second() { return fault("pause", "node:0", "10 s", "500 ms"); }

double extra_share(const RunSummary& run) {
  return static_cast<double>(run.hedges) / static_cast<double>(run.total.offered);
}

// Without: of the 1 in 600 that wait, up to 500 ms, 6 in 10 are slower than the 99.9th percentile:
// it is that of a wait of 200 ms or more. With: who waits has a copy after about 32 ms, which
// answers in 12 on average.
TEST(Hedging, HidesTheRareSlowNodeFromTheTail) {
  const FaultRig rig = rig_with(half_a_second());
  const RunSummary without = rig.run().summary;
  const RunSummary with = rig.run({"router.hedge_quantile=0.95"}).summary;
  for (const RunSummary* run : {&without, &with}) {
    expect_conserved(*run);
    EXPECT_EQ(run->total.failed_total(), 0U);
  }
  EXPECT_EQ(without.hedges, 0U);
  EXPECT_GT(without.total.latency.p999, 0.2);
  EXPECT_LT(with.total.latency.p999, 0.08);
  EXPECT_LT(with.total.latency.p99, without.total.latency.p99);
  EXPECT_GT(extra_share(with), 0.03);
  EXPECT_LT(extra_share(with), 0.07);
  EXPECT_EQ(with.attempts, with.total.offered + with.hedges);
  EXPECT_GE(with.hedges_won, 50U);                   // of the 60 that node 0 kept waiting
  EXPECT_LE(with.wasted_replies, with.hedges);       // one answer of each pair is one too many
  EXPECT_GE(with.wasted_replies + 10, with.hedges);  // but for those under way at the end
}

// Both copies have the same work to do: a request that is slow because there is much of it stays
// so.
TEST(Hedging, DoesNotHelpRequestsThatAreLongThemselves) {
  const FaultRig rig = rig_with("");
  const RunSummary without = rig.run().summary;
  const RunSummary with = rig.run({"router.hedge_quantile=0.95"}).summary;
  EXPECT_NEAR(with.total.latency.p999 / without.total.latency.p999, 1, 0.03);
  EXPECT_NEAR(with.total.latency.p50 / without.total.latency.p50, 1, 0.03);
  EXPECT_GT(extra_share(with), 0.03);
  EXPECT_LT(extra_share(with), 0.055);
  EXPECT_LT(with.hedges_won, with.hedges / 20);
}

TEST(Hedging, StopsWhereTheNodesReportThatTheyAreBusy) {
  FaultRig rig = rig_with("");
  rig.rate = "3600 /s";  // 90 %
  const Overrides hedged = {"router.hedge_quantile=0.95", "reports.interval=200 ms"};
  const RunSummary bounded = rig.run(hedged).summary;
  Overrides unbounded = hedged;
  unbounded.push_back("router.hedge_max_utilization=1");
  const RunSummary all = rig.run(unbounded).summary;
  EXPECT_GT(extra_share(all), 0.03);
  EXPECT_LT(extra_share(bounded), 0.2 * extra_share(all));
  EXPECT_GT(bounded.hedges_denied, bounded.hedges);
}

TEST(Hedging, NeverRepeatsWhatMustNotBe) {
  const RunSummary run =
      rig_with(half_a_second())
          .run({"router.hedge_quantile=0.95", "service.s.class.c.repeatable=false"})
          .summary;
  EXPECT_EQ(run.hedges, 0U);
  EXPECT_GT(run.total.latency.p999, 0.2);
}

// A node that has died in silence loses every race; it is found out all the same.
TEST(Hedging, DoesNotHideADeadNodeFromEjection) {
  FaultRig rig = rig_with(fault("crash", "node:0", "10 s", ""));
  rig.deadline = "500 ms";
  const RecordedRun run = rig.run({"router.hedge_quantile=0.95", "router.consecutive_errors=5"});
  const auto ejections = decisions(run, "eject");
  ASSERT_FALSE(ejections.empty());
  EXPECT_EQ(ejections[0].subject.view(), "node:0 gateway:0");
  EXPECT_GT(ejections[0].t, ms(10'500));
  EXPECT_LT(ejections[0].t, ms(10'700));
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
}

}  // namespace
}  // namespace phoenix::sim
