// Whether a service's requests may come in at all: circuit breaker, client-side throttle and
// adaptive concurrency limit in one place, each off unless the settings ask for it. Counts the
// service's requests under way.
//
// One thread, as the Router. O(1) per call, no allocation after it was made.
#pragma once

#include <cassert>
#include <cstdint>

#include "strategies/core/random.h"
#include "strategies/core/request.h"
#include "strategies/router.h"
#include "strategies/routing/circuit_breaker.h"
#include "strategies/routing/client_throttle.h"
#include "strategies/routing/gradient_limit.h"

namespace phoenix {

class Admission {
 public:
  explicit Admission(const RouterSettings& s)
      : is_limited_(s.concurrency_limit_max > 0),
        limit_({s.concurrency_limit_min, std::max(s.concurrency_limit_min, s.concurrency_limit_max),
                s.concurrency_limit_min}),
        breaker_({s.breaker_failures, s.breaker_window, s.breaker_rest, s.breaker_trials}),
        throttle_(s.throttle_factor) {}

  // kNone: it may come in.
  FailureReason ask(Time now, Random& random) {
    if (throttle_.is_on()) {
      const double chance = throttle_.probability(now);
      throttle_.add_request(now);
      if (chance > 0 && random.uniform() < chance) return FailureReason::kThrottled;
    }
    if (is_limited_ && static_cast<double>(under_way_) + 1 > limit_.limit()) {
      return FailureReason::kInFlightLimit;
    }
    if (!breaker_.admits(now)) return FailureReason::kCircuitOpen;
    return FailureReason::kNone;
  }

  void began() { ++under_way_; }
  void answered() {
    assert(under_way_ > 0);
    --under_way_;
  }

  // An attempt ended. `is_verdict`: it says something of the service's health.
  void record(bool ok, bool is_verdict, Duration latency, Time now) {
    if (is_verdict) breaker_.record(ok, now - latency, now);
    if (!ok || !is_verdict) return;
    if (throttle_.is_on()) throttle_.add_accept(now);
    if (is_limited_) limit_.record(to_seconds(latency), static_cast<double>(under_way_));
  }

  double limit() const { return limit_.limit(); }

 private:
  bool is_limited_;
  GradientLimit limit_;
  CircuitBreaker breaker_;
  ClientThrottle throttle_;
  std::uint64_t under_way_ = 0;
};

}  // namespace phoenix
