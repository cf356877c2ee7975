#include "strategies/forecasting/trend.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace phoenix {

TrendHistory::TrendHistory(std::size_t capacity) : capacity_(capacity) {
  assert(capacity >= kPointsMin);
  points_.reserve(capacity);
}

void TrendHistory::add(Time at, double value) {
  if (!std::isfinite(value)) return;
  const double seconds = to_seconds(at);
  if (!points_.empty()) {
    Point& newest = points_[(oldest_ + points_.size() - 1) % points_.size()];
    if (seconds < newest.seconds) return;
    if (seconds == newest.seconds) {
      newest.value = value;
      return;
    }
  }
  if (points_.size() < capacity_) {
    points_.push_back({seconds, value});
    return;
  }
  points_[oldest_] = {seconds, value};
  oldest_ = (oldest_ + 1) % capacity_;
}

Trend TrendHistory::trend(double confidence_min) const {
  Trend trend;
  const std::size_t n = points_.size();
  if (n < kPointsMin) return trend;
  std::vector<double> slopes;
  slopes.reserve(n * (n - 1) / 2);
  double score = 0;  // rising pairs less falling ones
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const Point& a = points_[(oldest_ + i) % n];
      const Point& b = points_[(oldest_ + j) % n];
      slopes.push_back((b.value - a.value) / (b.seconds - a.seconds));
      score += b.value > a.value ? 1 : b.value < a.value ? -1 : 0;
    }
  }
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
  std::nth_element(slopes.begin(), middle, slopes.end());
  trend.slope_per_s = *middle;

  std::vector<double> values;
  for (const Point& point : points_) values.push_back(point.value);
  std::sort(values.begin(), values.end());
  const auto pairs = [](double k) { return k * (k - 1) * (2 * k + 5); };
  double variance = pairs(static_cast<double>(n));
  for (std::size_t first = 0; first < n;) {
    std::size_t last = first;
    while (last < n && values[last] == values[first]) ++last;
    variance -= pairs(static_cast<double>(last - first));
    first = last;
  }
  variance /= 18;
  if (!(variance > 0)) return trend;
  const double z = std::max(0.0, std::abs(score) - 1) / std::sqrt(variance);
  trend.confidence = std::erf(z / std::numbers::sqrt2);
  if (trend.confidence >= confidence_min) {
    trend.direction = score > 0 ? TrendDirection::kRising : TrendDirection::kFalling;
  }
  return trend;
}

}  // namespace phoenix
