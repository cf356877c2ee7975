// The scalers of one measured value: worked numbers, steps, bounds, and that what is not known is
// never taken for a number.
#include <chrono>

#include <gmock/gmock.h>

#include "strategies/forecasting/erlang.h"
#include "strategies/scaling/queue_rule.h"
#include "strategies/scaling/sizing.h"
#include "strategies/scaling/slope.h"
#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::error_of;
using phoenix::testing::scaler_of;
using phoenix::testing::Scene;
using phoenix::testing::wish_of;
using ::testing::HasSubstr;

constexpr int kNone = ScalingWish::kNone;

TEST(Sizing, CeilingForgivesRounding) {
  ASSERT_GT(3 * 0.2 / 0.1, 6.0);  // in doubles
  EXPECT_EQ(ceil_nodes(3 * 0.2 / 0.1), 6);
  EXPECT_EQ(ceil_nodes(6.001), 7);
  EXPECT_EQ(ceil_nodes(0), 0);
  EXPECT_EQ(ceil_nodes(-3), 0);
  EXPECT_EQ(ceil_nodes(std::nan("")), 0);
  EXPECT_EQ(ceil_nodes(1e300), kMostNodes);
}

TEST(Sizing, NodesForResponseIsTheSmallestThatDoes) {
  NodeModel node{100, 4, 0.75, 0.2};
  const int nodes = nodes_for_response(1000, node, 100);
  ASSERT_GT(nodes, 10);  // ten are just saturated
  EXPECT_LE(response_tail(4, {1000.0 / nodes, 25}, 0.2), 0.05);
  EXPECT_GT(response_tail(4, {1000.0 / (nodes - 1), 25}, 0.2), 0.05);
  node.target_p95_s = 0.05;  // the service alone takes longer
  EXPECT_EQ(nodes_for_response(1000, node, 100), 100);
  node.target_p95_s = 0;
  EXPECT_EQ(nodes_for_response(1000, node, 100), 0);
}

TEST(Sizing, NewsvendorQuantileOfNineToOne) { EXPECT_DOUBLE_EQ(newsvendor_quantile(9, 1), 0.9); }

TEST(Threshold, StepsByTheIncrementWithinItsBounds) {
  const char* rule = "threshold[scale_increment=2, max_capacity=7]";
  EXPECT_EQ(wish_of(rule, Scene(4).with(metric::kCpu, 0.81)).desired, 6);
  EXPECT_EQ(wish_of(rule, Scene(6).with(metric::kCpu, 0.81)).desired, 7);
  EXPECT_EQ(wish_of(rule, Scene(7).with(metric::kCpu, 0.99)).desired, 7);
  EXPECT_EQ(wish_of(rule, Scene(4).with(metric::kCpu, 0.1)).desired, 2);
  EXPECT_EQ(wish_of(rule, Scene(2).with(metric::kCpu, 0.1)).desired, 1);
  EXPECT_EQ(wish_of(rule, Scene(1).with(metric::kCpu, 0.1)).desired, 1);
  EXPECT_EQ(wish_of(rule, Scene(4).with(metric::kCpu, 0.8)).desired, 4);  // not above
  EXPECT_EQ(wish_of(rule, Scene(4).with(metric::kCpu, 0.3)).desired, 4);  // not below
}

TEST(Threshold, GrowingNeverShrinksAPoolThatIsBeyondItsMaximum) {
  EXPECT_EQ(wish_of("threshold", Scene(30).with(metric::kCpu, 0.95)).desired, 30);
}

TEST(Threshold, AFarMetricTakesALargerStep) {
  // 20 nodes at 0.96 need 20 * 0.96 / 0.8 = 24, more than two.
  EXPECT_EQ(wish_of("threshold[max_capacity=50]", Scene(20).with(metric::kCpu, 0.96)).desired, 24);
}

TEST(Threshold, ShrinkingDoesNotLandAboveTheThreshold) {
  // 3 nodes at 0.29: one would run at 0.87; two run at 0.435.
  EXPECT_EQ(wish_of("threshold", Scene(3).with(metric::kCpu, 0.29)).desired, 2);
}

TEST(Threshold, MissingMetricNeverScalesOut) {
  Scene scene(4);
  const ScalingWish wish = wish_of("threshold", scene);
  EXPECT_EQ(wish.desired, kNone);
  EXPECT_TRUE(wish.blocks_scale_in);
  EXPECT_THAT(wish.reason, HasSubstr("cluster_cpu_avg is not known"));
}

TEST(Threshold, NodesUnderWayCountAsIfTheyWereThere) {
  // 4 ready at 0.9 are 0.6 once the two that boot carry their part.
  EXPECT_EQ(wish_of("threshold", Scene(4, 2).with(metric::kCpu, 0.9)).desired, 6);
}

