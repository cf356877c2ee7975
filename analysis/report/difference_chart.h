// How far each variation is from the baseline: the mean of paired differences with its interval,
// and the difference of every pair of runs behind it.
#pragma once

#include <string>

#include "analysis/report/report_model.h"

namespace phoenix::report {

// At most kRowsMax rows, best first; the table has the others. "" where the block has no baseline,
// one variation only, or nothing is known of the metric.
inline constexpr std::size_t kDifferenceRowsMax = 20;
std::string difference_figure(const ComparisonData& data, const BlockStudy& block,
                              CellMetric metric);

}  // namespace phoenix::report
