// The performance loop's answer to "how are we doing": metrics, compliance, what is being tuned,
// whether more or fewer nodes are advisable, and the trend. Plain structs for status pages and
// records, and the two rules behind them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/time.h"
#include "strategies/forecasting/load_forecast.h"
#include "strategies/metrics/compliance.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/targets.h"
#include "strategies/metrics/trend.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

enum class RecommendedAction : std::uint8_t { kNoAction, kScaleOut, kScaleIn };

constexpr std::string_view to_text(RecommendedAction action) {
  constexpr std::string_view kNames[] = {"no_action", "scale_out", "scale_in"};
  return kNames[static_cast<std::size_t>(action)];
}

struct Recommendation {
  RecommendedAction action = RecommendedAction::kNoAction;
  double confidence = 0;  // a probability
  std::string reason = "stable_load";
};

struct RecommendationSettings {
  double change = 0.2;      // a load beyond 1 + this, or below 1 - this, of the present one
  double confidence = 0.8;  // needed
};

// From the chance, by the forecast's calibrated quantiles, that the load `steps` ahead is higher or
// lower by `change`: "predicted_load_increase", "predicted_load_decrease" or "stable_load". A
// forecast that is not trusted, or a load that is unknown, recommends nothing and says so.
Recommendation recommend(const LoadForecast& forecast, int steps, double load,
                         const RecommendationSettings& settings = {});

// The chance of at most `value` by the forecast's quantiles, to about 0.001.
double chance_at_most(const LoadForecast& forecast, int steps, double value);

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
