// How well forecasters would have done on a series: the origin rolls through it, each step is
// forecast from what came before it alone, at every horizon, and compared with what came. For
// choosing a forecaster by one's own traffic.
//
// One thread at a time. Deterministic but for the times.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "strategies/core/result.h"

namespace phoenix {

inline constexpr std::array<double, 3> kPinballLevels = {0.5, 0.9, 0.99};

struct BacktestOptions {
  int period = 288;  // of the seasonal naive forecast that others are measured by
  int period2 = 0;   // of a long season, 0 for none
  int horizon = 12;  // forecasts 1 to this many steps ahead are compared, all with equal weight
};

// NaN where nothing could be compared.
struct BacktestScore {
  std::string model;  // in full, as it can be given again
  // Mean absolute error over that of the seasonal naive forecast on the same steps.
  double mase = 0;
  // Mean of 200 |y - f| / (|y| + |f|), 0 where both are 0: percent.
  double smape = 0;
  std::array<double, kPinballLevels.size()> pinball{};  // mean, in the series' unit
  double coverage = 0;                                  // of the 90 % interval
  double width = 0;                                     // its mean width, in the series' unit
  double us_per_step = 0;  // CPU time to take in a value and forecast all horizons with intervals
};

struct Backtest {
  std::size_t warm_up = 0;  // steps before the first origin: two periods, half the series at most
  std::size_t origins = 0;
  std::vector<BacktestScore> scores;  // in the order of the models
};

// `models` are strategy texts, in which `period`, `period2` and `horizon` are taken from the
// options where a model has such a setting and the text does not give it. The error is about the
// first text that names none. Less than kBacktestValuesMin known values are an error too. O(values
// * horizon) for each model.
inline constexpr std::size_t kBacktestValuesMin = 20;
Result<Backtest> backtest(const std::vector<double>& values, const std::vector<std::string>& models,
                          const BacktestOptions& options);

// Whether every text names a forecaster, with settings that it allows.
Status check_models(const std::vector<std::string>& models, const BacktestOptions& options);

// "all", or texts with commas between: "ewma,holt_winters[period=12, level=0.3]".
std::vector<std::string> split_models(const std::string& text);

}  // namespace phoenix
