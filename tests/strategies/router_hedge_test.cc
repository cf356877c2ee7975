// Second copies of slow requests, one case at a time. The delay is 20 ms in all of them, by its
// bounds; what it is made of has tests of its own.
#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Kind = RouterAction::Kind;
using enum AttemptResult;

constexpr Duration kDelay = 20ms;
constexpr Time kTaught = kStart + 2s;

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
      router.on_result(sent.attempt, kOk, now + 10ms);
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

TEST_F(RouterHedge, IsOffUnlessAskedFor) {
  settings_ = {};
  Router router = taught(2);
  router.on_request(request(1), kTaught);
  expect_nothing_until(router, kTaught + 100s);
  EXPECT_EQ(router.counters().hedges_denied, 0U);
  EXPECT_EQ(router.open_requests(), 1U);
}

TEST_F(RouterHedge, WaitsUntilItKnowsWhatIsSlow) {
  Router router = make(2);
  router.on_request(request(1), kStart);
  expect_nothing_until(router, at(60s));
  EXPECT_EQ(router.counters().hedges_denied, 0U);
}

TEST_F(RouterHedge, ASlowRequestGetsOneSecondCopyAtAnotherNode) {
  Router router = taught(3);
  const RouterAction first = router.on_request(request(7), kTaught);
  EXPECT_FALSE(first.hedge);
  const RouterAction copy = copy_of(router);
  EXPECT_EQ(copy.kind, Kind::kSend);
  EXPECT_TRUE(copy.hedge);
  EXPECT_EQ(copy.request, 7U);
  EXPECT_NE(copy.node, first.node);
  EXPECT_NE(copy.attempt, first.attempt);
  EXPECT_TRUE(run_until(router, kTaught + 100s).empty());
  EXPECT_EQ(router.counters().hedges, 1U);
  EXPECT_EQ(router.counters().attempts, 1002U);
  EXPECT_EQ(router.counters().retries, 0U);
  EXPECT_EQ(router.open_requests(), 1U);
}

TEST_F(RouterHedge, TheFirstAnswerIsTheAnswerWhicheverCopyGivesIt) {
  for (const bool copy_wins : {true, false}) {
    Router router = taught(2);
    const RouterAction first = router.on_request(request(7), kTaught);
    const RouterAction copy = copy_of(router);
    const RouterAction& winner = copy_wins ? copy : first;
    const RouterAction& loser = copy_wins ? first : copy;
    const RouterAction answer = router.on_result(winner.attempt, kOk, kTaught + 30ms);
    EXPECT_EQ(answer.kind, Kind::kAnswer);
    EXPECT_EQ(answer.reason, FailureReason::kNone);
    EXPECT_EQ(answer.request, 7U);
    EXPECT_EQ(answer.node, winner.node);
    EXPECT_EQ(answer.attempt, winner.attempt);
    EXPECT_EQ(answer.hedge, copy_wins);
    EXPECT_EQ(router.counters().hedges_won, copy_wins ? 1U : 0U);
    EXPECT_EQ(router.open_requests(), 0U);
    EXPECT_EQ(in_flight_at(router, loser.node), 1U);  // the node is still at work on it

    EXPECT_EQ(router.on_result(loser.attempt, kOk, kTaught + 40ms).kind, Kind::kNone);
    EXPECT_EQ(router.counters().late_results, 1U);
    EXPECT_EQ(answers(router, FailureReason::kNone), 1001U);
    EXPECT_EQ(in_flight(router), 0U);
    EXPECT_EQ(router.on_result(loser.attempt, kOk, kTaught + 41ms).kind, Kind::kNone);
  }
}

TEST_F(RouterHedge, AnAnswerInTimeHasNoSecondCopy) {
  Router router = taught(2);
  const RouterAction sent = router.on_request(request(1), kTaught);
  EXPECT_EQ(router.on_result(sent.attempt, kOk, kTaught + kDelay - 1ns).kind, Kind::kAnswer);
  expect_nothing_until(router, kTaught + 10s);
}

