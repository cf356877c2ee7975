// The Router decides by what it is told and nothing else: what the simulated world told it, played
// to a second Router behind another port, leads to the same decisions, every one of them.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scenarios/parser.h"
#include "scenarios/router_setup.h"
#include "sim/simulate.h"
#include "tests/strategies/router_recording.h"

namespace phoenix::sim {
namespace {

using testing::RouterRecording;

constexpr const char* kScenario = R"toml(
name = "replayed"
duration = "10 s"
seed = 21
[[cluster.group]]
name = "n"
count = 8
cores = 2
boot_time = "300 ms"
[gateway]
count = 2
[reports]
interval = "200 ms"
[router]
retries = 2
retry_budget = 0.5
hedge_quantile = 0.9
hedge_min = "5 ms"
hedge_max_utilization = 1
report_timeout = "1 s"
ejection_time = "1 s"
[[service]]
name = "shop"
queue = 16
[[service.class]]
name = "read"
share = 0.8
work = "exponential(5 ms)"
deadline = "300 ms"
attempt_timeout = "100 ms"
[[service.class]]
name = "write"
share = 0.2
work = "exponential(8 ms)"
deadline = "1 s"
repeatable = false
[workload]
rate = "2200 /s"
[[fault]]
kind = "chaos"
start = "500 ms"
duration = "9 s"
rate = "3 /s"
kinds = "crash_restart, crash_notify, pause, slow_cpu, delay, loss, stop_graceful, metrics_missing"
mean_length = "800 ms"
)toml";

struct Nowhere {
  void send(const RouterAction&) {}
  void answer(const RouterAction&) {}
  void probe(const RouterAction&) {}
  void arm(Time) {}
};

// Runs in a child, as SimGrid allows one engine a process. Says on stderr what came of it.
int record_and_replay(const std::string& balancer) {
  const std::vector<std::string> overrides = {"strategies.balancer=" + balancer};
  const ParsedScenario parsed = parse_scenario_text(kScenario, "replayed.toml", overrides);
  if (!parsed.scenario) {
    print_problems(std::cerr, parsed.problems);
    return 2;
  }
  const Scenario& scenario = *parsed.scenario;
  std::vector<RouterRecording> recordings(2);
  SimulationOptions options;
  options.tap = [&recordings](std::uint32_t gateway) { return &recordings[gateway]; };
  const Result<SimulationResult> run = simulate(scenario, options);
  if (!run) return 3;
  const RunSummary& summary = run->summary;
  if (summary.retries < 100 || summary.hedges_won < 100 || summary.ejections == 0) {
    std::fprintf(stderr, "not much happened: %lu retries, %lu second copies won, %lu ejections\n",
                 summary.retries, summary.hedges_won, summary.ejections);
    return 3;
  }
  const Streams streams(scenario.seed, scenario.replication);
  for (std::uint32_t gateway = 0; gateway < 2; ++gateway) {
    const RouterRecording& recording = recordings[gateway];
    RouterRecording again;
    RouterDriver<Nowhere> driver(make_router(scenario, streams, gateway), {}, &again);
    for (const RouterEvent& event : recording.events) driver.replay(event);
    const std::string difference = first_difference(recording, again);
    if (recording.decisions.size() < 10'000 || !difference.empty()) {
      std::fprintf(stderr, "gateway %u, %zu decisions: %s\n", gateway, recording.decisions.size(),
                   difference.c_str());
      return 1;
    }
  }
  std::fprintf(stderr, "all the same\n");
  return 0;
}

class RouterReplay : public ::testing::TestWithParam<const char*> {};

TEST_P(RouterReplay, LeadsToTheSameDecisions) {
  EXPECT_EXIT(std::_Exit(record_and_replay(GetParam())), ::testing::ExitedWithCode(0),
              "all the same");
}

INSTANTIATE_TEST_SUITE_P(Balancers, RouterReplay,
                         ::testing::Values("round_robin", "p2c", "least_connections", "peak_ewma",
                                           "resource_aware", "predictive"));

}  // namespace
}  // namespace phoenix::sim
