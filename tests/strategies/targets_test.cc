// Targets, their trend and what the performance loop answers.
#include "strategies/metrics/targets.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/control/performance.h"
#include "strategies/core/random.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/trend.h"

namespace phoenix {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Time at(double s) { return kStart + from_seconds(s); }

TEST(TargetSet, FiveDefaultsOfTheDesignDocument) {
  const struct {
    std::string name;
    double value;
    TargetSense sense;
  } expected[] = {{"agent_response_time_p95", 0.05, TargetSense::kLowerIsBetter},
                  {"message_throughput", 10'000, TargetSense::kHigherIsBetter},
                  {"cluster_availability", 0.999, TargetSense::kHigherIsBetter},
                  {"resource_utilization", 0.75, TargetSense::kSetPoint},
                  {"scaling_response_time", 30, TargetSense::kLowerIsBetter}};
  const TargetSet targets;
  ASSERT_EQ(targets.list().size(), 5U);
  const MetricStore store;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(targets.list()[i].name, expected[i].name);
    EXPECT_EQ(targets.list()[i].value, expected[i].value);
    EXPECT_EQ(targets.list()[i].sense, expected[i].sense);
    EXPECT_TRUE(store.find(targets.list()[i].metric)) << targets.list()[i].metric;
  }
}

TEST(TargetSet, UpdatesAreAllOrNothing) {
  TargetSet targets;
  EXPECT_TRUE(targets.update(std::vector<TargetChange>{{"agent_response_time_p95", "80 ms"},
                                                       {"cluster_availability", "99.5%"}}));
  EXPECT_DOUBLE_EQ(targets.list()[0].value, 0.08);
  EXPECT_DOUBLE_EQ(targets.list()[2].value, 0.995);
  const auto error = [&](const char* name, const char* value) {
    const Status done =
        targets.update(std::vector<TargetChange>{{"message_throughput", "5 /s"}, {name, value}});
    return done ? std::string("accepted") : done.error();
  };
  EXPECT_THAT(error("response_time", "80 ms"),
              AllOf(HasSubstr("unknown target"), HasSubstr("agent_response_time_p95")));
  EXPECT_THAT(error("agent_response_time_p95", "80"), HasSubstr("allowed a duration"));
  EXPECT_THAT(error("agent_response_time_p95", "0 ms"), HasSubstr("allowed above 0"));
  EXPECT_THAT(error("resource_utilization", "1.2"), HasSubstr("up to 1"));
  EXPECT_THAT(error("cluster_availability", "-1"), HasSubstr("allowed above 0"));
  EXPECT_THAT(error("cluster_availability", "nan"), HasSubstr("number"));
  EXPECT_DOUBLE_EQ(targets.list()[1].value, 10'000);
}

TEST(TargetSet, UsersAddTheirOwn) {
  TargetSet targets;
  const Target queue{"queue_bound",
                     "queue_length",
                     "",
                     TargetSense::kLowerIsBetter,
                     TargetUnit::kNumber,
                     100,
                     0,
                     1e6};
  EXPECT_TRUE(targets.add(queue));
  EXPECT_THAT(targets.add(queue).error(), HasSubstr("there already"));
  EXPECT_TRUE(targets.update(std::vector<TargetChange>{{"queue_bound", "50"}}));
  MetricStore store;
  ASSERT_TRUE(store.record_metric("queue_length", 200, at(1)));
  const TargetReading reading = targets.read(store).back();
  EXPECT_EQ(reading.current, 200);
  EXPECT_DOUBLE_EQ(judge(reading).compliance, 0.25);
}

TEST(TargetSet, MissingIsUnknownAndAnIdleClusterMissesNothing) {
  const TargetSet targets;
  MetricStore store;
  for (const TargetReading& reading : targets.read(store)) {
    EXPECT_EQ(judge(reading).side, TargetSide::kUnknown) << reading.name;
  }
  EXPECT_TRUE(std::isnan(overall(targets.read(store)).mean));
  ASSERT_TRUE(store.record_metric("cluster_throughput_total", 20, at(1)));
  ASSERT_TRUE(store.record_metric("arrival_rate", 20, at(1)));
  ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.1, at(1)));
  const Compliance compliance = overall(targets.read(store));
  EXPECT_EQ(compliance.mean, 1);
  EXPECT_EQ(judge(targets.read(store)[3]).side, TargetSide::kUnder);
}

TEST(TargetSet, MeansOverAWindow) {
  const TargetSet targets;
  MetricStore store;
  for (int s = 0; s < 30; ++s) {
    ASSERT_TRUE(store.record_metric("response_time_p95", s < 20 ? 0.9 : 0.1, at(s)));
  }
  EXPECT_NEAR(targets.read_over(store, seconds(9))[0].current, 0.1, 1e-9);
  EXPECT_NEAR(targets.read_over(store, seconds(30))[0].current, 19.0 / 30, 1e-9);
  EXPECT_TRUE(std::isnan(window_mean(store, "queue_length", seconds(9))));
}

