// What `phoenix forecast` prints, for people and as JSON.
#pragma once

#include <string>

#include "analysis/backtest.h"
#include "analysis/series_file.h"

namespace phoenix {

// What the file held, line by line: rows, gaps, repeated times.
std::string series_text(const Series& series, const BacktestOptions& options);

// The best of each column is marked.
std::string backtest_text(const Backtest& test, bool colour);

// {"series": {...}, "models": [{"model", "mase", "smape", "pinball": {"0.5", "0.9", "0.99"},
// "coverage", "width", "us_per_step"}, ...]}; null where nothing could be compared.
std::string backtest_json(const Series& series, const BacktestOptions& options,
                          const Backtest& test);

}  // namespace phoenix
