// Nodes that come, go, fail and warm up, as requests and balancers feel it.
#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using Change = MembershipChange::Kind;
using Event = PoolEvent::Kind;

constexpr PoolEventMask kEverything = 0xffffffffU;

std::vector<RouterClass> one_class() { return {RouterClass{}}; }

TEST(RouterMembership, DrainingNodesFinishWhatTheyHaveAndGetNothingNew) {
  Router router = make_router<FirstNode>(RouterSettings{}, one_class());
  join(router, 3);
  const RouterAction sent = router.on_request(request(1), at(1ms));
  ASSERT_EQ(sent.node, node(0));
  tell(router, Change::kDrain, node(0), at(2ms));
  EXPECT_EQ(router.on_request(request(2), at(3ms)).node, node(1));
  EXPECT_EQ(router.on_result(sent.attempt, AttemptResult::kOk, at(4ms)).reason,
            FailureReason::kNone);
  EXPECT_EQ(router.pool(ServiceId{0}).in_flight(node(0)), 0U);
}

// A node that left still answers; its count ends at zero, also when it comes back in between.
TEST(RouterMembership, InFlightStaysExactWhenANodeLeavesAndReturns) {
  Router router = make_router<FirstNode>(RouterSettings{}, one_class());
  join(router, 1);
  const RouterAction a = router.on_request(request(1), at(1ms));
  const RouterAction b = router.on_request(request(2), at(1ms));
  tell(router, Change::kLeave, node(0), at(2ms));
  router.on_result(a.attempt, AttemptResult::kReset, at(3ms));
  EXPECT_EQ(in_flight(router), 1U);
  join(router, 1, at(4ms));
  EXPECT_EQ(in_flight(router), 1U);
  router.on_result(b.attempt, AttemptResult::kOk, at(5ms));
  EXPECT_EQ(in_flight(router), 0U);
}

TEST(RouterMembership, DownIsForAllServicesAndLeavingForOne) {
  std::vector<std::unique_ptr<Balancer>> balancers;
  balancers.push_back(std::make_unique<FirstNode>());
  balancers.push_back(std::make_unique<FirstNode>());
  Router router(RouterSettings{}, std::move(balancers), {{ServiceId{0}}, {ServiceId{1}}},
                Random(1));
  for (const ServiceId service : {ServiceId{0}, ServiceId{1}}) {
    for (std::size_t i = 0; i < 4; ++i) {
      router.on_membership({Change::kJoin, node(i), service, 1.0, true}, kStart);
    }
  }
  router.on_membership({Change::kLeave, node(0), ServiceId{1}}, kStart);
  router.on_membership({Change::kDown, node(1)}, kStart);
  EXPECT_EQ(router.pool(ServiceId{0}).eligible().size(), 3U);
  EXPECT_EQ(router.pool(ServiceId{1}).eligible().size(), 2U);
}

