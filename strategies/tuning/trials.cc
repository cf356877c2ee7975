#include "strategies/tuning/trials.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "strategies/core/units.h"

namespace phoenix {
namespace {

TrialPhase phase_of(Experiment::State state) {
  switch (state) {
    case Experiment::State::kTrying:
      return TrialPhase::kTrying;
    case Experiment::State::kConfirming:
      return TrialPhase::kConfirming;
    case Experiment::State::kKept:
      return TrialPhase::kKept;
    case Experiment::State::kUndone:
      return TrialPhase::kUndone;
    case Experiment::State::kVoid:
      break;
  }
  return TrialPhase::kVoid;
}

// Below a hundredth of the goal all is lost, and a little more or less of it tells nothing.
const double kNothingLeft = std::log(100.0);

double cost_by_itself(const TargetReading& reading) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(reading.current) || !(reading.target > 0)) return kUnknown;
  // So that nothing at all is very good and not infinitely so.
  const double current = std::max(reading.current, 1e-9);
  switch (reading.sense) {
    case TargetSense::kLowerIsBetter:
      return std::log(current / reading.target);
    case TargetSense::kHigherIsBetter: {
      const double goal =
          reading.attainable < reading.target ? std::max(reading.attainable, 0.0) : reading.target;
      return goal > current ? std::min(std::log(goal / current), kNothingLeft) : 0;
    }
    case TargetSense::kSetPoint:
      return std::abs(std::log(current / reading.target));
  }
  return kUnknown;
}

// Scores are logarithms of costs, and effects their differences.
std::string cost_of(double effect) {
  const double times = std::exp(-effect);
  if (times > 100) return "more than 100 times the cost";
  if (times < 0.01) return "less than 0.01 times the cost";
  return print_number(std::round(times * 100) / 100) + " times the cost";
}

std::string verdict_of(const Experiment& experiment) {
  const double effect = experiment.effect();
  switch (experiment.state()) {
    case Experiment::State::kKept:
      return "kept at " + cost_of(effect);
    case Experiment::State::kConfirming:
      return "taken back for a second look, " + cost_of(effect) + " so far";
    case Experiment::State::kUndone:
      return "taken back, no sure gain at " + cost_of(effect);
    case Experiment::State::kVoid:
      return "taken back without a verdict";
    case Experiment::State::kTrying:
      break;
  }
  assert(false);
  return {};
}

}  // namespace

double target_cost(const TargetReading& reading, std::span<const TargetReading> all) {
  const double cost = cost_by_itself(reading);
  if (!std::isnan(cost) || reading.sense != TargetSense::kLowerIsBetter) return cost;
  const bool is_all_lost = std::any_of(all.begin(), all.end(), [](const TargetReading& one) {
    return one.sense == TargetSense::kHigherIsBetter && cost_by_itself(one) >= kNothingLeft;
  });
  return is_all_lost ? kNothingLeft : cost;
}

std::string print_action(const TuningAction& action) {
  std::string text(to_text(action.kind));
  if (action.is_undo) text = "undo " + text;
  if (sets_knob(action.kind)) {
    text += ' ' + std::string(knob_info(action.knob).name) + ' ' +
            print_knob(action.knob, action.from) + " -> " + print_knob(action.knob, action.value);
  }
  if (action.kind == ActionKind::kHorizontalScaleOut) text += ' ' + std::to_string(action.count);
  if (!action.strategy.empty()) text += " by " + action.strategy;
  return text;
}

std::uint64_t Trials::emit(TuningAction action, std::vector<TuningAction>& out) {
  action.id = next_id_++;
  out.push_back(std::move(action));
  return out.back().id;
}

std::uint64_t Trials::emit_undo(std::vector<TuningAction>& out) {
  TuningAction undo = *undo_;
  undo.is_undo = !undo.is_undo;
  std::swap(undo.from, undo.value);
  return emit(std::move(undo), out);
}

