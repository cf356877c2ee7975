#include "strategies/metrics/metric_series.h"

#include <algorithm>
#include <cassert>

#include "strategies/core/nearest_name.h"
#include "strategies/metrics/histogram.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct StepShape {
  Duration length;
  int roll_up;           // index of RollUp; -1: none
  std::size_t sketches;  // kept for the window below
  int window;            // index of MetricWindow; -1: none
};
constexpr std::array<StepShape, 5> kShapes = {{
    {seconds(1), 0, 0, -1},
    {seconds(10), -1, 6, 0},
    {minutes(1), 1, 0, -1},
    {minutes(5), 2, 12, 1},
    {hours(1), 3, 24, 2},
}};

int step_of(RollUp level) {
  int step = 0;
  while (kShapes[static_cast<std::size_t>(step)].roll_up != static_cast<int>(level)) ++step;
  return step;
}

int step_of(MetricWindow window) {
  int step = 0;
  while (kShapes[static_cast<std::size_t>(step)].window != static_cast<int>(window)) ++step;
  return step;
}

const StepShape& shape_of(int step) { return kShapes[static_cast<std::size_t>(step)]; }

std::size_t number_of(Time at, Duration length) {
  return static_cast<std::size_t>(at.time_since_epoch() / length);
}

Time start_of(Time at, Duration length) {
  return kStart + length * static_cast<std::int64_t>(number_of(at, length));
}

RolledWindow rolled(Time start, const Sketch& values, double last) {
  return {start, values.count(),       values.sum(),          values.min(),         values.max(),
          last,  values.quantile(0.5), values.quantile(0.95), values.quantile(0.99)};
}

}  // namespace

Duration length_of(RollUp level) { return shape_of(step_of(level)).length; }

Duration length_of(MetricWindow window) {
  const StepShape& shape = shape_of(step_of(window));
  return shape.length * static_cast<std::int64_t>(shape.sketches);
}

Result<MetricWindow> parse_metric_window(std::string_view name) {
  std::vector<std::string> known;
  for (const auto window :
       {MetricWindow::kLastMinute, MetricWindow::kLastHour, MetricWindow::kLastDay}) {
    if (name == to_text(window)) return window;
    known.emplace_back(to_text(window));
  }
  return Error{"unknown window \"" + std::string(name) + "\" (known: " + join_names(known) + ")" +
               did_you_mean(name, known)};
}

MetricSeries::MetricSeries() {
  for (int i = 0; i < kSteps; ++i) {
    const StepShape& shape = shape_of(i);
    Step& step = steps_[static_cast<std::size_t>(i)];
    if (shape.roll_up >= 0) step.rolled.resize(kWindowsKept);
    step.sketches.resize(shape.sketches, Sketch(kError, kBinsMax));
    step.sketch_starts.resize(shape.sketches, kNever);
  }
}

bool MetricSeries::record(Time at, double value) {
  advance(at);
  if (!steps_[0].open.record(value)) return false;
  open_window(0, now_, value);
  latest_ = {now_, value};
  first_at_ = std::min(first_at_, now_);
  return true;
}

void MetricSeries::record(Time at, const Histogram& values) {
  advance(at);
  if (values.count() == 0) return;
  steps_[0].open.merge(values);
  const double mean = values.mean_seconds();
  open_window(0, now_, mean);
  latest_ = {now_, mean};
  first_at_ = std::min(first_at_, now_);
}

void MetricSeries::open_window(int step, Time at, double last) {
  Step& s = steps_[static_cast<std::size_t>(step)];
  if (s.start == kNever) {
    s.start = start_of(at, shape_of(step).length);
    next_close_ = std::min(next_close_, s.start + shape_of(step).length);
  }
  s.last = last;
  s.last_at = at;
}

bool MetricSeries::is_over(int step, Time now) const {
  const Time start = steps_[static_cast<std::size_t>(step)].start;
  return start != kNever && start + shape_of(step).length <= now;
}

