// Agents on the move: the steps of the migration protocol, with state as SimGrid flows between the
// nodes' hosts.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/world.h"

namespace phoenix::sim {
namespace {

using Action = MigrationAction;

Duration time_of(double bytes, double per_second) {
  return per_second > 0 ? from_seconds(bytes / per_second) : Duration{0};
}

bool sends_bytes(const MigrationOrder& order) {
  return (order.action == Action::kCopyRound || order.action == Action::kSendRest) &&
         order.bytes >= 1;
}

std::uint32_t number(AgentId agent) { return static_cast<std::uint32_t>(index(agent)); }
std::uint32_t number(NodeId node) { return static_cast<std::uint32_t>(index(node)); }

}  // namespace

void World::migration_step(const MigrationOrder& order) {
  const std::uint32_t step = move_steps_.acquire();
  move_steps_[step] = {order, now_};
  if (sends_bytes(order)) {
    state_to_send_.push_back(step);
  } else {
    agenda_.push(now_ + step_time(order), EventKind::kMoveStep, step);
  }
}

// Of steps that send nothing.
Duration World::step_time(const MigrationOrder& order) const {
  const auto agent = agents_.find(number(order.agent));
  switch (order.action) {
    case Action::kStartTarget:
    case Action::kRestartSource:
      return agent == agents_.end() ? Duration{0}
                                    : scenario_.services[agent->second.service].placed.start_time;
    case Action::kFreeze:
      return move_means_.freeze;
    case Action::kWriteCheckpoint:
      return time_of(order.bytes, move_means_.write_bandwidth);
    case Action::kStopSource:
      return move_means_.stop;
    case Action::kSwitchRoute:
    case Action::kSwitchBack:
      return move_means_.switch_over;
    default:
      return Duration{0};
  }
}

void World::start_state_flows() {
  for (const std::uint32_t step : std::exchange(state_to_send_, {})) send_state(step);
}

void World::send_state(std::uint32_t step) {
  const MigrationOrder order = move_steps_[step].order;
  const std::uint32_t from = network_.gateways() + number(order.source);
  const std::uint32_t to = network_.gateways() + number(order.target);
  if (!platform_.hosts[from].host->is_on() || !platform_.hosts[to].host->is_on()) {
    return on_state_sent(step, false);
  }
  flows_.start_transfer(from, to, order.bytes, {Flows::Tag::Kind::kState, step, 0});
}

void World::on_state_sent(std::uint32_t id, bool ok) {
  const MoveStep step = move_steps_[id];
  if (ok && step.order.action == Action::kSendRest) {
    // Loaded at the target as fast as its store reads.
    agenda_.push(now_ + time_of(step.order.bytes, move_means_.read_bandwidth), EventKind::kMoveStep,
                 id);
    return;
  }
  move_steps_.release(id);
  if (!ok) return control_.step_ended(step.order.token, Error{"an end of the transfer died"});
  const auto agent = agents_.find(number(step.order.agent));
  const double rate = agent == agents_.end()
                          ? 0.0
                          : scenario_.services[agent->second.service].placed.dirty_bytes_per_s;
  control_.step_ended(step.order.token, success(), rate * to_seconds(now_ - step.began));
}

void World::on_move_step(std::uint32_t id) {
  const MigrationOrder order = move_steps_[id].order;
  move_steps_.release(id);
  control_.step_ended(order.token, take_step(order));
}

Status World::take_step(const MigrationOrder& order) {
  const std::uint32_t id = number(order.agent);
  const auto found = agents_.find(id);
  if (found == agents_.end()) return Error{"the agent is gone"};
  switch (order.action) {
    case Action::kStartTarget:
      return start_copy(order);
    case Action::kStopTarget:
      stop_copy(id);
      break;
    case Action::kFreeze:
    case Action::kStopSource:
      freeze(id, true);
      break;
    case Action::kUnfreeze:
    case Action::kRestartSource:
      freeze(id, false);
      break;
    case Action::kSwitchRoute:
      move_route(id, number(order.target));
      break;
    case Action::kSwitchBack:
      move_route(id, number(order.source));
      break;
    case Action::kResume:
      release_frozen(number(order.source), found->second.service, number(order.target));
      break;
    case Action::kReleaseSource:
      stop_copy(id);
      break;
    case Action::kWriteCheckpoint:
    case Action::kCopyRound:
    case Action::kSendRest:
      break;  // time and bytes are all there is to it
  }
  return success();
}

Status World::start_copy(const MigrationOrder& order) {
  PlacedAgent& agent = agents_.at(number(order.agent));
  Machine& target = machines_[number(order.target)];
  if (!target.up || target.is_leaving) return Error{"the target is not up"};
  agent.copy = number(order.target);
  ++target.agents_here;
  target.agents_bytes += agent.bytes;
  return success();
}

// The one that does not serve: the copy at the target before the switch, the old one after it.
void World::stop_copy(std::uint32_t id) {
  PlacedAgent& agent = agents_.at(id);
  if (agent.copy == kNoIndex) return;
  const std::uint32_t node = std::exchange(agent.copy, kNoIndex);
  --machines_[node].agents_here;
  machines_[node].agents_bytes -= agent.bytes;
  leave_if_drained(node);
}

void World::freeze(std::uint32_t id, bool on) {
  PlacedAgent& agent = agents_.at(id);
  if (agent.is_frozen == on || !agent.is_up) return;
  agent.is_frozen = on;
  machines_[agent.node].agents_frozen[agent.service] += on ? 1 : -1;
  if (!on) release_frozen(agent.node, agent.service, agent.node);
}

// The agent and its copy change places.
void World::move_route(std::uint32_t id, std::uint32_t to) {
  PlacedAgent& agent = agents_.at(id);
  if (agent.node == to || agent.copy != to) return;
  const bool was_frozen = std::exchange(agent.is_frozen, false);
  if (was_frozen) --machines_[agent.node].agents_frozen[agent.service];
  take_agent(agent);
  agent.copy = std::exchange(agent.node, to);
  add_agent(agent);
}

// What waited at `from` goes on at `to`, one latency later where that is another node.
void World::release_frozen(std::uint32_t from, std::uint32_t service, std::uint32_t to) {
  Machine& machine = machines_[from];
  std::vector<std::uint32_t> waiting;
  std::erase_if(machine.frozen_jobs, [&](std::uint32_t job) {
    if (jobs_[job].service != service) return false;
    waiting.push_back(job);
    return true;
  });
  for (const std::uint32_t job : waiting) {
    if (from == to) {
      take_job(job);
      continue;
    }
    jobs_[job].node = to;
    jobs_[job].incarnation = machines_[to].incarnation;
    agenda_.push(now_ + network_.latency_between_nodes(from, to), EventKind::kNodeArrive, job);
  }
}

}  // namespace phoenix::sim
