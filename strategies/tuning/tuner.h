// Tuners change what a running cluster can change about itself, measure what came of it, and keep
// it or take it back. Everyone who adds one starts here: write one .cc with the class in an
// anonymous namespace, declare its entry below, add its line to strategies/registry.cc.
//
// A tuner is asked once for every tuning window, with that window's means. It answers with actions;
// the controller turns those on knobs into decisions, hands scale-outs to the scaler (which has the
// limits and cooldowns), placement and rebalancing to theirs, and reports what came of each. One
// thread at a time. Nothing throws. Unknown values (NaN) start nothing and end nothing.
//
// All of them try at most one action at a time; see experiment.h for how it is judged.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/decision.h"
#include "strategies/core/settings.h"
#include "strategies/core/time.h"
#include "strategies/metrics/compliance.h"
#include "strategies/metrics/metric_view.h"
#include "strategies/tuning/formulas.h"
#include "strategies/tuning/knobs.h"

namespace phoenix {

// The first eight are those of the design document; the last is any other knob.
enum class ActionKind : std::uint8_t {
  kMessageBatching,     // knob batch_size
  kAgentPlacement,      // a placement pass by `strategy`
  kNetworkBuffers,      // knob socket_buffer
  kConnectionPools,     // knob pool_size
  kCompression,         // knob compress_above, algorithm `strategy`
  kMessageRouting,      // knob direct_routing
  kHorizontalScaleOut,  // `count` more nodes than now; its undo: as many fewer
  kRebalanceAgents,     // a rebalancing pass by `strategy`
  kKnob,
};

constexpr std::string_view to_text(ActionKind kind) {
  constexpr std::string_view kNames[] = {
      "enable_message_batching",   "optimize_agent_placement", "tune_network_buffers",
      "increase_connection_pools", "enable_compression",       "optimize_message_routing",
      "horizontal_scale_out",      "rebalance_agents",         "set_knob"};
  return kNames[static_cast<std::size_t>(kind)];
}

constexpr bool sets_knob(ActionKind kind) {
  return kind != ActionKind::kAgentPlacement && kind != ActionKind::kHorizontalScaleOut &&
         kind != ActionKind::kRebalanceAgents;
}

struct TuningAction {
  std::uint64_t id = 0;  // from 1; an undo has its own
  ActionKind kind = ActionKind::kKnob;
  bool is_undo = false;  // takes back, see ActionKind; passes have no undo but the opposite pass
  KnobId knob = KnobId::kBatchSize;  // where sets_knob(kind)
  double from = 0;                   // knob: before and after
  double value = 0;
  int count = 0;             // kHorizontalScaleOut
  std::string strategy;      // "latency_aware", "even_distribution", "lz4"
  std::string optimization;  // why: the rule, "latency_optimization"
  std::string target;        // and the target it is to help
  std::string seen;
  std::string reason;
};

// A knob's action as a decision; `id` and `at` are the controller's to set.
// REQUIRES: sets_knob(action.kind).
Decision knob_decision(const TuningAction& action);

struct TuningOutcome {
  std::uint64_t id = 0;
  OutcomeKind kind = OutcomeKind::kDone;
  std::string text;
};

struct TuningView {
  Time now = kStart;
  Duration window = std::chrono::seconds(10);  // between two steps
  const MetricView* metrics = nullptr;         // never null
  std::span<const TargetReading> targets;      // means over the window, TargetSet::read_over()
  double load = std::numeric_limits<double>::quiet_NaN();  // offered, per second, over the window
  // Ready, whether gateways send to them or leave them alone for their errors. NaN: unknown.
  double nodes = std::numeric_limits<double>::quiet_NaN();
  Knobs knobs;  // as they are now
  TuningFacts facts;
};

enum class TrialPhase : std::uint8_t {
  kQueued,      // waits for its delay or for others to end
  kTrying,      // done, being measured
  kConfirming,  // taken back for a while, to see that it was no accident
  kKept,
  kUndone,  // no better, or worse
  kVoid,    // the load changed, values were missing, or the world refused
};

constexpr std::string_view to_text(TrialPhase phase) {
  constexpr std::string_view kNames[] = {"queued", "trying", "confirming",
                                         "kept",   "undone", "void"};
  return kNames[static_cast<std::size_t>(phase)];
}

struct ActiveOptimization {
  std::string optimization;
  std::string action;  // "enable_message_batching batch_size 1 -> 10"
  std::string target;
  std::string trigger;  // what was seen
  Time started = kStart;
  Time ended = kNever;
  TrialPhase phase = TrialPhase::kQueued;
  double expected = std::numeric_limits<double>::quiet_NaN();  // relative improvement
  double effect = std::numeric_limits<double>::quiet_NaN();    // as measured
};

struct TunerStatus {
  std::vector<ActiveOptimization> active;   // queued and under way
  std::vector<ActiveOptimization> history;  // ended, the newest 100, oldest first
  std::uint64_t tried = 0, kept = 0, undone = 0, voided = 0;
  std::uint64_t dropped = 0;          // trigger had cleared when the delay was over
  std::uint64_t unknown_windows = 0;  // nothing could be judged for lack of values
};

class Tuner {
 public:
  virtual ~Tuner() = default;
  // One tuning window has passed; appends what is to be done now.
  virtual void step(const TuningView& view, std::vector<TuningAction>& out) = 0;
  // What came of an action: kDone begins the measuring of what takes time to do, and needs no
  // report; anything else voids the trial.
  virtual void on_outcome(const TuningOutcome& outcome) = 0;
  virtual TunerStatus status() const = 0;
};

using TunerEntry = StrategyEntry<Tuner>;
using MadeTuner = TunerEntry::Made;

TunerEntry tuning_rules();
TunerEntry tuning_search();

}  // namespace phoenix
