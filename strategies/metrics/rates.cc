#include "strategies/metrics/rates.h"

namespace phoenix {

double counter_rate(std::span<const MetricPoint> totals) {
  const MetricPoint* first = nullptr;
  const MetricPoint* last = nullptr;
  double rise = 0;
  for (const MetricPoint& point : totals) {
    if (!point.is_known()) continue;
    if (first == nullptr) first = &point;
    if (last != nullptr) rise += counter_rise(last->value, point.value);
    last = &point;
  }
  if (first == nullptr || last->at <= first->at) return std::numeric_limits<double>::quiet_NaN();
  return rise / to_seconds(last->at - first->at);
}

}  // namespace phoenix
