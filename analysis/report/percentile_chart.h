// Response times as percentiles: how long the fastest 50 %, 90 %, 99 %, 99.9 % took. Both axes are
// logarithmic, so that tails can be seen beside medians.
#pragma once

#include <string>
#include <vector>

#include "analysis/compare/cell_result.h"

namespace phoenix::report {

struct PercentileCurve {
  std::string name;
  std::vector<HistogramBucket> histogram;  // of all its runs
};

// Draws the first kSeriesMax; the table has all. A curve ends where less than ten requests are
// above it. "" where nothing was answered in any.
std::string percentile_figure(const std::string& heading,
                              const std::vector<PercentileCurve>& curves);

}  // namespace phoenix::report
