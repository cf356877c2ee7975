// The knobs of the data path in simulated clusters: each saves what it promises and costs what it
// must, at the beginning of a run and turned in the middle of it.
#include <cmath>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "scenarios/arrivals.h"
#include "sim/engine.h"
#include "sim/world.h"
#include "strategies/tuning/formulas.h"
#include "tests/sim/runs.h"

namespace phoenix::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One gateway, one node with cores to spare; a byte of overhead keeps the wire's books open.
constexpr const char* kPair = R"toml(
name = "pair"
duration = "4 s"
[cluster]
message_overhead = "1 B"
[[cluster.group]]
name = "n"
count = 1
cores = 64
[gateway]
cores = 1
cpu_per_message = "20 us"
cpu_per_frame = "4 us"
[[service]]
name = "s"
queue = 4096
[[service.class]]
name = "c"
work = "1 ms"
request = "200 B"
response = "400 B"
deadline = "5 s"
[workload]
rate = "1000 /s"
[router]
slow_start = "0 s"
)toml";

double mean_ms(const RunSummary& run) { return run.total.latency.mean * 1e3; }

TEST(Batching, SavesGatewayCpuAtHighLoad) {
  // 28,000 a second of two messages of 20 us each are more than one core can do.
  const Overrides load = {"workload.rate=28000 /s", "duration=1 s"};
  Overrides batched = load;
  batched.insert(batched.end(), {"knobs.batch_size=8", "knobs.batch_delay=2 ms"});
  const RunSummary alone = run_in_child(kPair, load);
  const RunSummary together = run_in_child(kPair, batched);
  EXPECT_GT(alone.total.latency.p99, 0.05);
  EXPECT_LT(together.total.latency.p99, 0.01);
  // What the core did for a completed request: 2 c against c and (c + 7 f) / 8.
  const auto per_request = [](const RunSummary& run) {
    return run.wire.gateway_cpu_s / static_cast<double>(run.total.completed) * 1e6;
  };
  EXPECT_NEAR(per_request(together), 20 + 48.0 / 8, 0.5);
  EXPECT_NEAR(
      static_cast<double>(together.wire.batched) / static_cast<double>(together.wire.batches), 8,
      0.1);
}

TEST(Batching, CostsTheWaitForCompanyAtLowLoad) {
  const Overrides low = {"workload.rate=100 /s", "duration=60 s"};
  Overrides batched = low;
  batched.insert(batched.end(), {"knobs.batch_size=10", "knobs.batch_delay=1 s"});
  const RunSummary alone = run_in_child(kPair, low);
  const RunSummary together = run_in_child(kPair, batched);
  EXPECT_NEAR(together.wire.batch_wait_s, batch_fill_wait(10, 100), 0.1 * batch_fill_wait(10, 100));
  EXPECT_NEAR(mean_ms(together) - mean_ms(alone), batch_fill_wait(10, 100) * 1e3, 4.5);
  // The limit bounds it: hardly any company comes within 2 ms.
  batched.push_back("knobs.batch_delay=2 ms");
  const RunSummary limited = run_in_child(kPair, batched);
  EXPECT_LT(limited.wire.batch_wait_s, 2e-3);
  EXPECT_GT(limited.wire.batch_wait_s, 1.7e-3);
}

TEST(Compression, HelpsOnASlowLinkAndHurtsOnAFastOne) {
  const auto cost_ms = [](const char* network) {
    const Overrides plain = {"workload.arrivals=constant", "workload.rate=20 /s", "duration=20 s",
                             "service.s.class.c.response=256 KiB",
                             std::string("cluster.group.n.network=") + network};
    Overrides compressed = plain;
    compressed.push_back("knobs.compress_above=1 KiB");
    return mean_ms(run_in_child(kPair, compressed)) - mean_ms(run_in_child(kPair, plain));
  };
  const double bytes = 256 * 1024;
  const auto expected_ms = [&](double bandwidth) {
    return -1e3 * bytes * compression_gain(2, bandwidth, 700e6, 4e9);
  };
  EXPECT_NEAR(cost_ms("100 Mbps"), expected_ms(12.5e6), 0.3);  // saves 10 ms
  EXPECT_NEAR(cost_ms("10 Gbps"), expected_ms(1.25e9), 0.05);  // costs 0.3 ms
  EXPECT_LT(expected_ms(12.5e6), -9);
  EXPECT_GT(expected_ms(1.25e9), 0.3);
}

