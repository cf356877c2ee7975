#include <algorithm>
#include <chrono>

#include "strategies/core/units.h"
#include "strategies/scaling/queue_rule.h"
#include "strategies/scaling/scaler.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct QueueOptions {
  std::string queue_metric{metric::kQueueLength};
  std::string processing_rate_metric{metric::kProcessingRate};
  std::string arrival_metric{metric::kArrivalRate};
  Duration max_wait_time = seconds(5);
  Duration target_wait_time = seconds(2);
  Duration min_utilization_wait_time = milliseconds(100);
  double scale_in_factor = 0.8;
  double factor_max = 10;
  int min_capacity = 1;
  int max_capacity = 20;

  void visit(SettingVisitor& v) {
    v.text("queue_metric", queue_metric, "a metric's name", "how many wait");
    v.text("processing_rate_metric", processing_rate_metric, "a metric's name",
           "how many are done a second");
    v.text("arrival_metric", arrival_metric, "a metric's name",
           "how many come a second, where it is known");
    v.duration("max_wait_time", max_wait_time, milliseconds(1), hours(24), "grows above this wait");
    v.duration("target_wait_time", target_wait_time, milliseconds(1), hours(24),
               "the wait to size for");
    v.duration("min_utilization_wait_time", min_utilization_wait_time, Duration{0}, hours(24),
               "shrinks below this wait");
    v.number("scale_in_factor", scale_in_factor, 0, 0.999, "times the nodes, for a step in");
    v.number("factor_max", factor_max, 1, 1000, "most times the nodes, for a step out");
    v.integer("min_capacity", min_capacity, 0, kMostNodes, "does not shrink below this");
    v.integer("max_capacity", max_capacity, 1, kMostNodes, "does not grow above this");
  }

  Status check() const {
    if (!(min_utilization_wait_time < max_wait_time)) {
      return Error{"min_utilization_wait_time must be below max_wait_time"};
    }
    if (target_wait_time > max_wait_time) {
      return Error{"target_wait_time must not be above max_wait_time"};
    }
    if (min_capacity > max_capacity) return Error{"min_capacity is above max_capacity"};
    return success();
  }
};

// Fewest nodes that keep up with what comes in, where that is known.
int nodes_for_arrivals(double arrivals, const ScalingView& view) {
  if (std::isnan(arrivals) || std::isnan(view.node_capacity_per_s)) return 0;
  NodeModel node;
  node.capacity_per_s = view.node_capacity_per_s;
  node.target_utilization = view.target_utilization;
  return nodes_for_rate(arrivals, node);
}

class Queue : public Scaler {
 public:
  explicit Queue(QueueOptions options) : options_(std::move(options)) {}

  ScalingWish wish(const ScalingView& view) override {
    const double length = view.metrics->latest(options_.queue_metric).value;
    const double done = view.metrics->latest(options_.processing_rate_metric).value;
    const double arrivals = view.metrics->latest(options_.arrival_metric).value;
    if (std::isnan(length)) return unknown_wish("queue", options_.queue_metric);
    if (std::isnan(done)) return unknown_wish("queue", options_.processing_rate_metric);
    const double wait = queue_wait_s(length, done);
    ScalingWish wish;
    wish.seen = short_number(length) + " waiting, " + short_number(done) + " done a second, wait " +
                short_number(wait) + " s";
    wish.reason = "queue: wait " + short_number(wait) + " s";
    const int current = view.capacity.supply();
    wish.desired = current;
    if (wait > to_seconds(options_.max_wait_time)) {
      const double factor =
          std::min(queue_factor(length, done, arrivals, to_seconds(options_.target_wait_time)),
                   options_.factor_max);
      wish.desired =
          grown(current, ceil_nodes(view.capacity.ready * factor), options_.max_capacity);
      wish.reason += " > " + print_duration(options_.max_wait_time) + ", needs " +
                     short_number(factor) + " times the nodes";
    } else if (wait < to_seconds(options_.min_utilization_wait_time)) {
      const int fewer = static_cast<int>(current * options_.scale_in_factor + 1e-9);
      wish.desired = shrunk(current, std::max(fewer, nodes_for_arrivals(arrivals, view)),
                            options_.min_capacity);
      wish.reason += " < " + print_duration(options_.min_utilization_wait_time);
    }
    return wish;
  }

 private:
  QueueOptions options_;
};

}  // namespace

double queue_wait_s(double length, double done_per_s) {
  if (!(length > 0)) return 0;
  return done_per_s > 0 ? length / done_per_s : std::numeric_limits<double>::infinity();
}

double queue_factor(double length, double done_per_s, double arrivals_per_s, double target_wait_s) {
  if (!(done_per_s > 0)) return std::numeric_limits<double>::infinity();
  const double drain = length / target_wait_s;
  // Arrivals that are processed as they come are part of `done`; only the rest adds to the need.
  const double rest = std::isnan(arrivals_per_s) ? 0 : std::max(0.0, arrivals_per_s - done_per_s);
  return std::max(1.0, (drain + rest) / done_per_s);
}

ScalerEntry queue_scaler() {
  return strategy_entry<Scaler, Queue, QueueOptions>(
      "queue", "sizes by how long what waits will take; a step in when next to nothing waits");
}

}  // namespace phoenix
