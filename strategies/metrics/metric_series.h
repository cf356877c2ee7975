// One metric over time in fixed memory: roll-ups of 1 s, 1 min, 5 min and 1 h, 100 windows of each,
// and the distribution over the last minute, hour and day.
//
// Values go into the open window of a second. When it closes it is merged into the open one of ten
// seconds, that into the minute's, and so on, so that recording touches one sketch only. The last
// minute is 6 sketches of 10 s, the hour 12 of 5 min, the day 24 of 1 h, each with the open one in
// it: a window covers between (k - 1) / k and all of its length. A gap longer than a window empties
// it. Time is the run's, which never steps.
//
// One thread at a time. About 50 KB, with the sketches' span of values; 280 KB at most.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "strategies/core/result.h"
#include "strategies/core/time.h"
#include "strategies/metrics/metric_view.h"
#include "strategies/metrics/sketch.h"

namespace phoenix {

enum class RollUp : std::uint8_t { kRealTime, kShortTerm, kMediumTerm, kLongTerm };
enum class MetricWindow : std::uint8_t { kLastMinute, kLastHour, kLastDay };

constexpr std::string_view to_text(RollUp level) {
  constexpr std::string_view kNames[] = {"real_time", "short_term", "medium_term", "long_term"};
  return kNames[static_cast<std::size_t>(level)];
}
constexpr std::string_view to_text(MetricWindow window) {
  constexpr std::string_view kNames[] = {"last_minute", "last_hour", "last_day"};
  return kNames[static_cast<std::size_t>(window)];
}
Duration length_of(RollUp level);         // 1 s, 60 s, 300 s, 3600 s
Duration length_of(MetricWindow window);  // 60 s, 3600 s, 86,400 s

// "last_minute", ...; the error lists the known names.
Result<MetricWindow> parse_metric_window(std::string_view name);

// A closed window of a roll-up; windows without a value do not exist.
struct RolledWindow {
  Time start = kNever;
  std::uint64_t count = 0;
  double sum = 0;
  double min = 0, max = 0, last = 0;
  double p50 = 0, p95 = 0, p99 = 0;
  double mean() const { return sum / static_cast<double>(count); }
};

class MetricSeries {
 public:
  static constexpr std::size_t kWindowsKept = 100;
  // With the 0.39 % of a merged histogram the error stays below 1 %.
  static constexpr double kError = 0.005;
  static constexpr int kBinsMax = 1024;

  MetricSeries();

  // A value at the newest time heard of or later; an older time counts as that one. False, and
  // nothing changes, where it is negative or not finite.
  bool record(Time at, double value);
  void record(Time at, const Histogram& values);

  // Closes the windows that end at or before `now`.
  void advance(Time now);

  MetricPoint latest() const { return latest_; }
  Time first_at() const { return first_at_; }  // kNever: nothing yet

  // All values of the window up to the newest time heard of, and the time from which on it has
  // them.
  Sketch distribution(MetricWindow window) const;
  Time covered_since(MetricWindow window) const;

  // Windows of the level with values, the newest 100 of the calendar, oldest first; the one still
  // open is the last where `with_open`, with what has reached it.
  void windows(RollUp level, bool with_open, std::vector<RolledWindow>& out) const;

  std::size_t memory_bytes() const;

 private:
  // The steps of the cascade; a roll-up, a ring of sketches, or both belong to each.
  static constexpr int kSteps = 5;
  struct Step {
    Step() : open(kError, kBinsMax) {}
    Sketch open;
    Time start = kNever;  // of the open window; kNever: nothing in it
    Time last_at = kStart;
    double last = 0;
    std::vector<RolledWindow> rolled;  // by window number
    std::vector<Sketch> sketches;      // by window number
    std::vector<Time> sketch_starts;
  };

  void open_window(int step, Time at, double last);
  void close_window(int step);
  bool is_over(int step, Time now) const;

  std::array<Step, kSteps> steps_;
  Time now_ = kStart;
  Time next_close_ = kNever;  // no open window ends before
  Time first_at_ = kNever;
  MetricPoint latest_;
};

}  // namespace phoenix
