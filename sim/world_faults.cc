// What faults do to the simulated world: nodes die, return, pause and slow down, links misbehave.
#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "sim/world.h"

namespace phoenix::sim {
namespace {

constexpr int kStartTriesMax = 10;

}  // namespace

FaultedNode World::node(NodeId node) const {
  const Machine& machine = machines_[index(node)];
  const std::size_t jobs =
      machine.server.waiting() + machine.server.in_service() + machine.held.size();
  return {machine.up, machine.incarnation, jobs, machine.completed, machine.slowdown()};
}

int World::expected_nodes() const {
  return static_cast<int>(std::count_if(machines_.begin(), machines_.end(), [](const Machine& m) {
    return m.is_present && !m.is_provisioned && !m.is_leaving;
  }));
}

int World::healthy_nodes() const {
  return static_cast<int>(std::count_if(machines_.begin(), machines_.end(), [](const Machine& m) {
    return m.up && m.pauses == 0 && !m.is_draining();
  }));
}

void World::end_link_effect(std::uint32_t effect) {
  for (const Message& message : network_.end_effect(effect)) deliver_held(message);
}

void World::deliver_held(const Message& message) {
  if (message.has_arrived) {
    agenda_.push(now_, message.arrival, message.subject);
  } else if (!network_.send(message, now_)) {
    lose(message);
  }
}

void World::apply_factor(std::uint32_t node) {
  machines_[node].server.set_factor(machines_[node].factor(), now_);
  reschedule(node);
}

void World::slow(NodeId node, std::uint32_t effect, double factor) {
  auto& slowdowns = machines_[index(node)].slowdowns;
  const auto known = std::find_if(slowdowns.begin(), slowdowns.end(),
                                  [effect](const auto& s) { return s.first == effect; });
  if (known == slowdowns.end()) {
    slowdowns.emplace_back(effect, factor);
  } else {
    known->second = factor;
  }
  apply_factor(static_cast<std::uint32_t>(index(node)));
}

void World::end_slow(NodeId node, std::uint32_t effect) {
  std::erase_if(machines_[index(node)].slowdowns,
                [effect](const auto& s) { return s.first == effect; });
  apply_factor(static_cast<std::uint32_t>(index(node)));
}

void World::pause(NodeId node) {
  ++machines_[index(node)].pauses;
  apply_factor(static_cast<std::uint32_t>(index(node)));
}

void World::resume(NodeId node) {
  Machine& machine = machines_[index(node)];
  assert(machine.pauses > 0);
  if (--machine.pauses > 0 || !machine.up) return;
  apply_factor(static_cast<std::uint32_t>(index(node)));
  std::vector<std::uint32_t> held;
  held.swap(machine.held);
  for (const std::uint32_t job : held) take_job(job);
  leave_if_drained(static_cast<std::uint32_t>(index(node)));
}

void World::crash(NodeId node, bool notify, bool keep_queue) {
  const auto n = static_cast<std::uint32_t>(index(node));
  Machine& machine = machines_[n];
  ++machine.crashes;
  if (machine.up) return stop_machine(n, notify, keep_queue);
  ++machine.boot;
  machine.resets = machine.resets && notify;
  std::vector<std::uint32_t> victims;
  if (!keep_queue) machine.server.evict(jobs_, now_, false, victims);
  for (const std::uint32_t id : victims) jobs_.release(id);
  lost_jobs_ += victims.size();
}

void World::stop_machine(std::uint32_t node, bool notify, bool keep_queue) {
  Machine& machine = machines_[node];
  machine.up = false;
  machine.resets = notify;
  machine.drain_limit = kNever;
  machine.start_tries = 0;
  machine.up_ns += static_cast<double>((now_ - machine.up_since).count());
  ++machine.incarnation;
  machine.keyed.clear();
  machine.away = 0;
  std::vector<std::uint32_t> victims;
  machine.server.evict(jobs_, now_, keep_queue, victims);
  victims.insert(victims.end(), machine.held.begin(), machine.held.end());
  machine.held.clear();
  victims.insert(victims.end(), machine.frozen_jobs.begin(), machine.frozen_jobs.end());
  machine.frozen_jobs.clear();
  for (const std::uint32_t id : victims) {
    if (jobs_[id].activity != kNoIndex) flows_.cancel(jobs_[id].activity);
    faults_.count_casualty(id_at<NodeId>(node));
    if (notify) {
      reset(id);
    } else {
      ++lost_jobs_;
      jobs_.release(id);
    }
  }
  apply_factor(node);
  platform_.hosts[network_.gateways() + node].host->turn_off();
  if (notify) announce({MembershipChange::Kind::kDown, id_at<NodeId>(node)});
  lose_agents(node);
  if (machine.is_leaving) return vanish(node);
  control_.node_is(id_at<NodeId>(node), NodePhase::kDown);
}

void World::start(NodeId node) {
  Machine& machine = machines_[index(node)];
  if (machine.crashes > 0) {
    --machine.crashes;
  } else if (machine.drains > 0) {
    --machine.drains;
  }
  if (machine.crashes > 0 || machine.drains > 0 || !machine.is_present) return;
  machine.drain_limit = kNever;
  const auto n = static_cast<std::uint32_t>(index(node));
  if (machine.up) return announce({MembershipChange::Kind::kUp, node});
  ++machine.boot;
  machine.start_tries = 0;
  const Duration delay = faults_.start_delay(node);
  if (delay.count() == 0) return on_start_due(n, machine.boot);  // heals come before requests
  agenda_.push(now_ + delay, EventKind::kNodeStart, n, machine.boot);
}

void World::retry_start(NodeId node) {
  Machine& machine = machines_[index(node)];
  if (machine.up || !machine.is_present || machine.start_tries < kStartTriesMax) return;
  machine.start_tries = 0;
  on_start_due(static_cast<std::uint32_t>(index(node)), ++machine.boot);
}

void World::on_start_due(std::uint32_t node, std::uint32_t boot) {
  Machine& machine = machines_[node];
  if (machine.up || machine.boot != boot) return;
  if (machine.is_provisioned) {
    const bool is_struck = machine.crashes > 0 || machine.drains > 0;
    if (!is_struck && !faults_.start_fails(id_at<NodeId>(node), machine.start_tries)) {
      return bring_up(node);
    }
    ++machine.start_tries;
    return fail_provisioning(node, is_struck ? "a fault keeps it down" : "the start failed");
  }
  if (machine.crashes > 0 || machine.drains > 0) return;
  if (!faults_.start_fails(id_at<NodeId>(node), machine.start_tries)) return bring_up(node);
  if (++machine.start_tries >= kStartTriesMax) {
    return log_decision("machine", "start", fmt::format("node:{}", node), machine.start_tries,
                        "every attempt failed", "failed");
  }
  Random random(streams_.at("boot", node, machine.incarnation * 64ULL + machine.start_tries));
  const double boot_s =
      std::max(0.0, scenario_.cluster.groups[machine.group].boot_time.draw(random));
  agenda_.push(now_ + from_seconds(boot_s) + faults_.start_delay(id_at<NodeId>(node)),
               EventKind::kNodeStart, node, boot);
}

void World::bring_up(std::uint32_t node) {
  Machine& machine = machines_[node];
  machine.up = true;
  machine.up_since = now_;
  machine.cpu = LoadReport::kUnknown;
  machine.network = LoadReport::kUnknown;
  machine.signals = NodeSignals();
  machine.server.forget_keys();
  machine.signals.sample(now_);
  machine.reported_at = now_;
  machine.busy_at_report = machine.server.busy_core_ns(now_);
  machine.bytes_at_report = network_.busier_bytes(network_.gateways() + node);
  platform_.hosts[network_.gateways() + node].host->turn_on();
  if (is_flow_fidelity_) {
    start_executions(node);
  } else {
    machine.server.refill(jobs_, now_);
  }
  apply_factor(node);
  if (machine.is_provisioned) on_provisioned(node);
  announce({MembershipChange::Kind::kUp, id_at<NodeId>(node)});
  control_.node_is(id_at<NodeId>(node), NodePhase::kReady);
}

void World::drain(NodeId node, Duration grace) {
  const auto n = static_cast<std::uint32_t>(index(node));
  Machine& machine = machines_[n];
  ++machine.drains;
  if (!machine.up) {
    ++machine.boot;
    return;
  }
  const Time limit = add_saturating(now_, grace);
  if (limit < machine.drain_limit) {
    machine.drain_limit = limit;
    agenda_.push(limit, EventKind::kDrainLimit, n);
  }
  if (machine.drains > 1) return;
  announce({MembershipChange::Kind::kDrain, node});
  leave_if_drained(n);
}

}  // namespace phoenix::sim
