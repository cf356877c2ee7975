// What the control plane does to the simulated world: nodes come and go, knobs turn.
#include <fmt/format.h>

#include "sim/world.h"

namespace phoenix::sim {

GatewayReport World::take_gateway_report() {
  GatewayReport report = collector_.take_watched(now_);
  for (std::uint32_t n = 0; n < machines_.size(); ++n) {
    if (is_ejected(n)) report.ejected.push_back(id_at<NodeId>(n));
  }
  return report;
}

// As the first gateway sees it: up, and sent nothing for any service it has.
bool World::is_ejected(std::uint32_t node) const {
  const Machine& machine = machines_[node];
  if (!machine.up || machine.is_draining() || now_ == kStart) return false;
  const NodeGroup& group = scenario_.cluster.groups[machine.group];
  const Router& router = gateways_.front().routing.router();
  bool has_any = false;
  for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
    if (!hosts_service(group, scenario_.services[s]) || !serves(node, s)) continue;
    has_any = true;
    if (router.pool(id_at<ServiceId>(s)).is_eligible(id_at<NodeId>(node))) return false;
  }
  return has_any;
}

Status World::provision(NodeId node, Duration boot_time) {
  const auto n = static_cast<std::uint32_t>(index(node));
  Machine& machine = machines_[n];
  if (machine.is_present) return Error{fmt::format("node:{} is there already", n)};
  machine.is_present = true;
  machine.is_provisioned = true;
  machine.paid_since = now_;
  agenda_.push(now_ + boot_time + faults_.start_delay(node), EventKind::kNodeStart, n,
               ++machine.boot);
  return success();
}

void World::on_provisioned(std::uint32_t node) {
  machines_[node].is_provisioned = false;
  machines_[node].start_tries = 0;
  tell_services(MembershipChange::Kind::kJoin, node);
}

void World::fail_provisioning(std::uint32_t node, std::string_view why) {
  Machine& machine = machines_[node];
  machine.is_present = false;
  machine.is_provisioned = false;
  machine.paid_ns += static_cast<double>((now_ - machine.paid_since).count());
  control_.start_failed(id_at<NodeId>(node), why);
}

Status World::remove(NodeId node, Duration grace) {
  const auto n = static_cast<std::uint32_t>(index(node));
  Machine& machine = machines_[n];
  if (!machine.is_present || machine.is_leaving) {
    return Error{fmt::format("node:{} is not there, or on its way out", n)};
  }
  machine.is_leaving = true;
  ++machine.boot;  // a start under way is given up
  const bool is_up = machine.up;
  drain(node, grace);
  if (!is_up) vanish(n);
  return success();
}

Status World::keep(NodeId node) {
  Machine& machine = machines_[index(node)];
  if (!machine.is_leaving || !machine.up) {
    return Error{fmt::format("node:{} does not drain any more", index(node))};
  }
  machine.is_leaving = false;
  --machine.drains;                          // its own, of remove()
  if (machine.drains > 0) return success();  // a fault drains it as well
  machine.drain_limit = kNever;
  announce({MembershipChange::Kind::kUp, node});
  return success();
}

// The node is gone for good, and its place is free again.
void World::vanish(std::uint32_t node) {
  Machine& machine = machines_[node];
  if (!machine.is_provisioned) tell_services(MembershipChange::Kind::kLeave, node);
  --machine.drains;  // its own, of remove()
  machine.is_present = false;
  machine.is_provisioned = false;
  machine.is_leaving = false;
  machine.paid_ns += static_cast<double>((now_ - machine.paid_since).count());
  control_.node_is(id_at<NodeId>(node), NodePhase::kAbsent);
}

// Where the node is, and what it is called: for those that hear of it for the first time.
void World::introduce(MembershipChange& change) const {
  change.zone = group_zones_[machines_[index(change.node)].group];
  change.identity = identities_[index(change.node)];
}

void World::tell_services(MembershipChange::Kind kind, std::uint32_t node) {
  const NodeGroup& group = scenario_.cluster.groups[machines_[node].group];
  for (std::size_t s = 0; s < scenario_.services.size(); ++s) {
    if (!hosts_service(group, scenario_.services[s]) || scenario_.services[s].is_placed) continue;
    MembershipChange change{kind, id_at<NodeId>(node), id_at<ServiceId>(s), group.weight};
    introduce(change);
    announce(change);
  }
}

Status World::set_knob(std::string_view knob, double value) {
  const Result<KnobId> id = knob_named(knob);
  if (!id) return Error{id.error()};
  Knobs knobs = knobs_;
  Status taken = phoenix::set_knob(knobs, *id, value);
  if (taken) set_knobs(knobs);
  return taken;
}

}  // namespace phoenix::sim
