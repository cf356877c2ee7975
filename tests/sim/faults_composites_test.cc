// Faults made of others, the rules all faults share, and what the record says of them.
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/fault_runs.h"

namespace phoenix::sim {
namespace {

std::vector<std::string> targets_of(const std::vector<FaultRow>& rows) {
  std::vector<std::string> targets;
  for (const FaultRow& row : rows) targets.emplace_back(row.target.view());
  return targets;
}

// Everything a row says that the strategy has no say in.
using Plan = std::vector<std::tuple<std::int64_t, int, std::string, std::string, std::string>>;

Plan plan_of(const RecordedRun& run) {
  Plan plan;
  for (const FaultRow& row : run.faults) {
    plan.emplace_back(row.t_planned, row.fault, row.kind.view(), row.phase.view(),
                      row.target.view());
  }
  return plan;
}

// Rules every faults table obeys.
void expect_orderly(const RecordedRun& run) {
  std::int64_t last = 0;
  std::set<std::tuple<int, std::string>> open;
  for (std::size_t i = 0; i < run.faults.size(); ++i) {
    const FaultRow& row = run.faults[i];
    EXPECT_EQ(row.seq, static_cast<std::int64_t>(i));
    EXPECT_EQ(row.t_planned, row.t_applied);
    EXPECT_GE(row.t_applied, last);
    EXPECT_EQ(row.means.view(), "sim");
    EXPECT_EQ(row.cause.view().empty(),
              row.phase.view() != "skipped" && row.phase.view() != "failed");
    last = row.t_applied;
    const std::tuple effect(row.fault, std::string(row.target.view()));
    EXPECT_TRUE(row.phase.view() != "end" || open.contains(effect)) << row.target.view();
    if (row.phase.view() == "begin") open.insert(effect);
  }
  EXPECT_EQ(phases(run, "begin").size(), phases(run, "end").size());
}

TEST(ZoneOutage, CrashesEveryNodeOfTheZoneWithinItsSpread) {
  FaultRig rig{.nodes = 2, .rate = "400 /s"};
  rig.faults = fault("zone_outage", "zone:b", "1 s", "1 s", "spread = \"500 ms\"") +
               "[[cluster.group]]\nname = \"b\"\ncount = 3\nzone = \"b\"\n";
  const RecordedRun run = rig.run();
  expect_orderly(run);
  const auto begins = phases(run, "begin", "crash");
  const auto ends = phases(run, "end", "crash");
  ASSERT_EQ(begins.size(), 3U);
  ASSERT_EQ(ends.size(), 3U);
  std::vector<std::string> struck = targets_of(begins);
  std::ranges::sort(struck);
  EXPECT_EQ(struck, (std::vector<std::string>{"node:2", "node:3", "node:4"}));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_GE(begins[i].t_applied, ms(1000));
    EXPECT_LE(begins[i].t_applied, ms(1500));
    EXPECT_EQ(ends[i].t_applied, begins[i].t_applied + ms(1000));
    EXPECT_EQ(begins[i].parent, 0);
    EXPECT_EQ(begins[i].healthy_after, 4 - static_cast<int>(i));
  }
  EXPECT_LT(begins[0].t_applied, begins[2].t_applied);
  for (const int node : {0, 1}) {
    for (const RequestRow& r : arrived_within(run, node, 0, ms(3900))) EXPECT_TRUE(is_ok(r));
  }
  for (const int node : {2, 3, 4}) {
    for (const RequestRow& r : arrived_within(run, node, ms(1500), ms(1990))) {
      EXPECT_TRUE(ended_as(r, FailureReason::kDeadline));
    }
  }
}

TEST(RollingRestart, TakesOneNodeAtATimeAndFailsNothing) {
  FaultRig rig{.nodes = 4, .rate = "400 /s"};
  rig.faults = fault("rolling_restart", "", "1 s", "",
                     "down = \"300 ms\"\ngap = \"200 ms\"\ngrace = \"250 ms\"");
  const RecordedRun run = rig.run({"router.retries=2"});
  expect_orderly(run);
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  const auto begins = phases(run, "begin", "stop_graceful");
  EXPECT_EQ(targets_of(begins), (std::vector<std::string>{"node:0", "node:1", "node:2", "node:3"}));
  for (std::size_t i = 0; i < begins.size(); ++i) {
    EXPECT_EQ(begins[i].t_applied, ms(1000) + static_cast<std::int64_t>(i) * ms(500));
  }
  for (const FaultRow& row : run.faults) {
    EXPECT_EQ(row.healthy_after, row.phase.view() == "begin" ? 3 : 4);
  }
}

// A quarter of the speed: 20 ms instead of 5; a message in five lost, so 1 - 0.8^2 of requests.
TEST(GrayNode, IsSlowLossyAndLooksWell) {
  FaultRig rig{.nodes = 3, .rate = "300 /s", .duration = "12 s"};
  rig.faults = fault("gray_node", "node:1", "1 s", "8 s", "factor = 0.25\np = 0.2");
  const RecordedRun run = rig.run({"reports.interval=100 ms", "router.report_timeout=2 s"});
  expect_orderly(run);
  std::set<std::string> kinds;
  for (const FaultRow& row : phases(run, "begin")) {
    kinds.emplace(row.kind.view());
    EXPECT_EQ(row.parent, 0);
    EXPECT_EQ(row.t_applied, ms(1000));
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"slow_cpu", "loss", "metrics_frozen"}));
  const auto struck = arrived_within(run, 1, ms(1000), ms(8900));
  std::vector<RequestRow> answered;
  std::ranges::copy_if(struck, std::back_inserter(answered), is_ok);
  EXPECT_NEAR(mean_response_ms(answered), 22, 0.1);
  const auto n = static_cast<double>(struck.size());
  EXPECT_NEAR(n - static_cast<double>(answered.size()), 0.36 * n, 4 * std::sqrt(n * 0.36 * 0.64));
  for (const int node : {0, 2}) {
    EXPECT_NEAR(mean_response_ms(arrived_within(run, node, 0, ms(11'900))), 7, 1e-3);
  }
  ASSERT_EQ(run.summary.faults.size(), 4U);
  EXPECT_EQ(run.summary.faults[0].kind, "gray_node");
  EXPECT_EQ(run.summary.faults[0].affected, run.summary.faults[1].affected +
                                                run.summary.faults[2].affected +
                                                run.summary.faults[3].affected);
}

FaultRig chaos_rig() {
  FaultRig rig{.nodes = 6, .rate = "300 /s", .duration = "20 s"};
  rig.faults = fault("chaos", "", "1 s", "18 s",
                     "rate = \"2 /s\"\nmean_length = \"500 ms\"\nkinds = \"crash_restart:3, "
                     "pause, slow_cpu, delay, loss, cut\"");
  return rig;
}

TEST(Chaos, IsTheSameForASeedWhateverTheStrategy) {
  const RecordedRun run = chaos_rig().run();
  expect_orderly(run);
  // Draws are Poisson with mean 36, each begins at least once; three standard deviations below.
  EXPECT_GE(phases(run, "begin").size(), 18U);
  const RecordedRun again = chaos_rig().run();
  EXPECT_EQ(plan_of(again), plan_of(run));
  EXPECT_EQ(again.summary.digest, run.summary.digest);
  EXPECT_EQ(plan_of(chaos_rig().run({"balancer=p2c"})), plan_of(run));
  EXPECT_NE(plan_of(chaos_rig().run({"seed=2"})), plan_of(run));
}

TEST(Chaos, LeavesAsManyNodesAsItIsTold) {
  FaultRig rig{.nodes = 6, .rate = "300 /s", .duration = "20 s"};
  rig.faults = fault("chaos", "", "1 s", "18 s",
                     "rate = \"5 /s\"\nmean_length = \"1 s\"\nkinds = \"crash_restart, pause\"\n"
                     "max_unavailable = 2");
  const RecordedRun run = rig.run();
  EXPECT_FALSE(phases(run, "skipped").empty());
  for (const FaultRow& row : run.faults) EXPECT_GE(row.healthy_after, 4);
  for (const FaultRow& row : phases(run, "skipped")) {
    EXPECT_EQ(row.cause.view(), "max_unavailable");
    EXPECT_EQ(row.affected, 0);
  }
}

TEST(Victims, AreTheSameUnderEveryStrategy) {
  FaultRig rig{.nodes = 8, .faults = fault("crash_restart", "random:3", "1 s", "1 s")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(phases(run, "begin").size(), 3U);
  EXPECT_EQ(plan_of(rig.run({"balancer=least_connections"})), plan_of(run));
}

TEST(Victims, AreChosenByLoadWhereAskedFor) {
  FaultRig rig{.nodes = 3, .cores = 1, .deadline = "20 s"};
  rig.faults = fault("slow_cpu", "node:2", "0 s", "", "factor = 0.05") +
               fault("pause", "busiest", "2 s", "500 ms");
  const RecordedRun run = rig.run();
  ASSERT_EQ(phases(run, "begin", "pause").size(), 1U);
  EXPECT_EQ(phases(run, "begin", "pause")[0].target.view(), "node:2");
  EXPECT_EQ(states_within(run, 2, ms(2050), ms(2450)), std::set<int>{3});
}

TEST(MaxUnavailable, SkipsWhatWouldTakeOneTooMany) {
  FaultRig rig{.nodes = 4};
  rig.faults = fault("crash_restart", "nodes:[0, 1, 2]", "1 s", "1 s", "max_unavailable = 2");
  const RecordedRun run = rig.run();
  EXPECT_EQ(targets_of(phases(run, "begin")), (std::vector<std::string>{"node:0", "node:1"}));
  ASSERT_EQ(targets_of(phases(run, "skipped")), std::vector<std::string>{"node:2"});
  EXPECT_EQ(phases(run, "skipped")[0].cause.view(), "max_unavailable");
  EXPECT_EQ(targets_of(phases(run, "end")), (std::vector<std::string>{"node:0", "node:1"}));
  EXPECT_EQ(states_within(run, 2, 0, ms(5000)), std::set<int>{1});
}

// Of two faults that meet at a date, the one that ends does so first.
TEST(MaxUnavailable, CountsWhatHealsAtTheSameDateAsHealed) {
  for (const char* kind : {"crash_restart", "pause"}) {
    FaultRig rig{.nodes = 4};
    rig.faults = fault(kind, "node:0", "1 s", "1 s") +
                 fault(kind, "node:1", "2 s", "1 s", "max_unavailable = 1");
    const RecordedRun run = rig.run();
    EXPECT_TRUE(phases(run, "skipped").empty()) << kind;
    ASSERT_EQ(run.faults.size(), 4U);
    EXPECT_EQ(run.faults[1].phase.view(), "end");
    EXPECT_EQ(run.faults[1].healthy_after, 4);
    EXPECT_EQ(run.faults[2].phase.view(), "begin");
  }
}

TEST(Repetition, HappensAtEveryDate) {
  FaultRig rig;
  rig.faults = fault("pause", "node:0", "500 ms", "100 ms", "every = \"1 s\"\ncount = 3");
  const RecordedRun run = rig.run();
  expect_orderly(run);
  const auto begins = phases(run, "begin");
  ASSERT_EQ(begins.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(begins[i].t_applied, ms(500) + static_cast<std::int64_t>(i) * ms(1000));
  }
  rig.faults = fault("pause", "node:0", "500 ms", "100 ms", "every = \"1 s\"");
  EXPECT_EQ(phases(rig.run(), "begin").size(), 5U);  // until the run ends
}

TEST(Probability, DecidesOnEveryOccasion) {
  FaultRig rig{.rate = "10 /s", .duration = "101 s"};
  rig.faults = fault("pause", "node:0", "500 ms", "10 ms",
                     "every = \"500 ms\"\ncount = 200\nprobability = 0.25");
  const RecordedRun run = rig.run();
  const auto hits = static_cast<double>(phases(run, "begin").size());
  EXPECT_NEAR(hits, 50, 4 * std::sqrt(200 * 0.25 * 0.75));
  EXPECT_EQ(phases(run, "skipped").size() + phases(run, "begin").size(), 200U);
  EXPECT_EQ(phases(run, "skipped")[0].cause.view(), "not hit, by its probability");
}

TEST(EndOfRun, HealsWhatIsLeftUnlessToldNotTo) {
  FaultRig rig{.faults = fault("slow_cpu", "node:0", "1 s", "", "factor = 0.5")};
  const RecordedRun healed = rig.run();
  ASSERT_EQ(phases(healed, "end").size(), 1U);
  EXPECT_EQ(phases(healed, "end")[0].t_applied, ms(5000));
  const RecordedRun left = rig.run({"final_heal=false"});
  EXPECT_TRUE(phases(left, "end").empty());
  ASSERT_EQ(left.summary.faults.size(), 1U);
  EXPECT_EQ(left.summary.faults[0].outcome, "under way");
  EXPECT_TRUE(std::isnan(left.summary.faults[0].end_s));
  EXPECT_EQ(left.summary.faults[0].affected, healed.summary.faults[0].affected);
}

TEST(Summary, SaysWhatEveryFaultDid) {
  FaultRig rig{.cores = 8, .work = "100 ms"};
  rig.faults = fault("crash_restart", "node:0", "1 s", "1 s", "id = \"first\"") +
               fault("pause", "nodes:[0, 1]", "3 s", "500 ms");
  const RecordedRun run = rig.run();
  ASSERT_EQ(run.summary.faults.size(), 2U);
  EXPECT_EQ(run.summary.faults[0].id, "first");
  EXPECT_EQ(run.summary.faults[0].target, "node:0");
  EXPECT_EQ(run.summary.faults[0].outcome, "ended");
  EXPECT_DOUBLE_EQ(run.summary.faults[0].begin_s, 1);
  EXPECT_DOUBLE_EQ(run.summary.faults[0].end_s, 2);
  EXPECT_EQ(run.summary.faults[0].affected, 5U);
  EXPECT_EQ(run.summary.faults[1].target, "2 targets");
  const auto pauses = phases(run, "end", "pause");
  ASSERT_EQ(pauses.size(), 2U);
  EXPECT_EQ(run.summary.faults[1].affected,
            static_cast<std::uint64_t>(pauses[0].affected + pauses[1].affected));
}

}  // namespace
}  // namespace phoenix::sim
