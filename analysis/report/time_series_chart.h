// What happened in a run: requests, response times and nodes over time, with faults as bands and
// decisions as signs along the upper edge.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/report/report_model.h"

namespace phoenix::report {

// Three charts of one run; a sentence where the record has no windows.
std::string time_series_figures(const ShownRun& run, const std::string& name);

// The p95 of several runs over each other: name and run. At most kSeriesMax; "" with less than two.
using NamedRun = std::pair<std::string, const ShownRun*>;
std::string overlay_figure(const std::vector<NamedRun>& runs);

}  // namespace phoenix::report
