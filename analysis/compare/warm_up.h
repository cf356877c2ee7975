// Which part of the runs of a comparison counts.
//
// Where the scenario names a warm-up, that is it. Where it names none and has a steady state (one
// rate of arrivals, nothing that changes during the run), the beginning is deleted by MSER-5 on the
// mean response times by interval of pilot runs, one of each variation, and all runs delete the
// same span, the longest that one of them asks for. Anything else is judged whole, from its first
// second to its last: faults, ramps, bursts and days are the question there.
#pragma once

#include <string>
#include <vector>

#include "analysis/compare/cell_result.h"
#include "analysis/compare/plan.h"
#include "scenarios/scenario.h"

namespace phoenix {

// What changes during the run, "faults"; empty: nothing does.
std::string why_not_steady(const Scenario& scenario);

// Whether pilot runs are to say how much to delete: not decided, no warm-up named, steady.
bool needs_pilot(const ComparisonPlan& plan);

WarmUpRule warm_up_of(const std::vector<CellResult>& pilots, Duration interval);

// One sentence: "the first 12 s of each run are deleted, by MSER-5 on pilot runs".
std::string warm_up_text(const ComparisonPlan& plan);

}  // namespace phoenix
