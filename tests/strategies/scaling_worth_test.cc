// Scaling by what nodes are worth, and the budget that finds what an overloaded second may cost.
// The plan itself is tested in fleet_plan_test.cc.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "strategies/scaling/sizing.h"
#include "strategies/scaling/spending.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::Forecasted;
using phoenix::testing::wish_of;
using ::testing::HasSubstr;

const char* kWorth = "predictive[interval=15 s, miss_cost=20]";

// Uniform between two loads; every node carries 70.
void uniform(Forecasted& scene, double low, double high) {
  scene.forecast.path = [low, high](int, double q) { return low + q * (high - low); };
}

// Half of the time 280, which takes four nodes; each of twenty more matters with a chance of 1
// / 40.
void rarely_far_above(Forecasted& scene) {
  scene.forecast.path = [](int, double q) { return 280 + std::max(0.0, q - 0.5) * 70 * 40; };
}

TEST(PredictiveByWorth, HasTheHeadRoomThatPaysForItself) {
  Forecasted calm(4, 280);
  uniform(calm, 280, 350);  // one node more makes sure
  EXPECT_EQ(wish_of(kWorth, calm).desired, 5);
  Forecasted wild(4, 280);
  rarely_far_above(wild);
  EXPECT_EQ(wish_of(kWorth, wild).desired, 4);
}

// Steps of a minute, the newest just over: a node asked for now serves in the second minute.
void boot_in_90_s(Forecasted& scene) {
  scene.view.forecast_step = std::chrono::seconds(60);
  scene.view.forecast_age = Duration{0};
  scene.view.boot_time = scene.view.boot_usual = std::chrono::seconds(90);
}

TEST(PredictiveByWorth, StartsNodesOnlyForWhatTheyCanServe) {
  Forecasted scene(4, 280);
  boot_in_90_s(scene);
  scene.forecast.path = [](int steps, double) { return steps >= 2 ? 700.0 : 280.0; };
  EXPECT_EQ(wish_of(kWorth, scene).desired, 10);
  scene.forecast.path = [](int steps, double) { return steps == 1 ? 700.0 : 280.0; };
  EXPECT_EQ(wish_of(kWorth, scene).desired, 4) << "over before they could help";
}

// Six nodes are needed until a new one could serve, four from then on.
TEST(PredictiveByWorth, SendsNobodyAwayWhoIsNeededBeforeANewOneCouldServe) {
  Forecasted scene(6, 280);
  boot_in_90_s(scene);
  scene.forecast.path = [](int steps, double) { return steps == 1 ? 420.0 : 280.0; };
  EXPECT_EQ(wish_of(kWorth, scene).desired, 6);
  scene.forecast.path = [](int, double) { return 280.0; };
  EXPECT_EQ(wish_of(kWorth, scene).desired, 4);
}

TEST(PredictiveByWorth, ABudgetAloneIsEnoughToPlanByIt) {
  Forecasted scene(4, 280);
  uniform(scene, 280, 280);
  EXPECT_THAT(wish_of("predictive[interval=15 s, budget=0.75]", scene).reason,
              HasSubstr("worth their price"));
}

TEST(PredictiveByWorth, NoForecastBuysMoreThanTheCapAllows) {
  Forecasted scene(4, 280);
  uniform(scene, 70'000, 70'000);
  EXPECT_EQ(wish_of("predictive[interval=15 s, miss_cost=20, cap=2]", scene).desired, 8);
}

TEST(PredictiveByWorth, KeepsWhatItWouldNotHaveStarted) {
  Forecasted scene(5, 280);
  boot_in_90_s(scene);
  // Worth its time in the second minute only, and less than a boot then.
  scene.forecast.path = [](int steps, double q) {
    return steps == 2 ? 280 + 70 * std::min(1.0, 1.075 * q) : 280 + 70 * 0.95 * q;
  };
  const char* kCheap = "predictive[interval=15 s, miss_cost=1.4]";
  EXPECT_EQ(wish_of(kCheap, scene).desired, 5);
  Forecasted fewer(4, 280);
  boot_in_90_s(fewer);
  fewer.forecast.path = scene.forecast.path;
  EXPECT_EQ(wish_of(kCheap, fewer).desired, 4);
}