void MetricSeries::advance(Time now) {
  now_ = std::max(now_, now);
  if (now_ < next_close_) return;
  // Finer windows first: what they held is still part of the coarser one that closes after them.
  for (int step = 0; step < kSteps; ++step) {
    if (is_over(step, now_)) close_window(step);
  }
  next_close_ = kNever;
  for (int step = 0; step < kSteps; ++step) {
    const Time start = steps_[static_cast<std::size_t>(step)].start;
    if (start != kNever) next_close_ = std::min(next_close_, start + shape_of(step).length);
  }
}

void MetricSeries::close_window(int step) {
  Step& s = steps_[static_cast<std::size_t>(step)];
  const std::size_t number = number_of(s.start, shape_of(step).length);
  if (!s.rolled.empty()) s.rolled[number % kWindowsKept] = rolled(s.start, s.open, s.last);
  if (step + 1 < kSteps) {
    const Status merged = steps_[static_cast<std::size_t>(step) + 1].open.merge(s.open);
    assert(merged.ok());
    static_cast<void>(merged);
    open_window(step + 1, s.last_at, s.last);
  }
  if (!s.sketches.empty()) {
    const std::size_t place = number % s.sketches.size();
    std::swap(s.sketches[place], s.open);
    s.sketch_starts[place] = s.start;
  }
  s.open.clear();
  s.start = kNever;
}

Time MetricSeries::covered_since(MetricWindow window) const {
  const StepShape& shape = shape_of(step_of(window));
  const auto closed = static_cast<std::int64_t>(shape.sketches) - 1;
  return start_of(now_, shape.length) - shape.length * closed;
}

Sketch MetricSeries::distribution(MetricWindow window) const {
  const int step = step_of(window);
  const Step& s = steps_[static_cast<std::size_t>(step)];
  const Time from = covered_since(window);
  Sketch all(kError, kBinsMax);
  const auto add = [&all](const Sketch& part) {
    const Status merged = all.merge(part);
    assert(merged.ok());
    static_cast<void>(merged);
  };
  for (std::size_t i = 0; i < s.sketches.size(); ++i) {
    if (s.sketch_starts[i] != kNever && s.sketch_starts[i] >= from) add(s.sketches[i]);
  }
  for (int open = 0; open <= step; ++open) add(steps_[static_cast<std::size_t>(open)].open);
  return all;
}

void MetricSeries::windows(RollUp level, bool with_open, std::vector<RolledWindow>& out) const {
  const int step = step_of(level);
  const Duration length = shape_of(step).length;
  const Step& s = steps_[static_cast<std::size_t>(step)];
  const std::size_t newest = number_of(now_, length);
  out.clear();
  for (std::size_t back = std::min(kWindowsKept - 1, newest) + 1; back-- > 0;) {
    const std::size_t number = newest - back;
    const RolledWindow& window = s.rolled[number % kWindowsKept];
    const Time start = kStart + length * static_cast<std::int64_t>(number);
    if (window.start == start) out.push_back(window);
  }
  if (!with_open) return;
  Sketch open(kError, kBinsMax);
  const Step* newest_part = nullptr;
  for (int part = 0; part <= step; ++part) {
    const Step& p = steps_[static_cast<std::size_t>(part)];
    if (p.start == kNever) continue;
    static_cast<void>(open.merge(p.open));
    if (newest_part == nullptr) newest_part = &p;
  }
  if (newest_part == nullptr) return;
  out.push_back(rolled(start_of(newest_part->last_at, length), open, newest_part->last));
}

std::size_t MetricSeries::memory_bytes() const {
  std::size_t bytes = sizeof(*this);
  for (const Step& s : steps_) {
    bytes += s.open.memory_bytes() - sizeof(Sketch);
    bytes += s.rolled.size() * sizeof(RolledWindow) + s.sketch_starts.size() * sizeof(Time);
    for (const Sketch& sketch : s.sketches) bytes += sketch.memory_bytes();
  }
  return bytes;
}

}  // namespace phoenix
