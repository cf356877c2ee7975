// Whatever happens to a cluster, every request offered is completed, failed or under way, and every
// attempt sent has an end. Each scenario below is a small cluster with one kind of trouble, or all.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

constexpr const char* kCluster = R"toml(
name = "stress"
duration = "20 s"
[cluster]
jitter = "exponential(20 us)"
[[cluster.group]]
name = "n"
count = 6
cores = 2
boot_time = "500 ms"
[[service]]
name = "shop"
queue = 32
[[service.class]]
name = "read"
share = 0.8
work = "exponential(5 ms)"
deadline = "500 ms"
attempt_timeout = "200 ms"
[[service.class]]
name = "write"
share = 0.2
work = "lognormal(10 ms, 2)"
deadline = "1 s"
repeatable = false
[workload]
rate = "1200 /s"
[router]
retries = 2
)toml";

// Everything that can be on the way of a message.
const Overrides kEveryKnob = {"knobs.batch_size=4",
                              "knobs.batch_delay=1 ms",
                              "knobs.compress_above=512 B",
                              "knobs.socket_buffer=16 KiB",
                              "knobs.pool_size=2",
                              "knobs.direct_routing=true",
                              "knobs.workers=6",
                              "knobs.queue_length=20",
                              "knobs.max_in_flight=300",
                              "knobs.hibernate_idle=200 ms",
                              "cluster.message_overhead=66 B",
                              "service.shop.cold_start=2 ms",
                              "service.shop.wake_time=10 ms",
                              "service.shop.agent_memory=1 MiB",
                              "workload.keys=zipf(400, 1.0)"};

Overrides every_knob_and(Overrides more) {
  more.insert(more.begin(), kEveryKnob.begin(), kEveryKnob.end());
  return more;
}

struct Trouble {
  const char* name;
  const char* more;  // TOML after the cluster
  Overrides overrides;
};

std::ostream& operator<<(std::ostream& out, const Trouble& trouble) { return out << trouble.name; }

const char* const kEveryFault = R"toml(
[[fault]]
kind = "crash_restart"
target = "random:2"
start = "2 s"
duration = "3 s"
[[fault]]
kind = "crash_notify"
target = "node:5"
start = "4 s"
duration = "3 s"
[[fault]]
kind = "crash_restart"
id = "kept"
target = "node:4"
start = "6 s"
duration = "2 s"
state = "kept"
[[fault]]
kind = "pause"
target = "busiest"
start = "5 s"
duration = "700 ms"
[[fault]]
kind = "stop_graceful"
target = "node:0"
start = "8 s"
duration = "3 s"
grace = "50 ms"
[[fault]]
kind = "loss"
target = "pair:gateway:0,group:n"
start = "9 s"
duration = "3 s"
p = 0.1
[[fault]]
kind = "clog"
target = "pair:gateway:0,node:3"
start = "11 s"
duration = "600 ms"
capacity = 50
[[fault]]
kind = "cut"
target = "link:node:1->gateway:0"
start = "12 s"
duration = "1 s"
[[fault]]
kind = "partition"
groups = "gateway:0, node:0, node:1, node:2 | node:3, node:4, node:5"
start = "13 s"
duration = "1 s"
[[fault]]
kind = "flap"
target = "pair:gateway:0,node:2"
start = "14 s"
duration = "2 s"
mean_on = "100 ms"
mean_off = "200 ms"
[[fault]]
kind = "gray_node"
target = "node:1"
start = "15 s"
duration = "3 s"
factor = 0.2
p = 0.1
[[fault]]
kind = "chaos"
start = "1 s"
duration = "18 s"
rate = "2 /s"
kinds = "crash_restart, crash_notify, pause, slow_cpu, delay, loss, cut, clog, stop_graceful"
mean_length = "500 ms"
)toml";