TEST(ConnectionPools, BoundConcurrencyAsLittleSays) {
  // Each holds its connection for 10 ms of work and 0.2 ms of network: four do 392 a second.
  const RunSummary run = run_in_child(
      kPair, {"service.s.protocol=http", "knobs.http_pool_size=4", "service.s.class.c.work=10 ms",
              "workload.rate=450 /s", "duration=10 s", "router.retries=0"});
  expect_conserved(run);
  EXPECT_NEAR(run.total.throughput_per_s, 4 / 0.0102, 3);
  EXPECT_NEAR(run.groups.at(0).utilization * 64, 4 * 10 / 10.2, 0.1);
  EXPECT_GT(run.wire.connection_waits, 3000U);
  EXPECT_GT(run.wire.connection_wait_s, 0.1);
  const RunSummary wide = run_in_child(
      kPair, {"service.s.protocol=http", "knobs.http_pool_size=64", "service.s.class.c.work=10 ms",
              "workload.rate=450 /s", "duration=10 s"});
  EXPECT_EQ(wide.wire.connection_waits, 0U);
  EXPECT_NEAR(mean_ms(wide), 10.2, 0.1);
}

TEST(ConnectionPools, RefuseWhatIsTooMuchToWait) {
  const RunSummary run = run_in_child(
      kPair, {"service.s.protocol=http", "knobs.http_pool_size=1", "service.s.class.c.work=10 ms",
              "workload.rate=2000 /s", "router.retries=0", "service.s.class.c.deadline=1 min"});
  expect_conserved(run);
  EXPECT_GT(run.wire.connection_refusals, 5000U);
  EXPECT_EQ(failed(run, FailureReason::kQueueFull), run.wire.connection_refusals);
}

// A node that stands still keeps its connections only until their requests are given up.
TEST(ConnectionPools, MakeRoomWhereRequestsAreGivenUp) {
  const std::string text = std::string(kPair) + R"toml(
[[fault]]
kind = "pause"
target = "node:0"
start = "1 s"
duration = "1 s"
)toml";
  const RunSummary run =
      run_in_child(text, {"service.s.protocol=http", "knobs.http_pool_size=4",
                          "service.s.class.c.deadline=100 ms", "workload.rate=500 /s"});
  expect_conserved(run);
  EXPECT_GT(run.wire.connection_waits, 300U);
  EXPECT_NEAR(static_cast<double>(failed(run, FailureReason::kDeadline)), 450, 70);
}

TEST(ConnectionPools, LetGoOfWhatWaitsBeyondItsDeadline) {
  const std::string text = std::string(kPair) + R"toml(
[[service.class]]
name = "hasty"
work = "1 ms"
deadline = "50 ms"
)toml";
  const RunSummary run = run_in_child(
      text, {"service.s.protocol=http", "knobs.http_pool_size=1", "service.s.class.c.work=200 ms",
             "service.s.class.c.share=0.02", "workload.rate=200 /s", "router.retries=0"});
  expect_conserved(run);
  // They stand behind one that takes 200 ms, and their time is over when it is done.
  EXPECT_GT(run.wire.connection_give_ups, 200U);
  EXPECT_GE(failed(run, FailureReason::kDeadline), run.wire.connection_give_ups);
}

