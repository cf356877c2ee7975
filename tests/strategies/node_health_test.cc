// Which nodes may get requests: ejection, panic, slow start, stale reports.
#include <gtest/gtest.h>

#include "strategies/routing/journal.h"
#include "strategies/routing/outlier_filter.h"
#include "strategies/routing/service_nodes.h"
#include "strategies/routing/slow_start.h"
#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::node;
using Kind = MembershipChange::Kind;

// Source of the numbers: Envoy's formula with a window of 60 s and aggression 1.
TEST(SlowStartTest, TheShareGrowsLinearlyFromTheMinimum) {
  EXPECT_DOUBLE_EQ(slow_start_share(0s, 60s, 0.1), 0.10);
  EXPECT_DOUBLE_EQ(slow_start_share(1s, 60s, 0.1), 0.10);
  EXPECT_DOUBLE_EQ(slow_start_share(15s, 60s, 0.1), 0.25);
  EXPECT_DOUBLE_EQ(slow_start_share(30s, 60s, 0.1), 0.50);
  EXPECT_DOUBLE_EQ(slow_start_share(45s, 60s, 0.1), 0.75);
  EXPECT_DOUBLE_EQ(slow_start_share(60s, 60s, 0.1), 1.0);
}

TEST(SlowStartTest, TheFirstSecondCountsAsAWholeOne) {
  EXPECT_DOUBLE_EQ(slow_start_share(0s, 5s, 0.1), 0.2);
  EXPECT_DOUBLE_EQ(slow_start_share(999ms, 5s, 0.1), 0.2);
  EXPECT_DOUBLE_EQ(slow_start_share(0s, 500ms, 0.1), 1.0);
}

// mean 0.936667, population stdev 0.106092, limit 0.735091.
TEST(OutlierFilterTest, TheLimitIsMeanMinusStdevs) {
  const std::vector<double> rates{0.99, 0.98, 0.99, 0.97, 0.99, 0.70};
  EXPECT_NEAR(success_rate_limit(rates, 1.9), 0.735091, 1e-6);
}

class Outliers : public ::testing::Test {
 protected:
  OutlierFilter make(std::size_t nodes, const RouterSettings& settings = {}) {
    OutlierFilter filter(settings);
    for (std::size_t i = 0; i < nodes; ++i) filter.add(node(i));
    return filter;
  }
  static void feed(OutlierFilter& filter, NodeId of, int total, int succeeded) {
    for (int i = 0; i < total; ++i) filter.record(of, i < succeeded);
  }
};

TEST_F(Outliers, TheWorstOfSixIsFoundByItsSuccessRate) {
  OutlierFilter filter = make(6);
  const int succeeded[] = {99, 98, 99, 97, 99, 70};
  for (std::size_t i = 0; i < 6; ++i) feed(filter, node(i), 100, succeeded[i]);
  const auto found = filter.sweep();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].node, node(5));
  EXPECT_DOUBLE_EQ(found[0].success_rate, 0.70);
}

// One bad node of n lies at most sqrt(n - 1) deviations below the mean: 1.73 of four, 2.0 of five.
TEST_F(Outliers, FourNodesAreTooFewToJudgeAndFiveAreEnough) {
  for (const std::size_t nodes : {4U, 5U}) {
    OutlierFilter filter = make(nodes);
    for (std::size_t i = 0; i < nodes; ++i) feed(filter, node(i), 100, i == 0 ? 0 : 100);
    EXPECT_EQ(filter.sweep().size(), nodes == 5 ? 1U : 0U);
  }
}

TEST_F(Outliers, NodesWithFewRequestsAreNeitherJudgedNorCompared) {
  OutlierFilter filter = make(6);
  for (std::size_t i = 0; i < 5; ++i) feed(filter, node(i), 100, 100);
  feed(filter, node(5), 99, 0);
  EXPECT_TRUE(filter.sweep().empty());
}

TEST_F(Outliers, EveryIntervalStartsFromZero) {
  OutlierFilter filter = make(6);
  for (std::size_t i = 0; i < 6; ++i) feed(filter, node(i), 100, i == 0 ? 0 : 100);
  EXPECT_EQ(filter.sweep().size(), 1U);
  EXPECT_TRUE(filter.sweep().empty());
}