std::vector<MetricPoint> line(int n, double slope, double noise, std::uint64_t seed) {
  Random random(seed);
  std::vector<MetricPoint> points;
  for (int i = 0; i < n; ++i) {
    points.push_back({at(10.0 * i), 5 + slope * 10 * i + noise * (random.uniform() - 0.5)});
  }
  return points;
}

TEST(Trend, TwoSamplesSayNothing) {
  EXPECT_EQ(trend_of(line(2, 1, 0, 1)).direction, TrendDirection::kUnknown);
  EXPECT_EQ(trend_of(line(7, 1, 0, 1)).direction, TrendDirection::kUnknown);
  EXPECT_EQ(trend_of(line(2, 1, 0, 1)).confidence, 0);
}

TEST(Trend, WorkedExample) {
  // 8 rising values: S = 28, var = 8 * 7 * 21 / 18 = 65.33, z = 27 / 8.083 = 3.3404, two-sided.
  const Trend trend = trend_of(line(8, 0.01, 0, 1));
  EXPECT_EQ(trend.direction, TrendDirection::kRising);
  EXPECT_NEAR(trend.slope_per_s, 0.01, 1e-12);
  EXPECT_NEAR(trend.confidence, 0.999164, 1e-5);
  EXPECT_EQ(trend.points, 8);
}

TEST(Trend, ATrendShowsThroughNoiseAndOutliers) {
  std::vector<MetricPoint> points = line(100, -0.002, 0.5, 2);
  points[10].value = 100;
  points[11].value = std::nan("");
  const Trend trend = trend_of(points);
  EXPECT_EQ(trend.direction, TrendDirection::kFalling);
  EXPECT_NEAR(trend.slope_per_s, -0.002, 0.0003);
  EXPECT_EQ(trend.points, 99);
}

TEST(Trend, NoiseAloneRarelyLooksLikeOne) {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    if (trend_of(line(50, 0, 1, seed)).direction != TrendDirection::kStable) ++found;
  }
  // 5 % of 400 are 20; four standard deviations are 17.
  EXPECT_LE(found, 37);
  EXPECT_GE(found, 3);
}

TEST(Trend, ConstantsAreStable) {
  const Trend trend = trend_of(line(30, 0, 0, 1));
  EXPECT_EQ(trend.direction, TrendDirection::kStable);
  EXPECT_EQ(trend.slope_per_s, 0);
  EXPECT_EQ(trend.confidence, 0);
}

TEST(PerformanceHistory, KeepsTheLastHundredForTheTrend) {
  PerformanceHistory history;
  Compliance compliance;
  for (int i = 0; i < 1'000; ++i) {
    compliance.mean = i < 900 ? 1 - i / 1e3 : i / 1e3;
    history.observe(compliance, at(i));
  }
  ASSERT_EQ(history.points().size(), 100U);
  EXPECT_EQ(history.points().front().at, at(900));
  EXPECT_EQ(history.trend().direction, TrendDirection::kRising);
  EXPECT_NEAR(history.trend().slope_per_s, 1e-3, 1e-9);
}

TEST(PerformanceStatus, HasAllFiveParts) {
  MetricStore store;
  TargetSet targets;
  PerformanceHistory history;
  for (int s = 0; s < 300; ++s) {
    ASSERT_TRUE(store.record_metric("response_time_p95", 0.05 + 0.001 * s, at(s)));
    ASSERT_TRUE(store.record_metric("cluster_availability", 1, at(s)));
    if (s % 2 == 0) history.observe(overall(targets.read(store)), at(s));
  }
  EXPECT_EQ(history.points().size(), PerformanceHistory::kKept);
  ActiveOptimization active;
  active.optimization = "latency_optimization";
  const PerformanceStatus status =
      performance_status(store, targets, history, {active},
                         {RecommendedAction::kScaleOut, 0.9, "predicted_load_increase"});
  ASSERT_EQ(status.current_metrics.size(), 2U);
  EXPECT_EQ(status.current_metrics[0].name, "response_time_p95");
  EXPECT_EQ(status.current_metrics[0].age, Duration{0});
  EXPECT_EQ(status.target_compliance.worst, "agent_response_time_p95");
  EXPECT_NEAR(status.target_compliance.minimum, 0.05 / 0.349, 1e-9);
  EXPECT_EQ(status.targets[0].trend.direction, TrendDirection::kRising);
  EXPECT_EQ(status.targets[1].verdict.side, TargetSide::kUnknown);
  EXPECT_EQ(status.active_optimizations.size(), 1U);
  EXPECT_EQ(status.scaling_recommendation.action, RecommendedAction::kScaleOut);
  EXPECT_EQ(status.performance_trend.direction, TrendDirection::kFalling);
}

}  // namespace
}  // namespace phoenix
