// What to plan for, from a forecast of quantiles: the highest load within a span of time; and a
// guard against what a forecast may get wrong.
#pragma once

#include "strategies/core/time.h"
#include "strategies/forecasting/load_forecast.h"

namespace phoenix {

// Highest q-quantile of the steps that make up (now, now + span], at least one step; NaN where the
// forecast gives nothing usable. O(span / step).
double highest_quantile(const LoadForecast& forecast, Duration step, Duration span, double q);

// The highest value seen of late: of the last 24 closed hours and the open one. Bounds absurd
// forecasts.
class RecentPeak {
 public:
  void see(Time now, double value);
  double value() const;  // 0: nothing seen

 private:
  static constexpr int kHours = 25;
  double peaks_[kHours] = {};
  std::int64_t hour_ = 0;
};

}  // namespace phoenix