void Trials::begin(TuningAction action, double expected, const WindowHistory& before, bool confirm,
                   const TuningView& view, std::vector<TuningAction>& out) {
  assert(!is_running());
  ExperimentOptions options = options_;
  options.confirm = options.confirm && confirm;
  ActiveOptimization entry{action.optimization, print_action(action), action.target, action.seen,
                           view.now};
  entry.phase = TrialPhase::kTrying;
  entry.expected = expected;
  const bool waits = !sets_knob(action.kind);
  undo_.reset();
  is_undo_refused_ = false;
  const std::uint64_t id = emit(action, out);
  running_.emplace(Running{std::move(action), Experiment(options, before), std::move(entry),
                           view.nodes, waits, 0, false, id});
  ++status.tried;
  status.active.assign(1, running_->entry);
}

// The reasons say what was measured, so that a record tells what came of every trial.
void Trials::carry_out(Experiment::Step step, std::vector<TuningAction>& out) {
  if (step == Experiment::Step::kWait) return;
  const std::string verdict = verdict_of(running_->experiment);
  TuningAction action = running_->action;
  action.reason = verdict + ": " + action.reason;
  if (step == Experiment::Step::kSetNew) {
    running_->set_id = emit(std::move(action), out);
    return;
  }
  undo_ = std::move(action);
  undo_id_ = emit_undo(out);
}

Experiment::Step Trials::judge_window(double score, const TuningView& view) {
  Experiment& experiment = running_->experiment;
  const double nodes = view.nodes;
  const bool is_scaling = running_->action.kind == ActionKind::kHorizontalScaleOut;
  if (!is_scaling && !std::isnan(nodes) && !std::isnan(running_->nodes) &&
      nodes != running_->nodes) {
    return experiment.abandon();
  }
  if (running_->is_awaited) {
    await(view);
    return Experiment::Step::kWait;
  }
  return experiment.observe(score, view.load);
}

// What never came has changed nothing either.
void Trials::await(const TuningView& view) {
  const TuningAction& action = running_->action;
  ++running_->waited;
  if (action.kind != ActionKind::kHorizontalScaleOut) {
    running_->is_awaited = running_->waited < kPassWindows;
  } else if (view.nodes >= running_->nodes + action.count) {
    running_->is_awaited = false;
  } else {
    running_->is_refused = running_->waited >= kArrivalWindows;
  }
}

std::optional<Trials::Ended> Trials::step(double score, const TuningView& view,
                                          std::vector<TuningAction>& out) {
  retry_undo(out);
  if (std::isnan(score)) ++status.unknown_windows;
  if (!is_running()) return std::nullopt;
  // What was refused has changed nothing, so there is nothing to take back.
  if (running_->is_refused) return finish(TrialPhase::kVoid, view.now);
  carry_out(judge_window(score, view), out);
  const Experiment& experiment = running_->experiment;
  running_->entry.phase = phase_of(experiment.state());
  running_->entry.effect = experiment.effect();
  status.active.assign(1, running_->entry);
  if (!experiment.is_over()) return std::nullopt;
  return finish(running_->entry.phase, view.now);
}

Trials::Ended Trials::finish(TrialPhase phase, Time now) {
  Ended ended{running_->action, phase, running_->experiment.effect()};
  if (phase == TrialPhase::kKept) ++status.kept;
  if (phase == TrialPhase::kUndone) ++status.undone;
  if (phase == TrialPhase::kVoid) ++status.voided;
  keep_in_history(std::move(running_->entry), phase, now);
  status.active.clear();
  running_.reset();
  return ended;
}

void Trials::keep_in_history(ActiveOptimization entry, TrialPhase phase, Time now) {
  entry.phase = phase;
  entry.ended = now;
  if (status.history.size() == kHistory) status.history.erase(status.history.begin());
  status.history.push_back(std::move(entry));
}

void Trials::retry_undo(std::vector<TuningAction>& out) {
  if (!is_undo_refused_) return;
  is_undo_refused_ = false;
  undo_id_ = emit_undo(out);
}

void Trials::on_outcome(const TuningOutcome& outcome) {
  if (undo_ && outcome.id == undo_id_) {
    is_undo_refused_ =
        outcome.kind == OutcomeKind::kRefused || outcome.kind == OutcomeKind::kFailed;
  }
  if (!is_running() || outcome.id != running_->set_id) return;
  if (outcome.kind == OutcomeKind::kDone) {
    running_->is_awaited = false;
  } else {
    running_->is_refused = true;
  }
}

}  // namespace phoenix