// The slower ones among many that overlap are found, and only they.
TEST_F(RouterHedge, EveryRequestIsJudgedByItsOwnAge) {
  Router router = taught(4);
  std::vector<AttemptId> attempts;
  for (RequestToken token = 0; token < 50; ++token) {
    const Time now = kTaught + static_cast<std::int64_t>(token) * 100us;
    attempts.push_back(router.on_request(request(token), now).attempt);
  }
  for (RequestToken token = 0; token < 50; ++token) {
    if (token % 10 != 0) router.on_result(attempts[token], kOk, kTaught + 10ms);
  }
  std::vector<RequestToken> hedged;
  while (hedged.size() < 5) {
    ASSERT_LT(router.next_wake(), kTaught + 100ms);
    const Time now = router.next_wake();
    for (const RouterAction& action : router.on_wake(now)) {
      ASSERT_TRUE(action.hedge);
      EXPECT_EQ(now, kTaught + static_cast<std::int64_t>(action.request) * 100us + kDelay);
      hedged.push_back(action.request);
    }
  }
  EXPECT_EQ(hedged, (std::vector<RequestToken>{0, 10, 20, 30, 40}));
}

TEST_F(RouterHedge, AnErrorOfOneCopyIsNoAnswerWhileTheOtherIsUnderWay) {
  for (const bool copy_fails : {true, false}) {
    for (const AttemptResult failure : {kError, kReset, kQueueFull, kRefused}) {
      Router router = taught(3);
      const RouterAction first = router.on_request(request(7), kTaught);
      const RouterAction copy = copy_of(router);
      const AttemptId failing = copy_fails ? copy.attempt : first.attempt;
      const AttemptId other = copy_fails ? first.attempt : copy.attempt;
      EXPECT_EQ(router.on_result(failing, failure, kTaught + 30ms).kind, Kind::kNone);
      EXPECT_TRUE(run_until(router, kTaught + 10s).empty());
      const RouterAction answer = router.on_result(other, kOk, kTaught + 11s);
      EXPECT_EQ(answer.kind, Kind::kAnswer);
      EXPECT_EQ(answer.reason, FailureReason::kNone);
      EXPECT_EQ(router.counters().retries, 0U);
      EXPECT_EQ(in_flight(router), 0U);
    }
  }
}

TEST_F(RouterHedge, WhenBothCopiesFailedTheUsualRulesOfRetriesHold) {
  for (const bool copy_is_last : {true, false}) {
    Router router = taught(3);
    const RouterAction first = router.on_request(request(7), kTaught);
    const RouterAction copy = copy_of(router);
    const RouterAction& last = copy_is_last ? copy : first;
    router.on_result(copy_is_last ? first.attempt : copy.attempt, kReset, kTaught + 30ms);
    const RouterAction retry = router.on_result(last.attempt, kError, kTaught + 31ms);
    ASSERT_EQ(retry.kind, Kind::kSend);
    EXPECT_FALSE(retry.hedge);
    EXPECT_NE(retry.node, last.node);
    // It had its second copy; this attempt gets none, and as it is the last, it decides.
    EXPECT_TRUE(run_until(router, kTaught + 10s).empty());
    const RouterAction answer = router.on_result(retry.attempt, kError, kTaught + 10s);
    EXPECT_EQ(answer.reason, FailureReason::kError);
    EXPECT_EQ(router.counters().retries, 1U);
    EXPECT_EQ(router.counters().hedges, 1U);
  }
}

TEST_F(RouterHedge, WithoutRetriesTheLastFailureIsTheAnswer) {
  settings_.retries = 0;
  for (const bool copy_is_last : {true, false}) {
    Router router = taught(3);
    const RouterAction first = router.on_request(request(7), kTaught);
    const RouterAction copy = copy_of(router);
    router.on_result(copy_is_last ? first.attempt : copy.attempt, kReset, kTaught + 30ms);
    const RouterAction answer =
        router.on_result(copy_is_last ? copy.attempt : first.attempt, kError, kTaught + 31ms);
    EXPECT_EQ(answer.kind, Kind::kAnswer);
    EXPECT_EQ(answer.reason, FailureReason::kError);
    EXPECT_EQ(router.open_requests(), 0U);
  }
}

