#include <algorithm>
#include <chrono>

#include "strategies/scaling/calendar.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;

struct ScheduledOptions {
  std::vector<std::string> rules;
  Duration extra_lead{0};

  void visit(SettingVisitor& v) {
    v.list("rules", rules, "weekly, every, once, date [from, to, minimum, maximum]",
           "minimum and maximum by time");
    v.duration("extra_lead", extra_lead, Duration{0}, hours(24),
               "a minimum holds this much earlier, on top of the time nodes need to boot");
  }

  Status check() const {
    for (const std::string& text : rules) {
      const Result<CalendarRule> parsed = parse_calendar_rule(text);
      if (!parsed) return Error{parsed.error()};
    }
    return success();
  }
};

// Outside all rules it is content with the minimum: what else is needed, others say.
class Scheduled : public Scaler {
 public:
  explicit Scheduled(ScheduledOptions options) : options_(std::move(options)) {
    for (const std::string& text : options_.rules) rules_.push_back(*parse_calendar_rule(text));
  }

  ScalingWish wish(const ScalingView& view) override {
    ScalingWish wish;
    if (rules_.empty()) return wish;
    const Duration lead =
        std::min<Duration>(view.boot_time + view.decision_delay + options_.extra_lead, hours(168));
    const CalendarLimits limits = limits_at(rules_, view.now, lead, view.utc_of_start);
    wish.desired = std::max(limits.minimum, view.minimum);
    if (limits.maximum > 0) wish.most = limits.maximum;
    wish.reason = limits.by == nullptr ? "scheduled: no rule asks for more than the minimum"
                                       : "scheduled: " + limits.by->text;
    if (limits.contradicts) {
      wish.seen = "a rule's minimum is above another's maximum " +
                  std::to_string(++contradictions_) + " times";
    }
    return wish;
  }

 private:
  ScheduledOptions options_;
  std::vector<CalendarRule> rules_;
  std::int64_t contradictions_ = 0;
};

}  // namespace

ScalerEntry scheduled_scaler() {
  return strategy_entry<Scaler, Scheduled, ScheduledOptions>(
      "scheduled", "minimum and maximum by the calendar, early enough for nodes to boot");
}

}  // namespace phoenix
