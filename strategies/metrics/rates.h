// Rates of counters that may start over, and their moving average. Pure arithmetic; one thread at a
// time.
#pragma once

#include <cmath>
#include <limits>
#include <span>

#include "strategies/core/time.h"
#include "strategies/metrics/metric_view.h"

namespace phoenix {

// What a total grew by. A total that fell has started over: all of it is new.
inline double counter_rise(double before, double after) {
  return after >= before ? after - before : after;
}

// Rise per second over points in time order; 100, 150, 20, 70 over 30 s is 4. Unknown points are
// left out. NaN with fewer than two points or where no time passed.
double counter_rate(std::span<const MetricPoint> totals);

// Follows one total; the first it is told says nothing yet.
class TotalTracker {
 public:
  // NaN at first and for an unknown total.
  double rise(double total) {
    const double before = total_;
    if (std::isnan(total)) return total;
    total_ = total;
    return std::isnan(before) ? before : counter_rise(before, total);
  }

 private:
  double total_ = std::numeric_limits<double>::quiet_NaN();
};

// How much a new value counts after `dt`: 1 - exp(-dt / tau).
inline double ewma_share(Duration dt, Duration tau) {
  return -std::expm1(-to_seconds(dt) / to_seconds(tau));
}

// Exponentially weighted by age; the first value counts in full.
class MovingAverage {
 public:
  // REQUIRES: tau > 0.
  explicit MovingAverage(Duration tau) : tau_(tau) {}

  void observe(double value, Time at) {
    if (std::isnan(value)) return;
    value_ = std::isnan(value_) ? value : value_ + ewma_share(at - at_, tau_) * (value - value_);
    at_ = at;
  }
  double value() const { return value_; }

 private:
  Duration tau_;
  double value_ = std::numeric_limits<double>::quiet_NaN();
  Time at_ = kStart;
};

}  // namespace phoenix