TEST_F(Outliers, EqualRatesEjectNobody) {
  OutlierFilter filter = make(8);
  for (std::size_t i = 0; i < 8; ++i) feed(filter, node(i), 100, 0);
  EXPECT_TRUE(filter.sweep().empty());
}

TEST_F(Outliers, ARunOfErrorsIsBrokenByOneSuccess) {
  OutlierFilter filter = make(1);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(filter.record(node(0), false));
  EXPECT_FALSE(filter.record(node(0), true));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(filter.record(node(0), false));
  EXPECT_TRUE(filter.record(node(0), false));
}

TEST_F(Outliers, SevenNodesMayLoseOneAndTwentyMayLoseTwo) {
  for (const auto& [members, most] :
       {std::pair{1U, 1U}, {7U, 1U}, {19U, 1U}, {20U, 2U}, {30U, 3U}}) {
    OutlierFilter filter = make(members);
    std::size_t out = 0;
    for (std::size_t i = 0; i < members; ++i) out += filter.eject(node(i), members, kStart) ? 1 : 0;
    EXPECT_EQ(out, most) << members;
  }
}

// 30, 60, ... 300, 300: a node that is ejected again at once.
TEST_F(Outliers, EjectionsGetLongerUpToTheBound) {
  OutlierFilter filter = make(2);
  Time now = kStart;
  for (int n = 1; n <= 12; ++n) {
    ASSERT_TRUE(filter.eject(node(0), 2, now));
    const Duration expected = std::min<Duration>(n * 30s, 300s);
    EXPECT_EQ(filter.next_return(), now + expected) << n;
    EXPECT_EQ(filter.take_returning(now + expected - 1ns), kNoNode);
    now += expected;
    EXPECT_EQ(filter.take_returning(now), node(0));
    EXPECT_FALSE(filter.is_ejected(node(0)));
  }
}

// The interval in which the node came back is not a clean one; the second after it is the first.
TEST_F(Outliers, EveryCleanIntervalForgetsOneEjection) {
  OutlierFilter filter = make(2);
  Time now = kStart;
  for (int n = 0; n < 3; ++n) {
    filter.eject(node(0), 2, now);
    now = filter.next_return();
    filter.take_returning(now);
  }
  filter.sweep();
  filter.sweep();
  filter.eject(node(0), 2, now);
  EXPECT_EQ(filter.next_return(), now + 90s);  // 3 - 1 + 1 ejections
}

TEST_F(Outliers, AnIntervalThatEndsWithAnEjectionIsNotClean) {
  OutlierFilter filter = make(6);
  Time now = kStart;
  const auto fail_and_sweep = [&] {
    for (std::size_t i = 0; i < 6; ++i) feed(filter, node(i), 100, i == 0 ? 0 : 100);
    for (const auto& outlier : filter.sweep()) filter.eject(outlier.node, 6, now);
  };
  fail_and_sweep();
  EXPECT_EQ(filter.next_return(), now + 30s);
  now = filter.next_return();
  filter.take_returning(now);
  filter.sweep();
  fail_and_sweep();
  EXPECT_EQ(filter.next_return(), now + 60s);
}

TEST_F(Outliers, AnEjectedNodeThatLeavesMakesRoomForAnother) {
  OutlierFilter filter = make(3);
  EXPECT_TRUE(filter.eject(node(0), 3, kStart));
  EXPECT_FALSE(filter.eject(node(1), 3, kStart));
  filter.remove(node(0));
  EXPECT_EQ(filter.next_return(), kNever);
  EXPECT_TRUE(filter.eject(node(1), 2, kStart));
}

class Health : public ::testing::Test {
 protected:
  ServiceNodes& make(std::size_t nodes, bool warm = true) {
    nodes_ = std::make_unique<ServiceNodes>(settings_, ServiceId{0},
                                            std::make_unique<testing::LeastCost>(), journal_);
    for (std::size_t i = 0; i < nodes; ++i) change(Kind::kJoin, node(i), kStart, 1.0, warm);
    return *nodes_;
  }
  void change(Kind kind, NodeId of, Time now, double weight = 1.0, bool warm = true) {
    nodes_->change({kind, of, ServiceId{0}, weight, warm}, now);
  }
  std::size_t eligible() const { return nodes_->pool().eligible().size(); }
  void fail(NodeId of, int times, Time now) {
    for (int i = 0; i < times; ++i) {
      nodes_->sent(of, RequestInfo{}, now);
      nodes_->finished({of, 1ms, false, true, ClassId{0}, 0, 1.0}, now);
    }
  }

