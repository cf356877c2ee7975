#include "strategies/scaling/forecast_need.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace phoenix {

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
