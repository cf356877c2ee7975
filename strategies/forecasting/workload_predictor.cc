#include "strategies/forecasting/workload_predictor.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr std::int64_t kStepsMax = 1'000'000;

}  // namespace

WorkloadPredictor::WorkloadPredictor(std::unique_ptr<LoadForecast> forecast, Duration step)
    : forecast_(std::move(forecast)), step_(step) {
  assert(forecast_ != nullptr && step > Duration{0});
}

void WorkloadPredictor::observe(Time at, double value) {
  const std::int64_t step = step_of(at);
  if (!has_started_) {
    has_started_ = true;
    present_ = step;
  }
  if (step < present_) {
    ++late_samples_;
    return;
  }
  close_before(step);
  if (!is_series_value(value)) return;
  sum_ += value;
  ++count_;
}

void WorkloadPredictor::close_until(Time now) {
  if (has_started_) close_before(step_of(now));
}

void WorkloadPredictor::close_before(std::int64_t step) {
  if (step <= present_) return;
  close_step();
  const std::int64_t empty = step - present_ - 1;
  gaps_ += static_cast<std::uint64_t>(empty);
  for (std::int64_t i = 0; i < std::min(empty, kGapsMax); ++i) {
    forecast_->observe(std::numeric_limits<double>::quiet_NaN());
  }
  present_ = step;
}

void WorkloadPredictor::close_step() {
  if (count_ == 0) ++gaps_;
  forecast_->observe(count_ > 0 ? sum_ / static_cast<double>(count_)
                                : std::numeric_limits<double>::quiet_NaN());
  sum_ = 0;
  count_ = 0;
}

// The newest step the forecast knows is the one before the present.
int WorkloadPredictor::steps_to(Time at) const {
  return static_cast<int>(std::clamp<std::int64_t>(step_of(at) - present_ + 1, 1, kStepsMax));
}

double WorkloadPredictor::peak(Time from, Time until, double q) const {
  double largest = 0;
  for (int steps = steps_to(from); steps <= steps_to(until); ++steps) {
    largest = std::max(largest, forecast_->quantile(steps, q));
  }
  return largest;
}

}  // namespace phoenix