  RouterSettings settings_;
  Journal journal_;
  std::unique_ptr<ServiceNodes> nodes_;
};

TEST_F(Health, ExactlyHalfHealthyIsNoPanic) {
  make(10);
  for (std::size_t i = 0; i < 5; ++i) change(Kind::kDown, node(i), kStart);
  EXPECT_FALSE(nodes_->in_panic());
  EXPECT_EQ(eligible(), 5U);
  change(Kind::kDown, node(5), kStart);
  EXPECT_TRUE(nodes_->in_panic());
  EXPECT_EQ(eligible(), 10U);
}

// 0.55 * 20 = 11: ten healthy of twenty are not enough to leave panic, eleven are.
TEST_F(Health, PanicEndsLaterThanItBegan) {
  make(20);
  for (std::size_t i = 0; i < 11; ++i) change(Kind::kDown, node(i), kStart);
  EXPECT_TRUE(nodes_->in_panic());
  change(Kind::kUp, node(0), at(1s));
  EXPECT_TRUE(nodes_->in_panic());
  change(Kind::kUp, node(1), at(1s));
  EXPECT_FALSE(nodes_->in_panic());
  EXPECT_EQ(eligible(), 11U);
  const auto notices = journal_.take_notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, RouterNotice::Kind::kPanic);
  EXPECT_DOUBLE_EQ(notices[0].value, 9.0 / 20);
  EXPECT_EQ(notices[1].kind, RouterNotice::Kind::kPanicOver);
}

TEST_F(Health, DrainingNodesStayOutEvenInPanic) {
  make(10);
  change(Kind::kDrain, node(0), kStart);
  for (std::size_t i = 1; i < 6; ++i) change(Kind::kDown, node(i), kStart);
  EXPECT_TRUE(nodes_->in_panic());
  EXPECT_EQ(eligible(), 9U);
  EXPECT_FALSE(nodes_->pool().is_eligible(node(0)));
}

TEST_F(Health, WithoutPanicNothingIsEligibleWhenAllAreDown) {
  settings_.panic_threshold = 0;
  make(3);
  for (std::size_t i = 0; i < 3; ++i) change(Kind::kDown, node(i), kStart);
  EXPECT_FALSE(nodes_->in_panic());
  EXPECT_EQ(eligible(), 0U);
}

TEST_F(Health, FiveErrorsInARowEjectForThirtySecondsAndSlowStartFollows) {
  make(10);
  fail(node(3), 4, at(1s));
  EXPECT_TRUE(nodes_->pool().is_eligible(node(3)));
  fail(node(3), 1, at(1s));
  EXPECT_FALSE(nodes_->pool().is_eligible(node(3)));
  EXPECT_EQ(nodes_->next_return(), at(31s));
  nodes_->readmit(at(31s));
  EXPECT_TRUE(nodes_->pool().is_eligible(node(3)));
  EXPECT_NEAR(nodes_->pool().weight(node(3)), 0.1, 1e-6);
  const auto notices = journal_.take_notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_STREQ(notices[0].why, "consecutive_errors");
  EXPECT_DOUBLE_EQ(notices[0].value, 5);
  EXPECT_EQ(notices[1].kind, RouterNotice::Kind::kReadmitted);
}

TEST_F(Health, RefusalsSayNothingOfHealth) {
  make(2);
  for (int i = 0; i < 50; ++i) {
    nodes_->sent(node(0), RequestInfo{}, kStart);
    nodes_->finished({node(0), 1ms, false, false, ClassId{0}, 0, 1.0}, kStart);
  }
  EXPECT_EQ(eligible(), 2U);
}

TEST_F(Health, WhenEverybodyFailsOnlyTheShareIsEjected) {
  make(20);
  for (std::size_t i = 0; i < 20; ++i) fail(node(i), 50, at(1s));
  nodes_->sweep(at(10s));
  EXPECT_EQ(eligible(), 18U);
  EXPECT_FALSE(nodes_->in_panic());
}

