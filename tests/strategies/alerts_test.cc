// Alerts: when they are raised, changed, cleared and unknown, and that each change is told once.
#include "strategies/metrics/alerts.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"

namespace phoenix {
namespace {

using std::chrono::seconds;

const double kMissing = std::nan("");

AlertRule cpu_rule() {
  AlertRule rule;
  rule.metric = "cluster_cpu_avg";
  rule.warning = 0.8;
  rule.warning_clear = 0.7;
  rule.critical = 0.95;
  rule.critical_clear = 0.9;
  return rule;
}

// "30:warning" for every event of values told every 10 s.
std::vector<std::string> events_of(const AlertRule& rule, const std::vector<double>& values) {
  AlertTracker tracker(rule);
  std::vector<std::string> events;
  Time now = kStart;
  for (const double value : values) {
    if (const auto event = tracker.evaluate(value, now)) {
      events.push_back(std::to_string(static_cast<int>(to_seconds(now))) + ':' +
                       std::string(to_text(event->to)));
    }
    now += seconds(10);
  }
  return events;
}

using Texts = std::vector<std::string>;

TEST(AlertTracker, WorkedExample) {
  // Raised above 0.8 for 30 s, cleared below 0.7 for 20 s: good at 50, 60 and 70 s.
  AlertTracker tracker(cpu_rule());
  EXPECT_FALSE(tracker.evaluate(0.85, kStart));
  EXPECT_TRUE(tracker.is_pending());
  EXPECT_EQ(events_of(cpu_rule(), {.85, .85, .85, .85, .75, .69, .69, .69}),
            (Texts{"30:warning", "70:none"}));
}

TEST(AlertTracker, TellsTheEvidence) {
  AlertTracker tracker(cpu_rule());
  std::optional<AlertEvent> event;
  const double values[] = {0.81, 0.9, 0.85, 0.84};
  for (int i = 0; i < 4; ++i) event = tracker.evaluate(values[i], kStart + seconds(10 * i));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->metric, "cluster_cpu_avg");
  EXPECT_EQ(event->from, AlertLevel::kNone);
  EXPECT_EQ(event->since, kStart);
  EXPECT_EQ(event->at, kStart + seconds(30));
  EXPECT_EQ(event->value, 0.84);
  EXPECT_EQ(event->threshold, 0.8);
  EXPECT_EQ(event->lowest, 0.81);
  EXPECT_EQ(event->highest, 0.9);
  EXPECT_EQ(event->evaluations, 4);
}

TEST(AlertTracker, FlappingAroundTheThresholdNeverFires) {
  std::vector<double> values;
  for (int i = 0; i < 1'000; ++i) values.push_back(i % 2 == 0 ? 0.85 : 0.75);
  EXPECT_EQ(events_of(cpu_rule(), values), Texts{});
}

TEST(AlertTracker, OneFalseResetsPending) {
  EXPECT_EQ(events_of(cpu_rule(), {.85, .85, .85, .79, .85, .85, .85, .85}), (Texts{"70:warning"}));
}

TEST(AlertTracker, EqualityNeitherRaisesNorClears) {
  EXPECT_EQ(events_of(cpu_rule(), std::vector<double>(20, 0.8)), Texts{});
  std::vector<double> values(4, 0.85);
  values.resize(20, 0.7);
  EXPECT_EQ(events_of(cpu_rule(), values), (Texts{"30:warning"}));
}

TEST(AlertTracker, BothLevelsAtOnceFireTheHighestOnly) {
  EXPECT_EQ(events_of(cpu_rule(), std::vector<double>(20, 0.99)), (Texts{"30:critical"}));
}

TEST(AlertTracker, GoesUpAndDownThroughTheLevelsWithOneEventEach) {
  std::vector<double> values(4, 0.85);    // warning at 30 s
  values.insert(values.end(), 4, 0.97);   // critical at 70 s
  values.insert(values.end(), 10, 0.85);  // below 0.9 from 80 to 100 s: warning
  values.insert(values.end(), 10, 0.1);   // none 20 s later
  EXPECT_EQ(events_of(cpu_rule(), values),
            (Texts{"30:warning", "70:critical", "100:warning", "200:none"}));
}

TEST(AlertTracker, BelowIsForAvailability) {
  AlertRule rule;
  rule.metric = "cluster_availability";
  rule.sense = AlertSense::kBelow;
  rule.warning = 0.999;
  rule.critical = 0.99;
  EXPECT_EQ(events_of(rule, {1, .998, .998, .998, .998, .5, .5, .5, .5, 1, 1, 1}),
            (Texts{"40:warning", "80:critical", "110:none"}));
}

TEST(AlertTracker, MissingValuesHoldForThreeIntervalsThenAreUnknown) {
  std::vector<double> values(4, 0.85);
  values.insert(values.end(), 5, kMissing);  // from 40 s
  EXPECT_EQ(events_of(cpu_rule(), values), (Texts{"30:warning", "70:unknown"}));
  values.resize(4 + 3);  // three are held
  values.insert(values.end(), 5, 0.85);
  EXPECT_EQ(events_of(cpu_rule(), values), (Texts{"30:warning"}));
}

TEST(AlertTracker, TakesUpWhatItShowedWhenValuesComeBack) {
  std::vector<double> values(4, 0.85);
  values.insert(values.end(), 6, kMissing);
  values.insert(values.end(), 2, 0.85);  // from 100 s
  EXPECT_EQ(events_of(cpu_rule(), values), (Texts{"30:warning", "70:unknown", "100:warning"}));
}

TEST(AlertTracker, MissingTimeCountsForNoClock) {
  // Pending since 0; 10 and 20 s are missing and do not count, so 30 s of truth end at 50 s.
  EXPECT_EQ(events_of(cpu_rule(), {.85, kMissing, kMissing, .85, .85, .85, .85}),
            (Texts{"50:warning"}));
}

TEST(AlertTracker, WhatWasNeverThereIsNotMissed) {
  EXPECT_EQ(events_of(cpu_rule(), std::vector<double>(50, kMissing)), Texts{});
}

TEST(AlertTracker, TimeThatStandsStillChangesNothing) {
  AlertTracker tracker(cpu_rule());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(tracker.evaluate(0.99, kStart + seconds(5)));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(tracker.evaluate(kMissing, kStart + seconds(5)));
  EXPECT_EQ(tracker.level(), AlertLevel::kNone);
}

TEST(AlertTracker, ReplayGivesTheSameEventsAndEventsAlternate) {
  Random random(9);
  std::vector<double> values;
  double value = 0.8;
  for (int i = 0; i < 5'000; ++i) {
    value = std::clamp(value + 0.06 * (random.uniform() - 0.5), 0.3, 1.0);
    values.push_back(random.uniform() < 0.02 ? kMissing : value);
  }
  const Texts once = events_of(cpu_rule(), values);
  EXPECT_GT(once.size(), 10U);
  EXPECT_EQ(once, events_of(cpu_rule(), values));
  for (std::size_t i = 1; i < once.size(); ++i) {
    EXPECT_NE(once[i].substr(once[i].find(':')), once[i - 1].substr(once[i - 1].find(':')));
  }
}

TEST(AlertRules, DefaultsAreThoseOfTheDesignDocument) {
  const std::vector<AlertRule> rules = default_alert_rules();
  ASSERT_EQ(rules.size(), 4U);
  const struct {
    std::string metric;
    double warning, critical;
  } expected[] = {{"cluster_cpu_avg", 0.8, 0.95},
                  {"cluster_memory_avg", 0.85, 0.95},
                  {"response_time_p95", 0.1, 0.5},
                  {"cluster_error_rate_avg", 0.05, 0.1}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rules[i].metric, expected[i].metric);
    EXPECT_EQ(rules[i].warning, expected[i].warning);
    EXPECT_EQ(rules[i].critical, expected[i].critical);
  }
  EXPECT_TRUE(Alerts::make(rules, MetricStore{}));
}

TEST(AlertRules, AreReadFromText) {
  const Result<AlertRule> rule = parse_alert_rule(
      "cluster_availability[sense=below, warning=0.999, critical=0.99, for=1 min]");
  ASSERT_TRUE(rule) << rule.error();
  EXPECT_EQ(rule->sense, AlertSense::kBelow);
  EXPECT_EQ(rule->warning, 0.999);
  EXPECT_EQ(rule->hold, std::chrono::minutes(1));
  EXPECT_EQ(rule->keep, seconds(20));
}

TEST(AlertRules, ContradictionsAreRefused) {
  const auto error = [](std::string_view text) {
    const Result<AlertRule> rule = parse_alert_rule(text);
    return rule ? std::string("accepted") : rule.error();
  };
  EXPECT_EQ(error("queue_length"), "alert queue_length: needs warning, critical or both");
  EXPECT_EQ(error("queue_length[warning=9, critical=5]"),
            "alert queue_length: warning = 9: is beyond critical, 5");
  EXPECT_EQ(error("queue_length[warning=5, warning_clear=6]"),
            "alert queue_length: warning_clear = 6: is beyond warning, 5");
  EXPECT_EQ(error("queue_length[sense=below, critical=5, critical_clear=4]"),
            "alert queue_length: critical_clear = 4: is beyond critical, 5");
}

TEST(Alerts, UnknownAndRepeatedMetricsAreRefused) {
  const MetricStore store;
  AlertRule rule = cpu_rule();
  rule.metric = "system.cpu";
  const Result<Alerts> unknown = Alerts::make({rule}, store);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().find("unknown metric \"system.cpu\""), std::string::npos);
  const Result<Alerts> twice = Alerts::make({cpu_rule(), cpu_rule()}, store);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().find("two rules"), std::string::npos);
}

