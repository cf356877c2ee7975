// The two baselines against their published behaviour: HPA's proportional rule with tolerance,
// missing metrics, stabilisation and rates; KPA's stable and panic windows.
#include <chrono>

#include <gmock/gmock.h>

#include "strategies/scaling/change_rate.h"
#include "strategies/scaling/hpa_rule.h"
#include "strategies/scaling/kpa_rule.h"
#include "strategies/scaling/stabiliser.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::error_of;
using phoenix::testing::scaler_of;
using phoenix::testing::Scene;
using phoenix::testing::wish_of;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

int proposed(std::vector<double> values, double target, int unready = 0) {
  const int current = static_cast<int>(values.size()) + unready;
  return hpa_proposal(values, unready, target, current, 0.1).desired;
}

TEST(HpaRule, ProportionRoundedUp) {
  EXPECT_EQ(proposed(std::vector<double>(50, 90), 75), 60);
  EXPECT_EQ(proposed(std::vector<double>(3, 0.2), 0.1), 6);  // not 7 by rounding
  EXPECT_EQ(proposed(std::vector<double>(4, 0), 0.5), 0);    // idle; the minimum is a bound's
}

TEST(HpaRule, ToleranceHoldsAtItsEdge) {
  EXPECT_EQ(proposed(std::vector<double>(10, 1.1), 1.0), 10);
  EXPECT_EQ(proposed(std::vector<double>(10, 0.9), 1.0), 10);
  EXPECT_EQ(proposed(std::vector<double>(10, 1.12), 1.0), 12);
  EXPECT_EQ(proposed(std::vector<double>(10, 0.88), 1.0), 9);
}

TEST(HpaRule, MissingMetricsAreTakenCautiously) {
  std::vector<double> high(10, 90);
  high[8] = high[9] = kMissing;
  const HpaProposal grows = hpa_proposal(high, 0, 50, 10, 0.1);
  EXPECT_DOUBLE_EQ(grows.ratio, 1.8);
  EXPECT_DOUBLE_EQ(grows.corrected, 1.44);
  EXPECT_EQ(grows.desired, 15);
  std::vector<double> low(10, 30);
  low[8] = low[9] = kMissing;
  const HpaProposal shrinks = hpa_proposal(low, 0, 50, 10, 0.1);
  EXPECT_DOUBLE_EQ(shrinks.ratio, 0.6);
  EXPECT_DOUBLE_EQ(shrinks.corrected, 0.68);
  EXPECT_EQ(shrinks.desired, 7);
}

TEST(HpaRule, ACorrectionThatTurnsTheDirectionChangesNothing) {
  // One of three at 1.5 times the target: 0.5 once the others count 0.
  EXPECT_EQ(proposed({1.5, kMissing, kMissing}, 1), 3);
  // 1.3 of 4 of 5: 1.04 is within the tolerance.
  EXPECT_EQ(proposed({1.3, 1.3, 1.3, 1.3, kMissing}, 1), 5);
  EXPECT_EQ(proposed({kMissing, kMissing}, 1), HpaProposal::kUnknown);
}

TEST(HpaRule, NodesThatAreNotReadyCountNothingWhenGrowing) {
  EXPECT_EQ(proposed(std::vector<double>(8, 90), 50, 2), 15);
  EXPECT_EQ(proposed(std::vector<double>(8, 30), 50, 2), 5);  // ignored when shrinking
}

TEST(ChangeRate, GrowthIsDoublingOrFourPerPeriod) {
  const RatePolicy policy{100, 4, seconds(15), RatePolicy::kMax};
  ChangeRate rate;
  EXPECT_EQ(rate.most(10, at_s(0), policy), 20);
  EXPECT_EQ(rate.most(2, at_s(0), policy), 6);
  EXPECT_EQ(rate.most(0, at_s(0), policy), 4);
  rate.record(at_s(0), 10);
  EXPECT_EQ(rate.most(20, at_s(14), policy), 20);  // the period's allowance is used up
  EXPECT_EQ(rate.most(20, at_s(15), policy), 40);
}

