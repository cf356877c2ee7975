// How fast a measured value changes, for rules that act on the rise and not on the value.
#pragma once

#include <span>

#include "strategies/metrics/metric_view.h"

namespace phoenix {

// Slope of the least-squares line through known points, per second; NaN for fewer than two or where
// all are of one time. O(points).
double slope_per_s(std::span<const MetricPoint> points);

}  // namespace phoenix
