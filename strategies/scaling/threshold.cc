#include <algorithm>

#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

struct ThresholdOptions {
  std::string metric{metric::kCpu};
  double scale_out_threshold = 0.8;
  double scale_in_threshold = 0.3;
  int min_capacity = 1;
  int max_capacity = 20;
  int scale_increment = 2;

  void visit(SettingVisitor& v) {
    v.text("metric", metric, "a metric's name", "a mean over nodes that more nodes bring down");
    v.number("scale_out_threshold", scale_out_threshold, 1e-9, 1e12, "grows above this");
    v.number("scale_in_threshold", scale_in_threshold, 0, 1e12, "shrinks below this");
    v.integer("min_capacity", min_capacity, 0, kMostNodes, "does not shrink below this");
    v.integer("max_capacity", max_capacity, 1, kMostNodes, "does not grow above this");
    v.integer("scale_increment", scale_increment, 1, kMostNodes, "nodes of a step, either way");
  }

  Status check() const {
    if (!(scale_in_threshold < scale_out_threshold)) {
      return Error{"scale_in_threshold " + short_number(scale_in_threshold) +
                   " must be below scale_out_threshold " + short_number(scale_out_threshold)};
    }
    if (min_capacity > max_capacity) return Error{"min_capacity is above max_capacity"};
    return success();
  }
};

// A step is the increment, more where the metric is so far off that it would not do, less where it
// would put the metric back above the threshold. Nodes under way count as if they were there.
class Threshold : public Scaler {
 public:
  explicit Threshold(ThresholdOptions options) : options_(std::move(options)) {}

  ScalingWish wish(const ScalingView& view) override {
    const double measured = view.metrics->latest(options_.metric).value;
    if (std::isnan(measured)) return unknown_wish("threshold", options_.metric);
    const int current = view.capacity.supply();
    const double value = once_ready(measured, view.capacity);
    ScalingWish wish;
    wish.desired = current;
    wish.seen = options_.metric + ' ' + short_number(value);
    const int needed = ceil_nodes(current * value / options_.scale_out_threshold);
    if (value > options_.scale_out_threshold) {
      wish.desired = grown(current, std::max(current + options_.scale_increment, needed),
                           options_.max_capacity);
      wish.reason = "threshold: " + wish.seen + " > " + short_number(options_.scale_out_threshold);
    } else if (value < options_.scale_in_threshold) {
      wish.desired = shrunk(current, std::max(current - options_.scale_increment, needed),
                            options_.min_capacity);
      wish.reason = "threshold: " + wish.seen + " < " + short_number(options_.scale_in_threshold);
    } else {
      wish.reason = "threshold: " + wish.seen + " is between the thresholds";
    }
    return wish;
  }

 private:
  ThresholdOptions options_;
};

}  // namespace

ScalerEntry threshold_scaler() {
  return strategy_entry<Scaler, Threshold, ThresholdOptions>(
      "threshold", "a step out when a metric is above one threshold, in when below another");
}

}  // namespace phoenix