TEST(RouterMembership, AnEjectedNodeReturnsByItself) {
  Router router = make_router<FirstNode>(RouterSettings{}, one_class());
  join(router, 10);
  for (int i = 0; i < 5; ++i) {
    RequestInfo info = request(1);
    info.repeatable = false;
    const RouterAction sent = router.on_request(info, at(500ms));
    ASSERT_EQ(sent.node, node(0));
    router.on_result(sent.attempt, AttemptResult::kError, at(500ms));
  }
  EXPECT_EQ(router.on_request(request(2), at(501ms)).node, node(1));
  run_until(router, at(30'499ms));
  EXPECT_EQ(router.on_request(request(3), at(30'499ms)).node, node(1));
  run_until(router, at(30'500ms));
  EXPECT_EQ(router.on_request(request(4), at(30'500ms)).node, node(0));
  EXPECT_EQ(router.counters().ejections, 1U);
  const auto notices = router.take_notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, RouterNotice::Kind::kEjected);
  EXPECT_EQ(notices[1].at, at(30'500ms));
  EXPECT_TRUE(router.take_notices().empty());
}

TEST(RouterMembership, AShortEjectionIsOverOnTime) {
  RouterSettings settings;
  settings.consecutive_errors = 1;
  settings.ejection_time = 150ms;
  Router router = make_router<FirstNode>(settings, one_class());
  join(router, 10);
  RequestInfo info = request(1);
  info.repeatable = false;
  const RouterAction sent = router.on_request(info, at(10ms));
  router.on_result(sent.attempt, AttemptResult::kError, at(20ms));
  EXPECT_FALSE(router.pool(ServiceId{0}).is_eligible(sent.node));
  EXPECT_EQ(router.next_wake(), at(170ms));
  router.on_wake(at(170ms));
  EXPECT_TRUE(router.pool(ServiceId{0}).is_eligible(sent.node));
}

// Ten nodes with 200 requests each, every third of one node's fails: never five in a row.
TEST(RouterMembership, TheSweepEjectsWhatRunsOfErrorsMiss) {
  Router router = make_router<LeastCost>(RouterSettings{}, one_class());
  join(router, 10);
  for (int round = 0; round < 200; ++round) {
    std::vector<RouterAction> sent;
    for (RequestToken token = 0; token < 10; ++token) {
      RequestInfo info = request(token);
      info.repeatable = false;
      sent.push_back(router.on_request(info, at(1s)));
    }
    for (const RouterAction& action : sent) {
      const bool fails = action.node == node(4) && round % 3 == 0;
      router.on_result(action.attempt, fails ? AttemptResult::kError : AttemptResult::kOk, at(1s));
    }
  }
  run_until(router, at(9999ms));
  EXPECT_TRUE(router.pool(ServiceId{0}).is_eligible(node(4)));
  run_until(router, at(10s));
  EXPECT_FALSE(router.pool(ServiceId{0}).is_eligible(node(4)));
  const auto notices = router.take_notices();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_STREQ(notices[0].why, "success_rate");
  EXPECT_DOUBLE_EQ(notices[0].value, 133.0 / 200);
}

TEST(RouterMembership, PoolEventsTellWhatHappenedToTheAttempt) {
  std::vector<PoolEvent> heard;
  Router router = make_router<Listener>(RouterSettings{}, one_class(), kEverything, heard);
  join(router, 2);
  RequestInfo info = request(1);
  info.size = 3.5;
  router.on_request(info, at(1ms));
  const RouterAction sent = router.on_request(info, at(2ms));
  heard.clear();
  router.on_result(sent.attempt, AttemptResult::kOk, at(12ms));
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].kind, Event::kDone);
  EXPECT_EQ(heard[0].node, node(0));
  EXPECT_EQ(heard[0].now, at(12ms));
  EXPECT_EQ(heard[0].latency, 10ms);
  EXPECT_TRUE(heard[0].ok);
  EXPECT_EQ(heard[0].in_flight_when_sent, 1U);
  EXPECT_EQ(heard[0].size, 3.5F);
}

TEST(RouterMembership, ATimedOutAttemptTellsTheTimeItHeld) {
  std::vector<PoolEvent> heard;
  Router router = make_router<Listener>(RouterSettings{}, {{ServiceId{0}, 100ms}},
                                        mask_of(Event::kDone), heard);
  join(router, 1);
  router.on_request(request(1), at(0ms));
  router.on_wake(at(100ms));
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].latency, 100ms);
  EXPECT_FALSE(heard[0].ok);
}

TEST(RouterMembership, ABalancerHearsOnlyWhatItAskedFor) {
  std::vector<PoolEvent> heard;
  Router router = make_router<Listener>(RouterSettings{}, one_class(),
                                        mask_of(Event::kLeft) | mask_of(Event::kTick), heard);
  join(router, 3);
  const RouterAction sent = router.on_request(request(1), at(1ms));
  router.on_result(sent.attempt, AttemptResult::kOk, at(2ms));
  router.on_report(node(0), LoadReport{}, at(3ms));
  tell(router, Change::kLeave, node(2), at(4ms));
  run_until(router, at(2500ms));
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_EQ(heard[0].kind, Event::kLeft);
  EXPECT_EQ(heard[0].node, node(2));
  EXPECT_EQ(heard[1].kind, Event::kTick);
  EXPECT_EQ(heard[1].now, at(1s));
  EXPECT_EQ(heard[2].now, at(2s));
}

TEST(RouterMembership, ANewBalancerIsShownTheEligibleNodesAndNoRequestIsLost) {
  Router router = make_router<LeastCost>(RouterSettings{}, one_class());
  join(router, 4);
  std::vector<RouterAction> sent;
  for (RequestToken token = 0; token < 8; ++token) {
    sent.push_back(router.on_request(request(token), at(1ms)));
  }
  tell(router, Change::kDrain, node(2), at(2ms));
  std::vector<PoolEvent> heard;
  router.set_balancer(ServiceId{0}, std::make_unique<Listener>(kEverything, heard), at(3ms));
  ASSERT_EQ(heard.size(), 3U);
  const NodeId expected[] = {node(0), node(1), node(3)};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(heard[i].kind, Event::kEntered);
    EXPECT_EQ(heard[i].node, expected[i]);
    EXPECT_EQ(router.pool(ServiceId{0}).in_flight(expected[i]), 2U);
  }
  for (const RouterAction& action : sent) {
    EXPECT_EQ(router.on_result(action.attempt, AttemptResult::kOk, at(4ms)).kind,
              RouterAction::Kind::kAnswer);
  }
  EXPECT_EQ(in_flight(router), 0U);
}

// A balancer that is blind to weights draws uniformly among n = 10. The warming node, share s =
// 0.1, keeps s of its picks; of the rest, 1 in n comes back to it: (s + (1 - s) / n) / n = 0.019.
// 5 standard errors at 100,000 requests: 5 * sqrt(0.019 * 0.981 / 1e5) = 0.0022.
TEST(RouterSlowStart, PicksOfAWarmingNodeAreThinned) {
  Router router = make_router<Uniform>(RouterSettings{}, one_class());
  join(router, 9);
  router.on_membership({Change::kJoin, node(9)}, at(0ms));
  int warming = 0;
  for (int i = 0; i < 100'000; ++i) {
    const RouterAction sent = router.on_request(request(1), at(500ms));
    warming += sent.node == node(9) ? 1 : 0;
    router.on_result(sent.attempt, AttemptResult::kOk, at(500ms));
  }
  EXPECT_NEAR(warming / 1e5, 0.019, 0.0022);
  EXPECT_NEAR(static_cast<double>(router.counters().slow_start_repicks) / 1e5, 0.09, 0.005);
}

TEST(RouterSlowStart, WhenAllNodesWarmNoneIsThinned) {
  Router router = make_router<Uniform>(RouterSettings{}, one_class());
  join(router, 10, kStart, /*warm=*/false);
  for (int i = 0; i < 1000; ++i) router.on_request(request(1), at(500ms));
  EXPECT_EQ(router.counters().slow_start_repicks, 0U);
}

// One request a second for twice the window: the warming node is reached before the ramp has ended.
// Its chance in any second is at least 1/2 * (0.1 + 0.9 / 2) = 0.275; 20 misses in a row: 0.2 %.
TEST(RouterSlowStart, AtOneRequestASecondNobodyStarves) {
  Router router = make_router<Uniform>(RouterSettings{}, one_class());
  join(router, 1);
  router.on_membership({Change::kJoin, node(1)}, at(0ms));
  int reached = 0;
  for (int second = 1; second <= 20; ++second) {
    const Time now = at(std::chrono::seconds(second));
    run_until(router, now);
    const RouterAction sent = router.on_request(request(1), now);
    reached += sent.node == node(1) ? 1 : 0;
    router.on_result(sent.attempt, AttemptResult::kOk, now);
  }
  EXPECT_GT(reached, 0);
}

TEST(RouterSlowStart, WeightsReachTheConfiguredValueTickByTick) {
  std::vector<PoolEvent> heard;
  Router router =
      make_router<Listener>(RouterSettings{}, one_class(), mask_of(Event::kWeight), heard);
  join(router, 1, kStart, /*warm=*/false);
  heard.clear();
  run_until(router, at(15s));
  // 1 s is 0.1 as before; then 0.2 at 2 s to 1.0 at 10 s.
  ASSERT_EQ(heard.size(), 9U);
  EXPECT_EQ(heard.front().now, at(2s));
  EXPECT_EQ(heard.back().now, at(10s));
  EXPECT_NEAR(router.pool(ServiceId{0}).weight(node(0)), 1.0, 1e-6);
}

TEST(RouterReports, AreKeptByThePoolAndTheirAgeDecidesOnTicks) {
  RouterSettings settings;
  settings.report_timeout = 2500ms;
  Router router = make_router<FirstNode>(settings, one_class());
  join(router, 3);
  for (int second = 1; second <= 5; ++second) {
    const Time now = at(std::chrono::seconds(second));
    LoadReport report;
    report.measured_at = now;
    report.cpu = 0.5F;
    for (const NodeId of : {node(1), node(2)}) router.on_report(of, report, now);
    run_until(router, now);
    const NodeId expected = second < 3 ? node(0) : node(1);
    EXPECT_EQ(router.on_request(request(1), now).node, expected) << second;
  }
  ASSERT_NE(router.pool(ServiceId{0}).report(node(1)), nullptr);
  EXPECT_EQ(router.pool(ServiceId{0}).report(node(1))->measured_at, at(5s));
  EXPECT_EQ(router.pool(ServiceId{0}).report(node(0)), nullptr);
}

TEST(RouterReports, AreOfUseToABalancerThatListensOrToATimeout) {
  std::vector<PoolEvent> heard;
  EXPECT_FALSE(make_router<FirstNode>(RouterSettings{}, one_class()).uses_reports());
  EXPECT_TRUE(make_router<Listener>(RouterSettings{}, one_class(), mask_of(Event::kReport), heard)
                  .uses_reports());
  RouterSettings settings;
  settings.report_timeout = 5s;
  EXPECT_TRUE(make_router<FirstNode>(settings, one_class()).uses_reports());
}

TEST(RouterTicks, AWorldThatComesLateGetsOneTickNotMany) {
  std::vector<PoolEvent> heard;
  Router router =
      make_router<Listener>(RouterSettings{}, one_class(), mask_of(Event::kTick), heard);
  router.on_wake(at(5500ms));
  EXPECT_EQ(heard.size(), 1U);
  EXPECT_EQ(router.next_wake(), at(6s));
}

}  // namespace
}  // namespace phoenix
