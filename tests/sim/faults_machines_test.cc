// What each fault of a machine means, seen in small runs whose answers can be worked out by hand.
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/fault_runs.h"

namespace phoenix::sim {
namespace {

constexpr std::int64_t kTravel = ms(1);

std::int64_t on_node_at(const RecordedRun& run, int node, std::int64_t date, double work_ms) {
  return count_requests(run, [&](const RequestRow& r) {
    return r.node == node && r.arrived + kTravel < date && r.arrived + kTravel + ms(work_ms) > date;
  });
}

TEST(Crash, LosesWhatIsThereAndTellsNobody) {
  FaultRig rig{.cores = 8, .work = "100 ms", .faults = fault("crash", "node:0", "2 s", "")};
  const RecordedRun run = rig.run();
  expect_conserved(run.summary);
  std::int64_t lost = 0;
  for (const RequestRow& r : arrived_within(run, 0, 0, ms(3900))) {
    const bool survives = r.arrived + kTravel + ms(100) <= ms(2000);
    EXPECT_TRUE(ended_as(r, survives ? FailureReason::kNone : FailureReason::kDeadline)) << r.seq;
    EXPECT_NEAR(response_ms(r), survives ? 102 : 1000, 1e-6);
    lost += !survives;
  }
  EXPECT_GT(lost, 90);  // 50 a second go there for nearly 2 s
  for (const RequestRow& r : arrived_within(run, 1, 0, ms(3900))) EXPECT_TRUE(is_ok(r));
  ASSERT_TRUE(has_begun_and_ended(run, "crash"));  // healed at the end of the run
  const std::int64_t there = on_node_at(run, 0, ms(2000), 100);
  EXPECT_EQ(there, 5);
  EXPECT_EQ(phases(run, "end")[0].affected, there);
}

TEST(Crash, IsAvoidedOnceTheNodeIsEjected) {
  FaultRig rig{.deadline = "200 ms", .faults = fault("crash", "node:0", "2 s", "")};
  const RecordedRun run = rig.run({"router.consecutive_errors=5", "router.max_ejected_share=0.5"});
  const std::vector<DecisionRow> ejections = decisions(run, "eject");
  ASSERT_EQ(ejections.size(), 1U);
  EXPECT_EQ(ejections[0].subject.view(), "node:0 gateway:0");
  EXPECT_GT(ejections[0].t, ms(2200));
  EXPECT_LT(ejections[0].t, ms(2400));
  EXPECT_FALSE(arrived_within(run, 0, ms(2000), ejections[0].t).empty());
  for (const RequestRow& r : arrived_within(run, 0, ms(2000), ejections[0].t)) {
    EXPECT_TRUE(ended_as(r, FailureReason::kDeadline));
  }
  EXPECT_TRUE(arrived_within(run, 0, ejections[0].t + 1, ms(5000)).empty());
}

TEST(CrashNotify, BreaksConnectionsWithinOneLatency) {
  FaultRig rig{.cores = 8, .work = "100 ms", .faults = fault("crash_notify", "node:0", "2 s", "")};
  const RecordedRun run = rig.run();
  std::int64_t resets = 0;
  for (const RequestRow& r : run.requests) {
    EXPECT_FALSE(ended_as(r, FailureReason::kDeadline));
    if (!ended_as(r, FailureReason::kReset)) continue;
    ++resets;
    EXPECT_EQ(r.node, 0);
    EXPECT_GE(r.answered, ms(2001));
    EXPECT_LE(r.answered, ms(2002));
  }
  EXPECT_GE(resets, on_node_at(run, 0, ms(2000), 100));
  EXPECT_GT(resets, 0);
  EXPECT_TRUE(arrived_within(run, 0, ms(2001), ms(5000)).empty());
}

TEST(CrashNotify, FailsNobodyWhereRetriesGoElsewhere) {
  FaultRig rig{.cores = 8, .work = "100 ms", .faults = fault("crash_notify", "node:0", "2 s", "")};
  const RecordedRun run = rig.run({"router.retries=2", "router.retry_budget=10"});
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  EXPECT_GE(run.summary.retries, 5U);
  EXPECT_EQ(count_requests(run, [](const RequestRow& r) { return r.attempts > 1 && r.node == 0; }),
            0);
}

TEST(CrashRestart, ServesAgainAfterItsDuration) {
  FaultRig rig{.faults = fault("crash_restart", "node:0", "2 s", "1 s")};
  const RecordedRun run = rig.run();
  ASSERT_TRUE(has_begun_and_ended(run, "crash_restart"));
  EXPECT_EQ(states_within(run, 0, ms(2050), ms(2950)), std::set<int>{0});
  EXPECT_EQ(states_within(run, 0, ms(3050), ms(5000)), std::set<int>{1});
  for (const RequestRow& r : arrived_within(run, 0, ms(2000), ms(2998))) {
    EXPECT_TRUE(ended_as(r, FailureReason::kDeadline));
  }
  const auto after = arrived_within(run, 0, ms(3000), ms(4900));
  EXPECT_GT(after.size(), 90U);
  for (const RequestRow& r : after) EXPECT_TRUE(is_ok(r));
  EXPECT_EQ(phases(run, "begin")[0].incarnation, 1);
  EXPECT_EQ(phases(run, "begin")[0].healthy_after, 1);
  EXPECT_EQ(phases(run, "end")[0].healthy_after, 2);
}

// One core, 50 ms each, 40 a second: by 1 s a queue of 20. Kept, it is served after the restart.
TEST(CrashRestart, KeepsItsQueueOnlyWhereAsked) {
  const auto lost_before = [](const char* state) {
    FaultRig rig{.nodes = 1, .cores = 1, .work = "50 ms", .rate = "40 /s", .deadline = "20 s"};
    rig.faults =
        fault("crash_restart", "node:0", "1 s", "500 ms", fmt::format("state = \"{}\"", state));
    const RecordedRun run = rig.run({"duration=30 s", R"(workload.rate=[["0 s", "40 /s"],
      ["1600 ms", "40 /s"], ["1601 ms", "0.1 /s"]])"});
    return count_requests(run,
                          [](const RequestRow& r) { return r.arrived < ms(998) && !is_ok(r); });
  };
  EXPECT_EQ(lost_before("kept"), 1);  // what was in service
  EXPECT_GE(lost_before("lost"), 18);
}

TEST(StopGraceful, FinishesItsQueueLosesNothingAndLeaves) {
  FaultRig rig{
      .cores = 1, .work = "16 ms", .faults = fault("stop_graceful", "node:0", "2005 ms", "1 s")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  ASSERT_TRUE(has_begun_and_ended(run, "stop_graceful"));
  EXPECT_EQ(phases(run, "end")[0].affected, 0);
  EXPECT_EQ(states_within(run, 0, ms(2050), ms(2950)), std::set<int>{0});
  EXPECT_TRUE(arrived_within(run, 0, ms(2007), ms(3005)).empty());
  EXPECT_FALSE(arrived_within(run, 0, ms(3007), ms(4900)).empty());
}

// 500 ms of work are under way: draining lasts until it is done, or as long as the grace allows.
TEST(StopGraceful, LeavesWhenDoneOrWhenItsGraceIsOver) {
  FaultRig rig{.cores = 100, .work = "500 ms", .deadline = "2 s"};
  rig.faults = fault("stop_graceful", "node:0", "2005 ms", "2 s");
  const RecordedRun patient = rig.run();
  EXPECT_EQ(patient.summary.total.failed_total(), 0U);
  EXPECT_EQ(states_within(patient, 0, ms(2050), ms(2450)), std::set<int>{2});
  EXPECT_EQ(states_within(patient, 0, ms(2550), ms(3950)), std::set<int>{0});

  rig.faults = fault("stop_graceful", "node:0", "2005 ms", "2 s", "grace = \"200 ms\"");
  const RecordedRun hasty = rig.run();
  EXPECT_EQ(states_within(hasty, 0, ms(2250), ms(3950)), std::set<int>{0});
  const auto resets = static_cast<std::int64_t>(failed(hasty.summary, FailureReason::kReset));
  EXPECT_EQ(resets, on_node_at(hasty, 0, ms(2205), 500));
  EXPECT_GT(resets, 0);
  EXPECT_EQ(phases(hasty, "end")[0].affected, resets);
}

// The pause is over before the drain is; the node was idle, so nothing but the end of the pause
// can tell it to leave.
TEST(StopGraceful, LeavesAfterAPauseThatFoundItIdle) {
  FaultRig rig{.rate = "10 /s"};
  rig.faults = fault("pause", "node:0", "2050 ms", "300 ms") +
               fault("stop_graceful", "node:0", "2060 ms", "2 s");
  const RecordedRun run = rig.run();
  EXPECT_EQ(states_within(run, 0, ms(2450), ms(3950)), std::set<int>{0});
}

class Freeze : public ::testing::TestWithParam<const char*> {};

TEST_P(Freeze, AnswersNothingForAWhileAndLosesNothing) {
  FaultRig rig{.faults = fault(GetParam(), "node:0", "2 s", "500 ms")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
  const auto answered_in_window = count_requests(run, [](const RequestRow& r) {
    return r.node == 0 && r.answered > ms(2001) && r.answered <= ms(2500);
  });
  EXPECT_EQ(answered_in_window, 0);
  EXPECT_EQ(states_within(run, 0, ms(2050), ms(2450)), std::set<int>{3});
  // 25 came in the half second; four cores at 5 ms each are through with them in 35 ms.
  const auto caught_up = count_requests(run, [](const RequestRow& r) {
    return r.node == 0 && r.arrived < ms(2499) && r.answered > ms(2500);
  });
  EXPECT_GE(caught_up, 24);
  EXPECT_LE(caught_up, 26);
  const auto late = count_requests(run, [](const RequestRow& r) {
    return r.node == 0 && r.arrived < ms(2499) && r.answered > ms(2545);
  });
  EXPECT_EQ(late, 0);
  ASSERT_TRUE(has_begun_and_ended(run, GetParam()));
  EXPECT_EQ(phases(run, "end")[0].affected, caught_up);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Freeze, ::testing::Values("pause", "stall"),
                         [](const auto& test) { return std::string(test.param); });

TEST(SlowCpu, MultipliesServiceTimesByTheInverseFactor) {
  FaultRig rig{.nodes = 1,
               .work = "10 ms",
               .faults = fault("slow_cpu", "node:0", "1 s", "2 s", "factor = 0.25")};
  const RecordedRun run = rig.run();
  const auto before = arrived_within(run, 0, 0, ms(950));
  const auto during = arrived_within(run, 0, ms(1000), ms(2950));
  const auto after = arrived_within(run, 0, ms(3000), ms(4900));
  EXPECT_NEAR(mean_response_ms(before), 12, 0.01);
  EXPECT_NEAR(mean_response_ms(during), 42, 0.1 * 40);
  EXPECT_NEAR(mean_response_ms(after), 12, 0.01);
  ASSERT_TRUE(has_begun_and_ended(run, "slow_cpu"));
  EXPECT_DOUBLE_EQ(phases(run, "begin")[0].magnitude, 0.25);
  EXPECT_NEAR(static_cast<double>(phases(run, "end")[0].affected), 200, 4);
}

// What is in service when the speed changes has part of its work done at either speed.
TEST(SlowCpu, SlowsTheWorkUnderWay) {
  FaultRig rig{.nodes = 1, .work = "400 ms", .rate = "1 /s", .deadline = "10 s"};
  rig.faults = fault("slow_cpu", "node:0", "2101 ms", "200 ms", "factor = 0.5");
  const RecordedRun run = rig.run();
  const auto struck = arrived_within(run, 0, ms(1999), ms(2001));
  ASSERT_EQ(struck.size(), 1U);
  EXPECT_NEAR(response_ms(struck[0]), 502, 0.01);
}

// Half the time at a quarter of the speed, work of 10 ms: between 10 and 40 ms. On a core that
// turns slow and back with periods far longer than the work the mean is (10 + 40) / 2.
TEST(CpuNoise, SlowsByTurns) {
  FaultRig rig{.nodes = 1, .work = "10 ms", .rate = "20 /s", .duration = "100 s"};
  rig.faults = fault("cpu_noise", "node:0", "0 s", "",
                     "factor = 0.25\nmean_on = \"400 ms\"\nmean_off = \"400 ms\"");
  const RecordedRun run = rig.run();
  const double mean = mean_response_ms(arrived_within(run, 0, 0, ms(99'000))) - 2;
  EXPECT_GT(mean, 20);
  EXPECT_LT(mean, 30);
  EXPECT_GT(phases(run, "begin").size(), 80U);
  EXPECT_EQ(phases(run, "begin").size(), phases(run, "end").size());
}

TEST(Ramp, ReachesFullStrengthInStepsAndReturns) {
  FaultRig rig{.nodes = 1, .work = "10 ms"};
  rig.faults = fault("slow_cpu", "node:0", "1 s", "3 s", "factor = 0.5\nramp = \"1 s\"");
  const RecordedRun run = rig.run();
  const auto steps = phases(run, "step");
  ASSERT_EQ(steps.size(), 19U);  // ten up in steps of 0.1 s, nine down, the end is the tenth
  for (int i = 0; i < 19; ++i) {
    const FaultRow& step = steps[static_cast<std::size_t>(i)];
    EXPECT_EQ(step.t_applied, ms(i < 10 ? 1100 + 100 * i : 3100 + 100 * (i - 10)));
    EXPECT_NEAR(step.magnitude, i < 10 ? 0.95 - 0.05 * i : 0.55 + 0.05 * (i - 10), 1e-9);
  }
  EXPECT_NEAR(mean_response_ms(arrived_within(run, 0, ms(2000), ms(2900))), 22, 0.1);
}

TEST(StartDelay, ProlongsTheDowntime) {
  FaultRig rig{.faults = fault("crash_restart", "node:0", "1 s", "1 s") +
                         fault("start_delay", "node:0", "0 s", "", "delay = \"1500 ms\"")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(states_within(run, 0, ms(1050), ms(3450)), std::set<int>{0});
  EXPECT_EQ(states_within(run, 0, ms(3550), ms(5000)), std::set<int>{1});
  EXPECT_EQ(phases(run, "end", "start_delay")[0].affected, 1);
}

// Tried at 2 s and, as booting takes 500 ms, every half second from then on.
TEST(StartFail, IsTriedAgainUntilItSucceeds) {
  FaultRig rig{.faults = fault("crash_restart", "node:0", "1 s", "1 s") +
                         fault("start_fail", "node:0", "0 s", "3200 ms")};
  const RecordedRun run = rig.run();
  const auto failures = phases(run, "failed");
  ASSERT_EQ(failures.size(), 3U);
  EXPECT_EQ(failures[0].t_applied, ms(2000));
  EXPECT_EQ(failures[1].t_applied, ms(2500));
  EXPECT_EQ(failures[2].t_applied, ms(3000));
  EXPECT_EQ(failures[0].cause.view(), "start failed");
  EXPECT_EQ(states_within(run, 0, ms(1050), ms(3450)), std::set<int>{0});
  EXPECT_EQ(states_within(run, 0, ms(3550), ms(5000)), std::set<int>{1});
}

TEST(Overlap, MultipliesSlowdowns) {
  FaultRig rig{.nodes = 1, .work = "10 ms"};
  rig.faults = fault("slow_cpu", "node:0", "1 s", "3 s", "factor = 0.5") +
               fault("slow_cpu", "node:0", "2 s", "1 s", "factor = 0.5");
  const RecordedRun run = rig.run();
  EXPECT_NEAR(mean_response_ms(arrived_within(run, 0, ms(1000), ms(1900))), 22, 0.01);
  EXPECT_NEAR(mean_response_ms(arrived_within(run, 0, ms(2000), ms(2900))), 42, 0.01);
  EXPECT_NEAR(mean_response_ms(arrived_within(run, 0, ms(3000), ms(3900))), 22, 0.01);
}

TEST(Overlap, KeepsANodeDownUntilTheLastCrashEnds) {
  FaultRig rig{.faults = fault("crash_restart", "node:0", "1 s", "1 s") +
                         fault("crash_restart", "node:0", "1500 ms", "2 s")};
  const RecordedRun run = rig.run();
  EXPECT_EQ(states_within(run, 0, ms(1050), ms(3450)), std::set<int>{0});
  EXPECT_EQ(states_within(run, 0, ms(3550), ms(5000)), std::set<int>{1});
}

TEST(Overlap, LetsCrashesDominateAndSlownessReturnAfterThem) {
  FaultRig rig{.nodes = 1, .work = "10 ms"};
  rig.faults = fault("slow_cpu", "node:0", "500 ms", "4 s", "factor = 0.5") +
               fault("pause", "node:0", "1500 ms", "1 s") +
               fault("crash_restart", "node:0", "1 s", "1 s");
  const RecordedRun run = rig.run();
  EXPECT_EQ(states_within(run, 0, ms(1050), ms(1950)), std::set<int>{0});
  EXPECT_EQ(states_within(run, 0, ms(2050), ms(2450)), std::set<int>{3});
  EXPECT_EQ(states_within(run, 0, ms(2550), ms(5000)), std::set<int>{1});
  EXPECT_NEAR(mean_response_ms(arrived_within(run, 0, ms(3500), ms(4400))), 22, 0.01);
}

}  // namespace
}  // namespace phoenix::sim
