// Rules of a calendar: how many nodes there must be, or may be, at which times. For capacity that
// is known in advance: office hours, a sale, a nightly batch. Times are UTC with an explicit
// offset, so a rule does not move with daylight saving.
//
//   weekly[days=[mon, tue], from=8 h, to=18 h, utc_offset=1 h, minimum=8]     wraps past midnight
//   every[period=1 h, from=50 min, to=60 min, minimum=8]                      from the run's start
//   once[from=95 s, to=10 min, minimum=8, maximum=12]                         from the run's start
//   date[from=2026-11-27T08:00Z, to=2026-11-28T00:00+01:00, minimum=30]
#pragma once

#include <span>
#include <string>
#include <vector>

#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

struct CalendarRule {
  enum class Kind { kWeekly, kEvery, kOnce, kDate };
  Kind kind = Kind::kOnce;
  Duration from{0};
  Duration to{0};
  Duration period{0};
  Duration utc_offset{0};
  unsigned days = 0x7f;  // bit 0 is Monday; of the day a window begins
  int minimum = 0;       // 0: none
  int maximum = 0;       // 0: none
  std::string text;      // printed back in full
};

Result<CalendarRule> parse_calendar_rule(std::string_view text);

// "2026-11-27T08:00Z", "2026-11-27T08:00:30+01:00": the time since 1970-01-01 00:00 UTC.
Result<Duration> parse_utc(std::string_view text);

// Whether the rule's window touches [now, now + lead]. `lead` is at most a week.
bool is_active(const CalendarRule& rule, Time now, Duration lead, Duration utc_of_start);

struct CalendarLimits {
  int minimum = 0;           // the largest of the rules that are active, or will be within the lead
  int maximum = 0;           // the smallest of those active now; 0: none
  bool contradicts = false;  // a minimum above a maximum; the minimum wins
  const CalendarRule* by = nullptr;  // whose minimum it is
};
CalendarLimits limits_at(std::span<const CalendarRule> rules, Time now, Duration lead,
                         Duration utc_of_start);

}  // namespace phoenix