TEST(Threshold, SettingsMustFitEachOther) {
  EXPECT_EQ(error_of("threshold[scale_in_threshold=0.9]"),
            "threshold: scale_in_threshold 0.9 must be below scale_out_threshold 0.8");
  EXPECT_EQ(error_of("threshold[min_capacity=30]"),
            "threshold: min_capacity is above max_capacity");
}

TEST(Slope, LeastSquaresPerSecond) {
  const MetricPoint points[] = {{at_s(0), 1}, {at_s(10), 2}, {at_s(30), 4}};
  EXPECT_NEAR(slope_per_s(points), 0.1, 1e-12);
  const MetricPoint noisy[] = {{at_s(0), 0}, {at_s(1), 2}, {at_s(2), 1}};
  EXPECT_NEAR(slope_per_s(noisy), 0.5, 1e-12);
  EXPECT_TRUE(std::isnan(slope_per_s(std::span(points, 1))));
  const MetricPoint same[] = {{at_s(5), 1}, {at_s(5), 2}};
  EXPECT_TRUE(std::isnan(slope_per_s(same)));
}

TEST(Rate, ActsOnTheRiseOverTime) {
  const char* rule = "rate[scale_out_rate=0.01, scale_in_rate=-0.01, max_capacity=10]";
  const auto wished = [&](double first, double last, double seconds, int nodes) {
    Scene scene(nodes);
    scene.metrics.set(metric::kCpu, first, at_s(0));
    scene.metrics.set(metric::kCpu, last, at_s(seconds));
    scene.view.now = at_s(seconds);
    return wish_of(rule, scene).desired;
  };
  EXPECT_EQ(wished(0.5, 0.7, 10, 4), 6);     // 0.02 a second
  EXPECT_EQ(wished(0.5, 0.7, 100, 4), 4);    // the same rise, slowly
  EXPECT_EQ(wished(0.7, 0.5, 10, 4), 3);     // the default decrement is one
  EXPECT_EQ(wished(0.5, 0.7, 10, 9), 10);    // its maximum
  EXPECT_EQ(wished(0.7, 0.5, 10, 1), 1);     // its minimum
  EXPECT_EQ(wished(0.5, 0.7, 0, 4), kNone);  // no time between the points
  EXPECT_THAT(error_of("rate[scale_in_rate=1]"), HasSubstr("must be below scale_out_rate"));
}

Scene& queue_of(Scene& scene, double length, double done) {
  return scene.with(metric::kQueueLength, length).with(metric::kProcessingRate, done);
}

TEST(Queue, WorkedExample) {
  // 500 waiting, 50 a second: 10 s. To be done in 2 s takes five times the nodes.
  EXPECT_DOUBLE_EQ(queue_wait_s(500, 50), 10);
  EXPECT_DOUBLE_EQ(queue_factor(500, 50, std::nan(""), 2), 5);
  Scene scene(4);
  const ScalingWish wish = wish_of("queue", queue_of(scene, 500, 50));
  EXPECT_EQ(wish.desired, 20);
  EXPECT_THAT(wish.seen, HasSubstr("500 waiting, 50 done a second, wait 10 s"));
}

TEST(Queue, NothingDoneIsAnEndlessWaitAndNoDivisionByZero) {
  Scene stuck(2);
  EXPECT_EQ(wish_of("queue[factor_max=3]", queue_of(stuck, 10, 0)).desired, 6);
  Scene idle(4);
  EXPECT_EQ(wish_of("queue", queue_of(idle, 0, 0)).desired, 3);
}

TEST(Queue, FactorIsNeverBelowOneAndCountsArrivals) {
  EXPECT_DOUBLE_EQ(queue_factor(10, 50, std::nan(""), 2), 1);
  EXPECT_DOUBLE_EQ(queue_factor(500, 50, 100, 2), 6);  // 50 a second more than is done
  EXPECT_DOUBLE_EQ(queue_factor(500, 50, 20, 2), 5);
}

TEST(Queue, GrowthIsRoundedUpAndBounded) {
  Scene scene(3);  // factor 1.5 of 3 is 4.5
  EXPECT_EQ(wish_of("queue[max_wait_time=2 s]", queue_of(scene, 150, 50)).desired, 5);
  Scene full(15);
  EXPECT_EQ(wish_of("queue", queue_of(full, 500, 50)).desired, 20);
}

TEST(Queue, ShrinkingIsRoundedDownYetKeepsUpWithArrivals) {
  Scene two(2);  // 0.8 * 2 = 1.6
  EXPECT_EQ(wish_of("queue", queue_of(two, 0, 50)).desired, 1);
  Scene busy(4);  // 290 a second at 75 % of 100 take 4 nodes
  busy.with(metric::kArrivalRate, 290).view.node_capacity_per_s = 100;
  EXPECT_EQ(wish_of("queue", queue_of(busy, 0, 290)).desired, 4);
}

