#include "scenarios/control_setup.h"

#include <algorithm>

namespace phoenix {
namespace {

constexpr double kBootQuantile = 0.95;
constexpr int kBootDraws = 1000;

// The boot time that 95 % of starts keep, by drawing: distributions know no quantiles. The same
// each time, and no stream of the run's is touched.
Duration boot_time_p95(const Distribution& boot_time) {
  Random random(hash_text("boot_time_p95"));
  std::vector<double> draws;
  for (int i = 0; i < kBootDraws; ++i) draws.push_back(std::max(0.0, boot_time.draw(random)));
  std::sort(draws.begin(), draws.end());
  return from_seconds(draws[static_cast<std::size_t>(kBootQuantile * kBootDraws) - 1]);
}

}  // namespace

ControlSetup control_setup(const Scenario& scenario) {
  ControlSetup setup;
  setup.settings = scenario.control;
  setup.targets = scenario.targets;
  setup.strategies = scenario.strategies.control;
  for (const NodeGroup& group : scenario.cluster.groups) {
    ControlGroup one;
    one.name = group.name;
    one.minimum = group.minimum;
    one.maximum = group.maximum;
    one.cores = group.cores;
    one.speed = group.speed;
    one.memory_bytes = group.memory_bytes;
    one.bandwidth = group.bandwidth;
    one.cost_per_hour = group.cost_per_hour;
    one.boot_time = boot_time_p95(group.boot_time);
    one.zone = group.zone;
    setup.groups.push_back(std::move(one));
  }
  setup.node_groups = node_groups(scenario);
  return setup;
}

bool wants_control(const Scenario& scenario) {
  const ControlStrategies& s = scenario.strategies.control;
  return s.scaler != "none" || s.tuner != "none" || s.rebalancer != "none" ||
         !scenario.commands.empty();
}

}  // namespace phoenix
