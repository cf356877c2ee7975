// How busy each node was when: one row a node, or a few neighbours, one colour a span of time.
#pragma once

#include <string>

#include "analysis/report/report_model.h"

namespace phoenix::report {

// A sentence where the record has no nodes.
std::string heat_map_figure(const ShownRun& run, const std::string& name);

}  // namespace phoenix::report