TEST(Alerts, WatchTheClustersMetricsByTheNamesOfTheStore) {
  MetricStore store;
  Result<Alerts> alerts = Alerts::make(default_alert_rules(), store);
  ASSERT_TRUE(alerts);
  std::vector<AlertEvent> events;
  for (int s = 0; s <= 40; s += 10) {
    const Time now = kStart + seconds(s);
    ASSERT_TRUE(store.record_metric("cluster_cpu_avg", 0.97, now));
    ASSERT_TRUE(store.record_metric("cluster_error_rate_avg", 0.01, now));
    alerts->evaluate(store, {}, now, seconds(5), events);
  }
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].metric, "cluster_cpu_avg");
  EXPECT_EQ(events[0].to, AlertLevel::kCritical);
  ASSERT_EQ(alerts->active().size(), 1U);
  EXPECT_EQ(alerts->active()[0].since, kStart + seconds(30));
}

TEST(Alerts, ANodesMetricIsWatchedOnEveryNodeAndStaleIsMissing) {
  AlertRule rule = cpu_rule();
  rule.metric = "cpu_utilization";
  MetricStore store;
  Result<Alerts> alerts = Alerts::make({rule}, store);
  ASSERT_TRUE(alerts);
  std::vector<NodeReading> nodes(2);
  nodes[0].node = NodeId{3};
  nodes[1].node = NodeId{7};
  std::vector<AlertEvent> events;
  for (int s = 0; s <= 100; s += 10) {
    const Time now = kStart + seconds(s);
    nodes[0].measured_at = now;
    nodes[0].metrics.cpu_utilization = 0.2;
    if (s <= 30) nodes[1].measured_at = now;
    nodes[1].metrics.cpu_utilization = 0.9;
    alerts->evaluate(store, nodes, now, seconds(5), events);
  }
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].node, NodeId{7});
  EXPECT_EQ(events[0].to, AlertLevel::kWarning);
  EXPECT_EQ(events[1].node, NodeId{7});
  EXPECT_EQ(events[1].to, AlertLevel::kUnknown);
  alerts->forget(NodeId{7});
  EXPECT_TRUE(alerts->active().empty());
}

}  // namespace
}  // namespace phoenix
