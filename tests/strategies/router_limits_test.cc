// Limits of requests under way: the waiting queue and the bound per node.
#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Kind = RouterAction::Kind;

class RouterLimits : public ::testing::Test {
 protected:
  Router make(std::size_t nodes) {
    Router router = make_router<LeastCost>(settings_, {RouterClass{}});
    join(router, nodes);
    return router;
  }

  RouterSettings settings_;
};

TEST_F(RouterLimits, WithoutNodesEveryRequestIsRefused) {
  Router router = make(0);
  const RouterAction action = router.on_request(request(5), at(1s));
  EXPECT_EQ(action.kind, Kind::kAnswer);
  EXPECT_EQ(action.reason, FailureReason::kNoHealthyNodes);
  EXPECT_EQ(action.request, 5U);
  EXPECT_TRUE(router.on_wake(at(2s)).empty());
}

TEST_F(RouterLimits, WhenAllNodesAreDownPanicUsesThemAndWithoutPanicRequestsAreRefused) {
  for (const double threshold : {0.5, 0.0}) {
    settings_.panic_threshold = threshold;
    Router router = make(3);
    for (std::size_t i = 0; i < 3; ++i)
      tell(router, MembershipChange::Kind::kDown, node(i), at(1s));
    const RouterAction action = router.on_request(request(1), at(1s));
    EXPECT_EQ(router.in_panic(ServiceId{0}), threshold > 0);
    EXPECT_EQ(action.kind, threshold > 0 ? Kind::kSend : Kind::kAnswer);
    EXPECT_EQ(router.counters().panic_picks, threshold > 0 ? 1U : 0U);
    if (threshold == 0) {
      EXPECT_EQ(action.reason, FailureReason::kNoHealthyNodes);
    }
  }
}

TEST_F(RouterLimits, RequestsOverTheLimitWaitInOrderAndOverTheQueueAreRefused) {
  settings_.max_in_flight = 2;
  settings_.queue = 2;
  Router router = make(2);
  const RouterAction a = router.on_request(request(1), at(1ms));
  const RouterAction b = router.on_request(request(2), at(1ms));
  EXPECT_EQ(router.on_request(request(3), at(1ms)).kind, Kind::kNone);
  EXPECT_EQ(router.on_request(request(4), at(1ms)).kind, Kind::kNone);
  const RouterAction refused = router.on_request(request(5), at(1ms));
  EXPECT_EQ(refused.kind, Kind::kAnswer);
  EXPECT_EQ(refused.reason, FailureReason::kInFlightLimit);
  EXPECT_EQ(router.open_requests(), 4U);
  EXPECT_EQ(in_flight(router), 2U);

  router.on_result(a.attempt, AttemptResult::kOk, at(10ms));
  ASSERT_EQ(router.next_wake(), at(10ms));
  auto sends = router.on_wake(at(10ms));
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].request, 3U);
  router.on_result(b.attempt, AttemptResult::kOk, at(11ms));
  sends = router.on_wake(at(11ms));
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].request, 4U);
  EXPECT_EQ(router.counters().queued, 2U);
  EXPECT_GT(router.next_wake(), at(11ms));
}

TEST_F(RouterLimits, NobodyOvertakesTheQueue) {
  settings_.max_in_flight = 1;
  settings_.queue = 5;
  Router router = make(1);
  const RouterAction first = router.on_request(request(1), at(1ms));
  router.on_request(request(2), at(1ms));
  router.on_result(first.attempt, AttemptResult::kOk, at(2ms));
  EXPECT_EQ(router.on_request(request(3), at(2ms)).kind, Kind::kNone);
  const auto sends = router.on_wake(at(2ms));
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_EQ(sends[0].request, 2U);
}

TEST_F(RouterLimits, AQueueOfZeroRefusesAtOnce) {
  settings_.max_in_flight = 1;
  settings_.queue = 0;
  Router router = make(1);
  router.on_request(request(1), at(1ms));
  EXPECT_EQ(router.on_request(request(2), at(1ms)).reason, FailureReason::kInFlightLimit);
}

