#include "strategies/scaling/forecast_need.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <limits>

#include "strategies/forecasting/scaling_predictor.h"

namespace phoenix {
namespace {

constexpr double kCertain = 0.999;

// Dear as the last thousandth of chance is, quantiles do not tell it apart.
int nodes_worth_at(const LoadForecast& forecast, int step, double each, double miss_cost,
                   NodeBounds bounds) {
  const double certain = forecast.quantile(step, kCertain);
  if (!std::isfinite(certain)) return bounds.least;
  const double highest = std::min(certain, bounds.load);
  int best = bounds.least;
  double cheapest = std::numeric_limits<double>::infinity();
  for (int nodes = best; nodes <= bounds.most && nodes < cheapest; ++nodes) {
    const double load = nodes * each;
    const double missed = load < bounds.load ? probability_above(forecast, step, load) : 0;
    const double cost = nodes + miss_cost * missed;
    if (cost < cheapest) {
      cheapest = cost;
      best = nodes;
    }
    if (nodes * each >= highest) break;
  }
  return best;
}

}  // namespace

int nodes_worth(const LoadForecast& forecast, StepSpan steps, double each, double miss_cost,
                NodeBounds bounds) {
  assert(each > 0 && miss_cost > 0);
  int nodes = bounds.least;
  for (int step = steps.first; step <= steps.last; ++step) {
    nodes = std::max(nodes, nodes_worth_at(forecast, step, each, miss_cost, bounds));
  }
  return nodes;
}

double highest_quantile(const LoadForecast& forecast, Duration step, Duration span, double q) {
  double highest = std::nan("");
  if (step <= Duration{0}) return highest;
  const std::int64_t steps = std::max<std::int64_t>(1, (span + step - Duration{1}) / step);
  for (std::int64_t i = 1; i <= steps; ++i) {
    const double value = forecast.quantile(static_cast<int>(i), q);
    if (std::isfinite(value) && value >= 0) highest = std::fmax(highest, value);
  }
  return highest;
}

void RecentPeak::see(Time now, double value) {
  constexpr Duration kHour = std::chrono::hours(1);
  const std::int64_t hour = now.time_since_epoch() / kHour;
  for (std::int64_t gone = std::min<std::int64_t>(hour - hour_, kHours); gone > 0; --gone) {
    peaks_[((hour - gone + 1) % kHours + kHours) % kHours] = 0;
  }
  hour_ = std::max(hour_, hour);
  double& peak = peaks_[(hour % kHours + kHours) % kHours];
  peak = std::max(peak, value);
}

double RecentPeak::value() const { return *std::max_element(peaks_, peaks_ + kHours); }

}  // namespace phoenix
