// The report: one HTML file that explains a comparison to somebody who was not there. No script and
// nothing to load: it opens offline, in light and dark, on a phone, and prints.
//
// What was compared and the verdict in words come first, then charts, each with its data as a
// table, then everything needed to do it again. Bounded: charts draw so many series, tables show so
// many rows, and say how many more there are. The same input gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/report/fidelity.h"
#include "analysis/report/report_model.h"

namespace phoenix::report {

inline constexpr std::size_t kInputsMax = 8;

// `comparisons`: one, or several beside each other; `fidelity` where two of them are to be held
// against each other. REQUIRES: 1 to kInputsMax comparisons.
std::string page_html(const std::vector<ComparisonData>& comparisons,
                      const std::optional<Fidelity>& fidelity);

// Parts of it.
std::string summary_html(const ComparisonData& data);     // verdict, warnings, the table of means
std::string provenance_html(const ComparisonData& data);  // scenario text, seeds, versions

}  // namespace phoenix::report
