#include "scenarios/control_setup.h"

#include <algorithm>
#include <memory>
#include <utility>

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

// What the scenario says of its network and nodes, for the tuner's arithmetic until nodes say more:
// the narrowest link, the shortest way, the mean request.
TuningFacts facts_of(const Scenario& scenario) {
  TuningFacts facts;
  if (scenario.cluster.groups.empty()) return facts;
  const NodeGroup& first = scenario.cluster.groups.front();
  facts.link_bandwidth = scenario.gateway.bandwidth;
  for (const NodeGroup& group : scenario.cluster.groups) {
    facts.link_bandwidth = std::min(facts.link_bandwidth, group.bandwidth);
  }
  facts.round_trip = 2 * to_seconds(scenario.gateway.latency + first.latency);
  facts.cores = first.cores;
  double shares = 0;
  double work = 0;
  double ratio = 0;
  for (const Service& service : scenario.services) {
    for (const RequestClass& one : service.classes) {
      shares += one.share;
      work += one.share * one.work.mean();
      ratio += one.share * one.compression;
    }
  }
  if (shares > 0) {
    facts.service_time = work / shares / first.speed;
    facts.compression_ratio = ratio / shares;
  }
  return facts;
}

}  // namespace

ControlService control_service(const std::string& name, const PlacedAgents& placed,
                               std::size_t number) {
  ControlService out;
  out.name = name;
  out.agents = placed.count;
  out.agent = agent_spec(kNoAgent, number, placed.cores, placed.memory_bytes);
  out.observed.state_bytes = placed.state_bytes;
  out.observed.dirty_bytes_per_s = placed.dirty_bytes_per_s;
  auto rules = std::make_shared<AgentRules>();
  rules->zone_max_skew = placed.zone_max_skew;
  if (placed.one_per_node) {
    AffinityRule apart;
    apart.any_of = {AgentSelector::of(id_at<ServiceId>(number))};
    rules->anti_affinity.push_back(std::move(apart));
  }
  if (placed.one_per_node || placed.zone_max_skew > 0) out.agent.rules = std::move(rules);
  return out;
}

AgentSpec agent_spec(AgentId id, std::size_t service, double cores, double memory_bytes) {
  AgentSpec agent;
  agent.id = id;
  agent.service = id_at<ServiceId>(service);
  // Bounds were checked when the scenario was read.
  agent.need[Resource::kCpu] = *to_amount(Resource::kCpu, cores);
  agent.need[Resource::kMemory] = *to_amount(Resource::kMemory, memory_bytes);
  return agent;
}

ControlSetup control_setup(const Scenario& scenario) {
  ControlSetup setup;
  setup.settings = scenario.control;
  setup.targets = scenario.targets;
  setup.strategies = scenario.strategies.control;
  setup.alerts = scenario.alerts;
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
  setup.knobs = scenario.knobs;
  setup.facts = facts_of(scenario);
  setup.gateways = scenario.gateway.count;
  for (const Service& service : scenario.services) {
    setup.services.push_back(control_service(service.name, service.placed, setup.services.size()));
  }
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
  plan.agents = scenario.agents;
  plan.setup.placement_random = streams.named("placement");
  plan.is_on = wants_control(scenario);
  return plan;
}

bool wants_control(const Scenario& scenario) {
  const ControlStrategies& s = scenario.strategies.control;
  return s.scaler != "none" || s.tuner != "none" || s.rebalancer != "none" ||
         !scenario.alerts.empty() || !scenario.commands.empty() ||
         std::ranges::any_of(scenario.services, &Service::is_placed);
}

}  // namespace phoenix
