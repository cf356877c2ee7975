#include "strategies/controller.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/control/cluster_watch.h"
#include "strategies/control/placement_control.h"
#include "strategies/control/scaling_control.h"
#include "strategies/control/status.h"
#include "strategies/control/tuning_control.h"
#include "strategies/core/units.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

// "none" stays; anything else is made and printed back.
template <class Make>
Status complete(std::string& text, const Make& make) {
  if (text == "none") return success();
  const auto made = make(text);
  if (!made) return Error{made.error()};
  text = made->text;
  return success();
}

// The design document's names of goals, as tuners use them, are rebalancers here.
std::string rebalancer_for(const std::string& goal) {
  if (goal == "even_distribution") return "even";
  if (goal == "resource_optimization") return "resource";
  if (goal == "latency_optimization" || goal == "latency_aware") return "latency";
  return goal;
}

}  // namespace

struct Controller::State {
  explicit State(const ControlSetup& the_setup)
      : setup(the_setup),
        watch(setup),
        scaling(setup, watch),
        placement(setup, watch),
        tuning(setup, watch),
        next_collect(kStart + setup.settings.collect_interval) {}

  void collect(Time now, std::vector<Decision>& out);
  void tell(const AlertEvent& event, std::vector<Decision>& out);
  TuningHelpers helpers(Time now, std::vector<Decision>& out);
  Status scale_to(const Command& command, Time now, std::vector<Decision>& out);

  const ControlSetup setup;
  ClusterWatch watch;
  ScalingControl scaling;
  PlacementControl placement;
  TuningControl tuning;
  PerformanceHistory history;
  DecisionIds ids;
  Time next_collect;
  Time collected_at = kStart;
};

void Controller::State::tell(const AlertEvent& event, std::vector<Decision>& out) {
  const bool is_better = event.to == AlertLevel::kNone;
  Decision decision;
  decision.id = ids.take();
  decision.at = event.at;
  decision.kind = is_better ? DecisionKind::kClearAlert : DecisionKind::kRaiseAlert;
  decision.family = "alerts";
  decision.subject = event.metric;
  decision.node = event.node;
  decision.text = to_text(event.to);
  decision.from = event.threshold;
  decision.value = event.value;
  decision.seen = print_number(event.value) + ", between " + print_number(event.lowest) + " and " +
                  print_number(event.highest) + " since " +
                  print_duration(event.since.time_since_epoch());
  decision.reason = std::string(to_text(event.from)) + " -> " + std::string(to_text(event.to));
  if (!std::isnan(event.threshold)) {
    decision.reason += ", threshold " + print_number(event.threshold);
  }
  out.push_back(std::move(decision));
}

void Controller::State::collect(Time now, std::vector<Decision>& out) {
  if (now <= collected_at && now > kStart) return;
  collected_at = now;
  std::vector<AlertEvent> events;
  watch.collect(now, events);
  for (const AlertEvent& event : events) tell(event, out);
}

TuningHelpers Controller::State::helpers(Time now, std::vector<Decision>& out) {
  TuningHelpers helpers;
  helpers.scale_by = [this, now, &out](int count, const std::string& reason) {
    return scaling.scale_by(count, reason, now, ids, out);
  };
  helpers.rebalance = [this, now, &out](const std::string& text) {
    return placement.rebalance(rebalancer_for(text), now, ids, out);
  };
  return helpers;
}

Status Controller::State::scale_to(const Command& command, Time now, std::vector<Decision>& out) {
  const double wanted = command.value;
  if (std::isnan(wanted) || wanted != std::floor(wanted) || wanted < 0 || wanted > 1e6) {
    return Error{"found " + print_number(wanted) + "; allowed a whole number of nodes"};
  }
  const std::string reason = command.text.empty() ? "manual" : command.text;
  return scaling.scale_to(command.subject, static_cast<int>(wanted), reason, now, ids, out);
}

Controller::Controller(const ControlSetup& setup) : state_(std::make_unique<State>(setup)) {}
Controller::~Controller() = default;

Result<ControlStrategies> Controller::in_full(const ControlStrategies& strategies) {
  ControlStrategies full = strategies;
  if (Status s = complete(full.scaler, make_scaler); !s) return Error{s.error()};
  if (Status s = complete(full.tuner, make_tuner); !s) return Error{s.error()};
  if (Status s = complete(full.placer, make_placer); !s) return Error{s.error()};
  if (Status s = complete(full.rebalancer, make_rebalancer); !s) return Error{s.error()};
  if (full.forecaster == kMixture) return full;
  if (Status s = complete(full.forecaster, make_forecaster); !s) return Error{s.error()};
  return full;
}

