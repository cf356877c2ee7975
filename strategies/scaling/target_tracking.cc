#include <algorithm>
#include <chrono>

#include "strategies/core/units.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

struct TargetTrackingOptions {
  std::string metric{metric::kCpu};
  double target = 0.75;
  double scale_in_share = 0.9;
  Duration scale_in_after = minutes(15);

  void visit(SettingVisitor& v) {
    v.text("metric", metric, "a metric's name", "a mean over nodes that more nodes bring down");
    v.number("target", target, 1e-9, 1e12, "what the metric is held at");
    v.number("scale_in_share", scale_in_share, 0, 1, "shrinks below this share of the target");
    v.duration("scale_in_after", scale_in_after, Duration{0}, hours(24),
               "once it has been below for this long");
  }
};

// Out fast, in slow: it grows as soon as the metric is above its target and shrinks when it has
// been clearly below for a while, then to the most that was needed meanwhile.
class TargetTracking : public Scaler {
 public:
  explicit TargetTracking(TargetTrackingOptions options) : options_(std::move(options)) {}

  ScalingWish wish(const ScalingView& view) override {
    const double value = view.metrics->latest(options_.metric).value;
    if (std::isnan(value)) {
      low_since_ = kNever;
      return unknown_wish("target_tracking", options_.metric);
    }
    const int current = view.capacity.supply();
    const int needed = ceil_nodes(view.capacity.ready * value / options_.target);
    const bool is_low =
        once_ready(value, view.capacity) < options_.scale_in_share * options_.target;
    if (!is_low) low_since_ = kNever;
    if (is_low && low_since_ == kNever) {
      low_since_ = view.now;
      most_needed_ = 0;
    }
    most_needed_ = std::max(most_needed_, needed);
    ScalingWish wish;
    wish.desired = current;
    wish.seen = options_.metric + ' ' + short_number(value);
    wish.reason = "target_tracking: " + wish.seen + ", target " + short_number(options_.target);
    if (needed > current) {
      wish.desired = needed;
    } else if (is_low && view.now - low_since_ >= options_.scale_in_after) {
      wish.desired = std::min(current, most_needed_);
      wish.reason += ", below for " + print_duration(options_.scale_in_after);
      low_since_ = view.now - options_.scale_in_after;
      most_needed_ = needed;
    }
    return wish;
  }

 private:
  TargetTrackingOptions options_;
  Time low_since_ = kNever;
  int most_needed_ = 0;
};

}  // namespace

ScalerEntry target_tracking_scaler() {
  return strategy_entry<Scaler, TargetTracking, TargetTrackingOptions>(
      "target_tracking", "holds a metric at its target: out at once, in after a while below");
}

}  // namespace phoenix