TEST_F(RouterHedge, ARetryThatIsSlowIsHedgedTooIfNothingWasBefore) {
  Router router = taught(3);
  const RouterAction first = router.on_request(request(7), kTaught - 5ms);
  const RouterAction retry = router.on_result(first.attempt, kError, kTaught);
  ASSERT_EQ(retry.kind, Kind::kSend);
  const RouterAction copy = copy_of(router);
  EXPECT_TRUE(copy.hedge);
  EXPECT_NE(copy.node, retry.node);
}

TEST_F(RouterHedge, AnAttemptThatTimesOutLeavesItToTheOther) {
  Router router = taught(3, 50ms);
  router.on_request(request(7), kTaught);
  const RouterAction copy = copy_of(router);
  EXPECT_TRUE(run_until(router, kTaught + 69ms).empty());
  EXPECT_EQ(router.counters().timed_out_attempts, 1U);
  EXPECT_EQ(router.on_result(copy.attempt, kOk, kTaught + 69ms).kind, Kind::kAnswer);
  EXPECT_EQ(in_flight(router), 0U);
}

TEST_F(RouterHedge, WhenBothTimedOutItIsTriedAgain) {
  Router router = taught(3, 50ms);
  router.on_request(request(7), kTaught);
  const RouterAction copy = copy_of(router);
  const auto actions = run_until(router, kTaught + 70ms);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kSend);
  EXPECT_FALSE(actions[0].hedge);
  EXPECT_NE(actions[0].node, copy.node);
  EXPECT_EQ(router.counters().timed_out_attempts, 2U);
}

TEST_F(RouterHedge, TheDeadlineEndsBothCopiesWithOneAnswer) {
  Router router = taught(2);
  const RouterAction first = router.on_request(request(7, kTaught + 60ms), kTaught);
  const RouterAction copy = copy_of(router);
  const auto actions = run_until(router, kTaught + 60ms);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(actions[0].reason, FailureReason::kDeadline);
  EXPECT_EQ(router.counters().timed_out_attempts, 2U);
  EXPECT_EQ(in_flight(router), 0U);
  EXPECT_EQ(router.on_result(first.attempt, kOk, kTaught + 61ms).kind, Kind::kNone);
  EXPECT_EQ(router.on_result(copy.attempt, kOk, kTaught + 61ms).kind, Kind::kNone);
  EXPECT_EQ(router.counters().late_results, 2U);
}

TEST_F(RouterHedge, TheDeadlineAlsoEndsWhatOnlyACopyIsLeftOf) {
  Router router = taught(2);
  const RouterAction first = router.on_request(request(7, kTaught + 60ms), kTaught);
  copy_of(router);
  router.on_result(first.attempt, kError, kTaught + 40ms);
  const auto actions = run_until(router, kTaught + 60ms);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].reason, FailureReason::kDeadline);
  EXPECT_EQ(router.open_requests(), 0U);
  EXPECT_EQ(in_flight(router), 0U);
}

TEST_F(RouterHedge, NothingIsSentAtOrAfterTheDeadline) {
  Router router = taught(2);
  router.on_request(request(7, kTaught + kDelay), kTaught);
  const auto actions = router.on_wake(kTaught + 1s);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(router.counters().hedges, 0U);
}

TEST_F(RouterHedge, WhatMustNotBeRepeatedHasNoSecondCopy) {
  Router router = taught(2);
  RequestInfo once = request(7);
  once.repeatable = false;
  router.on_request(once, kTaught);
  expect_nothing_until(router, kTaught + 10s);
  EXPECT_EQ(router.counters().hedges_denied, 0U);
}

TEST_F(RouterHedge, WithoutAnotherNodeThereIsNoSecondCopy) {
  Router alone = taught(1);
  alone.on_request(request(7), kTaught);
  expect_nothing_until(alone, kTaught + 10s);
  EXPECT_EQ(alone.counters().hedges_denied, 1U);

  Router drained = taught(2);
  const RouterAction sent = drained.on_request(request(7), kTaught);
  const NodeId other = sent.node == node(0) ? node(1) : node(0);
  tell(drained, MembershipChange::Kind::kDrain, other, kTaught);
  expect_nothing_until(drained, kTaught + 10s);
}