TEST(SocketBuffers, CapThroughputAtABufferPerRoundTrip) {
  const Overrides slow = {"cluster.group.n.latency=5 ms",
                          "gateway.latency=5 ms",
                          "service.s.class.c.response=32 KiB",
                          "workload.rate=300 /s",
                          "knobs.socket_buffer=32 KiB",
                          "knobs.pool_size=1",
                          "duration=10 s",
                          "service.s.class.c.deadline=1 min"};
  const RunSummary one = run_in_child(kPair, slow);
  expect_conserved(one);
  // A buffer in 20 ms carries 50 answers a second.
  EXPECT_NEAR(one.total.throughput_per_s, 50, 1);
  Overrides wide = slow;
  wide.push_back("knobs.pool_size=8");
  const RunSummary eight = run_in_child(kPair, wide);
  EXPECT_NEAR(eight.total.throughput_per_s, 300, 15);
  Overrides large = slow;
  large.push_back("knobs.socket_buffer=1 MiB");
  const RunSummary buffered = run_in_child(kPair, large);
  EXPECT_EQ(buffered.wire.buffer_waits, 0U);
  EXPECT_NEAR(mean_ms(buffered), 21, 0.2);
}

// One connection that carries 50 answers a second, of 100 that are asked for.
Overrides narrow_line() {
  return {"cluster.group.n.latency=5 ms",
          "gateway.latency=5 ms",
          "service.s.class.c.response=32 KiB",
          "workload.rate=100 /s",
          "knobs.socket_buffer=32 KiB",
          "knobs.pool_size=1",
          "duration=60 s",
          "service.s.class.c.deadline=1 s",
          "router.retries=0"};
}

TEST(SocketBuffers, CarryNoAnswersThatWouldComeTooLate) {
  const RunSummary run = run_in_child(kPair, narrow_line());
  expect_conserved(run);
  // All that the line carries comes in time, however long it is too narrow: but for the short
  // failures, 129 of 32,769 bytes each.
  EXPECT_NEAR(run.total.throughput_per_s, 50, 1);
  EXPECT_LE(run.total.latency.max, 1.0);
  EXPECT_NEAR(static_cast<double>(run.wire.unsent_late), 50 * 59, 50);
  EXPECT_EQ(run.wire.unsent_full, 0U);
  EXPECT_EQ(failed(run, FailureReason::kDeadline), run.total.failed_total())
      << "nobody learns before the deadline what nobody may send again";
}

TEST(SocketBuffers, AreNotBlamedForANodeThatIsSlow) {
  const RunSummary run =
      run_in_child(kPair, {"cluster.group.n.cores=1", "service.s.class.c.work=10 ms",
                           "workload.rate=150 /s", "service.s.class.c.deadline=1 s",
                           "knobs.socket_buffer=4 MiB", "duration=30 s", "router.retries=0"});
  expect_conserved(run);
  EXPECT_GT(failed(run, FailureReason::kDeadline), 1000U);
  EXPECT_EQ(run.wire.unsent_late, 0U) << "nothing waits for the line";
}

TEST(SocketBuffers, WithoutADeadlineAnswersWaitUpToABound) {
  Overrides patient = narrow_line();
  patient.insert(patient.end(),
                 {"service.s.class.c.deadline=10 min", "duration=120 s", "workload.rate=1000 /s"});
  const RunSummary run = run_in_child(kPair, patient);
  expect_conserved(run);
  EXPECT_EQ(run.wire.unsent_late, 0U);
  // 63 MiB hold 2016 answers; they are full after 2 s, and what comes then fails.
  EXPECT_EQ(failed(run, FailureReason::kError), run.total.failed_total())
      << "it is no matter of time";
  EXPECT_NEAR(static_cast<double>(run.wire.unsent_full), 1000 * 120 - 50 * 120 - 2016, 1500);
}

TEST(DirectRouting, SparesTheGatewayOnceOwnersAreKnown) {
  const Overrides keyed = {"workload.keys=uniform(100)", "workload.rate=15000 /s", "duration=2 s"};
  Overrides past = keyed;
  past.push_back("knobs.direct_routing=true");
  const RunSummary through = run_in_child(kPair, keyed);
  const RunSummary direct = run_in_child(kPair, past);
  expect_conserved(direct);
  EXPECT_GT(direct.wire.direct, direct.total.offered - 1000);
  EXPECT_LT(direct.wire.gateway_cpu_s, 0.05 * through.wire.gateway_cpu_s);
  // Two messages of 20 us, and the queue for a core that is busy 60 % of the time.
  EXPECT_LT(mean_ms(direct), mean_ms(through) - 0.04);
  EXPECT_EQ(direct.wire.direct_misses, 0U);
}

