// Time as every part of Phoenix means it: integer nanoseconds since the start of a run.
// The simulated and the real world both hand it in; nothing here can read a clock.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

namespace phoenix {

using Duration = std::chrono::duration<std::int64_t, std::nano>;

// A clock without `now()`: strategies are told the time and cannot ask for it.
struct RunClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<RunClock, Duration>;
  static constexpr bool is_steady = true;
};

// Nanoseconds since the run started. A distinct type from Duration, so the two cannot be mixed up.
using Time = RunClock::time_point;

inline constexpr Time kStart{Duration{0}};
inline constexpr Time kNever{Duration{std::numeric_limits<std::int64_t>::max()}};

constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }
constexpr double to_seconds(Time t) { return to_seconds(t.time_since_epoch()); }

// Rounds to the nearest nanosecond; values beyond the 64-bit range (292 years) saturate, NaN is 0.
inline Duration from_seconds(double s) {
  const double ns = s * 1e9;
  if (!(ns == ns)) return Duration{0};
  if (ns >= 9.2e18) return Duration::max();
  if (ns <= -9.2e18) return Duration::min();
  return Duration{std::llround(ns)};
}

// `t + d` that stays at kNever instead of overflowing.
constexpr Time add_saturating(Time t, Duration d) {
  return (d.count() > 0 &&
          t.time_since_epoch().count() > kNever.time_since_epoch().count() - d.count())
             ? kNever
             : t + d;
}

}  // namespace phoenix
