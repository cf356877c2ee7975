// Scaling by what nodes are worth: the newsvendor's rule over a forecast, and the budget that finds
// what an overloaded second may cost.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "strategies/scaling/forecast_need.h"
#include "strategies/scaling/sizing.h"
#include "strategies/scaling/spending.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::FakeForecast;
using phoenix::testing::Forecasted;
using phoenix::testing::wish_of;
using ::testing::HasSubstr;

const char* kWorth = "predictive[interval=15 s, miss_cost=20, keep=4]";

// Uniform between two loads; every node carries 70.
void uniform(Forecasted& scene, double low, double high) {
  scene.forecast.path = [low, high](int, double q) { return low + q * (high - low); };
}

// Half of the time 280, which takes four nodes; each of twenty more matters with a chance of 1
// / 40.
void rarely_far_above(Forecasted& scene) {
  scene.forecast.path = [](int, double q) { return 280 + std::max(0.0, q - 0.5) * 70 * 40; };
}

TEST(NodesWorth, AreThoseWhoseChanceToMatterPaysForThem) {
  FakeForecast forecast;
  // Each of ten nodes beyond the tenth matters with a chance of 0.1: worth a price of 1 at 10.
  forecast.path = [](int, double q) { return 1000 + 1000 * q; };
  EXPECT_EQ(nodes_worth(forecast, {1, 1}, 100, 15, {10, 100}), 20);
  EXPECT_EQ(nodes_worth(forecast, {1, 1}, 100, 8, {10, 100}), 10) << "what is needed now";
  EXPECT_EQ(nodes_worth(forecast, {1, 1}, 100, 15, {10, 12}), 12);
  forecast.path = [](int, double q) { return q < 0.5 ? 1000 : 1000 + 20000 * (q - 0.5); };
  // Half of all chances at ten nodes, then 0.005 a node.
  EXPECT_EQ(nodes_worth(forecast, {1, 1}, 100, 50, {10, 200}), 10);
  EXPECT_EQ(nodes_worth(forecast, {1, 1}, 100, 400, {10, 200}), 110);
  forecast.path = [](int steps, double) { return 100.0 * steps; };
  EXPECT_EQ(nodes_worth(forecast, {2, 4}, 100, 50, {0, 200}), 4) << "the dearest step counts";
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

TEST(PredictiveByWorth, LooksAtTheStepInWhichTheNodeServes) {
  Forecasted scene(4, 280);
  boot_in_90_s(scene);
  scene.forecast.path = [](int steps, double) { return steps == 2 ? 700.0 : 280.0; };
  EXPECT_EQ(wish_of(kWorth, scene).desired, 10);
  scene.view.forecast_age = std::chrono::seconds(45);  // 135 s after it: the third minute
  EXPECT_EQ(wish_of(kWorth, scene).desired, 4);
  scene.view.forecast_age = std::chrono::seconds(20);  // until 125 s: the second and the third
  EXPECT_EQ(wish_of(kWorth, scene).desired, 10);
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

TEST(PredictiveByWorth, KeepsWhatItWouldNotHaveBought) {
  Forecasted scene(6, 280);
  rarely_far_above(scene);  // 1 / 40 is below 1 / 20 and above 1 / 80
  EXPECT_EQ(wish_of(kWorth, scene).desired, 6);
  uniform(scene, 280, 280);
  EXPECT_EQ(wish_of(kWorth, scene).desired, 4);
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

TEST(Spending, PlaysTheRuleAlongWithItsToleranceAndItsFiveMinutes) {
  Spending spending(25);
  const auto nodes_at = [&](double s, double load) {
    spending.see(at_s(s), {10, load, 0.75, 1, 60});
    return spending.proportional_nodes();
  };
  EXPECT_EQ(nodes_at(0, 7.5), 10);
  EXPECT_EQ(nodes_at(15, 8.2), 10) << "within a tenth";
  EXPECT_EQ(nodes_at(30, 9), 12);
  EXPECT_EQ(nodes_at(45, 3), 12);
  EXPECT_EQ(nodes_at(320, 3), 12);
  EXPECT_EQ(nodes_at(360, 3), 4);
}

}  // namespace
}  // namespace phoenix
