// What the control plane wants done, and what came of it. The Controller decides, the world carries
// out (or refuses) and reports every decision's outcome back exactly once. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"

namespace phoenix {

using DecisionId = std::uint64_t;  // from 1, in order of deciding

// Hands the ids out. One for all families of a cluster, so that an outcome belongs to one decision.
struct DecisionIds {
  DecisionId last = 0;
  DecisionId take() { return ++last; }
};

enum class DecisionKind : std::uint8_t {
  kScaleOut,      // bring `count` more nodes of `subject` (a node group) up; where `node` is set:
                  // take that one, which is still draining, back into service instead
  kScaleIn,       // drain `node`, then take it away
  kPlaceAgent,    // start `agent` on `node`
  kStopAgent,     // stop `agent` on `node`
  kMigrateAgent,  // move `agent` from `node` to `target` by the method in `text`
  kRefuseAgent,   // no node can take `agent`: told, nothing to do
  kSetKnob,       // `subject` is the knob, `value` its new value
  kSetBalancer,   // `subject` is the service, `text` the strategy in full
  kSetWeight,     // `node`'s weight for `subject`, a service, becomes `value`
  kRaiseAlert,    // `subject` is the metric, `text` the level; told, nothing to do
  kClearAlert,
  kHold,  // looked at and left as it is for a reason worth telling; nothing to do
};

constexpr std::string_view to_text(DecisionKind kind) {
  constexpr std::string_view kNames[] = {
      "scale_out", "scale_in",     "place_agent", "stop_agent",  "migrate_agent", "refuse_agent",
      "set_knob",  "set_balancer", "set_weight",  "raise_alert", "clear_alert",   "hold"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct Decision {
  DecisionId id = 0;
  Time at = kStart;
  DecisionKind kind = DecisionKind::kHold;
  const char* family = "";  // "scaling", "placement", "rebalancing", "tuning", "alerts"
  std::string subject;
  NodeId node = kNoNode;
  NodeId target = kNoNode;
  AgentId agent = kNoAgent;
  int count = 0;
  double from = 0;   // capacity, knob value ... before
  double value = 0;  // and after
  std::string text;
  std::string seen;    // the inputs, "cpu 0.86 > 0.8, 12 nodes"
  std::string reason;  // why this follows from them
};

enum class OutcomeKind : std::uint8_t {
  kDone,
  kRefused,     // the world cannot or may not do it; nothing has changed
  kFailed,      // tried, and undone
  kSuperseded,  // a later decision took its place before it was done
};

constexpr std::string_view to_text(OutcomeKind kind) {
  constexpr std::string_view kNames[] = {"done", "refused", "failed", "superseded"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct DecisionOutcome {
  DecisionId id = 0;
  OutcomeKind kind = OutcomeKind::kDone;
  int count = 0;         // kScaleOut: nodes that did come up, also of a failed one
  Duration took{0};      // from deciding to the outcome
  Duration downtime{0};  // kMigrateAgent: how long the agent served nothing
  std::string text;      // why it was refused or failed
};

}  // namespace phoenix
