#include "strategies/metrics/trend.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace phoenix {
namespace {

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// The variance of Kendall's S without a trend: ties take away from it.
double variance_of_score(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto part = [](double n) { return n * (n - 1) * (2 * n + 5); };
  double sum = part(static_cast<double>(values.size()));
  for (std::size_t i = 0; i < values.size();) {
    std::size_t end = i;
    while (end < values.size() && values[end] == values[i]) ++end;
    sum -= part(static_cast<double>(end - i));
    i = end;
  }
  return sum / 18;
}

}  // namespace

Trend trend_of(std::span<const MetricPoint> points, double needed) {
  std::vector<MetricPoint> known;
  for (const MetricPoint& point : points) {
    if (point.is_known()) known.push_back(point);
  }
  Trend trend;
  trend.points = static_cast<int>(known.size());
  if (trend.points < kTrendPointsMin) return trend;

  double score = 0;
  std::vector<double> slopes;
  for (std::size_t later = 1; later < known.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const double rise = known[later].value - known[earlier].value;
      score += rise > 0 ? 1 : (rise < 0 ? -1 : 0);
      const double seconds = to_seconds(known[later].at - known[earlier].at);
      if (seconds > 0) slopes.push_back(rise / seconds);
    }
  }
  trend.direction = TrendDirection::kStable;
  if (!slopes.empty()) trend.slope_per_s = median(slopes);
  std::vector<double> values;
  for (const MetricPoint& point : known) values.push_back(point.value);
  const double variance = variance_of_score(std::move(values));
  if (variance <= 0 || score == 0) return trend;
  // One towards zero: the score moves in steps of 2.
  const double z = (std::abs(score) - 1) / std::sqrt(variance);
  trend.confidence = std::erf(z / std::sqrt(2.0));
  if (trend.confidence > needed) {
    trend.direction = score > 0 ? TrendDirection::kRising : TrendDirection::kFalling;
  }
  return trend;
}

}  // namespace phoenix
