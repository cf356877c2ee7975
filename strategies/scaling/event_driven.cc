#include <algorithm>
#include <chrono>

#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// What a named event asks for.
struct EventRule {
  std::string name;
  int minimum = 0;
  double factor = 0;
  Duration duration = hours(1);

  void visit(SettingVisitor& v) {
    v.integer("minimum", minimum, 0, kMostNodes, "at least as many nodes; 0: no matter");
    v.number("factor", factor, 0, 1000, "times the nodes there were when it came; 0: no matter");
    v.duration("duration", duration, seconds(1), hours(24 * 31), "for this long");
  }
};

Result<EventRule> parse_event_rule(const std::string& text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return Error{parsed.error()};
  EventRule rule;
  rule.name = parsed->name;
  const Status applied = apply_settings(*parsed, [&](SettingVisitor& v) { rule.visit(v); });
  if (!applied) return Error{applied.error()};
  if (rule.minimum == 0 && rule.factor == 0) {
    return Error{"event " + rule.name + " needs a minimum or a factor"};
  }
  return rule;
}

struct EventDrivenOptions {
  std::vector<std::string> events;
  std::string metric = "none";
  double per_node = 100;
  Duration poll = seconds(30);
  Duration cool_down = seconds(300);
  int minimum = 0;
  int maximum = 100;
  int failures = 3;
  int fallback = 1;

  void visit(SettingVisitor& v) {
    v.list("events", events, "name[minimum, factor, duration]", "what a named event asks for");
    v.text("metric", metric, "a metric's name or none", "a source of work that is read as well");
    v.number("per_node", per_node, 1e-9, 1e12, "of the metric, that one node deals with");
    v.duration("poll", poll, seconds(1), hours(1), "how often the source is read");
    v.duration("cool_down", cool_down, Duration{0}, hours(24),
               "an idle source keeps its last node for this long");
    v.integer("minimum", minimum, 0, kMostNodes, "least for the source's sake");
    v.integer("maximum", maximum, 1, kMostNodes, "most for the source's sake");
    v.integer("failures", failures, 1, 1000, "readings that fail in a row until the fallback");
    v.integer("fallback", fallback, 0, kMostNodes, "nodes while the source cannot be read");
  }

  Status check() const {
    for (const std::string& text : events) {
      const Result<EventRule> parsed = parse_event_rule(text);
      if (!parsed) return Error{parsed.error()};
    }
    if (minimum > maximum) return Error{"minimum is above maximum"};
    return success();
  }
};

// The readings of a source follow KEDA: poll 30 s, cool-down 300 s, minimum 0, maximum 100, a
// fallback count after repeated failures.
class EventDriven : public Scaler {
 public:
  explicit EventDriven(EventDrivenOptions options) : options_(std::move(options)) {
    for (const std::string& text : options_.events) rules_.push_back(*parse_event_rule(text));
  }

  Duration interval() const override { return options_.poll; }

  // An event that is known already lasts longer; it does not ask for more.
  void on_event(const ExternalEvent& event) override {
    Active told = asked_by(event);
    if (told.minimum == 0 && told.factor == 0) return;
    for (Active& active : active_) {
      if (active.name != told.name) continue;
      active.minimum = std::max(active.minimum, told.minimum);
      active.factor = std::max(active.factor, told.factor);
      active.from = std::min(active.from, told.from);
      active.until = std::max(active.until, told.until);
      return;
    }
    active_.push_back(std::move(told));
  }

  ScalingWish wish(const ScalingView& view) override {
    std::erase_if(active_, [&](const Active& active) { return active.until <= view.now; });
    ScalingWish wish;
    if (rules_.empty() && active_.empty() && options_.metric == "none") return wish;
    wish.desired = view.minimum;
    wish.reason = "event_driven: no event asks for more than the minimum";
    for (Active& active : active_) ask(active, view, wish);
    if (options_.metric != "none") read_source(view, wish);
    return wish;
  }

 private:
  struct Active {
    std::string name;
    Time from = kStart;
    Time until = kStart;
    int minimum = 0;
    double factor = 0;
    int base = 0;  // nodes when it was first acted on
  };

  Active asked_by(const ExternalEvent& event) const {
    EventRule rule;
    for (const EventRule& known : rules_) {
      if (known.name == event.name) rule = known;
    }
    if (event.minimum > 0) rule.minimum = event.minimum;
    if (event.factor > 0) rule.factor = event.factor;
    if (event.duration > Duration{0}) rule.duration = event.duration;
    return {event.name,   event.at,    add_saturating(event.at, rule.duration),
            rule.minimum, rule.factor, 0};
  }

  // Nodes have to be there when the event begins.
  static void ask(Active& active, const ScalingView& view, ScalingWish& wish) {
    if (active.from > view.now + view.boot_time + view.decision_delay) return;
    if (active.base == 0) active.base = std::max(view.capacity.supply(), 1);
    const int asked = std::max(active.minimum, ceil_nodes(active.factor * active.base));
    wish.seen += (wish.seen.empty() ? "event " : ", event ") + active.name;
    if (asked <= wish.desired) return;
    wish.desired = asked;
    wish.reason = "event_driven: " + active.name + " asks for " + nodes_text(asked);
  }

  void read_source(const ScalingView& view, ScalingWish& wish) {
    const double value = view.metrics->latest(options_.metric).value;
    failed_ = std::isnan(value) ? failed_ + 1 : 0;
    int asked = 0;
    if (failed_ == 0) {
      asked = std::clamp(ceil_nodes(value / options_.per_node), options_.minimum, options_.maximum);
      if (value > 0) busy_at_ = view.now;
      const bool cools = busy_at_ != kNever && view.now - busy_at_ < options_.cool_down;
      if (asked == 0 && cools) asked = 1;
    } else {
      wish.blocks_scale_in = true;
      if (failed_ >= options_.failures) asked = options_.fallback;
    }
    const std::string seen = options_.metric + ' ' + short_number(value) +
                             (failed_ > 0 ? ", unread " + std::to_string(failed_) + " times" : "");
    wish.seen += (wish.seen.empty() ? "" : ", ") + seen;
    if (asked <= wish.desired) return;
    wish.desired = asked;
    wish.reason = "event_driven: " + seen + " asks for " + nodes_text(asked);
  }

  EventDrivenOptions options_;
  std::vector<EventRule> rules_;
  std::vector<Active> active_;
  int failed_ = 0;
  Time busy_at_ = kNever;
};

}  // namespace

ScalerEntry event_driven_scaler() {
  return strategy_entry<Scaler, EventDriven, EventDrivenOptions>(
      "event_driven", "a named event or a source of work asks for nodes");
}

}  // namespace phoenix
