// What tests of second copies share: a router that knows what is slow. The delay is 20 ms, by its
// bounds; what it is made of has tests of its own.
#pragma once

#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix::testing {

using namespace std::chrono_literals;

inline constexpr Duration kDelay = 20ms;
inline constexpr Time kTaught = kStart + 2s;

class RouterHedge : public ::testing::Test {
 protected:
  RouterHedge() {
    settings_.hedge_quantile = 0.95;
    settings_.hedge_min = settings_.hedge_max = kDelay;
    settings_.retry_backoff = 0s;
    settings_.consecutive_errors = 0;
    settings_.success_rate_stdevs = 0;
  }

  Router make(std::size_t nodes, Duration attempt_timeout = Duration::max()) {
    Router router = make_router<LeastCost>(settings_, {{ServiceId{0}, attempt_timeout}});
    join(router, nodes);
    return router;
  }

  // A router that has seen 1,000 requests of 10 ms until kTaught.
  Router taught(std::size_t nodes, Duration attempt_timeout = Duration::max()) {
    Router router = make(nodes, attempt_timeout);
    teach(router);
    return router;
  }

  static void teach(Router& router, RequestInfo info = {}) {
    for (int i = 0; i < 1000; ++i) {
      const Time now = kStart + i * 1ms;
      const RouterAction sent = router.on_request(info, now);
      router.on_result(sent.attempt, AttemptResult::kOk, now + 10ms);
    }
    run_until(router, kTaught);
    ASSERT_EQ(router.counters().hedges, 0U);
  }

  // The second copy of what was sent at kTaught, which must be the only thing that comes.
  static RouterAction copy_of(Router& router) {
    EXPECT_TRUE(run_until(router, kTaught + kDelay - 1ns).empty());
    const auto actions = run_until(router, kTaught + kDelay);
    EXPECT_EQ(actions.size(), 1U);
    return actions.empty() ? RouterAction{} : actions.front();
  }

  static void expect_nothing_until(Router& router, Time until) {
    EXPECT_TRUE(run_until(router, until).empty());
    EXPECT_EQ(router.counters().hedges, 0U);
  }

  static std::uint32_t in_flight_at(const Router& router, NodeId at) {
    return router.pool(ServiceId{0}).in_flight(at);
  }

  RouterSettings settings_;
};

}  // namespace phoenix::testing
