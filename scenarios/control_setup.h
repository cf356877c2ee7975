// What the control plane of a scenario is told about its cluster. Built alike wherever it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scenarios/scenario.h"
#include "strategies/controller.h"
#include "strategies/core/random.h"

namespace phoenix {

// What a ControlLoop needs to know of its cluster: from a scenario, or from a gateway's
// configuration. Owns all of it.
struct ControlPlan {
  ControlSetup setup;
  int initial_nodes = 0;               // the first so many places are ready from the beginning
  std::vector<TimedCommand> commands;  // in any order
  std::vector<AgentArrival> agents;    // that come during the run, in the order of time
  // How long start number `start` (from 0) of a node takes until the node may be used.
  std::function<Duration(NodeId node, std::uint64_t start)> boot_time;
  bool is_on = false;  // false: nothing here wants a control plane
};

// What is known of a service whose agents are placed; `number` is its place among all.
ControlService control_service(const std::string& name, const PlacedAgents& placed,
                               std::size_t number);
AgentSpec agent_spec(AgentId id, std::size_t service, double cores, double memory_bytes);

ControlSetup control_setup(const Scenario& scenario);

// Boot times are drawn from `streams`. Both must outlive the plan.
ControlPlan control_plan(const Scenario& scenario, const Streams& streams);

// Whether anything in the scenario needs a control plane: a strategy of it, or a command to it.
bool wants_control(const Scenario& scenario);

}  // namespace phoenix
