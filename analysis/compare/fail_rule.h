// A condition under which `phoenix compare` fails, for pipelines that must not get slower:
//
//   p99 > +5%             a variation's p99 is more than 5 % above the baseline's
//   throughput < -2%      or its throughput more than 2 % below
//   availability < -1%    or its availability more than 1 % below: of a share only a signed
//                         percentage is of the baseline's
//   availability < 99.9%  or below that, whatever the baseline has
//   failures > 100        or it has more than 100 failures a run, whatever the baseline has
//
// A difference to the baseline counts when the runs tell it from none (the interval of the paired
// difference excludes 0), so that noise fails nobody. Where the interval is not known, because
// fewer than two runs of both have a result or the metric is not known of them, the rule counts as
// broken: a gate that cannot tell must not let pass. Groups that lack the baseline are not judged
// by such rules. Values are in the metric's base unit: seconds, shares, counts; times may carry a
// unit, "p99 > 250 ms".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/compare/study.h"
#include "strategies/core/result.h"

namespace phoenix {

struct FailRule {
  CellMetric metric = CellMetric::kP99;
  bool is_above = true;      // fails above `bound`, else below
  bool is_relative = false;  // to the baseline: a share
  double bound = 0;
  std::string text;  // as given
};

// The error tells what was found and what is allowed; a bound that no run can be beyond is one.
Result<FailRule> parse_fail_rule(std::string_view text);

// Whether the plan can ever break a rule that is relative. The error: it has no variation beside a
// baseline, or too few replications for an interval.
Status check_rules(const ComparisonPlan& plan, const std::vector<FailRule>& rules);

// One sentence for each variation that fails; empty: none does. A metric that is not known fails.
std::vector<std::string> broken_rules(const Study& study, const std::vector<FailRule>& rules);

}  // namespace phoenix
