// A forecaster with calibrated quantiles: whichever model is inside, its 90 % intervals cover about
// 90 %. For everyone who must know how far off a forecast may be. Owns the forecaster.
//
// Errors are kept for the horizons 1 to 12, 16, 24, 32, 48, ... up to the last; between them
// quantiles are interpolated, beyond them they are those of the last. A forecast above four times
// the recent peak is cut there: no model is believed that far from what was seen.
//
// One thread at a time. No allocation once warmed up.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "strategies/forecasting/conformal.h"
#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {

struct CalibrationOptions {
  int horizon = 12;     // steps
  int season = 0;       // steps of the longest known, for BeliefLimit; 0: none
  int window = 1000;    // errors kept at each horizon
  double rate = 0.002;  // of adaptation; faster is wider without covering better, measured
};

class CalibratedForecast {
 public:
  CalibratedForecast(std::unique_ptr<Forecaster> model, const CalibrationOptions& options);

  // As Forecaster::observe().
  void observe(double value);

  // `steps` >= 1.
  double mean(int steps) const;
  double quantile(int steps, double q) const;

  // Forecasts cut at four times the peak, and bounds for which errors were too few: see
  // HorizonErrors::widest_used().
  std::uint64_t cut() const { return cut_; }
  std::uint64_t widest_used() const;

 private:
  double offset(double forecast, int steps, double q) const;

  std::unique_ptr<Forecaster> model_;
  std::vector<HorizonErrors> errors_;
  mutable std::vector<double> means_;  // of the steps asked for since the last value; else NaN
  BeliefLimit belief_;
  std::uint64_t cut_ = 0;
};

}  // namespace phoenix
