#include "strategies/control/performance.h"

namespace phoenix {

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
