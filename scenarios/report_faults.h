// What the faults under way do to the load reports of nodes: which are dropped, delayed,
// replaced by an earlier one with a fresh time stamp, or falsified. The simulated world and the
// real frame shim ask exactly this class; chances are drawn by (effect, report number), so the same
// report meets the same fate in both.
//
// One thread. Costs O(effects under way) per report; ask any() first where none is the rule.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "scenarios/fault_plan.h"
#include "strategies/core/load_report.h"
#include "strategies/core/random.h"

namespace phoenix {

class ReportFaults {
 public:
  // `streams` must outlive this.
  explicit ReportFaults(const Streams& streams) : streams_(streams) {}

  static bool is_report_action(FaultAction action);
  bool any() const { return !effects_.empty(); }

  // False: the report is not delivered. Otherwise it takes `delay` longer than it was.
  bool disturb(NodeId node, std::uint64_t number, LoadReport& report, Duration& delay);

  // By the plan's events: kMetricsMissing, kMetricsStale, kMetricsFrozen, kMetricsWrong. What has
  // begun before is stepped by another begin.
  void begin(const FaultEvent& event);
  void step(const FaultEvent& event);
  void end(std::uint32_t effect);

  // Reports the effect has hit so far, also after its end.
  std::uint64_t affected(std::uint32_t effect) const;

 private:
  struct Effect {
    std::uint32_t id;
    FaultAction action;
    NodeId node;
    double magnitude;
    Duration delay;
    bool has_frozen = false;
    LoadReport frozen{};
  };
  const Streams& streams_;
  std::vector<Effect> effects_;  // in the order they began
  std::map<std::uint32_t, std::uint64_t> affected_;
};

}  // namespace phoenix
