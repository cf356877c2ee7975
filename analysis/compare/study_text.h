// A study for people and for programs.
#pragma once

#include <string>

#include "analysis/compare/plan.h"
#include "analysis/compare/study.h"

namespace phoenix {

// The verdict in words, then a table a block: the primary metrics with their differences to the
// baseline, then the means of the others. "*" marks the best and whom the runs do not tell from it.
// Ends in a newline. Escape codes only with `colour`.
std::string study_text(const ComparisonPlan& plan, const Study& study, bool colour = false);

// One JSON object in a stable order of stable keys, base units, null where a number is not known;
// no newline at the end.
std::string study_json(const ComparisonPlan& plan, const Study& study);

// "p99: balancer=predictive is best with 36.1 ms; balancer=peak_ewma is not told from it; 59 %
// below the baseline, balancer=round_robin." About a block, whose name it does not repeat.
std::string verdict_text(const Study& study, const BlockStudy& block, CellMetric metric);

// Of a variation within its block: without what the whole block shares. "p2c" where the block
// varies a single key.
std::string short_name(const ComparisonPlan& plan, std::size_t variation);

std::string metric_text(CellMetric metric, double value);                  // "36.1 ms", "99.96 %"
std::string metric_difference_text(CellMetric metric, double difference);  // "+1.20 ms"
std::string relative_text(double share);                                   // "-59.2 %"

}  // namespace phoenix