TEST(ChangeRate, PoliciesCombineByMaxMinOrNotAtAll) {
  RatePolicy policy{50, 2, seconds(15), RatePolicy::kMax};
  const ChangeRate rate;
  EXPECT_EQ(rate.most(10, kStart, policy), 15);
  EXPECT_EQ(rate.fewest(10, kStart, policy), 5);
  policy.select = RatePolicy::kMin;
  EXPECT_EQ(rate.most(10, kStart, policy), 12);
  EXPECT_EQ(rate.fewest(10, kStart, policy), 8);
  policy.select = RatePolicy::kDisabled;
  EXPECT_EQ(rate.most(10, kStart, policy), 10);
  EXPECT_EQ(rate.fewest(10, kStart, policy), 10);
}

TEST(Stabiliser, ShrinksToTheMostAndGrowsToTheLeast) {
  Stabiliser wishes;
  wishes.record(at_s(0), 9, seconds(300));
  wishes.record(at_s(100), 4, seconds(300));
  EXPECT_EQ(wishes.bounded(4, 12, at_s(100), seconds(0), seconds(300)), 9);
  EXPECT_EQ(wishes.bounded(4, 12, at_s(100), seconds(0), seconds(50)), 4);
  wishes.record(at_s(301), 5, seconds(300));
  EXPECT_EQ(wishes.bounded(5, 12, at_s(301), seconds(0), seconds(300)), 5);  // the 9 is too old
  wishes.record(at_s(310), 20, seconds(300));
  EXPECT_EQ(wishes.bounded(20, 12, at_s(310), seconds(0), seconds(300)), 20);
  EXPECT_EQ(wishes.bounded(20, 3, at_s(310), seconds(300), seconds(0)), 4);
}

TEST(Hpa, StabilisationNeverBlocksGrowth) {
  const auto rule = scaler_of("hpa");
  const auto wished = [&](double at, double cpu, int nodes) {
    Scene scene(nodes);
    scene.view.now = at_s(at);
    return rule->wish(scene.with(metric::kCpu, cpu).seen()).desired;
  };
  EXPECT_EQ(wished(0, 0.75, 10), 10);
  EXPECT_EQ(wished(15, 0.15, 10), 10);  // the 10 of 15 s ago
  EXPECT_EQ(wished(30, 0.95, 10), 13);
  EXPECT_EQ(wished(300, 0.15, 13), 13);
  EXPECT_EQ(wished(331, 0.15, 13), 3);  // the 13 has left the window
}

TEST(Hpa, GrowthIsLimitedPerPeriod) {
  Scene scene(10);
  EXPECT_EQ(wish_of("hpa[cpu=0.1]", scene.with(metric::kCpu, 1)).desired, 20);
  Scene small(2);
  EXPECT_EQ(wish_of("hpa[cpu=0.1]", small.with(metric::kCpu, 1)).desired, 6);
  Scene slow(10);
  EXPECT_EQ(wish_of("hpa[cpu=0.1, out_select=disabled]", slow.with(metric::kCpu, 1)).desired, 10);
}

TEST(Hpa, TheLargestMetricWinsAndAFailedOneBlocksShrinkingOnly) {
  const char* rule = "hpa[cpu=0.5, memory=0.5]";
  Scene both(10);
  both.with(metric::kCpu, 0.6).with(metric::kMemory, 0.8);
  EXPECT_EQ(wish_of(rule, both).desired, 16);
  Scene low(10);
  const ScalingWish held = wish_of(rule, low.with(metric::kCpu, 0.1));
  EXPECT_EQ(held.desired, 10);
  EXPECT_TRUE(held.blocks_scale_in);
  Scene high(10);
  EXPECT_EQ(wish_of(rule, high.with(metric::kCpu, 0.8)).desired, 16);
  Scene blind(10);
  EXPECT_EQ(wish_of(rule, blind).desired, ScalingWish::kNone);
  Scene empty(0);
  EXPECT_EQ(wish_of(rule, empty).desired, ScalingWish::kNone);
  EXPECT_THAT(error_of("hpa[cpu=0]"), HasSubstr("needs a target"));
}

