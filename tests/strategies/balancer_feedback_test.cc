// Strategies that go by what nodes report: C3, Join-Idle-Queue, utilization weights; and Envoy's
// weighted least request.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "strategies/balancing/c3_score.h"
#include "strategies/balancing/utilization_weight.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;
using std::chrono::seconds;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

LoadReport load_of(Time at, std::uint32_t queue, std::uint32_t in_service) {
  LoadReport report;
  report.measured_at = at;
  report.queue_length = queue;
  report.in_service = in_service;
  return report;
}

LoadReport rates(Time at, float cpu, float rate, float errors = 0) {
  LoadReport report;
  report.measured_at = at;
  report.cpu = cpu;
  report.rate = rate;
  report.error_rate = errors;
  return report;
}

TEST(C3Score, WorkedExample) {
  EXPECT_EQ(c3_queue(1, 2, 1), 4);
  EXPECT_EQ(c3_score(10, 4, 4), 262);
  EXPECT_EQ(c3_queue(0, 2, 0), 1);
  EXPECT_EQ(c3_score(25, 20, 1), 25);
}

TEST(C3, WithoutFeedbackItGoesByRequestsUnderWay) {
  PoolHarness pool("c3", 3);
  std::set<NodeId> first;
  for (int i = 0; i < 3; ++i) first.insert(pool.send());
  EXPECT_EQ(first.size(), 3U);
  pool.send_to(node(0));
  pool.send_to(node(1));
  EXPECT_EQ(pool.pick(), node(2));
}

// Picks per node when each request takes as long as its node and the requests there say.
std::vector<int> serve(PoolHarness& pool, const std::vector<int>& ms, int requests) {
  struct Open {
    Time until;
    NodeId node;
    Duration takes;
  };
  std::vector<Open> open;
  std::vector<int> picks(ms.size(), 0);
  for (int i = 0; i < requests; ++i) {
    pool.now += milliseconds(1);
    std::vector<Open> left;
    for (const Open& one : open) {
      if (one.until > pool.now) {
        left.push_back(one);
        continue;
      }
      LoadReport report = load_of(pool.now, 0, pool.pool.in_flight(one.node) - 1);
      report.service_time = static_cast<float>(ms[index(one.node)]) / 1000;
      pool.report(one.node, report);
      pool.done(one.node, one.takes);
    }
    open.swap(left);
    const NodeId chosen = pool.send();
    ++picks[index(chosen)];
    const Duration takes = milliseconds(ms[index(chosen)]) * pool.pool.in_flight(chosen);
    open.push_back({pool.now + takes, chosen, takes});
  }
  return picks;
}

