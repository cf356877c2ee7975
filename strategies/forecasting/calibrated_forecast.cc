#include "strategies/forecasting/calibrated_forecast.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr int kAllTo = 12;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Every horizon to the twelfth, then two to each doubling: 16, 24, 32, 48, ...
std::vector<int> calibrated_horizons(int last) {
  std::vector<int> horizons;
  for (int next = 1; next < last && next <= kAllTo; ++next) horizons.push_back(next);
  for (int next = kAllTo + kAllTo / 3; next < last; next *= 2) {
    horizons.push_back(next);
    if (next + next / 2 < last) horizons.push_back(next + next / 2);
  }
  horizons.push_back(last);
  return horizons;
}

}  // namespace

CalibratedForecast::CalibratedForecast(std::unique_ptr<Forecaster> model,
                                       const CalibrationOptions& options)
    : model_(std::move(model)),
      means_(static_cast<std::size_t>(options.horizon), kNaN),
      belief_(options.season) {
  assert(model_ != nullptr && options.horizon >= 1);
  for (const int horizon : calibrated_horizons(options.horizon)) {
    errors_.emplace_back(horizon, static_cast<std::size_t>(options.window), options.rate);
  }
}

void CalibratedForecast::observe(double value) {
  for (HorizonErrors& errors : errors_) errors.score(value);
  model_->observe(value);
  std::fill(means_.begin(), means_.end(), kNaN);
  belief_.see(value);
  for (HorizonErrors& errors : errors_) {
    const double forecast = mean(errors.horizon());
    if (belief_.most() > 0 && forecast == belief_.most()) ++cut_;
    errors.issue(forecast);
  }
}

double CalibratedForecast::mean(int steps) const {
  assert(steps >= 1);
  const auto place = static_cast<std::size_t>(steps - 1);
  if (place < means_.size() && !std::isnan(means_[place])) return means_[place];
  const double forecast = std::min(model_->predict(steps), belief_.most());
  if (place < means_.size()) means_[place] = forecast;
  return forecast;
}

double CalibratedForecast::quantile(int steps, double q) const {
  const double forecast = mean(steps);
  return as_forecast(forecast + offset(forecast, steps, std::clamp(q, 0.0, 1.0)));
}

double CalibratedForecast::offset(double forecast, int steps, double q) const {
  std::size_t above = 0;
  while (above + 1 < errors_.size() && errors_[above].horizon() < steps) ++above;
  const HorizonErrors& far = errors_[above];
  if (above == 0 || far.horizon() <= steps) return far.offset(forecast, q);
  const HorizonErrors& near = errors_[above - 1];
  const double part =
      static_cast<double>(steps - near.horizon()) / (far.horizon() - near.horizon());
  return (1 - part) * near.offset(forecast, q) + part * far.offset(forecast, q);
}

std::uint64_t CalibratedForecast::widest_used() const {
  std::uint64_t sum = 0;
  for (const HorizonErrors& errors : errors_) sum += errors.widest_used();
  return sum;
}

}  // namespace phoenix