TEST(Hpa, GoesByTheNodesWhereTheyAreKnown) {
  std::vector<ScalingNode> nodes(10);
  for (ScalingNode& node : nodes) {
    node.is_ready = true;
    node.cpu = 90;
  }
  nodes[8].cpu = nodes[9].cpu = kMissing;
  Scene scene(10);
  scene.view.nodes = nodes;
  EXPECT_EQ(wish_of("hpa[cpu=50]", scene).desired, 15);
  nodes[8].is_ready = nodes[9].is_ready = false;
  EXPECT_EQ(wish_of("hpa[cpu=50]", scene).desired, 15);
}

TEST(KpaRule, WorkedExamples) {
  const KpaWant panics = kpa_want(600, 1500, 70, 10, 2, 2, 1000);
  EXPECT_EQ(panics.stable, 9);
  EXPECT_EQ(panics.panic, 22);
  EXPECT_TRUE(panics.panics);
  const KpaWant calm = kpa_want(600, 1300, 70, 10, 2, 2, 1000);
  EXPECT_EQ(calm.panic, 19);
  EXPECT_FALSE(calm.panics);
  EXPECT_EQ(kpa_want(0, 0, 70, 10, 2, 2, 1000).stable, 5);  // at most halves
  EXPECT_EQ(kpa_want(1e9, 1e9, 70, 1, 2, 2, 1000).stable, 1000);
  EXPECT_EQ(excess_burst_capacity(10, 100, 200, 900), -100);
}

// A KPA fed with one value of open requests every two seconds.
class KpaRun : public ::testing::Test {
 protected:
  int wished(double at, double open, int ready, int provisioning = 0) {
    metrics.set(metric::kInFlight, open, at_s(at));
    metrics.now = at_s(at);
    ScalingView view;
    view.now = at_s(at);
    view.metrics = &metrics;
    view.capacity = {ready, provisioning, 0};
    return rule->wish(view).desired;
  }

  phoenix::testing::FakeMetrics metrics;
  std::unique_ptr<Scaler> rule = scaler_of("kpa");
};

TEST_F(KpaRun, PanicHoldsItsPeakForTheStableWindow) {
  EXPECT_EQ(wished(0, 60, 1), 1);
  double t = 2;
  for (; t <= 60; t += 2) EXPECT_EQ(wished(t, 60, 1), 1);
  for (; t <= 66; t += 2) wished(t, 700, 1);
  EXPECT_EQ(wished(t, 700, 1), 10);
  const double calm = t;
  for (t += 2; t < calm + 58; t += 2) EXPECT_GE(wished(t, 60, 10), 10) << t;
  for (; t < calm + 140; t += 2) wished(t, 60, 10);
  EXPECT_EQ(wished(t, 60, 10), 5);  // at most halves
}

TEST_F(KpaRun, BeginsInPanicWithMoreThanOneNode) {
  EXPECT_EQ(wished(0, 10, 8), 8);
  EXPECT_EQ(wished(30, 10, 8), 8);
  EXPECT_EQ(wished(62, 10, 8), 4);
}

TEST_F(KpaRun, TheLastNodeStaysForTheGrace) {
  EXPECT_EQ(wished(0, 0, 1), 1);
  EXPECT_EQ(wished(28, 0, 1), 1);
  EXPECT_EQ(wished(30, 0, 1), 0);
}

TEST_F(KpaRun, SoftLandingWaitsForStartsAndShrinksByATenth) {
  rule = scaler_of("kpa[soft_landing=true]");
  EXPECT_EQ(wished(0, 10, 40), 40);
  EXPECT_EQ(wished(62, 10, 20, 20), 40);  // starts are pending
  EXPECT_EQ(wished(64, 10, 40), 36);
}

TEST_F(KpaRun, HoldsWithoutAMetric) {
  Scene scene(4);
  EXPECT_EQ(wish_of("kpa", scene).desired, ScalingWish::kNone);
  EXPECT_EQ(rule->interval(), Duration(seconds(2)));
}

}  // namespace
}  // namespace phoenix
