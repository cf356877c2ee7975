#include "strategies/metrics/alerts.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr std::array kLevels = {AlertLevel::kWarning, AlertLevel::kCritical};

double raise_of(const AlertRule& rule, AlertLevel level) {
  return level == AlertLevel::kWarning ? rule.warning : rule.critical;
}

double clear_of(const AlertRule& rule, AlertLevel level) {
  const double set = level == AlertLevel::kWarning ? rule.warning_clear : rule.critical_clear;
  return std::isnan(set) ? raise_of(rule, level) : set;
}

bool is_worse(AlertSense sense, double value, double than) {
  return sense == AlertSense::kAbove ? value > than : value < than;
}

Status check_rule(const AlertRule& rule) {
  const auto found = [&](std::string_view key, double value) {
    return "alert " + rule.metric + ": " + std::string(key) + " = " + print_number(value);
  };
  if (std::isnan(rule.warning) && std::isnan(rule.critical)) {
    return Error{"alert " + rule.metric + ": needs warning, critical or both"};
  }
  if (is_worse(rule.sense, rule.warning, rule.critical)) {
    return Error{found("warning", rule.warning) + ": is beyond critical, " +
                 print_number(rule.critical)};
  }
  for (const AlertLevel level : kLevels) {
    const double clear = clear_of(rule, level);
    if (!is_worse(rule.sense, clear, raise_of(rule, level))) continue;
    return Error{found(std::string(to_text(level)) + "_clear", clear) + ": is beyond " +
                 std::string(to_text(level)) + ", " + print_number(raise_of(rule, level))};
  }
  return success();
}

}  // namespace

void AlertRule::visit(SettingVisitor& v) {
  constexpr double kAny = std::numeric_limits<double>::max();
  static constexpr std::string_view kSenses[] = {"above", "below"};
  int side = static_cast<int>(sense);
  v.choice("sense", side, kSenses, "which side of the thresholds is bad");
  sense = static_cast<AlertSense>(side);
  v.number("warning", warning, -kAny, kAny, "raises a warning beyond this");
  v.number("warning_clear", warning_clear, -kAny, kAny, "clears it on the good side of this");
  v.number("critical", critical, -kAny, kAny, "raises the critical level beyond this");
  v.number("critical_clear", critical_clear, -kAny, kAny, "clears it on the good side of this");
  v.duration("for", hold, Duration{0}, std::chrono::hours(24),
             "true for this long before it is raised");
  v.duration("keep", keep, Duration{0}, std::chrono::hours(24),
             "good for this long before it is cleared");
}

std::vector<AlertRule> default_alert_rules() {
  using enum AlertSense;
  const auto rule = [](std::string_view metric, double warning, double warning_clear,
                       double critical, double critical_clear) {
    return AlertRule{std::string(metric), kAbove, warning, warning_clear, critical, critical_clear};
  };
  return {rule(metric::kCpu, 0.8, 0.7, 0.95, 0.85), rule(metric::kMemory, 0.85, 0.75, 0.95, 0.9),
          rule(metric::kResponseP95, 0.1, 0.08, 0.5, 0.4),
          rule(metric::kErrorRate, 0.05, 0.04, 0.1, 0.08)};
}

std::vector<AlertRule> with_default_alert_rules(std::vector<AlertRule> asked) {
  std::vector<AlertRule> rules = default_alert_rules();
  for (AlertRule& rule : asked) {
    const auto known = std::find_if(rules.begin(), rules.end(), [&](const AlertRule& one) {
      return one.metric == rule.metric;
    });
    if (known == rules.end()) {
      rules.push_back(std::move(rule));
    } else {
      *known = std::move(rule);
    }
  }
  return rules;
}

Status check_alert_rule(const AlertRule& rule) {
  const Result<Alerts> made = Alerts::make({rule}, MetricStore());
  return made ? success() : Status(Error{made.error()});
}

Result<AlertRule> parse_alert_rule(std::string_view text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return Error{parsed.error()};
  AlertRule rule;
  rule.metric = parsed->name;
  const Status applied = apply_settings(*parsed, [&](SettingVisitor& v) { rule.visit(v); });
  if (!applied) return Error{applied.error()};
  if (Status checked = check_rule(rule); !checked) return Error{checked.error()};
  return rule;
}

AlertMachine::AlertMachine(AlertSense sense, double raise, double clear, Duration hold,
                           Duration keep)
    : sense_(sense), raise_(raise), clear_(clear), hold_(hold), keep_(keep) {}

bool AlertMachine::is_beyond(double value, double threshold) const {
  return is_worse(sense_, value, threshold);
}

// Counts an evaluation at which the condition is true.
bool AlertMachine::holds_for(Duration needed, double value, Time now) {
  if (since_ == kNever) {
    since_ = now;
    evaluations_ = 0;
    lowest_ = highest_ = value;
  }
  ++evaluations_;
  lowest_ = std::min(lowest_, value);
  highest_ = std::max(highest_, value);
  return now - since_ >= needed;
}

void AlertMachine::observe(double value, Time now) {
  if (std::isnan(raise_)) return;
  if (state_ == State::kFiring) {
    // Good: not on the clear threshold either.
    const bool is_good = value != clear_ && !is_beyond(value, clear_);
    if (!is_good) {
      since_ = kNever;
    } else if (holds_for(keep_, value, now)) {
      state_ = State::kInactive;
      began_ = since_;
      since_ = kNever;
    }
    return;
  }
  if (!is_beyond(value, raise_)) {
    state_ = State::kInactive;
    since_ = kNever;
    return;
  }
  state_ = State::kPending;
  if (!holds_for(hold_, value, now)) return;
  state_ = State::kFiring;
  began_ = since_;
  since_ = kNever;
}

