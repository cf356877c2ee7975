// How far one run may be from another: "latency=15%,throughput=2%". A name stands for one or more
// metrics of the whole run; each may differ by that share of A's number, up or down.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/diff.h"
#include "strategies/core/result.h"

namespace phoenix {

struct Tolerance {
  std::string name;
  double allowed = 0;  // 0.15 for 15 %
};

// One metric held against its tolerance.
struct ToleranceCheck {
  std::string name;
  DiffMetric metric;
  double allowed = 0;
  bool is_met = false;
};

// "latency, mean, p50, ...".
std::string tolerance_names();

// The error tells what was found and what is allowed: unknown name, a name twice, no share.
Result<std::vector<Tolerance>> parse_tolerances(std::string_view text);

// In the order asked for. Equal numbers are always within; where A is 0 nothing else is, nor a
// number that only one of them knows.
std::vector<ToleranceCheck> check_tolerances(const RunDiff& diff,
                                             const std::vector<Tolerance>& tolerances);

}  // namespace phoenix
