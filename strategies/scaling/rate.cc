#include <algorithm>
#include <chrono>

#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"
#include "strategies/scaling/slope.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct RateOptions {
  std::string metric{metric::kCpu};
  Duration evaluation_window = seconds(300);
  double scale_out_rate = 0.001;
  double scale_in_rate = -0.001;
  int scale_increment = 2;
  int scale_decrement = 1;
  int min_capacity = 1;
  int max_capacity = 20;

  void visit(SettingVisitor& v) {
    v.text("metric", metric, "a metric's name", "whose rise calls for nodes");
    v.duration("evaluation_window", evaluation_window, seconds(1), hours(24),
               "the slope is fitted over this time");
    v.number("scale_out_rate", scale_out_rate, -1e12, 1e12, "grows above this rise a second");
    v.number("scale_in_rate", scale_in_rate, -1e12, 1e12, "shrinks below this rise a second");
    v.integer("scale_increment", scale_increment, 1, kMostNodes, "nodes of a step out");
    v.integer("scale_decrement", scale_decrement, 1, kMostNodes, "nodes of a step in");
    v.integer("min_capacity", min_capacity, 0, kMostNodes, "does not shrink below this");
    v.integer("max_capacity", max_capacity, 1, kMostNodes, "does not grow above this");
  }

  Status check() const {
    if (!(scale_in_rate < scale_out_rate)) {
      return Error{"scale_in_rate " + short_number(scale_in_rate) +
                   " must be below scale_out_rate " + short_number(scale_out_rate)};
    }
    if (min_capacity > max_capacity) return Error{"min_capacity is above max_capacity"};
    return success();
  }
};

class Rate : public Scaler {
 public:
  explicit Rate(RateOptions options) : options_(std::move(options)) {}

  ScalingWish wish(const ScalingView& view) override {
    view.metrics->series(options_.metric, options_.evaluation_window, points_);
    const double slope = slope_per_s(points_);
    if (std::isnan(slope)) return unknown_wish("rate", "slope of " + options_.metric);
    const int current = view.capacity.supply();
    ScalingWish wish;
    wish.desired = current;
    wish.seen = options_.metric + " changes by " + short_number(slope) + " a second";
    wish.reason = "rate: " + wish.seen;
    if (slope > options_.scale_out_rate) {
      wish.desired = grown(current, current + options_.scale_increment, options_.max_capacity);
      wish.reason += " > " + short_number(options_.scale_out_rate);
    } else if (slope < options_.scale_in_rate) {
      wish.desired = shrunk(current, current - options_.scale_decrement, options_.min_capacity);
      wish.reason += " < " + short_number(options_.scale_in_rate);
    }
    return wish;
  }

 private:
  RateOptions options_;
  std::vector<MetricPoint> points_;
};

}  // namespace

double slope_per_s(std::span<const MetricPoint> points) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  if (points.size() < 2) return nan;
  double mean_t = 0;
  double mean_v = 0;
  const double n = static_cast<double>(points.size());
  for (const MetricPoint& point : points) {
    mean_t += to_seconds(point.at - points.front().at) / n;
    mean_v += point.value / n;
  }
  double along = 0;
  double spread = 0;
  for (const MetricPoint& point : points) {
    const double t = to_seconds(point.at - points.front().at) - mean_t;
    along += t * (point.value - mean_v);
    spread += t * t;
  }
  return spread > 0 ? along / spread : nan;
}

ScalerEntry rate_scaler() {
  return strategy_entry<Scaler, Rate, RateOptions>(
      "rate", "a step out when a metric rises fast, in when it falls fast");
}

}  // namespace phoenix
