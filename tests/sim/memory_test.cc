// Agents and memory on simulated nodes: starts, hibernation, and what too much costs.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

constexpr double kMiB = 1 << 20;

constexpr const char* kAgents = R"toml(
name = "agents"
duration = "20 s"
[[cluster.group]]
name = "n"
count = 2
cores = 4
memory = "256 MiB"
[[service]]
name = "s"
queue = 512
[[service.class]]
name = "c"
work = "1 ms"
deadline = "5 s"
[workload]
rate = "200 /s"
[router]
slow_start = "0 s"
[record]
interval = "1 s"
)toml";

std::string crash_of(const char* node) {
  return std::string("[[fault]]\nkind = \"crash_notify\"\ntarget = \"") + node +
         "\"\nstart = \"5 s\"\nduration = \"1 s\"\n";
}

TEST(ColdStart, IsPaidOnceByNodesThatHaveComeUp) {
  const std::string text = kAgents + crash_of("node:1");
  const RunSummary run = run_in_child(text, {"service.s.cold_start=300 ms"});
  expect_conserved(run);
  EXPECT_EQ(run.wire.cold_starts, 1U);
  EXPECT_GT(run.total.latency.max, 0.3);
  EXPECT_LT(run.total.latency.p99, 0.1);
}

TEST(ColdStart, IsPaidByTheFirstRequestOfEveryAgent) {
  const RunSummary run = run_in_child(
      kAgents,
      {"service.s.cold_start=5 ms", "service.s.agent_memory=1 KiB", "workload.keys=uniform(50)"});
  EXPECT_EQ(run.wire.cold_starts, 100U);  // 50 keys on each of two nodes
  EXPECT_EQ(run.wire.wakes, 0U);
}

double memory_at_end(const RecordedRun& run) {
  double bytes = 0;
  for (const NodeRow& row : run.nodes) {
    if (row.t == run.nodes.back().t) bytes += static_cast<double>(row.memory) * 256 * kMiB;
  }
  return bytes;
}

TEST(Hibernation, FreesTheMemoryOfIdleAgentsAndCostsTheirWaking) {
  const Overrides agents = {"service.s.agent_memory=1 MiB", "service.s.wake_time=40 ms",
                            "workload.keys=zipf(200, 1.2)"};
  Overrides idle = agents;
  idle.push_back("knobs.hibernate_idle=500 ms");
  const RecordedRun awake = run_recorded(kAgents, agents);
  const RecordedRun asleep = run_recorded(kAgents, idle);
  expect_conserved(asleep.summary);
  EXPECT_LT(memory_at_end(asleep), 0.5 * memory_at_end(awake));
  EXPECT_EQ(awake.summary.wire.hibernations, 0U);
  EXPECT_GT(asleep.summary.wire.hibernations, 500U);
  EXPECT_GT(asleep.summary.wire.wakes, 500U);
  EXPECT_LE(asleep.summary.wire.wakes, asleep.summary.wire.hibernations);
  EXPECT_LT(awake.summary.total.latency.max, 0.03);
  EXPECT_GT(asleep.summary.total.latency.max, 0.04);
}

TEST(Paging, SlowsNodesThatHoldTooMuchUntilTheyHoldLess) {
  // 2 x 320 agents of 1 MiB in 256 MiB each: a quarter too much, so work takes 6 times as long.
  const Overrides crowded = {"service.s.agent_memory=1 MiB", "workload.keys=uniform(320)",
                             "cluster.paging=20", "warmup=25 s", "duration=40 s"};
  const RunSummary slow = run_in_child(kAgents, crowded);
  EXPECT_NEAR(slow.total.latency.p50 * 1e3, 6 + 0.2, 0.5);
  Overrides relieved = crowded;
  relieved.push_back("knobs.hibernate_idle=1 s");
  const RunSummary quick = run_in_child(kAgents, relieved);
  EXPECT_NEAR(quick.total.latency.p50 * 1e3, 1 + 0.2, 0.1);
}

// Jobs hold memory too: too many admitted make all of them slow.
TEST(Paging, MakesAdmissionPay) {
  const Overrides jobs = {"service.s.class.c.memory=1 MiB",
                          "service.s.class.c.work=20 ms",
                          "workload.rate=500 /s",
                          "cluster.paging=20",
                          "router.retries=0",
                          "router.queue=0",
                          "service.s.class.c.deadline=2 s",
                          "service.s.queue=2000"};
  Overrides admitted = jobs;
  admitted.push_back("knobs.max_in_flight=200");
  const RunSummary thrashing = run_in_child(kAgents, jobs);
  const RunSummary bounded = run_in_child(kAgents, admitted);
  expect_conserved(thrashing);
  expect_conserved(bounded);
  EXPECT_GT(bounded.total.completed, 2 * thrashing.total.completed);
  EXPECT_NEAR(bounded.total.throughput_per_s, 400, 20);  // 8 cores of 50 a second
}

TEST(Paging, IsRefusedInFlowFidelity) {
  const Overrides overrides = {"fidelity=flow", "cluster.paging=20"};
  const ParsedScenario parsed = parse_scenario_text(kAgents, "test.toml", overrides);
  EXPECT_FALSE(parsed.scenario);
  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_NE(parsed.problems[0].text().find("cluster.paging"), std::string::npos);
}

TEST(Connections, HoldMemoryOnTheirNode) {
  const auto memory = [](const Overrides& overrides) {
    return memory_at_end(run_recorded(kAgents, overrides));
  };
  const double none = memory({"cluster.message_overhead=1 B"});
  const double some = memory({"cluster.connection_memory=1 MiB", "knobs.pool_size=4"});
  const double buffers = memory({"knobs.socket_buffer=1 MiB", "knobs.pool_size=4"});
  EXPECT_NEAR(some - none, 2 * 4 * kMiB, 100);
  EXPECT_NEAR(buffers - none, 2 * 4 * 2 * kMiB, 100);
}

}  // namespace
}  // namespace phoenix::sim
