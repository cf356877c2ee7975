// How requests end: retries, time limits, late results.
#include <set>

#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Kind = RouterAction::Kind;

class RouterRetry : public ::testing::Test {
 protected:
  Router make(std::size_t nodes, Duration attempt_timeout = Duration::max()) {
    Router router = make_router<FirstNode>(settings_, {{ServiceId{0}, attempt_timeout}});
    join(router, nodes);
    return router;
  }
  // Fails the attempt and returns the next one's send, now or after its backoff.
  static RouterAction fail(Router& router, const RouterAction& sent, AttemptResult result,
                           Time now) {
    const RouterAction action = router.on_result(sent.attempt, result, now);
    if (action.kind != Kind::kNone) return action;
    const auto later = run_until(router, now + 900ms);
    return later.empty() ? RouterAction{} : later.front();
  }

  RouterSettings settings_;
};

TEST_F(RouterRetry, AGoodAnswerNamesItsNodeAndAttempt) {
  Router router = make(2);
  const RouterAction sent = router.on_request(request(42), at(1ms));
  ASSERT_EQ(sent.kind, Kind::kSend);
  EXPECT_EQ(sent.request, 42U);
  const RouterAction answer = router.on_result(sent.attempt, AttemptResult::kOk, at(5ms));
  EXPECT_EQ(answer.kind, Kind::kAnswer);
  EXPECT_EQ(answer.reason, FailureReason::kNone);
  EXPECT_EQ(answer.request, 42U);
  EXPECT_EQ(answer.attempt, sent.attempt);
  EXPECT_EQ(answer.node, sent.node);
  EXPECT_EQ(router.open_requests(), 0U);
  EXPECT_EQ(in_flight(router), 0U);
}

TEST_F(RouterRetry, ARefusalIsRetriedAtOnceAndElsewhere) {
  Router router = make(3);
  const RouterAction first = router.on_request(request(1), at(0ms));
  const RouterAction second = router.on_result(first.attempt, AttemptResult::kQueueFull, at(1ms));
  ASSERT_EQ(second.kind, Kind::kSend);
  EXPECT_EQ(second.request, 1U);
  EXPECT_NE(second.node, first.node);
  EXPECT_NE(second.attempt, first.attempt);
  const RouterAction answer = router.on_result(second.attempt, AttemptResult::kRefused, at(2ms));
  EXPECT_EQ(answer.kind, Kind::kAnswer);
  EXPECT_EQ(answer.reason, FailureReason::kRefused);
}

// FirstNode always proposes the node that has just failed.
TEST_F(RouterRetry, TheRetryGoesElsewhereWhateverTheBalancerSays) {
  Router router = make(5);
  std::set<NodeId> second_nodes;
  for (RequestToken token = 0; token < 100; ++token) {
    const RouterAction first = router.on_request(request(token), at(0ms));
    ASSERT_EQ(first.node, node(0));
    const RouterAction second = router.on_result(first.attempt, AttemptResult::kRefused, at(0ms));
    ASSERT_EQ(second.kind, Kind::kSend);
    EXPECT_NE(second.node, node(0));
    second_nodes.insert(second.node);
    router.on_result(second.attempt, AttemptResult::kOk, at(0ms));
  }
  EXPECT_EQ(second_nodes.size(), 4U);
}

TEST_F(RouterRetry, WithOneNodeTheRetryGoesToItAgain) {
  Router router = make(1);
  const RouterAction first = router.on_request(request(1), at(0ms));
  const RouterAction second = router.on_result(first.attempt, AttemptResult::kRefused, at(1ms));
  EXPECT_EQ(second.kind, Kind::kSend);
  EXPECT_EQ(second.node, first.node);
}

// Uniform between 0 and 25 ms: the mean of 2,000 draws lies within 5 standard errors of 12.5 ms,
// 5 * 25 / sqrt(12 * 2000) = 0.81 ms.
TEST_F(RouterRetry, AnErrorBacksOffWithFullJitter) {
  settings_.retry_reserve_per_s = 1000;
  settings_.consecutive_errors = 0;
  Router router = make(4);
  Duration sum{0};
  Time now = kStart;
  for (RequestToken token = 0; token < 2000; ++token) {
    const RouterAction first = router.on_request(request(token), now);
    ASSERT_EQ(router.on_result(first.attempt, AttemptResult::kError, now).kind, Kind::kNone);
    const Time failed = now;
    std::vector<RouterAction> actions;
    while (actions.empty()) actions = run_until(router, now = router.next_wake());
    ASSERT_EQ(actions.front().kind, Kind::kSend);
    EXPECT_NE(actions.front().node, first.node);
    sum += now - failed;
    router.on_result(actions.front().attempt, AttemptResult::kOk, now);
  }
  EXPECT_NEAR(to_seconds(sum) / 2000, 0.0125, 0.00081);
}

