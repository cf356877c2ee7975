#include "strategies/control/performance.h"

#include <algorithm>
#include <cmath>

namespace phoenix {

double chance_at_most(const LoadForecast& forecast, int steps, double value) {
  double low = 0.001;
  double high = 0.999;
  if (value < forecast.quantile(steps, low)) return 0;
  if (value >= forecast.quantile(steps, high)) return 1;
  while (high - low > 0.001) {
    const double middle = (low + high) / 2;
    (forecast.quantile(steps, middle) <= value ? low : high) = middle;
  }
  return low;
}

Recommendation recommend(const LoadForecast& forecast, int steps, double load,
                         const RecommendationSettings& settings) {
  if (!forecast.is_trusted()) {
    return {RecommendedAction::kNoAction, 0, "forecast is not trusted: " + forecast.trust_reason()};
  }
  if (std::isnan(load)) return {RecommendedAction::kNoAction, 0, "load is unknown"};
  const double more = 1 - chance_at_most(forecast, steps, load * (1 + settings.change));
  const double less = chance_at_most(forecast, steps, load * (1 - settings.change));
  if (more > settings.confidence) {
    return {RecommendedAction::kScaleOut, more, "predicted_load_increase"};
  }
  if (less > settings.confidence) {
    return {RecommendedAction::kScaleIn, less, "predicted_load_decrease"};
  }
  return {};
}

void PerformanceHistory::observe(const Compliance& compliance, Time now) {
  if (points_.size() == kKept) points_.erase(points_.begin());
  points_.push_back({now, compliance.mean});
}

PerformanceStatus performance_status(const MetricStore& store, const TargetSet& targets,
                                     const PerformanceHistory& history,
                                     std::vector<ActiveOptimization> active,
                                     Recommendation recommendation) {
  PerformanceStatus status;
  status.at = store.now();
  for (std::size_t i = 0; i < store.size(); ++i) {
    const MetricInfo& info = store.info(id_at<MetricId>(i));
    const Result<MetricPoint> point = store.get_metric(info.name);
    if (!point || !point->is_known()) continue;
    status.current_metrics.push_back({info.name, info.unit, *point, store.now() - point->at});
  }
  const std::vector<TargetReading> readings = targets.read(store);
  std::vector<MetricPoint> points;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    store.series(targets.list()[i].metric, std::chrono::seconds(99), points);
    status.targets.push_back({readings[i], judge(readings[i]), trend_of(points)});
  }
  status.target_compliance = overall(readings);
  status.active_optimizations = std::move(active);
  status.scaling_recommendation = std::move(recommendation);
  status.performance_trend = history.trend();
  return status;
}

}  // namespace phoenix
