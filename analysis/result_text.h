// The result of a run for people and for programs. Every number comes from the RunSummary, so a run
// just ended and one read back from its record look the same.
#pragma once

#include <string>

#include "scenarios/run_summary.h"

namespace phoenix {

// Aligned tables, at most 100 columns wide, ending in a newline; escape codes only with `colour`.
std::string result_text(const RunSummary& summary, bool colour = false);

// One JSON object in a stable order of stable keys, base units in their names, null where a number
// is not known; no newline at the end.
std::string result_json(const RunSummary& summary);

}  // namespace phoenix
