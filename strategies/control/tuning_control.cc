#include "strategies/control/tuning_control.h"

#include <cassert>

#include "strategies/registry.h"

namespace phoenix {

TuningControl::TuningControl(const ControlSetup& setup, const ClusterWatch& watch)
    : setup_(setup),
      watch_(watch),
      knobs_(setup.knobs),
      next_(kStart + setup.settings.optimization_interval) {
  if (setup.strategies.tuner == "none") return;
  Result<MadeTuner> made = make_tuner(setup.strategies.tuner);
  assert(made.ok());
  tuner_ = std::move(made->strategy);
}

TuningView TuningControl::view_of(Time now) const {
  TuningView view;
  view.now = now;
  view.window = now - window_began_;
  view.metrics = &watch_.metrics();
  const double seconds = to_seconds(view.window);
  view.load = seconds > 0 ? (watch_.offered_total() - offered_before_) / seconds
                          : std::numeric_limits<double>::quiet_NaN();
  view.nodes = watch_.present_nodes(now);
  view.knobs = knobs_;
  view.facts = watch_.facts(now);
  return view;
}

void TuningControl::tick(Time now, const TuningHelpers& helpers, DecisionIds& ids,
                         std::vector<Decision>& out) {
  if (next_tick() > now) return;
  step_now(now, helpers, ids, out);
  while (next_ <= now) next_ += setup_.settings.optimization_interval;
}

void TuningControl::step_now(Time now, const TuningHelpers& helpers, DecisionIds& ids,
                             std::vector<Decision>& out) {
  if (tuner_ == nullptr) return;
  TuningView view = view_of(now);
  const std::vector<TargetReading> targets =
      watch_.targets().read_over(watch_.metrics(), view.window);
  view.targets = targets;
  window_began_ = now;
  offered_before_ = watch_.offered_total();
  std::vector<TuningAction> actions;
  tuner_->step(view, actions);
  for (const TuningAction& action : actions) act(action, now, helpers, ids, out);
}

// What is not a knob. Agents that a pass has moved stay where they are: moving them back would cost
// as much again, and the next pass weighs the same gain.
Status TuningControl::hand_on(const TuningAction& action, const TuningHelpers& helpers) {
  if (action.kind == ActionKind::kHorizontalScaleOut) {
    return helpers.scale_by(action.is_undo ? -action.count : action.count, action.reason);
  }
  if (action.is_undo) return Error{"agents are not moved back"};
  return helpers.rebalance(action.strategy);
}

void TuningControl::act(const TuningAction& action, Time now, const TuningHelpers& helpers,
                        DecisionIds& ids, std::vector<Decision>& out) {
  if (sets_knob(action.kind)) {
    Decision decision = knob_decision(action);
    decision.id = ids.take();
    decision.at = now;
    open_[decision.id] = {action.id, action.knob, action.value};
    out.push_back(std::move(decision));
    return;
  }
  const Status taken = hand_on(action, helpers);
  if (!taken) tuner_->on_outcome({action.id, OutcomeKind::kRefused, taken.error()});
}

void TuningControl::on_outcome(const DecisionOutcome& outcome) {
  const auto found = open_.find(outcome.id);
  if (found == open_.end()) return;
  const UnderWay ended = found->second;
  open_.erase(found);
  if (outcome.kind == OutcomeKind::kDone) {
    [[maybe_unused]] const Status set = phoenix::set_knob(knobs_, ended.knob, ended.value);
    assert(set.ok());
  }
  if (ended.action != 0 && tuner_ != nullptr) {
    tuner_->on_outcome({ended.action, outcome.kind, outcome.text});
  }
}

Status TuningControl::set_knob(std::string_view name, double value, Time now, DecisionIds& ids,
                               std::vector<Decision>& out) {
  const Result<KnobId> knob = knob_named(name);
  if (!knob) return Error{knob.error()};
  Knobs wanted = knobs_;
  if (Status set = phoenix::set_knob(wanted, *knob, value); !set) return set;
  Decision decision;
  decision.id = ids.take();
  decision.at = now;
  decision.kind = DecisionKind::kSetKnob;
  decision.family = "tuning";
  decision.subject = name;
  decision.from = knob_value(knobs_, *knob);
  decision.value = value;
  decision.reason = "set by hand";
  open_[decision.id] = {0, *knob, value};
  out.push_back(std::move(decision));
  return success();
}

}  // namespace phoenix
