#include "strategies/scaling/calendar.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "strategies/core/settings.h"
#include "strategies/core/units.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kDay = hours(24);
constexpr Duration kFar = hours(24 * 366 * 100);
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::array<std::string_view, 4> kKinds = {"weekly", "every", "once", "date"};

// What the settings of all kinds are read into.
struct RuleText {
  CalendarRule rule;
  std::vector<std::string> days{kDays.begin(), kDays.end()};
  std::string from_date = "1970-01-01T00:00Z";
  std::string to_date = "1970-01-01T00:00Z";

  void visit(SettingVisitor& v) {
    using Kind = CalendarRule::Kind;
    if (rule.kind == Kind::kDate) {
      v.text("from", from_date, "2026-11-27T08:00+01:00", "begin");
      v.text("to", to_date, "2026-11-27T18:00+01:00", "end, no longer part of it");
    } else {
      const Duration most = rule.kind == Kind::kWeekly ? kDay : kFar;
      if (rule.kind == Kind::kWeekly) v.list("days", days, "mon to sun", "days it begins on");
      if (rule.kind == Kind::kEvery) {
        v.duration("period", rule.period, seconds(1), kFar, "repeats after");
      }
      v.duration("from", rule.from, Duration{0}, most, "begin");
      v.duration("to", rule.to, Duration{0}, most, "end, no longer part of it");
      if (rule.kind == Kind::kWeekly) {
        v.duration("utc_offset", rule.utc_offset, -hours(14), hours(14), "local time minus UTC");
      }
    }
    v.integer("minimum", rule.minimum, 0, kMostNodes, "at least as many nodes; 0: no matter");
    v.integer("maximum", rule.maximum, 0, kMostNodes, "at most as many nodes; 0: no matter");
  }

  Status settle() {
    rule.days = 0;
    for (const std::string& day : days) {
      const auto place = std::find(kDays.begin(), kDays.end(), day);
      if (place == kDays.end()) return Error{"unknown day \"" + day + "\" (known: mon to sun)"};
      rule.days |= 1U << (place - kDays.begin());
    }
    if (rule.kind == CalendarRule::Kind::kDate) {
      const Result<Duration> from = parse_utc(from_date);
      if (!from) return Error{from.error()};
      const Result<Duration> to = parse_utc(to_date);
      if (!to) return Error{to.error()};
      rule.from = *from;
      rule.to = *to;
    }
    const bool wraps = rule.kind == CalendarRule::Kind::kWeekly;
    if (!wraps && rule.to <= rule.from) return Error{"`to` must be after `from`"};
    if (rule.minimum == 0 && rule.maximum == 0) return Error{"needs a minimum or a maximum"};
    return success();
  }
};

std::int64_t floor_div(Duration a, Duration b) {
  const std::int64_t quotient = a / b;
  return a % b < Duration{0} ? quotient - 1 : quotient;
}

bool touches(Duration begin, Duration end, Duration at, Duration lead) {
  return begin <= at + lead && at < end;
}

// Windows begin in every `period`; `is_on` says which of them count.
template <class IsOn>
bool recurs(Duration from, Duration to, Duration period, Duration at, Duration lead, IsOn is_on) {
  const std::int64_t longest = floor_div(to, period) + 1;
  for (std::int64_t k = floor_div(at, period) - longest; k <= floor_div(at + lead, period); ++k) {
    if (is_on(k) && touches(k * period + from, k * period + to, at, lead)) return true;
  }
  return false;
}

bool read_digits(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool read_mark(std::string_view& text, char mark) {
  if (text.empty() || text.front() != mark) return false;
  text.remove_prefix(1);
  return true;
}

bool read_offset(std::string_view text, Duration& offset) {
  if (text == "Z") return true;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return false;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hour = 0;
  int minute = 0;
  if (!read_digits(text, 2, hour) || !read_mark(text, ':') || !read_digits(text, 2, minute)) {
    return false;
  }
  offset = sign * (hours(hour) + minutes(minute));
  return text.empty() && hour <= 14 && minute < 60;
}

}  // namespace

