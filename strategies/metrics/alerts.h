// Alerts: which metrics are beyond what operators accept, for how long, and when that is over. One
// event for each change of what an alert shows, so nothing fires again and again.
//
// A level is raised when its condition was true at every evaluation for `hold`, and cleared when
// the value was on the good side of a second, safer threshold at every evaluation for `keep`. The
// highest raised level is the one shown. Equality raises nothing. A missing value changes nothing
// for 3 evaluations and stops both clocks; then the alert shows unknown until there is a value
// again, and takes up what it showed before. What never had a value is not missed.
//
// Decides on numbers alone; who is told is the controller's matter. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/result.h"
#include "strategies/core/settings.h"
#include "strategies/core/time.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/node_metrics.h"

namespace phoenix {

enum class AlertSense : std::uint8_t { kAbove, kBelow };  // which side of the threshold is bad
enum class AlertLevel : std::uint8_t { kNone, kWarning, kCritical, kUnknown };

constexpr std::string_view to_text(AlertLevel level) {
  constexpr std::string_view kNames[] = {"none", "warning", "critical", "unknown"};
  return kNames[static_cast<std::size_t>(level)];
}

struct AlertRule {
  static constexpr double kNotSet = std::numeric_limits<double>::quiet_NaN();
  std::string metric;
  AlertSense sense = AlertSense::kAbove;
  double warning = kNotSet;        // raised beyond this ...
  double warning_clear = kNotSet;  // ... cleared on the good side of this; not set: of `warning`
  double critical = kNotSet;
  double critical_clear = kNotSet;
  Duration hold = std::chrono::seconds(30);
  Duration keep = std::chrono::seconds(20);

  void visit(SettingVisitor& v);
  bool operator==(const AlertRule&) const = default;
};

// cpu 0.8 and 0.95, memory 0.85 and 0.95, p95 of response times 100 and 500 ms, error rate 0.05 and
// 0.1, each on the cluster's metric.
std::vector<AlertRule> default_alert_rules();

// The default rules, each in place of which is the one in `asked` for the same metric; then the
// rest of `asked`.
std::vector<AlertRule> with_default_alert_rules(std::vector<AlertRule> asked);

// Whether one rule by itself can be watched: its metric is known, its thresholds make sense.
Status check_alert_rule(const AlertRule& rule);

// "cluster_availability[sense=below, warning=0.999, critical=0.99, for=30 s]".
Result<AlertRule> parse_alert_rule(std::string_view text);

struct AlertEvent {
  std::string metric;
  NodeId node = kNoNode;  // kNoNode: of the cluster
  AlertLevel from = AlertLevel::kNone;
  AlertLevel to = AlertLevel::kNone;
  Time at = kStart;
  Time since = kStart;                    // when the condition behind `to` began
  double value = AlertRule::kNotSet;      // at the event
  double threshold = AlertRule::kNotSet;  // the one crossed; not set for unknown
  double lowest = AlertRule::kNotSet;     // of the values since then: the evidence
  double highest = AlertRule::kNotSet;
  int evaluations = 0;  // behind lowest and highest
};

// One level of one rule.
class AlertMachine {
 public:
  enum class State : std::uint8_t { kInactive, kPending, kFiring };

  AlertMachine() = default;
  AlertMachine(AlertSense sense, double raise, double clear, Duration hold, Duration keep);

  void observe(double value, Time now);  // REQUIRES: value is not NaN
  // The clocks stand still over what is missing.
  void shift(Duration missed);
  // Starts counting anew, in the state it is in.
  void restart_clocks() { since_ = kNever; }

  State state() const { return state_; }
  // When the condition began that is being counted or that has fired.
  Time since() const { return began_; }
  double lowest() const { return lowest_; }
  double highest() const { return highest_; }
  int evaluations() const { return evaluations_; }

 private:
  bool is_beyond(double value, double threshold) const;
  bool holds_for(Duration needed, double value, Time now);

  AlertSense sense_ = AlertSense::kAbove;
  double raise_ = AlertRule::kNotSet;
  double clear_ = AlertRule::kNotSet;
  Duration hold_{0};
  Duration keep_{0};
  State state_ = State::kInactive;
  Time since_ = kNever;  // the condition for the next change has been true from here on
  Time began_ = kStart;
  double lowest_ = AlertRule::kNotSet;
  double highest_ = AlertRule::kNotSet;
  int evaluations_ = 0;
};

// Both levels of one rule for one node or the cluster.
class AlertTracker {
 public:
  static constexpr int kMissingHeld = 3;

  explicit AlertTracker(const AlertRule& rule);

  // NaN is a missing value. An evaluation at the time of the previous one changes nothing.
  std::optional<AlertEvent> evaluate(double value, Time now);
  AlertLevel level() const { return shown_; }
  bool is_pending() const;

 private:
  void miss(Time now);
  AlertLevel raised_level() const;
  AlertEvent event(AlertLevel to, double value, Time now) const;

  AlertRule rule_;
  std::array<AlertMachine, 2> machines_;  // warning, critical
  AlertLevel shown_ = AlertLevel::kNone;
  int missing_ = 0;
  bool was_known_ = false;  // a metric that never was there is not missed
  Time evaluated_at_ = kNever;
};

struct ActiveAlert {
  std::string metric;
  NodeId node = kNoNode;
  AlertLevel level = AlertLevel::kNone;
  Time since = kStart;  // of the newest event
};

// All rules of a cluster. A rule names a metric of the store, or one of a node (cpu_utilization,
// ...), which is then watched on every node.
class Alerts {
 public:
  // Refuses unknown metrics, missing or contradictory thresholds, repeated rules.
  static Result<Alerts> make(std::vector<AlertRule> rules, const MetricStore& known);

  // Appends this evaluation's events; rules in their order, nodes by id.
  void evaluate(const MetricView& metrics, std::span<const NodeReading> nodes, Time now,
                Duration stale_after, std::vector<AlertEvent>& out);
  // Warnings, critical and unknown ones.
  std::vector<ActiveAlert> active() const;
  void forget(NodeId node);

 private:
  struct Watched {
    NodeId node = kNoNode;
    AlertTracker tracker;
    Time since = kStart;
  };
  struct Rule {
    AlertRule rule;
    double NodeMetrics::*node_field = nullptr;  // null: a metric of the store
    std::vector<Watched> watched;               // by node
  };

  Watched& watched(Rule& rule, NodeId node);
  void evaluate(Rule& rule, NodeId node, double value, Time now, std::vector<AlertEvent>& out);

  std::vector<Rule> rules_;
};

}  // namespace phoenix
