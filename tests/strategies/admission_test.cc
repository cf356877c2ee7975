// What keeps requests out: circuit breaker, gradient limit, client-side throttle; alone and in the
// Router.
#include "strategies/routing/admission.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::answers;
using phoenix::testing::FirstNode;
using phoenix::testing::join;
using phoenix::testing::request;
using std::chrono::milliseconds;
using std::chrono::seconds;
using State = CircuitBreaker::State;

Time at(Duration since_start) { return kStart + since_start; }

// A window full of outcomes with that many failures, at one time.
CircuitBreaker after(int failures, Time now = at(seconds(1))) {
  CircuitBreaker breaker{BreakerSettings{}};
  for (int i = 0; i < 100; ++i) breaker.record(i >= failures, now, now);
  return breaker;
}

TEST(CircuitBreaker, OpensAtHalfOfAFullWindowAndNotBelow) {
  EXPECT_EQ(after(49).state(), State::kClosed);
  EXPECT_EQ(after(50).state(), State::kOpen);
  CircuitBreaker young{BreakerSettings{}};
  for (int i = 0; i < 99; ++i) young.record(false, at(seconds(1)), at(seconds(1)));
  EXPECT_EQ(young.state(), State::kClosed) << "the window is not full";
}

TEST(CircuitBreaker, LooksAtTheLastWindowOnly) {
  CircuitBreaker breaker = after(49);
  const Time now = at(seconds(2));
  for (int i = 0; i < 49; ++i) breaker.record(true, now, now);  // the failures drop out
  for (int i = 0; i < 49; ++i) breaker.record(false, now, now);
  EXPECT_EQ(breaker.state(), State::kClosed);
  breaker.record(false, now, now);
  EXPECT_EQ(breaker.state(), State::kOpen);
}