Result<Duration> parse_utc(std::string_view text) {
  const Error error{"found \"" + std::string(text) +
                    "\" where a date such as 2026-11-27T08:00+01:00 is expected"};
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!read_digits(rest, 4, year) || !read_mark(rest, '-') || !read_digits(rest, 2, month) ||
      !read_mark(rest, '-') || !read_digits(rest, 2, day) || !read_mark(rest, 'T') ||
      !read_digits(rest, 2, hour) || !read_mark(rest, ':') || !read_digits(rest, 2, minute)) {
    return error;
  }
  if (read_mark(rest, ':') && !read_digits(rest, 2, second)) return error;
  Duration offset{0};
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!read_offset(rest, offset) || !date.ok() || hour > 24 || minute > 59 || second > 59) {
    return error;
  }
  return Duration{std::chrono::sys_days(date).time_since_epoch()} + hours(hour) + minutes(minute) +
         seconds(second) - offset;
}

Result<CalendarRule> parse_calendar_rule(std::string_view text) {
  const Result<SettingsText> parsed = parse_settings_text(text);
  if (!parsed) return Error{parsed.error()};
  const auto kind = std::find(kKinds.begin(), kKinds.end(), parsed->name);
  if (kind == kKinds.end()) {
    return unknown_strategy("calendar rule", parsed->name,
                            std::vector<std::string>(kKinds.begin(), kKinds.end()));
  }
  RuleText read;
  read.rule.kind = static_cast<CalendarRule::Kind>(kind - kKinds.begin());
  if (read.rule.kind == CalendarRule::Kind::kWeekly) read.rule.to = kDay;
  if (read.rule.kind == CalendarRule::Kind::kEvery) read.rule.period = kDay;
  const VisitFunction visit = [&](SettingVisitor& v) { read.visit(v); };
  if (Status applied = apply_settings(*parsed, visit); !applied) return Error{applied.error()};
  if (Status settled = read.settle(); !settled) {
    return Error{parsed->name + ": " + settled.error()};
  }
  read.rule.text = print_settings(parsed->name, visit);
  return read.rule;
}

bool is_active(const CalendarRule& rule, Time now, Duration lead, Duration utc_of_start) {
  const Duration run = now.time_since_epoch();
  switch (rule.kind) {
    case CalendarRule::Kind::kOnce:
      return touches(rule.from, rule.to, run, lead);
    case CalendarRule::Kind::kDate:
      return touches(rule.from, rule.to, run + utc_of_start, lead);
    case CalendarRule::Kind::kEvery:
      return recurs(rule.from, rule.to, rule.period, run, lead,
                    [](std::int64_t k) { return k >= 0; });
    case CalendarRule::Kind::kWeekly:
      break;
  }
  const Duration to = rule.to <= rule.from ? rule.to + kDay : rule.to;
  return recurs(rule.from, to, kDay, run + utc_of_start + rule.utc_offset, lead,
                [&](std::int64_t day) {
                  // Day 0 is a Thursday, the fourth of the week.
                  const std::int64_t of_week = ((day + 3) % 7 + 7) % 7;
                  return (rule.days >> of_week & 1U) != 0;
                });
}

CalendarLimits limits_at(std::span<const CalendarRule> rules, Time now, Duration lead,
                         Duration utc_of_start) {
  CalendarLimits limits;
  for (const CalendarRule& rule : rules) {
    if (rule.minimum > limits.minimum && is_active(rule, now, lead, utc_of_start)) {
      limits.minimum = rule.minimum;
      limits.by = &rule;
    }
    if (rule.maximum > 0 && (limits.maximum == 0 || rule.maximum < limits.maximum) &&
        is_active(rule, now, Duration{0}, utc_of_start)) {
      limits.maximum = rule.maximum;
    }
  }
  if (limits.maximum > 0 && limits.minimum > limits.maximum) {
    limits.contradicts = true;
    limits.maximum = limits.minimum;
  }
  return limits;
}

}  // namespace phoenix