TEST_F(RouterRetry, RequestsThatMustNotRepeatAreOnlyRetriedAfterRefusals) {
  settings_.retries = 3;
  for (const auto& [result, retried] : {std::pair{AttemptResult::kError, false},
                                        {AttemptResult::kReset, false},
                                        {AttemptResult::kQueueFull, true},
                                        {AttemptResult::kRefused, true}}) {
    Router router = make(3);
    RequestInfo info = request(1);
    info.repeatable = false;
    const RouterAction first = router.on_request(info, at(0ms));
    const RouterAction next = fail(router, first, result, at(1ms));
    EXPECT_EQ(next.kind, retried ? Kind::kSend : Kind::kAnswer);
  }
}

TEST_F(RouterRetry, AnAnswerTooLateToBeSentEndsItsRequest) {
  settings_.retries = 3;
  Router router = make(3);
  const RouterAction sent = router.on_request(request(1), at(0ms));
  const RouterAction action = router.on_result(sent.attempt, AttemptResult::kLate, at(9ms));
  ASSERT_EQ(action.kind, Kind::kAnswer);
  EXPECT_EQ(action.reason, FailureReason::kDeadline);
  EXPECT_EQ(router.counters().retries, 0U);
  EXPECT_EQ(router.open_requests(), 0U);
  EXPECT_EQ(in_flight(router), 0U);
}

TEST_F(RouterRetry, ANodeIsNotIllWhoseAnswersHaveNoWay) {
  settings_.retries = 0;
  Router router = make(3);
  for (RequestToken token = 0; token < 50; ++token) {
    const RouterAction sent = router.on_request(request(token), at(0ms));
    ASSERT_EQ(sent.node, node(0));
    router.on_result(sent.attempt, AttemptResult::kLate, at(9ms));
  }
  EXPECT_EQ(router.counters().ejections, 0U);
}

TEST_F(RouterRetry, TriesEndAfterTheAllowedNumberWithTheLastReason) {
  settings_.retries = 2;
  Router router = make(5);
  RouterAction action = router.on_request(request(1), at(0ms));
  action = fail(router, action, AttemptResult::kQueueFull, at(1ms));
  ASSERT_EQ(action.kind, Kind::kSend);
  action = fail(router, action, AttemptResult::kError, at(2ms));
  ASSERT_EQ(action.kind, Kind::kSend);
  action = fail(router, action, AttemptResult::kReset, at(900ms));
  ASSERT_EQ(action.kind, Kind::kAnswer);
  EXPECT_EQ(action.reason, FailureReason::kReset);
  EXPECT_EQ(router.counters().attempts, 3U);
  EXPECT_EQ(router.counters().retries, 2U);
  EXPECT_EQ(answers(router, FailureReason::kReset), 1U);
}

TEST_F(RouterRetry, BackoffDoublesUpToItsBound) {
  settings_.retries = 6;
  settings_.retry_reserve_per_s = 1e6;
  settings_.consecutive_errors = 0;
  // Bounds of the delay before attempts 2 to 7; the longest of 300 uniform draws lies above 95 % of
  // the bound but for a chance of 0.95^300 = 2e-7.
  const Duration bounds[] = {25ms, 50ms, 100ms, 200ms, 250ms, 250ms};
  Duration longest[6] = {};
  Router router = make(3);
  Time now = kStart;
  for (RequestToken token = 0; token < 300; ++token) {
    RouterAction action = router.on_request(request(token), now);
    for (Duration& seen : longest) {
      ASSERT_EQ(action.kind, Kind::kSend);
      ASSERT_EQ(router.on_result(action.attempt, AttemptResult::kError, now).kind, Kind::kNone);
      const Time failed = now;
      std::vector<RouterAction> actions;
      while (actions.empty()) {
        now = router.next_wake();
        actions = run_until(router, now);
      }
      action = actions.front();
      seen = std::max(seen, now - failed);
    }
    ASSERT_EQ(router.on_result(action.attempt, AttemptResult::kOk, now).kind, Kind::kAnswer);
  }
  for (int i = 0; i < 6; ++i) {
    EXPECT_LE(longest[i], bounds[i]) << i;
    EXPECT_GE(to_seconds(longest[i]), 0.95 * to_seconds(bounds[i])) << i;
  }
}

TEST_F(RouterRetry, NothingIsTriedAgainAfterTheDeadline) {
  settings_.retry_backoff = settings_.retry_backoff_max = 10s;
  Router router = make(3);
  for (RequestToken token = 0; token < 50; ++token) {
    const RouterAction sent = router.on_request(request(token, at(100ms)), at(0ms));
    const RouterAction action = router.on_result(sent.attempt, AttemptResult::kError, at(50ms));
    if (action.kind == Kind::kAnswer) {
      EXPECT_EQ(action.reason, FailureReason::kError);
    }
  }
  for (const RouterAction& action : run_until(router, at(900ms))) {
    if (action.kind == Kind::kAnswer) {
      EXPECT_EQ(action.reason, FailureReason::kDeadline);
    }
  }
  EXPECT_EQ(router.open_requests(), 0U);
  EXPECT_EQ(in_flight(router), 0U);
  EXPECT_GT(answers(router, FailureReason::kError), 40U);  // backoff of 10 s: 1 in 200 fits
}

