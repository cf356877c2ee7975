#include <algorithm>
#include <chrono>
#include <cmath>

#include "strategies/scaling/kpa_rule.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct KpaOptions {
  double concurrency = 100;
  double rate = 0;
  double utilization = 0.7;
  Duration stable_window = seconds(60);
  Duration panic_window = seconds(6);
  double panic_threshold = 2;
  double max_up = 1000;
  double max_down = 2;
  double burst = 200;
  Duration grace = seconds(30);
  bool soft_landing = false;

  void visit(SettingVisitor& v) {
    v.number("concurrency", concurrency, 0.01, 1e9, "open requests a node takes");
    v.number("rate", rate, 0, 1e9, "or requests a second; 0: go by open requests");
    v.number("utilization", utilization, 0.01, 1, "share of it to aim at");
    v.duration("stable_window", stable_window, seconds(6), hours(1), "the long average");
    v.duration("panic_window", panic_window, seconds(1), minutes(10), "the short average");
    v.number("panic_threshold", panic_threshold, 1, 1000,
             "panics when the short one asks for this many times the ready nodes");
    v.number("max_up", max_up, 1, 1e6, "grows to at most this many times the ready nodes");
    v.number("max_down", max_down, 1, 1e6, "shrinks to at least the ready nodes over this");
    v.number("burst", burst, 0, 1e9,
             "open requests of a sudden burst, for the excess capacity told");
    v.duration("grace", grace, Duration{0}, hours(1), "the last node stays idle for this long");
    v.flag("soft_landing", soft_landing,
           "leaves panic once all nodes have booted, and shrinks by a tenth a step");
  }
};

// Source: Knative's autoscaler (KPA), tick 2 s. `soft_landing` mends the cliff at the end of a
// panic and is off, as it is not the peer's.
class Kpa : public Scaler {
 public:
  explicit Kpa(KpaOptions options) : options_(options) {}

  Duration interval() const override { return seconds(2); }

  ScalingWish wish(const ScalingView& view) override {
    const std::string_view metric = options_.rate > 0 ? metric::kArrivalRate : metric::kInFlight;
    const double stable = mean_of(view, metric, options_.stable_window);
    double panic = mean_of(view, metric, options_.panic_window);
    if (std::isnan(stable)) return unknown_wish("kpa", metric);
    if (std::isnan(panic)) panic = stable;
    const int ready = std::max(view.capacity.ready, 1);
    const double capacity = options_.rate > 0 ? options_.rate : options_.concurrency;
    const KpaWant want = kpa_want(stable, panic, capacity * options_.utilization, ready,
                                  options_.panic_threshold, options_.max_down, options_.max_up);
    begin_as_found(view);
    follow_panic(want, view);
    ScalingWish wish;
    wish.seen = std::string(metric) + ' ' + short_number(stable) + ", short " +
                short_number(panic) + ", excess burst capacity " +
                std::to_string(excess_burst_capacity(ready, capacity, options_.burst, panic));
    if (panic_since_ != kNever) {
      wish.desired = peak_;
      wish.reason = "kpa: panic, asks for " + nodes_text(peak_);
    } else {
      wish.desired = want.stable;
      wish.reason = "kpa: stable, asks for " + nodes_text(want.stable);
    }
    if (options_.soft_landing && panic_since_ == kNever) {
      wish.desired = std::max(wish.desired, ceil_nodes(0.9 * view.capacity.supply()));
    }
    wish.desired = std::max(wish.desired, kept_for_grace(wish.desired, view.now));
    return wish;
  }

 private:
  double mean_of(const ScalingView& view, std::string_view metric, Duration window) {
    view.metrics->series(metric, window, points_);
    if (points_.empty()) return std::nan("");
    double sum = 0;
    for (const MetricPoint& point : points_) sum += point.value;
    return sum / static_cast<double>(points_.size());
  }

  // With more than one node there, nothing is known of the load that made them: begins in panic.
  void begin_as_found(const ScalingView& view) {
    if (begun_) return;
    begun_ = true;
    if (view.capacity.ready <= 1) return;
    panic_since_ = view.now;
    peak_ = view.capacity.ready;
  }

  void follow_panic(const KpaWant& want, const ScalingView& view) {
    if (want.panics) {
      panic_since_ = view.now;
    } else if (panic_since_ != kNever && view.now - panic_since_ > options_.stable_window &&
               !(options_.soft_landing && view.capacity.provisioning > 0)) {
      panic_since_ = kNever;
    }
    peak_ = panic_since_ == kNever ? 0 : std::max({peak_, want.stable, want.panic});
  }

  int kept_for_grace(int desired, Time now) {
    if (desired > 0) idle_since_ = kNever;
    if (desired > 0) return desired;
    if (idle_since_ == kNever) idle_since_ = now;
    return now - idle_since_ < options_.grace ? 1 : 0;
  }

  KpaOptions options_;
  std::vector<MetricPoint> points_;
  bool begun_ = false;
  Time panic_since_ = kNever;  // when the threshold was last exceeded; kNever: stable
  Time idle_since_ = kNever;
  int peak_ = 0;
};

}  // namespace

KpaWant kpa_want(double stable, double panic, double target, int ready, double threshold,
                 double max_down, double max_up) {
  const int fewest = static_cast<int>(ready / max_down);
  const int most = ceil_nodes(ready * max_up);
  KpaWant want;
  want.stable = std::clamp(ceil_nodes(stable / target), fewest, most);
  want.panic = std::clamp(ceil_nodes(panic / target), fewest, most);
  want.panics = ceil_nodes(panic / target) >= threshold * ready;
  return want;
}

int excess_burst_capacity(int ready, double node_capacity, double burst, double panic) {
  return static_cast<int>(std::floor(ready * node_capacity - burst - panic));
}

ScalerEntry kpa_scaler() {
  return strategy_entry<Scaler, Kpa, KpaOptions>(
      "kpa", "Knative's autoscaler: a stable and a panic window of open requests");
}

}  // namespace phoenix
