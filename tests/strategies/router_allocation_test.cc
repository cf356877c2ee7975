// After warm-up the data path must not allocate. This program counts every allocation it makes.
#include <gtest/gtest.h>

#include "tests/strategies/counted_allocations.h"
#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;

// Errors, refusals, timeouts, retries, second copies, ejections, waiting and reports: all of it,
// all the time.
class BusyWorld {
 public:
  BusyWorld() : router_(make_router<Uniform>(settings(), {{ServiceId{0}, 40ms}})) {
    join(router_, 20);
    attempts_.assign(kAttempts, kNoAttempt);
  }

  void run(int requests) {
    for (int i = 0; i < requests; ++i) {
      now_ += 100us;
      if (router_.next_wake() <= now_) {
        for (const RouterAction& action : router_.on_wake(now_)) keep(action);
      }
      LoadReport report;
      report.measured_at = now_;
      router_.on_report(node(random_.below(20)), report, now_);
      finish_one();
      RequestInfo info = request(static_cast<RequestToken>(i), now_ + deadline());
      info.has_key = true;
      keep(router_.on_request(info, now_));
    }
  }
  const RouterCounters& counters() const { return router_.counters(); }

 private:
  static constexpr std::size_t kAttempts = 200;

  static RouterSettings settings() {
    RouterSettings settings;
    settings.max_in_flight = 150;
    settings.queue = 50;
    settings.retries = 2;
    settings.ejection_interval = 200ms;
    settings.ejection_time = 100ms;
    settings.hedge_quantile = 0.5;
    settings.hedge_max = 5ms;
    return settings;
  }
  // Some far out of order.
  Duration deadline() {
    return Duration{static_cast<std::int64_t>(1 + random_.below(100'000'000))};
  }

  void finish_one() {
    static constexpr AttemptResult kResults[] = {AttemptResult::kOk,        AttemptResult::kOk,
                                                 AttemptResult::kOk,        AttemptResult::kError,
                                                 AttemptResult::kQueueFull, AttemptResult::kReset};
    AttemptId& attempt = attempts_[random_.below(kAttempts)];
    if (attempt == kNoAttempt) return;
    const RouterAction action = router_.on_result(attempt, kResults[random_.below(6)], now_);
    attempt = kNoAttempt;
    keep(action);
  }
  void keep(const RouterAction& action) {
    if (action.kind == RouterAction::Kind::kSend) {
      attempts_[random_.below(kAttempts)] = action.attempt;
    }
  }

  Router router_;
  Random random_{11};
  Time now_ = kStart;
  std::vector<AttemptId> attempts_;
};

TEST(RouterAllocation, NoneAfterWarmUp) {
  BusyWorld world;
  world.run(200'000);
  const std::size_t before = allocations;
  world.run(200'000);
  EXPECT_EQ(allocations - before, 0U);
  const RouterCounters& counters = world.counters();
  EXPECT_GT(counters.retries, 0U);
  EXPECT_GT(counters.hedges, 0U);
  EXPECT_GT(counters.queued, 0U);
  EXPECT_GT(counters.ejections, 0U);
  EXPECT_GT(counters.timed_out_attempts, 0U);
  EXPECT_GT(counters.late_results, 0U);
}

TEST(RouterAllocation, WarmUpItselfIsCounted) {
  const std::size_t before = allocations;
  BusyWorld world;
  world.run(10);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace phoenix
