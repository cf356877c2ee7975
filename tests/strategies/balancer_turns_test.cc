// Strategies that take turns: round robin, weighted round robin and its adaptive weights.
#include <algorithm>
#include <string>

#include "strategies/balancing/adaptive_weights.h"
#include "strategies/balancing/edf_schedule.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;
using std::chrono::seconds;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

std::vector<std::size_t> picks_of(PoolHarness& pool, int count) {
  std::vector<std::size_t> picks;
  for (int i = 0; i < count; ++i) picks.push_back(index(pool.pick()));
  return picks;
}

using Picks = std::vector<std::size_t>;

TEST(RoundRobin, GoesRoundInOrderOfIds) {
  PoolHarness pool("round_robin", 3);
  EXPECT_EQ(picks_of(pool, 7), (Picks{0, 1, 2, 0, 1, 2, 0}));
}

TEST(RoundRobin, ALeavingNodeMakesNobodySkipOrRepeatATurn) {
  PoolHarness pool("round_robin", 5);
  EXPECT_EQ(picks_of(pool, 3), (Picks{0, 1, 2}));
  pool.leave(node(0));  // positions shift; it is still 3's turn
  EXPECT_EQ(picks_of(pool, 2), (Picks{3, 4}));
  pool.leave(node(4));  // the node served last itself
  EXPECT_EQ(picks_of(pool, 3), (Picks{1, 2, 3}));
}

TEST(RoundRobin, AReturningNodeGetsItsPlaceInTheRound) {
  PoolHarness pool("round_robin", 4);
  pool.leave(node(1));
  EXPECT_EQ(picks_of(pool, 2), (Picks{0, 2}));
  pool.enter(node(1));
  EXPECT_EQ(picks_of(pool, 5), (Picks{3, 0, 1, 2, 3}));
}

TEST(RoundRobin, EachInstanceKeepsItsOwnTurn) {
  PoolHarness first("round_robin", 3);
  PoolHarness second("round_robin", 3);
  picks_of(first, 2);
  EXPECT_EQ(picks_of(second, 1), (Picks{0}));
  EXPECT_EQ(picks_of(first, 1), (Picks{2}));
}

EdfSchedule schedule_of(const std::vector<double>& weights) {
  EdfSchedule schedule;
  schedule.begin();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    schedule.add(node(i), EdfSchedule::stride_of(weights[i]));
  }
  schedule.commit();
  return schedule;
}

std::string turns(EdfSchedule& schedule, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>('A' + index(schedule.next()));
  return text;
}

TEST(EdfSchedule, WorkedExamples) {
  EdfSchedule mixed = schedule_of({3, 2, 1});
  EXPECT_EQ(turns(mixed, 6), "ABACBA");
  EdfSchedule steep = schedule_of({5, 1, 1});
  EXPECT_EQ(turns(steep, 7), "AAAABCA");
}

TEST(EdfSchedule, TheRoundRepeatsForEver) {
  EdfSchedule schedule = schedule_of({3, 2, 1});
  turns(schedule, 6);
  const std::string round = turns(schedule, 6);
  for (int i = 0; i < 50'000; ++i) ASSERT_EQ(turns(schedule, 6), round) << i;
}

TEST(EdfSchedule, NobodyIsEverMoreThanATurnFromItsShare) {
  const std::vector<double> weights = {0.7, 1.9, 3.3, 0.1, 1.0};
  EdfSchedule schedule = schedule_of(weights);
  std::vector<double> served(weights.size(), 0);
  for (int t = 1; t <= 7'000; ++t) {
    served[index(schedule.next())] += 1;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      // All start a full stride away, so early on everyone lags by at most one more.
      ASSERT_NEAR(served[i], t * weights[i] / 7.0, 2.0) << t;
    }
  }
}

TEST(EdfSchedule, AHugeRatioStarvesNobodyBeyondItsShare) {
  // Shares 10^6 : 1. The small one is due once in 1,000,001 turns, and exactly so.
  EdfSchedule schedule = schedule_of({1e6, 1});
  int small = 0;
  for (int i = 0; i < 3'000'003; ++i) small += index(schedule.next()) == 1;
  EXPECT_NEAR(small, 3, 1);
}