TEST_F(RouterHedge, ABalancerThatInsistsOnTheSlowNodeIsOverruled) {
  Router router = make_router<FirstNode>(settings_, {RouterClass{}});
  join(router, 3);
  teach(router);
  EXPECT_EQ(router.on_request(request(7), kTaught).node, node(0));
  EXPECT_NE(copy_of(router).node, node(0));
}

TEST_F(RouterHedge, ANodeAtItsLimitGetsNoSecondCopy) {
  settings_.max_in_flight_per_node = 1;
  Router router = taught(2);
  router.on_request(request(1), kTaught);
  router.on_request(request(2), kTaught);
  expect_nothing_until(router, kTaught + 10s);
  EXPECT_EQ(router.counters().hedges_denied, 2U);
}

TEST_F(RouterHedge, IsOffWhileTheNodesReportMoreThanTheUtilizationAllowed) {
  struct Case {
    float cpu0, cpu1;
    bool hedges;
  };
  constexpr float kUnknown = LoadReport::kUnknown;
  for (const Case& c : {Case{0.5F, 0.75F, true},
                        {0.75F, 0.875F, false},
                        {1.0F, 0.5F, true},
                        {kUnknown, kUnknown, true},
                        {kUnknown, 0.875F, false}}) {
    Router router = make(2);
    EXPECT_TRUE(router.uses_reports());
    LoadReport load;
    load.cpu = c.cpu0;
    router.on_report(node(0), load, kStart);
    load.cpu = c.cpu1;
    router.on_report(node(1), load, kStart);
    teach(router);
    router.on_request(request(7), kTaught);
    run_until(router, kTaught + 100ms);
    EXPECT_EQ(router.counters().hedges, c.hedges ? 1U : 0U) << c.cpu0 << " " << c.cpu1;
    EXPECT_EQ(router.counters().hedges_denied, c.hedges ? 0U : 1U);
  }
}

TEST_F(RouterHedge, IsOnAgainWhenTheUtilizationHasFallen) {
  Router router = taught(2);
  LoadReport load;
  load.cpu = 1.0F;
  for (std::size_t i = 0; i < 2; ++i) router.on_report(node(i), load, kTaught);
  run_until(router, kTaught + 1s);
  router.on_request(request(1), kTaught + 1s);
  run_until(router, kTaught + 1500ms);
  EXPECT_EQ(router.counters().hedges_denied, 1U);
  load.cpu = 0.25F;
  for (std::size_t i = 0; i < 2; ++i) router.on_report(node(i), load, kTaught + 1500ms);
  run_until(router, kTaught + 2s);
  router.on_request(request(2), kTaught + 2s);
  run_until(router, kTaught + 2500ms);
  EXPECT_EQ(router.counters().hedges, 1U);
}

TEST_F(RouterHedge, WithoutABoundOnUtilizationReportsAreNotNeeded) {
  settings_.hedge_max_utilization = 1;
  EXPECT_FALSE(make(2).uses_reports());
}

