// Strategies that learn from answers and reports: peak_ewma, response_time, resource_aware.
#include <cmath>
#include <limits>

#include "strategies/balancing/latency_average.h"
#include "strategies/balancing/resource_score.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using phoenix::testing::report_of;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

// One request at a node, answered at once.
void teach(PoolHarness& pool, std::size_t i, Duration latency, bool ok = true) {
  pool.send_to(node(i));
  pool.done(node(i), latency, ok);
}

int picks_of_node(PoolHarness& pool, std::size_t i, int count) {
  int picks = 0;
  for (int k = 0; k < count; ++k) picks += pool.pick() == node(i);
  return picks;
}

TEST(PeakAverage, WorkedExample) {
  // Cost 10, r = 30: 30. 5 s later r = 10: w = exp(-5/10) = 0.606531, cost 22.130613. 10 s idle:
  // 22.130613 / e = 8.141398; with 3 pending 32.565590.
  double cost = peak_averaged(10, 30, remaining_share(Duration{0}, seconds(10)));
  EXPECT_DOUBLE_EQ(cost, 30);
  cost = peak_averaged(cost, 10, remaining_share(seconds(5), seconds(10)));
  EXPECT_NEAR(cost, 22.130613, 1e-6);
  const double idle = cost * remaining_share(seconds(10), seconds(10));
  EXPECT_NEAR(idle, 8.141398, 1e-6);
  EXPECT_NEAR(idle * (3 + 1), 32.565590, 1e-6);
}

TEST(PeakAverage, TimeRunningBackwardNeverRaisesAShare) {
  EXPECT_EQ(remaining_share(Duration{-5}, seconds(10)), 1.0);
  EXPECT_EQ(remaining_share(Duration{0}, seconds(10)), 1.0);
}

TEST(ChargedSeconds, FailingFastIsNotBeingFast) {
  EXPECT_DOUBLE_EQ(charged_seconds(milliseconds(1), true, seconds(1)), 0.001);
  EXPECT_DOUBLE_EQ(charged_seconds(milliseconds(1), false, seconds(1)), 1.0);
  EXPECT_DOUBLE_EQ(charged_seconds(seconds(5), false, seconds(1)), 5.0);
}