TEST(Queue, MissingInputsAreNoWish) {
  Scene no_rate(4);
  EXPECT_EQ(wish_of("queue", no_rate.with(metric::kQueueLength, 500)).desired, kNone);
  Scene no_queue(4);
  EXPECT_TRUE(wish_of("queue", no_queue.with(metric::kProcessingRate, 5)).blocks_scale_in);
  EXPECT_THAT(error_of("queue[target_wait_time=1 min]"), HasSubstr("target_wait_time"));
}

TEST(Resource, AnyHighGrowsAndOnlyAllLowShrinks) {
  const char* rule = "resource[resources=[cpu, memory[scale_out=0.85, scale_in=0.4]]]";
  const auto wished = [&](double cpu, double memory) {
    Scene scene(4);
    return wish_of(rule, scene.with(metric::kCpu, cpu).with(metric::kMemory, memory));
  };
  EXPECT_EQ(wished(0.2, 0.9).desired, 6);
  EXPECT_THAT(wished(0.2, 0.9).reason, HasSubstr("memory 0.9 > 0.85"));
  EXPECT_THAT(wished(0.99, 0.9).reason, HasSubstr("cpu 0.99"));  // the more critical one
  EXPECT_EQ(wished(0.2, 0.79).desired, 4);  // one idle resource shrinks nothing
  EXPECT_EQ(wished(0.2, 0.3).desired, 3);
}

TEST(Resource, AnUnknownResourceHoldsShrinkingBackNotGrowth) {
  const char* rule = "resource[resources=[cpu, memory]]";
  Scene low(4);
  const ScalingWish held = wish_of(rule, low.with(metric::kCpu, 0.1));
  EXPECT_EQ(held.desired, 4);
  EXPECT_TRUE(held.blocks_scale_in);
  Scene high(4);
  EXPECT_EQ(wish_of(rule, high.with(metric::kCpu, 0.9)).desired, 6);
  Scene blind(4);
  EXPECT_EQ(wish_of(rule, blind).desired, kNone);
}

TEST(Resource, SettingsAreChecked) {
  EXPECT_THAT(error_of("resource[resources=[]]"), HasSubstr("resources must not be empty"));
  EXPECT_THAT(error_of("resource[resources=[gpu]]"), HasSubstr("unknown resource \"gpu\""));
  EXPECT_THAT(error_of("resource[resources=[cpu[scale_in=0.9]]]"), HasSubstr("below scale_out"));
}

TEST(TargetTracking, GrowsAtOnceInProportion) {
  Scene scene(50);
  EXPECT_EQ(wish_of("target_tracking[target=75]", scene.with(metric::kCpu, 90)).desired, 60);
  Scene rounding(3);
  EXPECT_EQ(wish_of("target_tracking[target=0.1]", rounding.with(metric::kCpu, 0.2)).desired, 6);
  Scene added(8, 2);  // 8 at 0.9 need 9.6: the two under way do
  EXPECT_EQ(wish_of("target_tracking", added.with(metric::kCpu, 0.9)).desired, 10);
}

TEST(TargetTracking, ShrinksOnlyAfterFifteenMinutesBelowNineTenths) {
  const auto rule = scaler_of("target_tracking");
  const auto wished = [&](double seconds, double cpu) {
    Scene scene(10);
    scene.view.now = at_s(seconds);
    return rule->wish(scene.with(metric::kCpu, cpu).seen()).desired;
  };
  EXPECT_EQ(wished(0, 0.70), 10);  // below the target, above nine tenths of it
  EXPECT_EQ(wished(60, 0.30), 10);
  EXPECT_EQ(wished(500, 0.60), 10);
  EXPECT_EQ(wished(959, 0.30), 10);
  EXPECT_EQ(wished(960, 0.30), 8);  // to the most that was needed: 10 * 0.6 / 0.75
  EXPECT_EQ(wished(990, 0.70), 10);
  EXPECT_EQ(wished(1020, 0.30), 10);  // waits anew
}

TEST(TargetTracking, MissingMetricIsNoWishAndBlocksShrinking) {
  Scene scene(4);
  const ScalingWish wish = wish_of("target_tracking", scene);
  EXPECT_EQ(wish.desired, kNone);
  EXPECT_TRUE(wish.blocks_scale_in);
}

TEST(NoneScaler, IsContentWithWhatIsThere) {
  Scene scene(3, 1);
  EXPECT_EQ(wish_of("none", scene).desired, 4);
}

}  // namespace
}  // namespace phoenix