// Every request is slow, at 1,000/s for 60 s: second copies stay below 20 % of the requests plus
// the reserve of 10/s, over the run and one window.
TEST_F(RouterHedge, WhenEverythingIsSlowTheBudgetBoundsIt) {
  Router router = taught(10);
  constexpr int kRequests = 60'000;
  for (int i = 0; i < kRequests; ++i) {
    const Time now = kTaught + i * 1ms;
    if (router.next_wake() <= now) router.on_wake(now);
    router.on_request(request(static_cast<RequestToken>(i), now + 100ms), now);
  }
  const RouterCounters& counters = router.counters();
  EXPECT_LE(static_cast<double>(counters.hedges), 0.2 * kRequests + 10 * 70);
  EXPECT_GE(static_cast<double>(counters.hedges), 0.2 * kRequests * 0.9);
  EXPECT_GT(counters.hedges_denied, 40'000U);
  EXPECT_EQ(counters.attempts, counters.requests + counters.hedges);
}

TEST_F(RouterHedge, WithoutBudgetThereIsNone) {
  settings_.retry_budget = settings_.retry_reserve_per_s = 0;
  Router router = taught(2);
  router.on_request(request(7), kTaught);
  expect_nothing_until(router, kTaught + 10s);
  EXPECT_EQ(router.counters().hedges_denied, 1U);
}

// One class takes 10 ms, the other 100: each is slow by its own measure.
TEST_F(RouterHedge, WhatIsSlowIsLearntForEachClass) {
  settings_.hedge_min = 1ms;
  settings_.hedge_max = Duration::max();
  Router router = make_router<LeastCost>(settings_, {RouterClass{}, RouterClass{}});
  join(router, 2);
  RequestInfo heavy = request(2);
  heavy.request_class = ClassId{1};
  for (int i = 0; i < 100; ++i) {
    const Time now = kStart + i * 1ms;
    const AttemptId light_attempt = router.on_request(request(1), now).attempt;
    const AttemptId heavy_attempt = router.on_request(heavy, now).attempt;
    router.on_result(light_attempt, kOk, now + 10ms);
    router.on_result(heavy_attempt, kOk, now + 100ms);
  }
  run_until(router, kTaught);
  router.on_request(request(1), kTaught);
  router.on_request(heavy, kTaught);
  EXPECT_TRUE(run_until(router, kTaught + 10ms).empty());
  const auto light_copy = run_until(router, kTaught + 11ms);
  ASSERT_EQ(light_copy.size(), 1U);
  EXPECT_EQ(light_copy[0].request, 1U);
  EXPECT_TRUE(run_until(router, kTaught + 100ms).empty());
  const auto heavy_copy = run_until(router, kTaught + 107ms);
  ASSERT_EQ(heavy_copy.size(), 1U);
  EXPECT_EQ(heavy_copy[0].request, 2U);
}

// A node that swallows requests loses every race, but is found out by the ends of its attempts as
// without hedging.
TEST_F(RouterHedge, ANodeThatNeverAnswersIsEjectedThoughCopiesAnswerForIt) {
  settings_.consecutive_errors = 5;
  Router router = make_router<FirstNode>(settings_, {{ServiceId{0}, 100ms}});
  join(router, 3);
  teach(router);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(router.on_request(request(7, kTaught + 10s), kTaught).node, node(0));
  }
  for (const RouterAction& copy : run_until(router, kTaught + kDelay)) {
    EXPECT_EQ(router.on_result(copy.attempt, kOk, kTaught + 30ms).reason, FailureReason::kNone);
  }
  EXPECT_EQ(router.open_requests(), 0U);
  EXPECT_EQ(in_flight_at(router, node(0)), 5U);
  EXPECT_TRUE(run_until(router, kTaught + 99ms).empty());
  EXPECT_EQ(router.counters().ejections, 0U);
  EXPECT_TRUE(run_until(router, kTaught + 100ms).empty());
  EXPECT_EQ(router.counters().ejections, 1U);
  EXPECT_FALSE(router.pool(ServiceId{0}).is_eligible(node(0)));
  EXPECT_EQ(in_flight(router), 0U);
}

TEST_F(RouterHedge, AnAttemptThatLostEndsAtItsDeadlineAtTheLatest) {
  for (const bool copy_wins : {true, false}) {
    Router router = taught(2);
    const RouterAction first = router.on_request(request(7, kTaught + 60ms), kTaught);
    const RouterAction copy = copy_of(router);
    router.on_result(copy_wins ? copy.attempt : first.attempt, kOk, kTaught + 30ms);
    EXPECT_EQ(in_flight(router), 1U);
    EXPECT_TRUE(run_until(router, kTaught + 60ms).empty());
    EXPECT_EQ(in_flight(router), 0U);
    EXPECT_EQ(router.counters().timed_out_attempts, 1U);
    EXPECT_EQ(answers(router, FailureReason::kDeadline), 0U);
  }
}

