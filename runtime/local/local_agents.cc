// Agents of the local world: services of node processes that are offered while agents of them are
// there, and moved from one process to another.
#include "runtime/local/local_world.h"

namespace phoenix::local {

using agents::AgentKeeper;

void LocalWorld::make_keeper() {
  std::vector<std::string> services;
  for (const Service& service : scenario_.services) services.push_back(service.name);
  AgentKeeper::Hooks hooks;
  hooks.host = [this](NodeId id) {
    const LocalNode& node = nodes_[index(id)];
    return AgentKeeper::Host{node.up ? node.link.get() : nullptr, node.port.address,
                             scenario_.cluster.groups[node.group].weight};
  };
  hooks.told = [this](AgentId agent, bool is_up, std::string_view why) {
    control_->agent_is(agent, is_up, why);
    arm_control();
  };
  hooks.step_ended = [this](const MigrationOrder& order, const Status& how, double dirty_bytes) {
    control_->step_ended(order.token, how, dirty_bytes);
    arm_control();
  };
  hooks.after = [this](Duration delay, std::function<void()> work) {
    timers_.after(delay, std::move(work));
  };
  agents_ = std::make_unique<AgentKeeper>(std::move(services), std::move(hooks));
}

// Those that are there from the beginning.
Status LocalWorld::begin_agents() {
  if (!control_->is_on()) return success();
  control_->begin();
  return wait_until([this] { return agents_->are_all_up(); }, "the agents were not up");
}

Status LocalWorld::start_agent(const AgentSpec& spec, NodeId id) {
  const LocalNode& node = nodes_[index(id)];
  if (!node.up || node.is_removed) return Error{node.name + " is not up"};
  const Duration start_time = scenario_.services[index(spec.service)].placed.start_time;
  agents_->start(spec, id, is_playing_ ? start_time : Duration{0});
  return success();
}

void LocalWorld::stop_agent(AgentId id) { agents_->stop(id); }

void LocalWorld::migration_step(const MigrationOrder& order) { agents_->step(order); }

}  // namespace phoenix::local