TEST(CircuitBreaker, RestsThenTriesThenDecides) {
  for (const bool recovers : {true, false}) {
    CircuitBreaker breaker = after(50);
    EXPECT_FALSE(breaker.admits(at(milliseconds(60'999))));
    const Time half_open = at(seconds(61));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(breaker.admits(half_open));
    EXPECT_FALSE(breaker.admits(half_open)) << "ten trials and no more";
    const Time end = half_open + seconds(1);
    for (int i = 0; i < 10; ++i) breaker.record(recovers || i < 5, half_open, end);
    EXPECT_EQ(breaker.state(), recovers ? State::kClosed : State::kOpen);
    EXPECT_EQ(breaker.admits(end), recovers);
  }
}

TEST(CircuitBreaker, IgnoresLateAnswersFromBefore) {
  CircuitBreaker breaker = after(50);
  EXPECT_TRUE(breaker.admits(at(seconds(61))));
  for (int i = 0; i < 100; ++i) breaker.record(false, at(milliseconds(900)), at(seconds(62)));
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
}

TEST(CircuitBreaker, TrialsThatNeverEndCountAsFailed) {
  CircuitBreaker breaker = after(50);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(breaker.admits(at(seconds(61))));
  EXPECT_FALSE(breaker.admits(at(seconds(121))));
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_TRUE(breaker.admits(at(seconds(181)))) << "and it is tried again";
}

TEST(Gradient2, WorkedExamples) {
  const GradientSettings settings;
  EXPECT_NEAR(gradient2_limit(50, 40, 20, 20, settings), 50.8, 1e-9);
  EXPECT_NEAR(gradient2_limit(50, 40, 30, 20, settings), 47.466667, 1e-6);
  EXPECT_NEAR(gradient2_limit(50, 40, 100, 20, settings), 45.8, 1e-9);
}

TEST(Gradient2, StaysWithinItsBoundsAndUnchangedWhereTheLimitIsNotInUse) {
  const GradientSettings settings;
  EXPECT_EQ(gradient2_limit(50, 24.9, 100, 20, settings), 50);
  EXPECT_EQ(gradient2_limit(20, 20, 1000, 1, settings), 20);
  EXPECT_EQ(gradient2_limit(200, 200, 1, 1, settings), 200);
}

TEST(GradientLimit, ShrinksUnderOverloadAndRecovers) {
  GradientLimit limit({});
  const auto run = [&](int samples, double each) {
    for (int i = 0; i < samples; ++i) limit.record(each, limit.limit());
  };
  run(1'000, 0.010);
  EXPECT_GT(limit.limit(), 150);
  run(30, 0.100);
  const double during = limit.limit();
  EXPECT_LT(during, 120);
  run(2'000, 0.010);
  EXPECT_GT(limit.limit(), 150);
}

TEST(GradientLimit, IgnoresTimesThatAreNoneAndDoesNotGrowWhileUnused) {
  GradientLimit limit({});
  limit.record(0, 20);
  limit.record(-1, 20);
  EXPECT_EQ(limit.limit(), 20);
  for (int i = 0; i < 1'000; ++i) limit.record(0.010, 1);
  EXPECT_EQ(limit.limit(), 20);
}

TEST(ClientThrottle, WorkedExample) {
  EXPECT_NEAR(throttle_probability(100, 40, 2), 20.0 / 101, 1e-12);
  EXPECT_EQ(throttle_probability(100, 50, 2), 0);
  EXPECT_EQ(throttle_probability(0, 0, 2), 0);
}

TEST(ClientThrottle, ForgetsWhatIsOlderThanTwoMinutes) {
  ClientThrottle throttle(2);
  for (int i = 0; i < 100; ++i) throttle.add_request(at(seconds(5)));
  EXPECT_GT(throttle.probability(at(seconds(119))), 0.9);
  EXPECT_EQ(throttle.probability(at(seconds(130))), 0);
  EXPECT_EQ(throttle.probability(at(std::chrono::hours(5))), 0);
}

// Sends requests one by one that fail or are answered after `takes`.
void serve(Router& router, int count, AttemptResult result, Time& now,
           Duration takes = milliseconds(10)) {
  for (int i = 0; i < count; ++i) {
    const RouterAction action = router.on_request(request(static_cast<RequestToken>(i)), now);
    now += takes;
    if (action.kind == RouterAction::Kind::kSend) router.on_result(action.attempt, result, now);
  }
}

TEST(RouterAdmission, TheBreakerAnswersAtOnceAndLetsTrialsThroughLater) {
  RouterSettings settings;
  settings.retries = 0;
  settings.consecutive_errors = 0;
  settings.breaker_failures = 0.5;
  Router router = phoenix::testing::make_router<FirstNode>(settings, {{ServiceId{0}}});
  join(router, 2);
  Time now = kStart;
  serve(router, 120, AttemptResult::kError, now);
  EXPECT_EQ(answers(router, FailureReason::kError), 100U);
  EXPECT_EQ(answers(router, FailureReason::kCircuitOpen), 20U);
  now += seconds(60);
  serve(router, 30, AttemptResult::kOk, now);
  EXPECT_EQ(answers(router, FailureReason::kNone), 30U);
}

TEST(RouterAdmission, RefusalsDoNotOpenTheBreaker) {
  RouterSettings settings;
  settings.retries = 0;
  settings.breaker_failures = 0.5;
  Router router = phoenix::testing::make_router<FirstNode>(settings, {{ServiceId{0}}});
  join(router, 2);
  Time now = kStart;
  serve(router, 300, AttemptResult::kQueueFull, now);
  EXPECT_EQ(answers(router, FailureReason::kQueueFull), 300U);
}

TEST(RouterAdmission, TheLimitCountsRequestsUnderWayAndFreesThem) {
  RouterSettings settings;
  settings.concurrency_limit_max = 20;
  Router router = phoenix::testing::make_router<FirstNode>(settings, {{ServiceId{0}}});
  join(router, 2);
  std::vector<AttemptId> open;
  for (RequestToken i = 0; i < 25; ++i) {
    const RouterAction action = router.on_request(request(i), kStart);
    if (action.kind == RouterAction::Kind::kSend) open.push_back(action.attempt);
  }
  EXPECT_EQ(open.size(), 20U);
  EXPECT_EQ(answers(router, FailureReason::kInFlightLimit), 5U);
  for (const AttemptId attempt : open) router.on_result(attempt, AttemptResult::kOk, kStart);
  EXPECT_EQ(router.on_request(request(99), kStart).kind, RouterAction::Kind::kSend);
}

TEST(RouterAdmission, TheThrottleRefusesInAdvanceWhatMostlyFails) {
  RouterSettings settings;
  settings.retries = 0;
  settings.consecutive_errors = 0;
  settings.success_rate_stdevs = 0;
  settings.throttle_factor = 2;
  Router router = phoenix::testing::make_router<FirstNode>(settings, {{ServiceId{0}}});
  join(router, 1);
  Time now = kStart;
  serve(router, 3'000, AttemptResult::kError, now);
  EXPECT_GT(answers(router, FailureReason::kThrottled), 2'500U);
  // It finds its way back: of each window's requests seven times as many get through as before.
  serve(router, 120'000, AttemptResult::kOk, now);
  const std::uint64_t before = answers(router, FailureReason::kThrottled);
  serve(router, 1'000, AttemptResult::kOk, now);
  EXPECT_EQ(answers(router, FailureReason::kThrottled), before);
}

TEST(RouterAdmission, IsOffByDefault) {
  Router router = phoenix::testing::make_router<FirstNode>(RouterSettings{}, {{ServiceId{0}}});
  join(router, 1);
  Time now = kStart;
  serve(router, 500, AttemptResult::kOk, now, milliseconds(1));
  for (RequestToken i = 0; i < 500; ++i) {
    EXPECT_EQ(router.on_request(request(i), now).kind, RouterAction::Kind::kSend);
  }
}

}  // namespace
}  // namespace phoenix
