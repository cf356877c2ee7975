// What it costs to be good: each variation by what its nodes cost and how well the clients fared.
// Those that no other beats in both are joined by a line: the choice is among them.
#pragma once

#include <string>
#include <vector>

#include "analysis/report/report_model.h"

namespace phoenix::report {

// Cost, or node-hours where nodes have no price; time outside the targets, or p99 where the
// scenario has no targets. "" where either is not known of any.
std::string pareto_figure(const ComparisonData& data);

// Indices of the points that no other is at least as low as in both, and lower in one; by x.
// Points that are not finite are in no front.
std::vector<std::size_t> pareto_front(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace phoenix::report
