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

ControlPlan control_plan(const Scenario& scenario, const Streams& streams) {
  ControlPlan plan;
  plan.setup = control_setup(scenario);
  plan.initial_nodes = initial_node_count(scenario);
  plan.commands = scenario.commands;
  plan.boot_time = [&scenario, &streams, groups = plan.setup.node_groups](NodeId node,
                                                                          std::uint64_t start) {
    const auto group = static_cast<std::size_t>(groups[index(node)]);
    Random random(streams.at("provision", index(node), start));
    return from_seconds(std::max(0.0, scenario.cluster.groups[group].boot_time.draw(random)));
  };
  plan.is_on = wants_control(scenario);
  return plan;
}

bool wants_control(const Scenario& scenario) {
  const ControlStrategies& s = scenario.strategies.control;
  return s.scaler != "none" || s.tuner != "none" || s.rebalancer != "none" ||
         !scenario.commands.empty();
}

}  // namespace phoenix