TEST_F(RouterRetry, ARequestPastItsDeadlineIsNotSent) {
  Router router = make(1);
  const RouterAction action = router.on_request(request(9, at(5ms)), at(5ms));
  EXPECT_EQ(action.kind, Kind::kAnswer);
  EXPECT_EQ(action.reason, FailureReason::kDeadline);
  EXPECT_EQ(router.counters().attempts, 0U);
}

TEST_F(RouterRetry, TheDeadlineEndsARequestAtItsVeryTime) {
  Router router = make(1);
  const RouterAction sent = router.on_request(request(1, at(50ms)), at(0ms));
  EXPECT_LE(router.next_wake(), at(50ms));
  EXPECT_TRUE(router.on_wake(at(50ms) - 1ns).empty());
  EXPECT_EQ(router.next_wake(), at(50ms));
  const auto actions = router.on_wake(at(50ms));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(actions[0].reason, FailureReason::kDeadline);
  EXPECT_EQ(in_flight(router), 0U);
  EXPECT_EQ(router.on_result(sent.attempt, AttemptResult::kOk, at(60ms)).kind, Kind::kNone);
  EXPECT_EQ(router.counters().late_results, 1U);
  EXPECT_EQ(router.counters().timed_out_attempts, 1U);
}

TEST_F(RouterRetry, ATimedOutAttemptIsTriedElsewhereAndItsLateResultIgnored) {
  Router router = make(2, 100ms);
  const RouterAction first = router.on_request(request(1, at(1s)), at(0ms));
  EXPECT_EQ(router.next_wake(), at(100ms));
  const auto actions = run_until(router, at(125ms));
  ASSERT_EQ(actions.size(), 1U);
  ASSERT_EQ(actions[0].kind, Kind::kSend);
  EXPECT_NE(actions[0].node, first.node);
  EXPECT_EQ(router.on_result(first.attempt, AttemptResult::kOk, at(130ms)).kind, Kind::kNone);
  EXPECT_EQ(router.counters().late_results, 1U);
  const RouterAction answer = router.on_result(actions[0].attempt, AttemptResult::kOk, at(140ms));
  EXPECT_EQ(answer.reason, FailureReason::kNone);
  EXPECT_EQ(in_flight(router), 0U);
}

TEST_F(RouterRetry, TheLastAttemptsTimeoutIsADeadline) {
  settings_.retries = 0;
  Router router = make(2, 100ms);
  router.on_request(request(1), at(0ms));
  const auto actions = run_until(router, at(100ms));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(actions[0].reason, FailureReason::kDeadline);
}

// Both are over when the world gets round to it: the client is gone, so nothing is sent again.
TEST_F(RouterRetry, TheDeadlineComesBeforeTheAttemptTimeout) {
  Router router = make(2, 100ms);
  router.on_request(request(1, at(150ms)), at(0ms));
  const auto actions = router.on_wake(at(200ms));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(actions[0].reason, FailureReason::kDeadline);
  EXPECT_EQ(router.counters().retries, 0U);
  EXPECT_EQ(router.counters().timed_out_attempts, 1U);
}

TEST_F(RouterRetry, AResultCountsOnceHoweverOftenItComes) {
  Router router = make(1);
  const RouterAction sent = router.on_request(request(1), at(0ms));
  EXPECT_EQ(router.on_result(sent.attempt, AttemptResult::kOk, at(1ms)).kind, Kind::kAnswer);
  EXPECT_EQ(router.on_result(sent.attempt, AttemptResult::kOk, at(1ms)).kind, Kind::kNone);
  EXPECT_EQ(router.on_result(sent.attempt, AttemptResult::kError, at(2ms)).kind, Kind::kNone);
  EXPECT_EQ(router.on_result(kNoAttempt, AttemptResult::kOk, at(2ms)).kind, Kind::kNone);
  EXPECT_EQ(router.counters().late_results, 3U);
  EXPECT_EQ(in_flight(router), 0U);
}

// All requests fail at 1,000/s for 60 s. Whatever the settings allow a single request, all retries
// together stay below 20 % of the requests plus the reserve of 10/s over the run and one window.
TEST_F(RouterRetry, TotalFailureRaisesTheLoadByTheBudgetOnly) {
  settings_.retries = 5;
  settings_.retry_backoff = 0s;
  Router router = make(10);
  constexpr int kRequests = 60'000;
  for (int i = 0; i < kRequests; ++i) {
    const Time now = at(i * 1ms);
    if (router.next_wake() <= now) router.on_wake(now);
    RouterAction action = router.on_request(request(1), now);
    while (action.kind == Kind::kSend) {
      action = router.on_result(action.attempt, AttemptResult::kError, now);
    }
    ASSERT_EQ(action.kind, Kind::kAnswer);
  }
  const RouterCounters& counters = router.counters();
  EXPECT_EQ(counters.attempts, counters.requests + counters.retries);
  EXPECT_LE(static_cast<double>(counters.retries), 0.2 * kRequests + 10 * 70);
  EXPECT_GE(static_cast<double>(counters.retries), 0.2 * kRequests * 0.9);
  EXPECT_GT(counters.retries_denied, 0U);
}

}  // namespace
}  // namespace phoenix
