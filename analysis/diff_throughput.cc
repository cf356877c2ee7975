#include <algorithm>
#include <cmath>

#include "analysis/diff_rows.h"

namespace phoenix {
namespace {

constexpr double kSecondsPerTick = 1e-9;

// Requests completed by a time: known at the ends of intervals, a straight line between them.
class CompletedCurve {
 public:
  explicit CompletedCurve(const std::vector<WindowRow>& rows) {
    for (const WindowRow& row : rows) {
      const double completed = points_.back().completed + static_cast<double>(row.completed);
      const double time = static_cast<double>(row.t) * kSecondsPerTick;
      if (time > points_.back().time_s) {
        points_.push_back({time, completed});
      } else {
        points_.back().completed = completed;
      }
    }
  }

  std::size_t intervals() const { return points_.size() - 1; }
  double begin_s(std::size_t interval) const { return points_[interval].time_s; }
  double end_s(std::size_t interval) const { return points_[interval + 1].time_s; }
  double end_s() const { return points_.back().time_s; }
  double interval_s() const { return end_s() / static_cast<double>(intervals()); }

  double rate(double begin_s, double end_s) const {
    return (at(end_s) - at(begin_s)) / (end_s - begin_s);
  }

 private:
  struct Point {
    double time_s;
    double completed;
  };

  double at(double time_s) const {
    const auto after =
        std::lower_bound(points_.begin(), points_.end(), time_s,
                         [](const Point& point, double time) { return point.time_s < time; });
    if (after == points_.end()) return points_.back().completed;
    if (after == points_.begin()) return after->completed;
    const Point& before = *(after - 1);
    const double part = (time_s - before.time_s) / (after->time_s - before.time_s);
    return before.completed + part * (after->completed - before.completed);
  }

  std::vector<Point> points_ = {{0, 0}};
};

}  // namespace

ThroughputDiff diff_throughput(const std::vector<WindowRow>& a, const std::vector<WindowRow>& b) {
  ThroughputDiff diff;
  const CompletedCurve curve_a(a);
  const CompletedCurve curve_b(b);
  if (curve_a.intervals() == 0 || curve_b.intervals() == 0) return diff;
  const CompletedCurve& grid = curve_b.interval_s() > curve_a.interval_s() ? curve_b : curve_a;
  const double covered_s = std::min(curve_a.end_s(), curve_b.end_s());
  diff.interval_s = grid.interval_s();
  double sum_a = 0;
  double sum_difference = 0;
  for (std::size_t i = 0; i < grid.intervals() && grid.begin_s(i) < covered_s; ++i) {
    const double begin_s = grid.begin_s(i);
    const double end_s = std::min(grid.end_s(i), covered_s);
    if (end_s - begin_s < diff.interval_s / 2) continue;
    const double rate_a = curve_a.rate(begin_s, end_s);
    const double rate_b = curve_b.rate(begin_s, end_s);
    sum_a += rate_a;
    sum_difference += std::abs(rate_b - rate_a);
    const bool is_first = diff.intervals++ == 0;
    if (!is_first && std::abs(rate_b - rate_a) <= std::abs(diff.largest.b - diff.largest.a)) {
      continue;
    }
    diff.begin_s = begin_s;
    diff.end_s = end_s;
    diff.largest.a = rate_a;
    diff.largest.b = rate_b;
  }
  if (sum_a > 0) diff.mean_relative = sum_difference / sum_a;
  return diff;
}

}  // namespace phoenix