TEST(DirectRouting, ReturnsToTheGatewayWhereTheOwnerIsGone) {
  const std::string text = std::string(kPair) + R"toml(
[[fault]]
kind = "crash_notify"
target = "node:1"
start = "1 s"
duration = "1 s"
)toml";
  const RunSummary run = run_in_child(
      text, {"workload.keys=uniform(100)", "knobs.direct_routing=true", "cluster.group.n.count=4"});
  expect_conserved(run);
  EXPECT_GT(run.wire.direct_misses, 10U);
  EXPECT_LT(run.wire.direct_misses, 100U);  // an owner is forgotten at once
  EXPECT_GT(run.total.availability, 0.999);
}

TEST(NodeLimits, AreSetByKnobs) {
  const Overrides busy = {"cluster.group.n.cores=1", "workload.rate=900 /s", "duration=20 s",
                          "service.s.class.c.work=exponential(1 ms)", "router.retries=0"};
  Overrides small = busy;
  small.insert(small.end(), {"knobs.workers=1", "knobs.queue_length=4"});
  const RunSummary run = run_in_child(kPair, small);
  expect_conserved(run);
  // M/M/1/5: blocked are (1 - rho) rho^5 / (1 - rho^6).
  const double rho = 0.9;
  const double blocked = (1 - rho) * std::pow(rho, 5) / (1 - std::pow(rho, 6));
  const double refused = static_cast<double>(failed(run, FailureReason::kQueueFull)) /
                         static_cast<double>(run.total.offered);
  EXPECT_NEAR(refused, blocked, 0.1 * blocked);
  EXPECT_EQ(failed(run_in_child(kPair, busy), FailureReason::kQueueFull), 0U);
}

TEST(Admission, IsSetByAKnob) {
  const Overrides busy = {"cluster.group.n.cores=1", "workload.rate=2000 /s",
                          "knobs.max_in_flight=8", "router.queue=0"};
  const RunSummary run = run_in_child(kPair, busy);
  expect_conserved(run);
  EXPECT_GT(failed(run, FailureReason::kInFlightLimit), 3000U);
  EXPECT_LT(run.total.latency.p99, 0.010);
}

// Flow fidelity plays the same way: every message that sets out is a SimGrid flow then.
TEST(EveryKnob, WorksInFlowFidelity) {
  const Overrides all = {"knobs.batch_size=4",
                         "knobs.batch_delay=2 ms",
                         "knobs.compress_above=256 B",
                         "knobs.socket_buffer=16 KiB",
                         "workload.rate=300 /s",
                         "duration=2 s",
                         "service.s.class.c.response=64 KiB",
                         "workload.keys=uniform(50)",
                         "service.s.agent_memory=1 MiB",
                         "service.s.cold_start=2 ms",
                         "service.s.wake_time=3 ms",
                         "knobs.hibernate_idle=20 ms"};
  Overrides flows = all;
  flows.push_back("fidelity=flow");
  const RunSummary by_request = run_in_child(kPair, all);
  const RunSummary by_flow = run_in_child(kPair, flows);
  expect_conserved(by_flow);
  EXPECT_NEAR(static_cast<double>(by_flow.total.completed),
              static_cast<double>(by_request.total.completed), 3);
  EXPECT_NEAR(mean_ms(by_flow), mean_ms(by_request), 0.02 * mean_ms(by_request));
  EXPECT_NEAR(by_flow.wire.batch_wait_s, by_request.wire.batch_wait_s, 1e-5);
  EXPECT_EQ(by_flow.wire.cold_starts, by_request.wire.cold_starts);
}

TEST(EveryKnob, PlaysTheSameRunAgain) {
  const Overrides all = {"knobs.batch_size=4", "knobs.compress_above=256 B",
                         "knobs.socket_buffer=16 KiB", "knobs.direct_routing=true",
                         "workload.keys=zipf(50, 1)"};
  EXPECT_EQ(run_in_child(kPair, all).digest, run_in_child(kPair, all).digest);
  EXPECT_NE(run_in_child(kPair, all).digest, run_in_child(kPair).digest);
}