const std::vector<Trouble> kTroubles = {
    {"nothing", "", {}},
    {"overload", "", {"workload.rate=6000 /s"}},
    {"tiny_queue", "", {"workload.rate=2600 /s", "service.shop.queue=0"}},
    {"tiny_router", "", {"workload.rate=3000 /s", "router.max_in_flight=40", "router.queue=10"}},
    {"node_limit", "", {"workload.rate=2600 /s", "router.max_in_flight_per_node=3"}},
    {"gateway_overload",
     "",
     {"gateway.cores=1", "gateway.cpu_per_message=400 us", "gateway.backlog=20",
      "workload.rate=2000 /s"}},
    {"every_fault", kEveryFault, {}},
    {"every_fault_fifo", kEveryFault, {"service.shop.discipline=fifo"}},
    {"every_fault_retries", kEveryFault, {"router.retries=10", "router.retry_budget=10"}},
    {"every_fault_many_gateways",
     kEveryFault,
     {"gateway.count=3", "balancer=resource_aware", "reports.interval=100 ms"}},
    {"all_nodes_crash",
     "[[fault]]\nkind = \"crash\"\ntarget = \"all\"\nstart = \"10 s\"\nduration = \"2 s\"\n",
     {}},
    {"all_nodes_crash_for_good",
     "[[fault]]\nkind = \"crash_notify\"\ntarget = \"all\"\nstart = \"10 s\"\n",
     {}},
    {"all_nodes_drain",
     "[[fault]]\nkind = \"stop_graceful\"\ntarget = \"all\"\nstart = \"10 s\"\ngrace = \"20 ms\"\n",
     {"workload.rate=2300 /s"}},
    {"failing_starts",
     "[[fault]]\nkind = \"crash_restart\"\ntarget = \"all\"\nstart = \"3 s\"\nduration = \"1 s\"\n"
     "every = \"5 s\"\n[[fault]]\nkind = \"start_fail\"\ntarget = \"all\"\nstart = \"1 s\"\n"
     "p = 0.8\n",
     {}},
    {"bursts", "", {"workload.arrivals=mmpp", "workload.burst_factor=8"}},
    {"two_services",
     R"toml(
[[service]]
name = "search"
queue = 4
[[service.class]]
name = "find"
work = "pareto(4 ms, 1.6)"
deadline = "100 ms"
response = "2 MiB"
)toml",
     {"cluster.flow_above=1 MiB", "workload.rate=600 /s"}},
    {"every_knob", "", kEveryKnob},
    {"every_knob_and_fault", kEveryFault,
     every_knob_and({"cluster.paging=20", "cluster.group.n.memory=200 MiB"})},
    {"every_knob_and_fault_http", kEveryFault,
     every_knob_and({"service.shop.protocol=http", "knobs.http_pool_size=5"})},
    {"every_knob_overload", "",
     every_knob_and({"workload.rate=6000 /s", "gateway.cores=1", "gateway.cpu_per_message=90 us",
                     "gateway.backlog=20"})},
    {"keys", "", {"workload.keys=zipf(1000, 1.1)"}},
};

class Conservation : public ::testing::TestWithParam<Trouble> {};

TEST_P(Conservation, HoldsWhateverHappens) {
  const Trouble& trouble = GetParam();
  const RunSummary run = run_in_child(std::string(kCluster) + trouble.more, trouble.overrides);
  expect_conserved(run);
  EXPECT_GT(run.total.completed, 1000U);
  // An attempt is sent for a request or as its retry, or came back from past the gateway. Requests
  // that never got a node have none.
  EXPECT_LE(run.attempts, run.total.offered + run.retries + run.wire.direct_misses);
  EXPECT_GE(run.attempts, run.total.completed);
  EXPECT_TRUE(run.complete);
}