void Controller::on_node(NodeId node, NodePhase phase, Time now) {
  state_->watch.on_node(node, phase, now);
  state_->placement.on_node(node, phase, now);
}

void Controller::on_report(NodeId node, const LoadReport& report, Time) {
  state_->watch.on_report(node, report);
}

void Controller::on_gateway_report(const GatewayReport& report, Time) {
  state_->watch.on_gateway_report(report);
}

void Controller::on_outcome(const DecisionOutcome& outcome, Time now) {
  state_->scaling.on_outcome(outcome, now);
  state_->placement.on_outcome(outcome);
  state_->tuning.on_outcome(outcome);
  if (outcome.count > 0) state_->watch.note_scaling_time(outcome.took);
}

Status Controller::on_command(const Command& command, Time now, std::vector<Decision>& out) {
  State& s = *state_;
  switch (command.kind) {
    case Command::Kind::kScaleTo:
      return s.scale_to(command, now, out);
    case Command::Kind::kEvaluateScaling:
      s.scaling.evaluate_now(now, s.ids, out);
      return success();
    case Command::Kind::kOptimizeNow:
      s.collect(now, out);
      s.tuning.step_now(now, s.helpers(now, out), s.ids, out);
      s.scaling.evaluate_now(now, s.ids, out);
      return success();
    case Command::Kind::kRebalanceNow:
      return s.helpers(now, out).rebalance(command.text);
    case Command::Kind::kUpdateTarget:
      return s.watch.update_target(command.subject, command.value);
    case Command::Kind::kAddPolicy:
      return s.scaling.add_policy({command.subject, command.text});
    case Command::Kind::kRemovePolicy:
      return s.scaling.remove_policy(command.subject);
    case Command::Kind::kEvent: {
      if (command.subject.empty()) return Error{"found no name; allowed the name of an event"};
      ExternalEvent event;
      event.name = command.subject;
      event.at = now;
      s.scaling.on_event(event);
      return success();
    }
    case Command::Kind::kSetKnob:
      return s.tuning.set_knob(command.subject, command.value, now, s.ids, out);
  }
  return Error{"no such command"};
}

void Controller::on_capacity(NodeId node, const NodeCapacity& capacity) {
  state_->placement.on_capacity(node, capacity);
}

void Controller::begin(Time now, std::span<const StandingAgent> standing,
                       std::vector<Decision>& out) {
  state_->placement.begin(now, standing, state_->ids, out);
}

Status Controller::on_agent_wanted(const AgentSpec& agent, Time now, std::vector<Decision>& out) {
  return state_->placement.want(agent, now, state_->ids, out);
}

void Controller::on_agent_over(AgentId agent, Time now, std::vector<Decision>& out) {
  state_->placement.drop(agent, now, state_->ids, out);
}

const AgentSpec& Controller::agent(AgentId agent) const {
  return state_->placement.inventory().agent(agent).spec;
}

std::vector<MigrationOrder> Controller::take_orders() { return state_->placement.take_orders(); }

void Controller::on_step(std::uint64_t token, const Status& how, double dirty_bytes, Time now) {
  state_->placement.on_step(token, how, dirty_bytes, now);
}

std::vector<DecisionOutcome> Controller::take_settled() { return state_->placement.take_settled(); }

AgentRoute Controller::route(AgentId agent) { return state_->placement.route(agent); }

Time Controller::next_tick() const {
  return std::min({state_->next_collect, state_->scaling.next_tick(), state_->tuning.next_tick(),
                   state_->placement.next_tick()});
}

void Controller::tick(Time now, std::vector<Decision>& out) {
  State& s = *state_;
  const bool is_due = s.next_collect <= now;
  if (is_due) {
    s.collect(now, out);
    while (s.next_collect <= now) s.next_collect += s.setup.settings.collect_interval;
  }
  s.scaling.tick(now, s.ids, out);
  s.placement.tick(now, s.ids, out);
  if (s.tuning.next_tick() <= now) {
    s.history.observe(overall(s.watch.targets().read(s.watch.metrics())), now);
    s.tuning.tick(now, s.helpers(now, out), s.ids, out);
  }
}

ControllerStatus Controller::status(Time now) const {
  const State& s = *state_;
  ControllerStatus status;
  TunerStatus tuning = s.tuning.status();
  status.performance = performance_status(s.watch.metrics(), s.watch.targets(), s.history,
                                          tuning.active, s.scaling.recommendation());
  status.scaling = s.scaling.status(now);
  status.policies = s.scaling.policies();
  status.placement = s.placement.status();
  status.alerts = s.watch.active_alerts();
  status.tuning = std::move(tuning);
  status.knobs = s.tuning.knobs();
  status.decisions = s.ids.last;
  return status;
}

}  // namespace phoenix