TEST_F(Health, SweepsEjectTheNodeThatFailsMoreThanTheOthers) {
  make(10);
  for (std::size_t i = 0; i < 10; ++i) {
    for (int n = 0; n < 200; ++n) {
      nodes_->sent(node(i), RequestInfo{}, at(1s));
      nodes_->finished({node(i), 1ms, i != 4 || n % 3 != 0, true, ClassId{0}, 0, 1.0}, at(1s));
    }
  }
  nodes_->sweep(at(10s));
  EXPECT_EQ(eligible(), 9U);
  EXPECT_FALSE(nodes_->pool().is_eligible(node(4)));
  EXPECT_EQ(journal_.counters.ejections, 1U);
}

TEST_F(Health, ATickMovesTheRampAndItEndsAtTheConfiguredWeight) {
  settings_.slow_start = 60s;
  make(0);
  change(Kind::kJoin, node(0), kStart, 4.0, false);
  const auto weight = [&](Duration age) {
    nodes_->tick(at(age));
    return nodes_->pool().weight(node(0));
  };
  EXPECT_NEAR(weight(1s), 0.4, 1e-6);
  EXPECT_NEAR(weight(15s), 1.0, 1e-6);
  EXPECT_NEAR(weight(45s), 3.0, 1e-6);
  EXPECT_NEAR(weight(60s), 4.0, 1e-6);
}

TEST_F(Health, ANewWeightKeepsTheRampAndAWarmNodeHasNone) {
  settings_.slow_start = 60s;
  make(1);
  EXPECT_NEAR(nodes_->pool().weight(node(0)), 1.0, 1e-6);
  change(Kind::kJoin, node(1), kStart, 1.0, false);
  nodes_->tick(at(30s));
  change(Kind::kWeight, node(1), at(30s), 8.0);
  EXPECT_NEAR(nodes_->pool().weight(node(1)), 4.0, 1e-6);
}

TEST_F(Health, JoiningAgainOnlyTakesTheWeightOver) {
  make(1);
  nodes_->sent(node(0), RequestInfo{}, kStart);
  change(Kind::kJoin, node(0), at(1s), 2.0, false);
  EXPECT_EQ(nodes_->pool().in_flight(node(0)), 1U);
  EXPECT_NEAR(nodes_->pool().weight(node(0)), 2.0, 1e-6);
  EXPECT_EQ(eligible(), 1U);
}

TEST_F(Health, ANodeKnownToBeDownIsNotEligibleWhenItJoins) {
  make(3);
  change(Kind::kDown, node(7), kStart);
  change(Kind::kJoin, node(7), at(1s));
  EXPECT_FALSE(nodes_->pool().is_eligible(node(7)));
  change(Kind::kUp, node(7), at(2s));
  EXPECT_TRUE(nodes_->pool().is_eligible(node(7)));
}

TEST_F(Health, ANodeThatStopsReportingIsOutUntilItReportsAgain) {
  settings_.report_timeout = 3s;
  make(3);
  for (int second = 1; second <= 10; ++second) {
    const Time now = at(std::chrono::seconds(second));
    LoadReport report;
    report.measured_at = now;
    nodes_->report(node(0), report, now);
    nodes_->report(node(1), report, now);
    nodes_->tick(now);
    EXPECT_EQ(nodes_->pool().is_eligible(node(2)), second <= 3) << second;
  }
  LoadReport old;
  old.measured_at = at(6s);
  nodes_->report(node(2), old, at(10s));
  EXPECT_FALSE(nodes_->pool().is_eligible(node(2)));
  LoadReport fresh;
  fresh.measured_at = at(9s);
  nodes_->report(node(2), fresh, at(10s));
  EXPECT_TRUE(nodes_->pool().is_eligible(node(2)));
  const auto notices = journal_.take_notices();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0].kind, RouterNotice::Kind::kStale);
  EXPECT_DOUBLE_EQ(notices[0].value, 4);
  EXPECT_EQ(notices[1].kind, RouterNotice::Kind::kFresh);
}

}  // namespace
}  // namespace phoenix