TEST(C3, SendsATenfoldSlowerNodeAFractionWhateverItThinksOfOtherClients) {
  for (const char* name : {"c3", "c3[clients=10]"}) {
    PoolHarness pool(name, 10);
    std::vector<int> ms(10, 5);
    ms[3] = 50;
    const auto picks = serve(pool, ms, 5'000);
    EXPECT_LT(picks[3], 250) << name;
    EXPECT_GT(picks[3], 0) << name;
    for (std::size_t n = 0; n < 10; ++n) {
      if (n != 3) {
        EXPECT_GT(picks[n], 350) << name;
      }
    }
  }
}

TEST(JoinIdleQueue, GivesEachIdleNodeOneRequestInTheOrderTheyReported) {
  PoolHarness pool("join_idle_queue", 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.send(), node(static_cast<std::size_t>(i)));
  pool.report(node(2), load_of(pool.now, 0, 1));
  pool.done(node(2), milliseconds(5));
  pool.done(node(0), milliseconds(5));
  EXPECT_EQ(pool.send(), node(2));
  EXPECT_EQ(pool.send(), node(0));
  // Nobody is idle: the better of two, and with one more at 0 and 2 that is node 1 or a tie.
  pool.send_to(node(0));
  pool.send_to(node(2));
  for (int i = 0; i < 20; ++i) {
    const NodeId chosen = pool.pick();
    EXPECT_LE(pool.pool.in_flight(chosen), 2U);
  }
}

TEST(JoinIdleQueue, AnotherGatewaysRequestsMakeANodeBusy) {
  PoolHarness pool("join_idle_queue", 2);
  pool.report(node(0), load_of(pool.now, 3, 1));
  EXPECT_EQ(pool.send(), node(1));
  pool.now += milliseconds(1);
  pool.report(node(0), load_of(pool.now, 0, 0));
  EXPECT_EQ(pool.send(), node(0));
}

TEST(JoinIdleQueue, ATokenOfANodeThatLeftIsPassedOver) {
  PoolHarness pool("join_idle_queue", 3);
  pool.leave(node(0));
  EXPECT_EQ(pool.send(), node(1));
  pool.enter(node(0));
  EXPECT_EQ(pool.send(), node(2));
  EXPECT_EQ(pool.send(), node(0));
}

TEST(JoinIdleQueue, RepeatedNoticesQueueANodeOnce) {
  PoolHarness pool("join_idle_queue", 2);
  for (int i = 0; i < 1'000; ++i) pool.report(node(1), load_of(pool.now, 0, 0));
  EXPECT_EQ(pool.send(), node(0));
  EXPECT_EQ(pool.send(), node(1));
  std::set<NodeId> rest;
  for (int i = 0; i < 64; ++i) rest.insert(pool.pick());
  EXPECT_EQ(rest.size(), 2U) << "no token is left of node 1";
}

TEST(JoinIdleQueue, BelowItsThresholdANodeWithManyCoresIsIdle) {
  PoolHarness pool("join_idle_queue[below=4]", 2);
  pool.report(node(0), load_of(pool.now, 5, 4));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pool.send(), node(1));
}

TEST(UtilizationWeight, WorkedExamples) {
  EXPECT_NEAR(utilization_weight(100, 0.5, 5, 1), 181.818182, 1e-6);
  EXPECT_EQ(utilization_weight(100, 0.5, 0, 1), 200);
  EXPECT_TRUE(std::isnan(utilization_weight(0, 0.5, 0, 1)));
  EXPECT_TRUE(std::isnan(utilization_weight(100, 0, 0, 1)));
  EXPECT_TRUE(std::isnan(utilization_weight(NAN, 0.5, 0, 1)));
}

// Share of node 0 of two that report, one of them twice as able, `for_how_long` after the first
// report, the last one `age` old.
double share_of_the_able(Duration for_how_long, Duration age = Duration{0}) {
  PoolHarness pool("utilization_weighted", 2);
  const Time first = pool.now;
  const auto report = [&] {
    pool.report(node(0), rates(pool.now, 0.25F, 100));
    pool.report(node(1), rates(pool.now, 0.5F, 100));
  };
  report();
  while (pool.now - first + age < for_how_long) {
    pool.advance(std::min(Duration(seconds(1)), for_how_long - age - (pool.now - first)));
    report();
  }
  if (age > Duration{0}) pool.advance(age);
  pool.tick();
  const auto picks = pool.shares(3'000);
  return picks[0] / 3'000.0;
}

TEST(UtilizationWeighted, BlackoutEndsAtExactlyTenSeconds) {
  EXPECT_NEAR(share_of_the_able(milliseconds(9'999)), 0.5, 0.01);
  EXPECT_NEAR(share_of_the_able(seconds(10)), 2.0 / 3, 0.01);
}

TEST(UtilizationWeighted, AReportExpiresAtExactlyThreeMinutes) {
  EXPECT_NEAR(share_of_the_able(milliseconds(199'999), milliseconds(179'999)), 2.0 / 3, 0.01);
  EXPECT_NEAR(share_of_the_able(seconds(200), seconds(180)), 0.5, 0.01);
}

TEST(UtilizationWeighted, AnUnknownNodeHasTheMeanWeight) {
  PoolHarness pool("utilization_weighted", 3);
  for (int s = 0; s <= 11; ++s) {
    pool.report(node(0), rates(pool.now, 0.5F, 300));
    pool.report(node(1), rates(pool.now, 0.5F, 100));
    pool.advance(seconds(1));
  }
  const auto picks = pool.shares(6'000);
  EXPECT_NEAR(picks[0], 3'000, 20);
  EXPECT_NEAR(picks[1], 1'000, 20);
  EXPECT_NEAR(picks[2], 2'000, 20);
}

TEST(UtilizationWeighted, OperatorsWeightMultipliesWhatIsLearnt) {
  PoolHarness pool("utilization_weighted", 2);
  pool.set_weight(node(0), 3.0);
  for (int s = 0; s <= 11; ++s) {
    for (const std::size_t n : {0U, 1U}) pool.report(node(n), rates(pool.now, 0.5F, 100));
    pool.advance(seconds(1));
  }
  EXPECT_NEAR(pool.shares(4'000)[0], 3'000, 20);
}

TEST(WeightedLeastRequest, BiasZeroIsWeightedRoundRobin) {
  PoolHarness pool("weighted_least_request[bias=0]", 2);
  pool.set_weight(node(0), 3.0);
  for (int i = 0; i < 5; ++i) pool.send_to(node(0));
  EXPECT_NEAR(pool.shares(4'000)[0], 3'000, 4);
}

TEST(WeightedLeastRequest, RequestsUnderWayLowerAWeight) {
  // Weight 4 with 3 under way against weight 2 with none: 1 to 2 with bias 1.
  PoolHarness pool("weighted_least_request", 2);
  pool.set_weight(node(0), 4.0);
  pool.set_weight(node(1), 2.0);
  for (int i = 0; i < 3; ++i) pool.send_to(node(0));
  EXPECT_NEAR(pool.shares(3'000)[0], 1'000, 8);
}

}  // namespace
}  // namespace phoenix