TEST_F(RouterLimits, WaitingRequestsKeepTheirDeadline) {
  settings_.max_in_flight = 1;
  Router router = make(1);
  router.on_request(request(1), at(0ms));
  router.on_request(request(2, at(20ms)), at(0ms));
  router.on_request(request(3), at(0ms));
  const auto actions = run_until(router, at(20ms));
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].request, 2U);
  EXPECT_EQ(actions[0].reason, FailureReason::kDeadline);
  EXPECT_EQ(router.open_requests(), 2U);
  EXPECT_EQ(router.counters().timed_out_attempts, 0U);
}

// The request under way and one that waits expire together: the answers come first, then the next
// one goes out.
TEST_F(RouterLimits, AnswersComeBeforeSends) {
  settings_.max_in_flight = 1;
  Router router = make(1);
  router.on_request(request(1, at(20ms)), at(0ms));
  router.on_request(request(2), at(0ms));
  router.on_request(request(3, at(20ms)), at(0ms));
  const auto actions = router.on_wake(at(20ms));
  ASSERT_EQ(actions.size(), 3U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(actions[1].kind, Kind::kAnswer);
  EXPECT_EQ(actions[2].kind, Kind::kSend);
  EXPECT_EQ(actions[2].request, 2U);
}

TEST_F(RouterLimits, RequestsThatBackOffCountAsUnderWay) {
  settings_.max_in_flight = 1;
  settings_.queue = 0;
  Router router = make(2);
  const RouterAction sent = router.on_request(request(1), at(0ms));
  ASSERT_EQ(router.on_result(sent.attempt, AttemptResult::kError, at(1ms)).kind, Kind::kNone);
  EXPECT_EQ(router.on_request(request(2), at(1ms)).reason, FailureReason::kInFlightLimit);
}

TEST_F(RouterLimits, WaitingRequestsAreAnsweredWhenTheNodesAreGone) {
  settings_.max_in_flight = 1;
  Router router = make(1);
  const RouterAction sent = router.on_request(request(1), at(0ms));
  router.on_request(request(2), at(0ms));
  router.on_request(request(3), at(0ms));
  tell(router, MembershipChange::Kind::kLeave, node(0), at(1ms));
  EXPECT_EQ(router.on_result(sent.attempt, AttemptResult::kOk, at(2ms)).reason,
            FailureReason::kNone);
  const auto actions = router.on_wake(at(2ms));
  ASSERT_EQ(actions.size(), 2U);
  for (const RouterAction& action : actions) {
    EXPECT_EQ(action.reason, FailureReason::kNoHealthyNodes);
  }
  EXPECT_EQ(router.open_requests(), 0U);
}

TEST_F(RouterLimits, NodesAtTheirLimitAreLeftAlone) {
  settings_.max_in_flight_per_node = 3;
  Router router = make(2);
  std::vector<RouterAction> sent;
  for (RequestToken token = 0; token < 6; ++token) {
    sent.push_back(router.on_request(request(token), at(1ms)));
    ASSERT_EQ(sent.back().kind, Kind::kSend);
  }
  EXPECT_EQ(router.on_request(request(6), at(1ms)).reason, FailureReason::kNodeLimit);
  router.on_result(sent[0].attempt, AttemptResult::kOk, at(2ms));
  EXPECT_EQ(router.on_request(request(7), at(2ms)).node, sent[0].node);
}

TEST_F(RouterLimits, ARetryThatFindsOnlyFullNodesEndsWithTheFirstFailure) {
  settings_.max_in_flight_per_node = 1;
  Router router = make(2);
  const RouterAction a = router.on_request(request(1), at(1ms));
  router.on_request(request(2), at(1ms));
  const RouterAction action = router.on_result(a.attempt, AttemptResult::kQueueFull, at(2ms));
  EXPECT_EQ(action.kind, Kind::kAnswer);
  EXPECT_EQ(action.reason, FailureReason::kQueueFull);
}

}  // namespace
}  // namespace phoenix
