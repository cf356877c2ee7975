// What was decided when, a lane for each family of decisions, and what came of it.
#pragma once

#include <string>

#include "analysis/report/report_model.h"

namespace phoenix::report {

// A sentence where nothing was decided.
std::string decision_figure(const ShownRun& run, const std::string& name);

}  // namespace phoenix::report
