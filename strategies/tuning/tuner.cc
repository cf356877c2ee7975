#include "strategies/tuning/tuner.h"

#include <cassert>

namespace phoenix {

Decision knob_decision(const TuningAction& action) {
  assert(sets_knob(action.kind));
  Decision decision;
  decision.kind = DecisionKind::kSetKnob;
  decision.family = "tuning";
  decision.subject = knob_info(action.knob).name;
  decision.from = action.from;
  decision.value = action.value;
  decision.text = print_knob(action.knob, action.value);
  decision.seen = action.seen;
  decision.reason = action.reason;
  return decision;
}

}  // namespace phoenix