TEST_F(RouterHedge, AStoppedAttemptFreesItsNodeAndSaysNothingOfItsHealth) {
  settings_.consecutive_errors = 1;
  for (const bool copy_wins : {true, false}) {
    Router router = taught(2);
    const RouterAction first = router.on_request(request(7), kTaught);
    const RouterAction copy = copy_of(router);
    router.on_result(copy_wins ? copy.attempt : first.attempt, kOk, kTaught + 30ms);
    const AttemptId loser = copy_wins ? first.attempt : copy.attempt;
    EXPECT_EQ(router.on_result(loser, kStopped, kTaught + 30ms).kind, Kind::kNone);
    EXPECT_EQ(in_flight(router), 0U);
    EXPECT_EQ(router.counters().ejections, 0U);
    EXPECT_EQ(router.counters().late_results, 0U);
    // Attempts the router has given up itself may be stopped as well.
    EXPECT_EQ(router.on_result(loser, kStopped, kTaught + 31ms).kind, Kind::kNone);
    EXPECT_EQ(router.counters().late_results, 0U);
  }
}

TEST_F(RouterHedge, AStoppedAttemptDoesNotExcuseErrorsEither) {
  settings_.consecutive_errors = 2;
  settings_.retries = 0;
  Router router = make_router<FirstNode>(settings_, {RouterClass{}});
  join(router, 2);
  teach(router);
  const RouterAction failing = router.on_request(request(1), kTaught);
  const RouterAction slow = router.on_request(request(2), kTaught);
  router.on_result(failing.attempt, kError, kTaught + 1ms);
  router.on_result(copy_of(router).attempt, kOk, kTaught + 30ms);
  router.on_result(slow.attempt, kStopped, kTaught + 30ms);
  const RouterAction again = router.on_request(request(3), kTaught + 31ms);
  ASSERT_EQ(again.node, failing.node);
  router.on_result(again.attempt, kError, kTaught + 32ms);
  EXPECT_EQ(router.counters().ejections, 1U);
}

// First attempts take 100 ms, second copies 1: were those counted, half of all would be quick and
// the median with them.
TEST_F(RouterHedge, SecondCopiesDoNotCountForWhatIsSlow) {
  settings_.hedge_quantile = 0.5;
  settings_.hedge_min = 1ms;
  settings_.hedge_max = 50ms;
  settings_.retry_budget = 10;
  Router router = make(2);
  for (int i = 0; i < 100; ++i) {
    const Time now = kStart + i * 200ms;
    run_until(router, now);
    const RouterAction first = router.on_request(request(1), now);
    for (const RouterAction& copy : run_until(router, now + 50ms)) {
      router.on_result(copy.attempt, kOk, now + 51ms);
    }
    router.on_result(first.attempt, kOk, now + 100ms);
  }
  EXPECT_GT(router.counters().hedges, 80U);
  router.on_request(request(1), at(21s));
  EXPECT_TRUE(run_until(router, at(21s) + 50ms - 1ns).empty());
  EXPECT_EQ(run_until(router, at(21s) + 50ms).size(), 1U);
}

// Deadlines far out of order are kept in another place; slots are used again by others' copies.
TEST_F(RouterHedge, DeadlinesOutOfOrderEndTheirOwnRequestsOnly) {
  Router router = taught(4);
  for (RequestToken token = 0; token < 40; ++token) {
    const Duration left = 2s - static_cast<std::int64_t>(token) * 40ms;
    router.on_request(request(token, kTaught + left), kTaught);
  }
  std::vector<RequestToken> ended;
  for (const RouterAction& action : run_until(router, kTaught + 3s)) {
    if (action.kind == Kind::kAnswer) ended.push_back(action.request);
  }
  ASSERT_EQ(ended.size(), 40U);
  EXPECT_TRUE(std::ranges::is_sorted(ended, std::greater<>()));
  EXPECT_EQ(in_flight(router), 0U);
}

}  // namespace
}  // namespace phoenix