// A world whose knobs are turned as it plays. The test's process is a child of its own.
struct Turn {
  Duration at;
  Knobs knobs;
};

RunSummary play_turning(const std::string& text, const Overrides& overrides,
                        const std::vector<Turn>& turns) {
  const ParsedScenario parsed = parse_scenario_text(text, "test.toml", overrides);
  if (!parsed.scenario) return {};
  const Scenario& scenario = *parsed.scenario;
  const Streams streams(scenario.seed, scenario.replication);
  engine();
  const Platform platform = build_platform(scenario);
  World* played = nullptr;
  std::size_t next = 0;
  WorldOptions options;
  options.on_event = [&](const PlayedEvent& event) {
    while (next < turns.size() && event.at >= turns[next].at.count()) {
      played->set_knobs(turns[next++].knobs);
    }
  };
  World world(scenario, streams, platform, std::move(*make_arrivals(scenario, streams)),
              std::move(options));
  played = &world;
  run_in_engine(world);
  return world.finish();
}

// In a child; true where `fits` of its summary holds.
void expect_turned(const std::string& text, const Overrides& overrides,
                   const std::vector<Turn>& turns, bool (*fits)(const RunSummary&)) {
  EXPECT_EXIT(
      {
        const RunSummary run = play_turning(text, overrides, turns);
        const bool conserved = run.total.offered ==
                               run.total.completed + run.total.failed_total() + run.total.in_flight;
        ::_exit(conserved && fits(run) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(TurningKnobs, FlushesWhatWaitsForCompany) {
  Knobs patient;
  patient.batch_size = 1000;
  patient.batch_delay = seconds(1);
  // Off again before the first batch is due: nothing was answered until then, all is after.
  expect_turned(kPair, {"duration=900 ms", "service.s.class.c.request=50 B"},
                {{milliseconds(1), patient}, {milliseconds(500), {}}}, [](const RunSummary& run) {
                  return run.wire.batches == 1 && run.wire.batched > 400 &&
                         run.total.failed_total() == 0 && run.total.in_flight < 10 &&
                         run.total.latency.max > 0.45;
                });
}

TEST(TurningKnobs, StartsWhatWaitsForAConnection) {
  Knobs narrow;
  narrow.http_pool_size = 1;
  Knobs wide;
  wide.http_pool_size = 512;
  expect_turned(kPair,
                {"service.s.protocol=http", "service.s.class.c.work=10 ms", "workload.rate=500 /s",
                 "duration=2 s"},
                {{milliseconds(100), narrow}, {seconds(1), wide}}, [](const RunSummary& run) {
                  return run.wire.connection_waits > 300 && run.total.failed_total() == 0 &&
                         run.total.in_flight < 20;
                });
}

TEST(TurningKnobs, StartsWhatWaitsForAWorkerOrForAdmission) {
  Knobs tight;
  tight.workers = 1;
  tight.max_in_flight = 10;
  const Overrides busy = {"workload.rate=2000 /s", "duration=1500 ms", "router.queue=5000"};
  expect_turned(kPair, busy, {{milliseconds(100), tight}, {seconds(1), {}}},
                [](const RunSummary& run) {
                  return run.total.failed_total() == 0 && run.total.in_flight < 20 &&
                         run.total.latency.max > 0.3;
                });
}

TEST(TurningKnobs, BackAndForthUnderEveryKnobLosesNothing) {
  Knobs all;
  all.batch_size = 8;
  all.compress_above = 100;
  all.socket_buffer = 4096;
  all.direct_routing = true;
  all.workers = 2;
  std::vector<Turn> turns;
  for (int i = 0; i < 100; ++i) {
    turns.push_back({milliseconds(20 * i), i % 2 == 0 ? all : Knobs{}});
  }
  expect_turned(kPair, {"workload.keys=uniform(100)", "duration=2500 ms"}, turns,
                [](const RunSummary& run) {
                  return run.total.failed_total() == 0 && run.total.in_flight < 20 &&
                         run.total.offered > 2000;
                });
}

}  // namespace
}  // namespace phoenix::sim
