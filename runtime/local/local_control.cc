// What the control plane does to the local world: processes come and go, knobs turn.
#include <csignal>

#include <fmt/format.h>

#include "runtime/agents/json_fields.h"
#include "runtime/local/local_world.h"

namespace phoenix::local {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kHeard = 0;  // the gateway beside which the control plane sits

float share_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<float>() : LoadReport::kUnknown;
}

}  // namespace

void LocalWorld::arm_control() {
  if (!is_playing_) return;
  const Time next = control_->next_at();
  control_timer_.arm(next == kNever ? kNever : to_loop(next));
}

// What it decides by is to be new.
void LocalWorld::on_control_due() {
  if (is_over_) return;
  poll(kQuickPollWithin, [this] {
    if (is_over_) return;
    hear_reports();
    control_->play(now());
    arm_control();
  });
}

GatewayReport LocalWorld::take_gateway_report() { return collector_->take_watched(now()); }

void LocalWorld::hear_reports() {
  for (const Json& node : part_of(gateways_[kHeard].status, "nodes")) {
    const std::uint64_t id = count_in(node, "node");
    const Json& told = part_of(node, "report");
    if (id >= nodes_.size() || !told.is_object()) continue;
    LoadReport report;
    const auto measured_ns = static_cast<std::int64_t>(number_in(told, "measured_at_ns"));
    report.measured_at = Time{Duration{measured_ns} - offset_};
    report.cpu = share_in(told, "cpu");
    report.memory = share_in(told, "memory");
    report.network = share_in(told, "network");
    report.queue_length = static_cast<std::uint32_t>(count_in(told, "queue"));
    report.in_service = static_cast<std::uint32_t>(count_in(told, "in_service"));
    control_->report(id_at<NodeId>(id), report);
  }
}

Status LocalWorld::provision(NodeId id, Duration boot_time) {
  LocalNode& node = nodes_[index(id)];
  if (node.is_present) return Error{node.name + " is there already"};
  node.fill(now());
  node.is_provisioned = true;
  start_later(index(id), boot_time + faults_->start_delay(id));
  return success();
}

void LocalWorld::fail_provisioning(std::size_t place, std::string_view why) {
  nodes_[place].empty(now());
  control_->start_failed(id_at<NodeId>(place), why);
  arm_control();
}

Status LocalWorld::remove(NodeId id, Duration grace) {
  LocalNode& node = nodes_[index(id)];
  if (!node.is_present || node.is_removed) {
    return Error{node.name + " is not there, or on its way out"};
  }
  node.is_removed = true;
  node.slow_begin.reset();
  ++node.boot;  // a start under way is given up
  if (!node.up) {
    if (node.is_booting()) node.process->kill();
    timers_.after(Duration{0}, [this, place = index(id)] { on_went(place); });
    return success();
  }
  if (!std::exchange(node.is_leaving, true)) node.process->signal(SIGTERM);
  timers_.after(grace, [this, place = index(id), life = node.incarnation] {
    if (nodes_[place].incarnation == life && nodes_[place].is_leaving) cut_off(place);
  });
  return success();
}

// It has been told to go, and takes no request any more.
Status LocalWorld::keep(NodeId id) {
  return Error{nodes_[index(id)].name + " is on its way out; a process does not come back"};
}

// Its process serves.
void LocalWorld::on_came(std::size_t place) {
  if (!is_playing_) return;
  LocalNode& node = nodes_[place];
  node.is_provisioned = false;
  node.start_tries = 0;
  control_->node_is(id_at<NodeId>(place), NodePhase::kReady);
  arm_control();
}

// Its process is gone.
void LocalWorld::on_went(std::size_t place) {
  if (!is_playing_) return;
  LocalNode& node = nodes_[place];
  agents_->lose(id_at<NodeId>(place));
  const bool is_for_good = node.is_removed;
  if (is_for_good) {
    node.empty(now());
    node.is_silenced = false;
    tell_gateways({{"forget", node.name}});
  }
  control_->node_is(id_at<NodeId>(place), is_for_good ? NodePhase::kAbsent : NodePhase::kDown);
  arm_control();
}

Status LocalWorld::set_knob(std::string_view knob, double value) {
  const Result<KnobId> id = knob_named(knob);
  if (!id) return Error{id.error()};
  if (*id == KnobId::kHibernateIdle) {
    return Error{"the agents of a local run hold no memory that they could give back"};
  }
  if (Status turned = phoenix::set_knob(knobs_, *id, value); !turned) return turned;
  for (LocalGateway& gateway : gateways_) {
    gateway.link->command({{"knob", {{"name", knob}, {"value", value}}}},
                          [this](const Json& answer) {
                            if (answer.contains("error"))
                              fail("a gateway refused a knob: " + text_in(answer, "error"));
                          });
  }
  return success();
}

}  // namespace phoenix::local
