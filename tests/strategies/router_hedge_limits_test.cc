// Which requests get a second copy, when, and when not.
#include "tests/strategies/router_hedge_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Kind = RouterAction::Kind;
using enum AttemptResult;

class RouterHedgeLimits : public RouterHedge {};

TEST_F(RouterHedgeLimits, IsOffUnlessAskedFor) {
  settings_ = {};
  Router router = taught(2);
  router.on_request(request(1), kTaught);
  expect_nothing_until(router, kTaught + 100s);
  EXPECT_EQ(router.counters().hedges_denied, 0U);
  EXPECT_EQ(router.open_requests(), 1U);
}

TEST_F(RouterHedgeLimits, WaitsUntilItKnowsWhatIsSlow) {
  Router router = make(2);
  router.on_request(request(1), kStart);
  expect_nothing_until(router, at(60s));
  EXPECT_EQ(router.counters().hedges_denied, 0U);
}

TEST_F(RouterHedgeLimits, AnAnswerInTimeHasNoSecondCopy) {
  Router router = taught(2);
  const RouterAction sent = router.on_request(request(1), kTaught);
  EXPECT_EQ(router.on_result(sent.attempt, kOk, kTaught + kDelay - 1ns).kind, Kind::kAnswer);
  expect_nothing_until(router, kTaught + 10s);
}

// The slower ones among many that overlap are found, and only they.
TEST_F(RouterHedgeLimits, EveryRequestIsJudgedByItsOwnAge) {
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

TEST_F(RouterHedgeLimits, NothingIsSentAtOrAfterTheDeadline) {
  Router router = taught(2);
  router.on_request(request(7, kTaught + kDelay), kTaught);
  const auto actions = router.on_wake(kTaught + 1s);
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(actions[0].kind, Kind::kAnswer);
  EXPECT_EQ(router.counters().hedges, 0U);
}

TEST_F(RouterHedgeLimits, WhatMustNotBeRepeatedHasNoSecondCopy) {
  Router router = taught(2);
  RequestInfo once = request(7);
  once.repeatable = false;
  router.on_request(once, kTaught);
  expect_nothing_until(router, kTaught + 10s);
  EXPECT_EQ(router.counters().hedges_denied, 0U);
}

TEST_F(RouterHedgeLimits, WithoutAnotherNodeThereIsNoSecondCopy) {
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

TEST_F(RouterHedgeLimits, ABalancerThatInsistsOnTheSlowNodeIsOverruled) {
  Router router = make_router<FirstNode>(settings_, {RouterClass{}});
  join(router, 3);
  teach(router);
  EXPECT_EQ(router.on_request(request(7), kTaught).node, node(0));
  EXPECT_NE(copy_of(router).node, node(0));
}

TEST_F(RouterHedgeLimits, ANodeAtItsLimitGetsNoSecondCopy) {
  settings_.max_in_flight_per_node = 1;
  Router router = taught(2);
  router.on_request(request(1), kTaught);
  router.on_request(request(2), kTaught);
  expect_nothing_until(router, kTaught + 10s);
  EXPECT_EQ(router.counters().hedges_denied, 2U);
}

TEST_F(RouterHedgeLimits, IsOffWhileTheNodesReportMoreThanTheUtilizationAllowed) {
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

TEST_F(RouterHedgeLimits, IsOnAgainWhenTheUtilizationHasFallen) {
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

TEST_F(RouterHedgeLimits, WithoutABoundOnUtilizationReportsAreNotNeeded) {
  settings_.hedge_max_utilization = 1;
  EXPECT_FALSE(make(2).uses_reports());
}

// Every request is slow, at 1,000/s for 60 s: second copies stay below 20 % of the requests plus
// the reserve of 10/s, over the run and one window.
TEST_F(RouterHedgeLimits, WhenEverythingIsSlowTheBudgetBoundsIt) {
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

TEST_F(RouterHedgeLimits, WithoutBudgetThereIsNone) {
  settings_.retry_budget = settings_.retry_reserve_per_s = 0;
  Router router = taught(2);
  router.on_request(request(7), kTaught);
  expect_nothing_until(router, kTaught + 10s);
  EXPECT_EQ(router.counters().hedges_denied, 1U);
}

// One class takes 10 ms, the other 100: each is slow by its own measure.
TEST_F(RouterHedgeLimits, WhatIsSlowIsLearntForEachClass) {
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

// First attempts take 100 ms, second copies 1: were those counted, half of all would be quick and
// the median with them.
TEST_F(RouterHedgeLimits, SecondCopiesDoNotCountForWhatIsSlow) {
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

}  // namespace
}  // namespace phoenix
