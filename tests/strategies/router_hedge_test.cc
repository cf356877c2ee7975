// What becomes of a request with two copies, one case at a time.
#include "tests/strategies/router_hedge_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Kind = RouterAction::Kind;
using enum AttemptResult;

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
