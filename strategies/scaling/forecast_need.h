// What to plan for, from a forecast of quantiles: the highest load within a span of time, or as
// many nodes as are worth their price. Free functions; guards against what a forecast may get
// wrong.
#pragma once

#include "strategies/core/time.h"
#include "strategies/forecasting/load_forecast.h"

namespace phoenix {

// Highest q-quantile of the steps that make up (now, now + span], at least one step; NaN where the
// forecast gives nothing usable. O(span / step).
double highest_quantile(const LoadForecast& forecast, Duration step, Duration span, double q);

struct StepSpan {
  int first = 1;
  int last = 1;
};

struct NodeBounds {
  int least = 0;  // what the load of the moment needs
  int most = 0;
  double load = std::numeric_limits<double>::infinity();  // no forecast counts above this
};

// The number of nodes that costs least at the dearest of the steps, where each node costs its time
// and every second of a load beyond them costs `miss_cost` seconds of a node: the newsvendor's
// problem with time lost, not sales. A node more is had while the chance that it is the one that
// matters is above 1 / miss_cost; so there is much head-room where it takes few nodes to be sure,
// and little where not even many help. Each node carries `each` per second.
int nodes_worth(const LoadForecast& forecast, StepSpan steps, double each, double miss_cost,
                NodeBounds bounds);

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