TEST(EdfSchedule, RebuildingKeepsProgress) {
  // A rebuild before every turn must not put the light node off again and again.
  EdfSchedule schedule = schedule_of({10, 1});
  int light = 0;
  for (int i = 0; i < 1'100; ++i) {
    light += index(schedule.next()) == 1;
    schedule.begin();
    schedule.add(node(0), EdfSchedule::stride_of(10));
    schedule.add(node(1), EdfSchedule::stride_of(1));
    schedule.commit();
  }
  EXPECT_NEAR(light, 100, 1);
}

TEST(EdfSchedule, SurvivesALongLifeWithTinyWeights) {
  // Strides of 7.6e17: integer time would overflow after a dozen turns if it were not restarted.
  EdfSchedule schedule = schedule_of({1e-6, 2e-6});
  int first = 0;
  for (int i = 0; i < 30'000; ++i) first += index(schedule.next()) == 0;
  EXPECT_NEAR(first, 10'000, 1);
}

TEST(WeightedRoundRobin, SharesAreExactAndInterleavedNotRandom) {
  // 6,000 picks at 3 : 2 : 1 are 3000, 2000, 1000, within a turn; weighted random choice would
  // scatter by sqrt(6000 * 1/2 * 1/2) = 39. And no node waits much longer than its stride.
  PoolHarness pool("weighted_round_robin", 3);
  pool.set_weight(node(0), 3);
  pool.set_weight(node(1), 2);
  std::vector<int> counts(3, 0);
  std::vector<int> last(3, 0);
  for (int t = 1; t <= 6'000; ++t) {
    const std::size_t i = index(pool.pick());
    ++counts[i];
    const int gap = t - last[i];
    EXPECT_LE(gap, i == 0 ? 4 : (i == 1 ? 6 : 9)) << t;
    last[i] = t;
  }
  EXPECT_NEAR(counts[0], 3'000, 1);
  EXPECT_NEAR(counts[1], 2'000, 1);
  EXPECT_NEAR(counts[2], 1'000, 1);
}

TEST(WeightedRoundRobin, FollowsAChangeOfWeight) {
  PoolHarness pool("weighted_round_robin", 2);
  picks_of(pool, 100);
  pool.set_weight(node(1), 4);
  const Picks picks = picks_of(pool, 1'000);
  EXPECT_NEAR(static_cast<double>(std::count(picks.begin(), picks.end(), 1U)), 800, 1);
}

TEST(WeightedRoundRobin, TwoGatewaysDoNotMarchInStep) {
  PoolHarness first("weighted_round_robin", 50, 1);
  PoolHarness second("weighted_round_robin", 50, 2);
  EXPECT_NE(picks_of(first, 50), picks_of(second, 50));
}

TEST(AdaptiveWeight, IsBoundedAndTellsSlowNodesApart) {
  // 2 * availability / (1 + latency / median), within [0.1, 2.0].
  EXPECT_DOUBLE_EQ(adaptive_weight(1.0, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(adaptive_weight(1.0, 0.0), 2.0);
  EXPECT_NEAR(adaptive_weight(1.0, 2.0), 0.666667, 1e-6);
  EXPECT_NEAR(adaptive_weight(0.99, 0.5), 1.32, 1e-12);
  EXPECT_DOUBLE_EQ(adaptive_weight(0.0, 1.0), 0.1);
  EXPECT_DOUBLE_EQ(adaptive_weight(1.0, 1e9), 0.1);
}

TEST(AdaptiveWeight, MovesByStepsAndNotForTrifles) {
  EXPECT_DOUBLE_EQ(limited_step(1.0, 2.0, 0.25, 0.05), 1.25);
  EXPECT_DOUBLE_EQ(limited_step(1.0, 0.1, 0.25, 0.05), 0.75);
  EXPECT_DOUBLE_EQ(limited_step(1.0, 1.1, 0.25, 0.05), 1.1);
  EXPECT_DOUBLE_EQ(limited_step(1.0, 1.04, 0.25, 0.05), 1.0);
}

// One interval in which every node answers `requests` times with its latency.
void interval(AdaptiveWeights& weights, const std::vector<NodeId>& nodes,
              const std::vector<int>& latencies_ms, int requests = 20) {
  for (std::size_t i = 0; i < latencies_ms.size(); ++i) {
    for (int k = 0; k < requests; ++k) {
      weights.record(nodes[i], milliseconds(latencies_ms[i]), true);
    }
  }
  weights.recompute(nodes);
}

TEST(AdaptiveWeights, ConstantInputSettlesWithoutOscillation) {
  // Median 10 ms: targets 1, 1, 2 / (1 + 2) = 0.667, reached in two steps of at most 0.25.
  const std::vector<NodeId> nodes = {node(0), node(1), node(2)};
  AdaptiveWeights weights(0.25, 0.05);
  interval(weights, nodes, {10, 10, 20});
  EXPECT_DOUBLE_EQ(weights.factor(node(2)), 0.75);
  interval(weights, nodes, {10, 10, 20});
  const double settled = weights.factor(node(2));
  EXPECT_NEAR(settled, 0.666667, 1e-6);
  for (int i = 0; i < 20; ++i) {
    interval(weights, nodes, {10, 10, 20});
    ASSERT_EQ(weights.factor(node(2)), settled);
    ASSERT_EQ(weights.factor(node(0)), 1.0);
  }
}

TEST(AdaptiveWeights, ThroughputIsNoMerit) {
  const std::vector<NodeId> nodes = {node(0), node(1)};
  AdaptiveWeights weights(2, 0);
  for (int i = 0; i < 1'000; ++i) weights.record(node(0), milliseconds(10), true);
  for (int i = 0; i < 10; ++i) weights.record(node(1), milliseconds(10), true);
  weights.recompute(nodes);
  EXPECT_NEAR(weights.factor(node(0)), weights.factor(node(1)), 1e-9);
}

TEST(AdaptiveWeights, ANodeWithoutSamplesHasTheMeanOfTheOthers) {
  const std::vector<NodeId> nodes = {node(0), node(1), node(2)};
  AdaptiveWeights weights(2, 0);
  // Mean latencies 10 and 30, median 20: 2 / 1.5 = 1.333 and 2 / 2.5 = 0.8, mean 1.0667.
  interval(weights, nodes, {10, 30});
  EXPECT_NEAR(weights.factor(node(0)), 1.333333, 1e-6);
  EXPECT_NEAR(weights.factor(node(1)), 0.8, 1e-12);
  EXPECT_NEAR(weights.factor(node(2)), 1.066667, 1e-6);
  for (int i = 0; i < 9; ++i) weights.record(node(2), seconds(10), true);  // one sample too few
  weights.recompute(nodes);
  EXPECT_NEAR(weights.factor(node(2)), 1.066667, 1e-6);
}

TEST(AdaptiveWeights, ANodeThatFailsFastFallsToTheFloor) {
  const std::vector<NodeId> nodes = {node(0), node(1)};
  AdaptiveWeights weights(2, 0);
  for (int i = 0; i < 50; ++i) {
    weights.record(node(0), milliseconds(10), true);
    weights.record(node(1), milliseconds(1), false);
  }
  weights.recompute(nodes);
  EXPECT_DOUBLE_EQ(weights.factor(node(1)), 0.1);
}

// Requests every 10 ms for `time`; node 1 takes three times as long.
std::vector<int> run(PoolHarness& pool, Duration time) {
  std::vector<int> picks(2, 0);
  const Time end = pool.now + time;
  while (pool.now < end) {
    const NodeId chosen = pool.send();
    ++picks[index(chosen)];
    pool.done(chosen, milliseconds(chosen == node(0) ? 10 : 30));
    pool.advance(milliseconds(10));
  }
  return picks;
}

TEST(WeightedRoundRobin, AdaptiveWeightsMultiplyTheConfiguredOnes) {
  // Latencies 10 and 30, median 20: factors 2 / 1.5 = 1.333 and 2 / 2.5 = 0.8. With configured
  // weights 1 and 5 the share of node 1 is 5 * 0.8 / (5 * 0.8 + 1.333) = 0.75.
  PoolHarness pool("weighted_round_robin[adaptive=true, step=2]", 2);
  pool.set_weight(node(1), 5);
  run(pool, seconds(32));
  const std::vector<int> picks = run(pool, seconds(20));
  EXPECT_NEAR(picks[1] / 2'000.0, 0.75, 0.001);
}

TEST(WeightedRoundRobin, WithoutAdaptationLatencyChangesNothing) {
  PoolHarness pool("weighted_round_robin", 2);
  run(pool, seconds(32));
  const std::vector<int> picks = run(pool, seconds(20));
  EXPECT_NEAR(picks[0], 1'000, 1);
}

}  // namespace
}  // namespace phoenix