void AlertMachine::shift(Duration missed) {
  if (since_ != kNever) since_ += missed;
}

AlertTracker::AlertTracker(const AlertRule& rule) : rule_(rule) {
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    machines_[i] = AlertMachine(rule.sense, raise_of(rule, kLevels[i]), clear_of(rule, kLevels[i]),
                                rule.hold, rule.keep);
  }
}

bool AlertTracker::is_pending() const {
  return std::any_of(machines_.begin(), machines_.end(), [](const AlertMachine& machine) {
    return machine.state() == AlertMachine::State::kPending;
  });
}

AlertLevel AlertTracker::raised_level() const {
  for (std::size_t i = machines_.size(); i-- > 0;) {
    if (machines_[i].state() == AlertMachine::State::kFiring) return kLevels[i];
  }
  return AlertLevel::kNone;
}

AlertEvent AlertTracker::event(AlertLevel to, double value, Time now) const {
  AlertEvent event;
  event.metric = rule_.metric;
  event.from = shown_;
  event.to = to;
  event.at = event.since = now;
  event.value = value;
  const bool was_unknown = shown_ == AlertLevel::kUnknown;
  if (to == AlertLevel::kUnknown || (was_unknown && to == AlertLevel::kNone)) return event;
  // What was crossed: the new level's threshold on the way up, the old one's on the way down.
  const bool is_down = !was_unknown && to < shown_;
  const AlertLevel level = is_down ? shown_ : to;
  const AlertMachine& machine = machines_[level == AlertLevel::kCritical ? 1 : 0];
  event.threshold = is_down ? clear_of(rule_, level) : raise_of(rule_, level);
  event.since = machine.since();
  event.lowest = machine.lowest();
  event.highest = machine.highest();
  event.evaluations = machine.evaluations();
  return event;
}

void AlertTracker::miss(Time now) {
  ++missing_;
  if (evaluated_at_ == kNever) return;
  for (AlertMachine& machine : machines_) machine.shift(now - evaluated_at_);
}

std::optional<AlertEvent> AlertTracker::evaluate(double value, Time now) {
  if (evaluated_at_ != kNever && now <= evaluated_at_) return std::nullopt;
  AlertLevel level = shown_;
  if (std::isnan(value)) {
    miss(now);
    if (missing_ > kMissingHeld && was_known_) level = AlertLevel::kUnknown;
  } else {
    if (shown_ == AlertLevel::kUnknown) {
      for (AlertMachine& machine : machines_) machine.restart_clocks();
    }
    missing_ = 0;
    was_known_ = true;
    for (AlertMachine& machine : machines_) machine.observe(value, now);
    level = raised_level();
  }
  evaluated_at_ = now;
  if (level == shown_) return std::nullopt;
  const AlertEvent change = event(level, value, now);
  shown_ = level;
  return change;
}

Result<Alerts> Alerts::make(std::vector<AlertRule> rules, const MetricStore& known) {
  Alerts alerts;
  std::vector<std::string> names;
  for (AlertRule& rule : rules) {
    const auto field = find_node_metric(rule.metric);
    if (const Result<MetricId> id = known.find(rule.metric); !id && field == nullptr) {
      return Error{"alert " + rule.metric + ": " + id.error()};
    }
    if (Status checked = check_rule(rule); !checked) return Error{checked.error()};
    if (std::find(names.begin(), names.end(), rule.metric) != names.end()) {
      return Error{"alert " + rule.metric + ": there are two rules for it"};
    }
    names.push_back(rule.metric);
    alerts.rules_.push_back({std::move(rule), field, {}});
  }
  return alerts;
}

Alerts::Watched& Alerts::watched(Rule& rule, NodeId node) {
  const auto place =
      std::lower_bound(rule.watched.begin(), rule.watched.end(), node,
                       [](const Watched& w, NodeId wanted) { return w.node < wanted; });
  if (place != rule.watched.end() && place->node == node) return *place;
  return *rule.watched.insert(place, {node, AlertTracker(rule.rule), kStart});
}

void Alerts::evaluate(Rule& rule, NodeId node, double value, Time now,
                      std::vector<AlertEvent>& out) {
  Watched& one = watched(rule, node);
  std::optional<AlertEvent> event = one.tracker.evaluate(value, now);
  if (!event) return;
  event->node = node;
  one.since = now;
  out.push_back(std::move(*event));
}

void Alerts::evaluate(const MetricView& metrics, std::span<const NodeReading> nodes, Time now,
                      Duration stale_after, std::vector<AlertEvent>& out) {
  for (Rule& rule : rules_) {
    if (rule.node_field == nullptr) {
      evaluate(rule, kNoNode, metrics.latest(rule.rule.metric).value, now, out);
      continue;
    }
    for (const NodeReading& node : nodes) {
      const bool is_current = node.measured_at != kNever && now - node.measured_at <= stale_after;
      const double value = is_current ? node.metrics.*rule.node_field : AlertRule::kNotSet;
      evaluate(rule, node.node, value, now, out);
    }
  }
}

std::vector<ActiveAlert> Alerts::active() const {
  std::vector<ActiveAlert> active;
  for (const Rule& rule : rules_) {
    for (const Watched& one : rule.watched) {
      if (one.tracker.level() == AlertLevel::kNone) continue;
      active.push_back({rule.rule.metric, one.node, one.tracker.level(), one.since});
    }
  }
  return active;
}

void Alerts::forget(NodeId node) {
  for (Rule& rule : rules_) {
    std::erase_if(rule.watched, [node](const Watched& one) { return one.node == node; });
  }
}

}  // namespace phoenix
