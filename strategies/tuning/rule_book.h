// The rules of the `rules` tuner: what triggers each, how urgent it is, what it is expected to
// bring, and which actions it has, best known first. Numbers of the first three are those of the
// design document; the others cover memory, CPU and network.
//
// Pure functions of a view; the tuner keeps the queue, tries the actions and learns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "strategies/core/time.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

// In order of urgency: numbers, not words.
enum class TuningPriority : std::uint8_t { kLow, kMedium, kHigh };

struct RuleOptions {
  int batch_size = 10;
  double buffer_bytes = 64'000;
  int pool_size = 20;
  int additional_nodes = 2;
  double compress_above = 1024;  // bytes, where the formula cannot tell
  Duration batch_wait = std::chrono::milliseconds(2);
  Duration medium_delay = std::chrono::seconds(5);
  Duration low_delay = std::chrono::seconds(30);

  void visit(SettingVisitor& v);
};

// An action as a rule would take it now; nothing where it is in effect already, cannot be had or
// would not pay by its formula.
struct WantedAction {
  TuningAction action;    // kind, knob, from, value, count, strategy, reason
  bool is_known = false;  // by a formula and what was measured, not only from experience
};
struct RuleAction {
  ActionKind kind;
  KnobId knob;  // where sets_knob(kind)
  std::optional<WantedAction> (*want)(const TuningView& view, const RuleOptions& options);
};

struct TuningRule {
  std::string_view name;    // "latency_optimization"
  std::string_view target;  // whose cost says whether it helped; a target or a metric of shares
  TuningPriority priority;
  double impact;
  double expected;  // relative improvement; a prior, learnt from then on
  // What was seen, when the rule asks for action now.
  std::optional<std::string> (*trigger)(const TuningView& view);
  // Whether what it did is not needed any more; null: what was kept stays.
  bool (*is_released)(const TuningView& view);
  std::span<const RuleAction> actions;
};

std::span<const TuningRule> tuning_rule_book();

Duration delay_of(TuningPriority priority, const RuleOptions& options);

// The cost a rule's actions are judged by: its target's, and what other service targets are missed
// by, so that no gain is bought with another target's loss.
double rule_score(const TuningRule& rule, const TuningView& view);

}  // namespace phoenix
