// The performance loop's answer to "how are we doing": metrics, compliance, what is being tuned,
// whether more or fewer nodes are advisable, and the trend. Plain structs for status pages and
// records, and what puts them together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/time.h"
#include "strategies/forecasting/scaling_predictor.h"
#include "strategies/metrics/compliance.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/targets.h"
#include "strategies/metrics/trend.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

struct NamedMetric {
  std::string name;
  std::string unit;
  MetricPoint point;  // however old; `age` says how much
  Duration age{0};
};

struct TargetStatus {
  TargetReading reading;
  TargetVerdict verdict;
  Trend trend;  // of the metric behind it
};

struct PerformanceStatus {
  Time at = kStart;
  std::vector<NamedMetric> current_metrics;
  std::vector<TargetStatus> targets;
  Compliance target_compliance;  // mean, minimum and which is worst
  std::vector<ActiveOptimization> active_optimizations;
  Recommendation scaling_recommendation;
  Trend performance_trend;  // of the mean compliance
};

// Keeps the last 100 mean compliances, for their trend, and puts a status together.
class PerformanceHistory {
 public:
  static constexpr std::size_t kKept = 100;

  // Once for every optimization cycle.
  void observe(const Compliance& compliance, Time now);
  Trend trend() const { return trend_of(points_); }
  const std::vector<MetricPoint>& points() const { return points_; }  // oldest first

 private:
  std::vector<MetricPoint> points_;
};

PerformanceStatus performance_status(const MetricStore& store, const TargetSet& targets,
                                     const PerformanceHistory& history,
                                     std::vector<ActiveOptimization> active,
                                     Recommendation recommendation);

}  // namespace phoenix
