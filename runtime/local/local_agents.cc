// Agents of the local world: services of node processes that are offered while agents of them are
// there, and moved from one process to another.
#include <algorithm>
#include <utility>

#include "runtime/local/json_fields.h"
#include "runtime/local/local_world.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;
using Action = MigrationAction;

}  // namespace

// Those that are there from the beginning.
Status LocalWorld::begin_agents() {
  if (!control_->is_on()) return success();
  control_->begin();
  return wait_until(
      [this] {
        for (const auto& [id, agent] : agents_) {
          if (!agent.is_up) return false;
        }
        return true;
      },
      "the agents were not up");
}

Status LocalWorld::start_agent(const AgentSpec& spec, NodeId id) {
  const LocalNode& node = nodes_[index(id)];
  if (!node.up || node.is_removed) return Error{node.name + " is not up"};
  LocalAgent agent;
  agent.node = index(id);
  agent.service = index(spec.service);
  agent.start = ++agent_starts_;
  agents_[spec.id] = agent;
  if (!is_playing_) {
    raise_agent(spec.id, agent.start);
  } else {
    timers_.after(scenario_.services[agent.service].placed.start_time,
                  [this, one = spec.id, start = agent.start] { raise_agent(one, start); });
  }
  return success();
}

void LocalWorld::raise_agent(AgentId id, std::uint32_t start) {
  const auto found = agents_.find(id);
  if (found == agents_.end() || found->second.start != start) return;
  const LocalAgent& agent = found->second;
  change_agents(agent.node, agent.service, 1, [this, id, start](const Json& answer) {
    const auto asked = agents_.find(id);
    if (asked == agents_.end() || asked->second.start != start) return;
    asked->second.is_up = answer.is_object() && !answer.contains("error");
    tell_agent(id, asked->second.is_up, "its node does not serve it");
  });
}

void LocalWorld::tell_agent(AgentId id, bool is_up, std::string_view why) {
  if (!is_up) agents_.erase(id);
  control_->agent_is(id, is_up, is_up ? std::string_view() : why);
  arm_control();
}

// A node's weight for a service is the number of its agents there, times the group's.
void LocalWorld::change_agents(std::size_t place, std::size_t service, int by,
                               LabLink::OnAnswer on_answer) {
  LocalNode& node = nodes_[place];
  int& agents = node.agents[service];
  const bool is_first = agents == 0 && by > 0;
  agents += by;
  if (!node.up) return;
  const std::string& name = scenario_.services[service].name;
  if (is_first) node.link->command({{"resume", name}});
  const double weight = agents * scenario_.cluster.groups[node.group].weight;
  node.link->command({{"offer", name}, {"weight", weight}}, std::move(on_answer));
}

void LocalWorld::stop_agent(AgentId id) {
  const auto found = agents_.find(id);
  if (found == agents_.end()) return;
  const LocalAgent gone = found->second;
  agents_.erase(found);
  if (gone.is_up) change_agents(gone.node, gone.service, -1);
}

// Its node has ended, and they with it.
void LocalWorld::lose_agents(std::size_t place) {
  std::ranges::fill(nodes_[place].agents, 0);
  std::vector<AgentId> lost;
  for (const auto& [id, agent] : agents_) {
    if (agent.node == place) lost.push_back(id);
  }
  for (const AgentId id : lost) tell_agent(id, false, "its node died");
}

void LocalWorld::migration_step(const MigrationOrder& order) {
  const auto found = agents_.find(order.agent);
  if (found == agents_.end()) {
    return control_->step_ended(order.token, Error{"the agent is gone"});
  }
  LocalAgent& agent = found->second;
  const std::size_t source = index(order.source), target = index(order.target);
  if (order.action == Action::kStartTarget) {
    agent.is_shared =
        nodes_[source].agents[agent.service] > 1 || nodes_[target].agents[agent.service] > 0;
  }
  if (agent.is_shared) return step_shared(order);
  const std::size_t to = order.action == Action::kSwitchBack ? source : target;
  mover_->step(order, scenario_.services[agent.service].name,
               scenario_.cluster.groups[nodes_[to].group].weight);
}

// Where several agents of a service share a node, they share its state too: only the numbers move.
void LocalWorld::step_shared(const MigrationOrder& order) {
  const bool is_switch = order.action == Action::kSwitchRoute;
  if (is_switch || order.action == Action::kSwitchBack) {
    const std::size_t service = agents_.at(order.agent).service;
    change_agents(index(is_switch ? order.target : order.source), service, 1);
    change_agents(index(is_switch ? order.source : order.target), service, -1);
    agents_.at(order.agent).node = index(is_switch ? order.target : order.source);
  }
  control_->step_ended(order.token, nodes_[index(order.target)].up
                                        ? success()
                                        : Status(Error{"the target is not there"}));
}

void LocalWorld::on_step_ended(const MigrationOrder& order, const Status& how, double dirty_bytes) {
  const auto found = agents_.find(order.agent);
  const bool is_switch = order.action == Action::kSwitchRoute;
  if (how && found != agents_.end() && (is_switch || order.action == Action::kSwitchBack)) {
    LocalAgent& agent = found->second;
    --nodes_[agent.node].agents[agent.service];
    agent.node = index(is_switch ? order.target : order.source);
    ++nodes_[agent.node].agents[agent.service];
  }
  control_->step_ended(order.token, how, dirty_bytes);
  arm_control();
}

}  // namespace phoenix::local