TEST(PredictiveByWorth, IsNeverBelowThePresentNeedAndFallsBackToIt) {
  Forecasted scene(4, 700);
  uniform(scene, 70, 70);
  EXPECT_EQ(wish_of(kWorth, scene).desired, 10);
  scene.forecast.trusted = false;
  EXPECT_THAT(wish_of(kWorth, scene).seen, HasSubstr("not trusted"));
  EXPECT_EQ(wish_of(kWorth, scene).desired, 10);
}

TEST(RatePerNode, MeetsTheTimeWhereOneCanAndElseTheUtilization) {
  NodeModel node{100, 1, 0.7, 0};
  EXPECT_DOUBLE_EQ(rate_per_node(node), 70);
  node.target_p95_s = 0.06;  // M/M/1: ln 20 / (100 - rate)
  EXPECT_NEAR(rate_per_node(node), 100 - std::log(20) / 0.06, 1e-6);
  node.target_p95_s = 0.01;  // takes longer on an idle one
  EXPECT_DOUBLE_EQ(rate_per_node(node), 70);
}

TEST(Spending, GivesOutWhatTheProportionalRuleWould) {
  const auto after_a_day = [](int paid) {
    Spending spending(25);
    for (int i = 0; i < 24 * 240; ++i) spending.see(at_s(15.0 * i), {paid, 7.5, 0.75, 1, 60});
    EXPECT_EQ(spending.proportional_nodes(), 10);
    return spending.miss_cost();
  };
  EXPECT_NEAR(after_a_day(10), 25, 1e-9);
  EXPECT_GT(after_a_day(9), 27) << "there is something left";
  EXPECT_LT(after_a_day(13), 23);
}

TEST(Spending, ALongOverspentDayIsPaidBackAndNotForgiven) {
  Spending spending(25);
  int i = 0;
  for (; i < 24 * 240; ++i) spending.see(at_s(15.0 * i), {13, 7.5, 0.75, 1, 60});
  for (; i < 36 * 240; ++i) spending.see(at_s(15.0 * i), {10, 7.5, 0.75, 1, 60});
  EXPECT_LT(spending.miss_cost(), 25);
  const double owing = spending.miss_cost();
  for (; i < 60 * 240; ++i) spending.see(at_s(15.0 * i), {9, 7.5, 0.75, 1, 60});
  EXPECT_GT(spending.miss_cost(), owing);
}

// Looks of 15 s at a pool that begins with ten nodes.
class PlayedPool : public ::testing::Test {
 protected:
  int nodes_at(double s, double load) {
    paid_ = pool_.see(at_s(s), {10, load, 0.75, 1, 60, seconds(60), seconds(30)}, s > 0 ? 15 : 0);
    return pool_.nodes();
  }
  using seconds = std::chrono::seconds;
  ProportionalPool pool_;
  double paid_ = 0;
};

TEST_F(PlayedPool, FollowsTheRuleWithItsToleranceAndItsFiveMinutes) {
  EXPECT_EQ(nodes_at(0, 7.5), 10);
  EXPECT_EQ(nodes_at(15, 8.2), 10) << "within a tenth";
  EXPECT_EQ(nodes_at(30, 9), 12);
  for (int s = 45; s <= 330; s += 15) EXPECT_EQ(nodes_at(s, 3), 12) << s;
  EXPECT_EQ(nodes_at(345, 3), 4);
}

TEST_F(PlayedPool, IsBusyUntilWhatWaitedIsWorkedOff) {
  nodes_at(0, 7.5);
  EXPECT_EQ(nodes_at(15, 30), 14) << "300 node-seconds wait";
  for (int s = 30; s <= 60; s += 15) EXPECT_EQ(nodes_at(s, 7.5), 14) << "four boot still";
  EXPECT_EQ(nodes_at(75, 7.5), 19) << "187 of them wait still";
}

TEST_F(PlayedPool, PaysForNodesThatBootAndDrain) {
  nodes_at(0, 7.5);
  nodes_at(15, 9);
  EXPECT_DOUBLE_EQ(paid_, 15 * 12);
  for (int s = 30; s <= 315; s += 15) nodes_at(s, 3);
  EXPECT_DOUBLE_EQ(paid_, 15 * 12);
  nodes_at(330, 3);
  EXPECT_DOUBLE_EQ(paid_, 15 * 4 + 30 * 8);
}

}  // namespace
}  // namespace phoenix