TEST_P(Conservation, CountsAttemptsAsTheirRequestsDo) {
  const Trouble& trouble = GetParam();
  Overrides overrides = trouble.overrides;
  overrides.push_back("record.requests=all");
  overrides.push_back("duration=6 s");
  const RecordedRun run = run_recorded(std::string(kCluster) + trouble.more, overrides);
  ASSERT_EQ(run.requests.size(), run.summary.total.offered);
  std::uint64_t attempts = 0;
  std::uint64_t under_way = 0;
  std::uint64_t completed = 0;
  for (std::size_t i = 0; i < run.requests.size(); ++i) {
    const RequestRow& request = run.requests[i];
    EXPECT_EQ(request.seq, static_cast<std::int64_t>(i));
    attempts += static_cast<std::uint64_t>(request.attempts);
    under_way += request.result == 255;
    completed += request.result == 0;
    EXPECT_EQ(request.answered < 0, request.result == 255);
    EXPECT_TRUE(request.answered < 0 || request.answered >= request.arrived);
  }
  EXPECT_EQ(attempts, run.summary.attempts);
  EXPECT_EQ(under_way, run.summary.total.in_flight);
  EXPECT_EQ(completed, run.summary.total.completed);
  std::int64_t in_windows = 0;
  for (const WindowRow& window : run.windows) in_windows += window.offered;
  EXPECT_EQ(static_cast<std::uint64_t>(in_windows), run.summary.total.offered);
  EXPECT_EQ(run.windows.back().in_flight, static_cast<std::int64_t>(under_way));
}

INSTANTIATE_TEST_SUITE_P(Troubles, Conservation, ::testing::ValuesIn(kTroubles),
                         [](const auto& test) { return std::string(test.param.name); });

constexpr const char* kClosed = R"toml(
name = "closed"
duration = "20 s"
[[cluster.group]]
name = "n"
count = 2
cores = 1
[[service]]
name = "s"
queue = 5
[[service.class]]
name = "c"
work = "exponential(10 ms)"
deadline = "200 ms"
[workload]
arrivals = "closed"
users = 40
think_time = "exponential(50 ms)"
[[fault]]
kind = "crash_restart"
target = "node:0"
start = "5 s"
duration = "5 s"
)toml";

// Users wait for their answers, so no more requests than users are ever under way, and none is lost
// for good: whoever is refused thinks again.
TEST(ClosedLoop, NeverHasMoreRequestsUnderWayThanUsers) {
  const RecordedRun run = run_recorded(kClosed, {"record.interval=50 ms"});
  expect_conserved(run.summary);
  EXPECT_GT(run.summary.total.failed_total(), 0U);
  for (const WindowRow& window : run.windows) EXPECT_LE(window.in_flight, 40);
}

// Flow fidelity: every message a SimGrid communication, every service an execution.
TEST(FlowFidelity, ConservesRequestsThroughDeathsAndCuts) {
  const std::string faults = R"toml(
[[fault]]
kind = "crash_restart"
target = "node:1"
start = "1 s"
duration = "500 ms"
[[fault]]
kind = "crash_restart"
id = "kept"
target = "node:2"
start = "1 s"
duration = "500 ms"
state = "kept"
[[fault]]
kind = "crash_notify"
target = "node:3"
start = "1500 ms"
duration = "500 ms"
[[fault]]
kind = "stop_graceful"
target = "node:0"
start = "1 s"
duration = "500 ms"
grace = "5 ms"
[[fault]]
kind = "cut"
target = "pair:gateway:0,node:4"
start = "1 s"
duration = "500 ms"
[[fault]]
kind = "loss"
target = "pair:gateway:0,node:5"
start = "1 s"
duration = "1 s"
p = 0.2
)toml";
  for (const char* discipline : {"fifo", "ps"}) {
    const RunSummary run = run_in_child(std::string(kCluster) + faults,
                                        {"fidelity=flow", "duration=3 s", "workload.rate=1500 /s",
                                         fmt::format("service.shop.discipline={}", discipline)});
    expect_conserved(run);
    EXPECT_GT(run.total.completed, 1000U);
    EXPECT_GT(run.lost_messages, 0U);
  }
}

}  // namespace
}  // namespace phoenix::sim
