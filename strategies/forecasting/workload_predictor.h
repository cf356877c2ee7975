// A load forecast by time instead of by steps: samples come when they come, a second or so apart,
// and are averaged to the forecast's steps. For whoever has a clock and a metric.
//
// One thread at a time. Owns the forecast. O(1) a sample, but for steps without any, which are
// gaps: at most kGapsMax are told one by one, so that a jump of the clock costs no minutes.
#pragma once

#include <cstdint>
#include <memory>

#include "strategies/core/time.h"
#include "strategies/forecasting/load_forecast.h"

namespace phoenix {

class WorkloadPredictor {
 public:
  static constexpr std::int64_t kGapsMax = 100'000;

  // REQUIRES: step > 0.
  WorkloadPredictor(std::unique_ptr<LoadForecast> forecast, Duration step);

  // NaN says that nothing is known; a step of nothing else is a gap. Samples of a step that is over
  // come too late: they are counted and not used.
  void observe(Time at, double value);
  // Everything before `now` was told: steps that have ended are closed, though nothing came since.
  void close_until(Time now);

  // Of the mean load in the step that `at` lies in; for the present step and those before, of the
  // one after the present. 0 before anything was observed.
  double mean_at(Time at) const { return forecast_->mean(steps_to(at)); }
  double quantile_at(Time at, double q) const { return forecast_->quantile(steps_to(at), q); }
  // The largest q-quantile of any step within [from, until].
  double peak(Time from, Time until, double q) const;

  LoadForecast& forecast() { return *forecast_; }
  const LoadForecast& forecast() const { return *forecast_; }
  // Since the end of the newest step that the forecast knows.
  Duration age(Time now) const { return now.time_since_epoch() - present_ * step_; }
  Duration step() const { return step_; }
  std::uint64_t late_samples() const { return late_samples_; }
  std::uint64_t gaps() const { return gaps_; }

 private:
  std::int64_t step_of(Time at) const { return at.time_since_epoch() / step_; }
  int steps_to(Time at) const;
  void close_step();
  void close_before(std::int64_t step);

  std::unique_ptr<LoadForecast> forecast_;
  Duration step_;
  std::int64_t present_ = 0;
  double sum_ = 0;
  std::int64_t count_ = 0;
  bool has_started_ = false;
  std::uint64_t late_samples_ = 0;
  std::uint64_t gaps_ = 0;
};

}  // namespace phoenix
