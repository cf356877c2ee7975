// Collects the effects of a fault plan and writes out their phases: begin, ramp steps, end, and
// what the end of the run does to those still open. Knows dates, not kinds.
//
// One thread. `take()` may be called once.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/fault_plan.h"
#include "strategies/core/random.h"

namespace phoenix {

// How long an effect lasts and how it comes and goes.
struct FaultSpan {
  Time begin = kStart;
  Duration lasting = Duration::max();  // max: to the end of the run
  Duration ramp{0};                    // up from the begin and down to the end; at most half
  Time over() const { return add_saturating(begin, lasting); }
};

class FaultTimeline {
 public:
  // Effects open at `end_of_run` end there if `final_heal`, else never.
  FaultTimeline(Time end_of_run, bool final_heal) : end_(end_of_run), final_heal_(final_heal) {}

  std::int32_t add_name(std::string id, std::string_view kind);

  // `effect` at full strength. Nothing at all when it would begin at or after the end of the run.
  void add(FaultEvent effect, const FaultSpan& span);

  // Something that will not happen. Dates beyond the end of the run are moved there.
  void skip(FaultEvent effect, Time at, std::string cause);

  Time end_of_run() const { return end_; }

  // Events by (at, end < step < begin, id of the fault as written in the file, effect).
  FaultPlan take();

 private:
  void add_steps(FaultEvent& event, const FaultEvent& full, const FaultSpan& span);
  void step(FaultEvent& event, const FaultEvent& full, Time at, double level);

  Time end_;
  bool final_heal_;
  std::uint32_t next_effect_ = 0;
  FaultPlan plan_;
};

// One exponential draw of at least a nanosecond.
Duration draw_exponential(Duration mean, Random& random);

// The "on" times of a process that alternates between on and off with exponential times within
// `span`, drawn up to `end_of_run`. Begins on, or, if `stationary`, in a state drawn with the
// long-run shares.
struct Alternation {
  Duration mean_on;
  Duration mean_off;
  bool stationary = false;
};
std::vector<FaultSpan> draw_alternation(const Alternation& alternation, const FaultSpan& span,
                                        Time end_of_run, Random& random);

}  // namespace phoenix
