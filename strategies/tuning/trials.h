// What every tuner shares: one trial at a time from the first action to the verdict, undoing, the
// list of what is under way and the history of what came of it.
//
// A change of knobs is measured from the next window on, a scale-out from when its nodes are there,
// a pass over agents after a minute of windows; both sooner where their outcome is reported as
// done. Nodes that never come void the trial, and there is nothing to take back. A trial is void
// when the number of nodes that are there changes under it, unless it is a scale-out itself, and
// when the world refuses it. An undo that the world refuses is asked for again with every window.
// One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strategies/tuning/experiment.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

// Costs on a logarithmic scale, less is better: how far a reading is from its target; NaN where it
// is unknown. Lower is better: ln(current / target). Higher: ln(goal / current), from 0 to
// ln(100). Set point: abs(ln(current / target)).
//
// Where one of `all` that should be high has nothing left, what is unknown and should be low costs
// ln(100) too: nobody being answered is not better than a few being answered late.
double target_cost(const TargetReading& reading, std::span<const TargetReading> all);

class Trials {
 public:
  static constexpr std::size_t kHistory = 100;
  static constexpr int kArrivalWindows = 60;  // nodes that take longer void the trial
  static constexpr int kPassWindows = 6;      // a pass over agents is taken for done

  explicit Trials(ExperimentOptions options) : options_(options) {}

  struct Ended {
    TuningAction action;
    TrialPhase phase;
    double effect;
  };

  bool is_running() const { return running_.has_value(); }
  const TuningAction& running_action() const { return running_->action; }
  // REQUIRES: !is_running(), before.is_full().
  void begin(TuningAction action, double expected, const WindowHistory& before, bool confirm,
             const TuningView& view, std::vector<TuningAction>& out);
  // One window has passed; `score` is the running trial's. The trial that this ended, if one was.
  std::optional<Ended> step(double score, const TuningView& view, std::vector<TuningAction>& out);
  void on_outcome(const TuningOutcome& outcome);

  // An action without a trial: taking back what is not needed any more.
  void act(TuningAction action, std::vector<TuningAction>& out) { emit(std::move(action), out); }
  // Of what has a trial or had one; who queues adds its queue.
  TunerStatus status;

 private:
  struct Running {
    TuningAction action;
    Experiment experiment;
    ActiveOptimization entry;
    double nodes;
    bool is_awaited;  // what was asked for is not there yet
    int waited = 0;
    bool is_refused = false;
    std::uint64_t set_id = 0;  // of the newest action that sets the new value
  };

  std::uint64_t emit(TuningAction action, std::vector<TuningAction>& out);
  std::uint64_t emit_undo(std::vector<TuningAction>& out);
  void carry_out(Experiment::Step step, std::vector<TuningAction>& out);
  Experiment::Step judge_window(double score, const TuningView& view);
  void await(const TuningView& view);
  Ended finish(TrialPhase phase, Time now);
  void keep_in_history(ActiveOptimization entry, TrialPhase phase, Time now);
  void retry_undo(std::vector<TuningAction>& out);

  ExperimentOptions options_;
  std::optional<Running> running_;
  std::optional<TuningAction> undo_;  // the newest taking back, until the next trial begins
  std::uint64_t undo_id_ = 0;
  bool is_undo_refused_ = false;
  std::uint64_t next_id_ = 1;
};

// "enable_message_batching batch_size 1 -> 10".
std::string print_action(const TuningAction& action);

}  // namespace phoenix
