// Agents that the control plane places one by one: a node serves a service while it has agents of
// it, and gets requests by their number.
#include <algorithm>

#include <fmt/format.h>

#include "sim/world.h"

namespace phoenix::sim {

bool World::serves(std::uint32_t node, std::size_t service) const {
  return !scenario_.services[service].is_placed || machines_[node].agents_up[service] > 0;
}

Status World::start_agent(const AgentSpec& spec, NodeId node) {
  const auto n = static_cast<std::uint32_t>(index(node));
  Machine& machine = machines_[n];
  if (!machine.up || machine.is_leaving) return Error{fmt::format("node:{} is not up", n)};
  PlacedAgent agent;
  agent.node = n;
  agent.service = static_cast<std::uint32_t>(index(spec.service));
  agent.start = ++agent_starts_;
  agent.bytes = static_cast<double>(spec.need[Resource::kMemory]);
  ++machine.agents_here;
  machine.agents_bytes += agent.bytes;
  const auto id = static_cast<std::uint32_t>(index(spec.id));
  agents_[id] = agent;
  const Duration start_time = scenario_.services[agent.service].placed.start_time;
  if (now_ == kStart) {
    on_agent_up(id, agent.start);
  } else {
    agenda_.push(now_ + start_time, EventKind::kAgentUp, id, agent.start);
  }
  return success();
}

void World::on_agent_up(std::uint32_t id, std::uint32_t start) {
  const auto found = agents_.find(id);
  if (found == agents_.end() || found->second.start != start) return;
  found->second.is_up = true;
  add_agent(found->second);
  control_.agent_is(id_at<AgentId>(id), true, "");
}

void World::add_agent(const PlacedAgent& agent) {
  ++machines_[agent.node].agents_up[agent.service];
  tell_agents(agent.node, agent.service);
}

void World::take_agent(const PlacedAgent& agent) {
  if (!agent.is_up) return;
  --machines_[agent.node].agents_up[agent.service];
  tell_agents(agent.node, agent.service);
}

// Tells gateways how many agents of the service the node has: its weight there.
void World::tell_agents(std::uint32_t node, std::size_t service) {
  Machine& machine = machines_[node];
  const int agents = machine.agents_up[service];
  MembershipChange change{MembershipChange::Kind::kWeight, id_at<NodeId>(node),
                          id_at<ServiceId>(service)};
  if (agents == 0) {
    change.kind = MembershipChange::Kind::kLeave;
  } else {
    change.weight = agents * scenario_.cluster.groups[machine.group].weight;
    if (!machine.serves[service]) {
      change.kind = MembershipChange::Kind::kJoin;
      introduce(change);
    }
  }
  machine.serves[service] = agents > 0;
  if (now_ > kStart) return announce(change);
  change.warm = true;
  for (SimGateway& gateway : gateways_) {
    gateway.routing.membership(change, kStart);
    // A further agent of a node that has joined.
    if (agents > 1)
      gateway.routing.membership(
          {MembershipChange::Kind::kWeight, change.node, change.service, change.weight}, kStart);
  }
}

void World::stop_agent(AgentId agent) {
  const auto found = agents_.find(static_cast<std::uint32_t>(index(agent)));
  if (found == agents_.end()) return;
  const PlacedAgent gone = found->second;
  agents_.erase(found);
  Machine& machine = machines_[gone.node];
  --machine.agents_here;
  machine.agents_bytes -= gone.bytes;
  take_agent(gone);
  leave_if_drained(gone.node);
}

// Its node has died, and they with it. The control plane tells gateways, who else would wait for
// the node to come back with them.
void World::lose_agents(std::uint32_t node) {
  Machine& machine = machines_[node];
  if (machine.agents_here == 0) return;
  std::vector<std::uint32_t> lost;
  for (auto& [id, agent] : agents_) {
    if (agent.node == node) lost.push_back(id);
    if (agent.copy == node) agent.copy = kNoIndex;
  }
  machine.agents_here = 0;
  machine.agents_bytes = 0;
  std::ranges::fill(machine.agents_up, 0);
  std::ranges::fill(machine.agents_frozen, 0);
  forget_agents(node);
  for (const std::uint32_t id : lost) {
    // What a move has started elsewhere ends with its own steps, or goes on as the agent.
    if (agents_.at(id).copy != kNoIndex) stop_copy(id);
    agents_.erase(id);
    control_.agent_is(id_at<AgentId>(id), false, "its node died");
  }
}

// The node serves no more what it has no agents for.
void World::forget_agents(std::uint32_t node) {
  Machine& machine = machines_[node];
  for (std::size_t s = 0; s < machine.serves.size(); ++s) {
    if (machine.serves[s] && machine.agents_up[s] == 0) tell_agents(node, s);
  }
}

// Every agent of the service that the node has is in the middle of a move.
bool World::is_frozen(std::uint32_t node, std::size_t service) const {
  const Machine& machine = machines_[node];
  return !machine.agents_frozen.empty() && machine.agents_frozen[service] > 0 &&
         machine.agents_frozen[service] >= machine.agents_up[service];
}

// True: the job waits until the move has ended, in one way or the other.
bool World::hold_or_refuse(std::uint32_t job) {
  const std::uint32_t node = jobs_[job].node;
  for (const auto& [id, agent] : agents_) {
    if (agent.node != node || agent.service != jobs_[job].service || !agent.is_frozen) continue;
    if (control_.route(id_at<AgentId>(id)) != AgentRoute::kHold) continue;
    machines_[node].frozen_jobs.push_back(job);
    return true;
  }
  return false;
}

}  // namespace phoenix::sim