TEST(PeakEwma, PairsAreWonByTheFaster) {
  // Three idle nodes with 10, 20, 30 ms: of the 3 equally likely pairs the fastest wins 2, the
  // next 1. Five standard deviations of 30,000 picks at 1/3: 5 sqrt(30,000 * 2/9) = 408.
  PoolHarness pool("peak_ewma", 3);
  for (std::size_t i = 0; i < 3; ++i) teach(pool, i, milliseconds(10 * (i + 1)));
  EXPECT_NEAR(picks_of_node(pool, 0, 30'000), 20'000, 408);
  EXPECT_NEAR(picks_of_node(pool, 1, 30'000), 10'000, 408);
  EXPECT_EQ(picks_of_node(pool, 2, 1'000), 0);
}

TEST(PeakEwma, AColdNodeGetsOneRequestUntilItAnswers) {
  PoolHarness pool("peak_ewma", 2);
  teach(pool, 0, milliseconds(10));
  EXPECT_EQ(pool.send(), node(1));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(pool.send(), node(0));
  pool.done(node(1), milliseconds(10));
  EXPECT_EQ(pool.pick(), node(1));
}

TEST(PeakEwma, APeakCountsAtOnceAndIsForgottenWithTime) {
  // 1 s against 20 ms: behind until 1000 exp(-t / 10 s) < 20 exp(-(t - t1) / 10 s). Node 0 answers
  // again at 38 s, when node 1 has decayed to 1000 exp(-3.8) = 22.4 ms, and at 40 s: 18.3 ms.
  PoolHarness pool("peak_ewma", 2);
  teach(pool, 0, milliseconds(20));
  teach(pool, 1, milliseconds(20));
  teach(pool, 1, seconds(1));
  EXPECT_EQ(picks_of_node(pool, 1, 100), 0);
  pool.advance(seconds(38));
  teach(pool, 0, milliseconds(20));
  EXPECT_EQ(picks_of_node(pool, 1, 100), 0);
  pool.advance(seconds(2));
  teach(pool, 0, milliseconds(20));
  EXPECT_EQ(picks_of_node(pool, 1, 100), 100);
}

TEST(PeakEwma, ANodeThatFailsFastLosesToASlowHealthyOne) {
  PoolHarness pool("peak_ewma", 2);
  teach(pool, 0, milliseconds(300));
  teach(pool, 1, milliseconds(1), false);
  EXPECT_EQ(picks_of_node(pool, 1, 100), 0);
}

TEST(ResponseTime, FillsInProportionToSpeed) {
  // Greedy on r (k + 1) keeps r k level: with 10, 20, 30 ms, 110 requests under way are about
  // 60, 30, 20.
  PoolHarness pool("response_time", 3);
  for (std::size_t i = 0; i < 3; ++i) teach(pool, i, milliseconds(10 * (i + 1)));
  for (int i = 0; i < 110; ++i) pool.send();
  EXPECT_NEAR(pool.pool.in_flight(node(0)), 60, 1);
  EXPECT_NEAR(pool.pool.in_flight(node(1)), 30, 1);
  EXPECT_NEAR(pool.pool.in_flight(node(2)), 20, 1);
}

TEST(ResponseTime, FillsInProportionToWeights) {
  PoolHarness pool("response_time", 2);
  pool.set_weight(node(1), 3);
  teach(pool, 0, milliseconds(10));
  teach(pool, 1, milliseconds(10));
  for (int i = 0; i < 80; ++i) pool.send();
  EXPECT_NEAR(pool.pool.in_flight(node(1)), 60, 1);
}

TEST(ResponseTime, EveryColdNodeIsTriedOnceFirst) {
  PoolHarness pool("response_time", 6);
  for (int i = 0; i < 6; ++i) pool.send();
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(pool.pool.in_flight(node(i)), 1U) << i;
}

TEST(ResponseTime, AColdNodeDoesNotDrawAHerd) {
  PoolHarness pool("response_time", 3);
  teach(pool, 0, milliseconds(10));
  teach(pool, 1, milliseconds(10));
  for (int i = 0; i < 100; ++i) pool.send();
  EXPECT_EQ(pool.pool.in_flight(node(2)), 1U);
}

TEST(ResponseTime, AFastNodeDoesNotDrawAHerd) {
  // Twice as fast is worth twice the requests under way, not all of them.
  PoolHarness pool("response_time", 2);
  teach(pool, 0, milliseconds(10));
  teach(pool, 1, milliseconds(20));
  for (int i = 0; i < 90; ++i) pool.send();
  EXPECT_NEAR(pool.pool.in_flight(node(0)), 60, 1);
}

TEST(ResponseTime, AnIdleSlowNodeIsTriedAgain) {
  // 1 s against 10 ms: decaying by e every 10 s, it is below 10 ms after 10 ln(100) = 46 s.
  PoolHarness pool("response_time", 2);
  teach(pool, 0, milliseconds(10));
  teach(pool, 1, seconds(1));
  Time tried = kNever;
  for (int i = 0; i < 600 && tried == kNever; ++i) {
    pool.advance(milliseconds(100));
    const NodeId chosen = pool.send();
    pool.done(chosen, milliseconds(10));
    if (chosen == node(1)) tried = pool.now;
  }
  EXPECT_NEAR(to_seconds(tried), 46, 2);
}

TEST(ResponseTime, ANodeThatFailsFastGetsLittle) {
  PoolHarness pool("response_time", 2);
  teach(pool, 0, milliseconds(100));
  teach(pool, 1, milliseconds(1), false);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(pool.send(), node(0));
}

TEST(ResourceScore, WorkedExample) {
  // 0.3 * 0.5 + 0.3 * 0.6 + 0.2 * 0.3 + 0.2 * (50 ms / 1000 ms) = 0.40.
  EXPECT_NEAR(resource_score({}, {0.5, 0.6, 0.3, 0.05}, {1, 1, 1, 1}), 0.40, 1e-12);
}

TEST(ResourceScore, StaysWithinTheWeights) {
  EXPECT_NEAR(resource_score({}, {2, 1, 1, 40}, {1, 1, 1, 1}), 1.0, 1e-12);
  EXPECT_NEAR(resource_score({}, {0, 0, 0, 0}, {1, 1, 1, 1}), 0.0, 1e-12);
}

TEST(ResourceScore, AMissingValueIsTheWorstKnownOne) {
  const ResourceUse worst = {0.9, 0.8, 0.7, 0.6};
  EXPECT_NEAR(resource_score({}, {kUnknown, 0.6, 0.3, 0.05}, worst), 0.40 + 0.3 * 0.4, 1e-12);
  EXPECT_NEAR(resource_score({}, {kUnknown, kUnknown, kUnknown, kUnknown}, worst),
              0.27 + 0.24 + 0.14 + 0.12, 1e-12);
}

TEST(ResourceAware, FillsInProportionToSpareScore) {
  // Only CPU counts: scores 0.45 and 0.2, with the floor 0.05 they are 0.5 and 0.25, so the idler
  // node holds twice the requests: 90 are 30 and 60.
  PoolHarness pool("resource_aware[cpu=1, memory=0, network=0, response_time=0]", 2);
  pool.report(node(0), report_of(pool.now, 0.45F, 0.1F, 0.1F));
  pool.report(node(1), report_of(pool.now, 0.2F, 0.9F, 0.9F));
  for (int i = 0; i < 90; ++i) pool.send();
  EXPECT_NEAR(pool.pool.in_flight(node(0)), 30, 1);
  EXPECT_NEAR(pool.pool.in_flight(node(1)), 60, 1);
}

TEST(ResourceAware, OldReportsDoNotDrawAHerd) {
  // Same reports as at the start, 5 s on and 300 requests later: the share is still bounded by the
  // ratio of scores, (0.6 + 0.05) / (0.2 + 0.05) = 2.6.
  PoolHarness pool("resource_aware[cpu=1, memory=0, network=0, response_time=0]", 2);
  pool.report(node(0), report_of(pool.now, 0.6F, 0.1F, 0.1F));
  pool.report(node(1), report_of(pool.now, 0.2F, 0.1F, 0.1F));
  pool.advance(seconds(5));
  for (int i = 0; i < 360; ++i) pool.send();
  EXPECT_NEAR(pool.pool.in_flight(node(0)), 100, 1);
  EXPECT_NEAR(pool.pool.in_flight(node(1)), 260, 1);
}

TEST(ResourceAware, ASilentNodeNeverLooksIdle) {
  // Node 2 never reports. Missing is the worst known, 0.9 from node 1, once a tick has looked.
  PoolHarness pool("resource_aware[cpu=1, memory=0, network=0, response_time=0]", 3);
  pool.report(node(0), report_of(pool.now, 0.2F, 0.1F, 0.1F));
  pool.report(node(1), report_of(pool.now, 0.9F, 0.1F, 0.1F));
  pool.advance(seconds(1));
  for (int i = 0; i < 230; ++i) pool.send();
  // 1 / 0.25 : 1 / 0.95 : 1 / 0.95, of 230.
  EXPECT_NEAR(pool.pool.in_flight(node(0)), 150.7, 2);
  EXPECT_NEAR(pool.pool.in_flight(node(2)), 39.7, 2);
  EXPECT_NEAR(pool.pool.in_flight(node(1)), pool.pool.in_flight(node(2)), 1);
}

TEST(ResourceAware, WithNoReportsAtAllItIsLeastConnections) {
  PoolHarness pool("resource_aware", 4);
  for (int i = 0; i < 80; ++i) pool.send();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(pool.pool.in_flight(node(i)), 20U);
}

TEST(ResourceAware, AStaleReportCountsAsMissing) {
  PoolHarness pool("resource_aware[cpu=1, memory=0, network=0, response_time=0, stale=10 s]", 2);
  pool.report(node(0), report_of(pool.now, 0.1F, 0.1F, 0.1F));
  pool.report(node(1), report_of(pool.now, 0.5F, 0.1F, 0.1F));
  EXPECT_EQ(pool.pick(), node(0));
  pool.advance(seconds(9));
  pool.report(node(1), report_of(pool.now, 0.5F, 0.1F, 0.1F));
  EXPECT_EQ(picks_of_node(pool, 0, 20), 20);
  pool.advance(seconds(2));
  // Node 0 now counts as 0.5, the worst known: a tie.
  const int picks = picks_of_node(pool, 0, 1'000);
  EXPECT_NEAR(picks, 500, 5 * std::sqrt(250.0));
}

TEST(ResourceAware, ItsOwnResponseTimesCount) {
  PoolHarness pool("resource_aware[cpu=0, memory=0, network=0, response_time=1]", 2);
  teach(pool, 0, milliseconds(450));  // 0.45 of the 1 s limit
  teach(pool, 1, milliseconds(200));
  for (int i = 0; i < 90; ++i) pool.send();
  EXPECT_NEAR(pool.pool.in_flight(node(0)), 30, 1);
}

TEST(ResourceAware, ANewReportTakesEffectAtOnce) {
  PoolHarness pool("resource_aware", 2);
  pool.report(node(0), report_of(pool.now, 0.2F, 0.2F, 0.2F));
  pool.report(node(1), report_of(pool.now, 0.4F, 0.4F, 0.4F));
  EXPECT_EQ(pool.pick(), node(0));
  pool.now += seconds(1);
  pool.report(node(0), report_of(pool.now, 0.9F, 0.2F, 0.2F));
  EXPECT_EQ(pool.pick(), node(1));
}

}  // namespace
}  // namespace phoenix
