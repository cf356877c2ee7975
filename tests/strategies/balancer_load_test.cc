// Strategies that go by requests under way alone: random, p2c, least_connections.
#include <cmath>

#include "strategies/balancing/sampling.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

// Picks of a pool that stays as it is.
std::vector<int> law(PoolHarness& pool, int count) {
  std::vector<int> picks(pool.pool.capacity(), 0);
  for (int i = 0; i < count; ++i) ++picks[index(pool.pick())];
  return picks;
}

// Five standard deviations of a binomial count.
double tolerance(int count, double p) { return 5 * std::sqrt(count * p * (1 - p)) + 1e-9; }

void expect_law(const std::vector<int>& picks, const std::vector<double>& shares) {
  int count = 0;
  for (const int n : picks) count += n;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    EXPECT_NEAR(picks[i], count * shares[i], tolerance(count, shares[i])) << "node " << i;
  }
}

// Loads 0, 1, 2, 3 on four nodes.
void load_stairs(PoolHarness& pool) {
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t k = 0; k < i; ++k) pool.send_to(node(i));
  }
}

TEST(RandomChoice, IsUniformWhateverTheLoad) {
  PoolHarness pool("random", 4);
  load_stairs(pool);
  expect_law(law(pool, 40'000), {0.25, 0.25, 0.25, 0.25});
}

TEST(WeightedRandom, SharesAreTheWeightsAndAnyOrderIsPossible) {
  PoolHarness pool("weighted_random", 3);
  pool.set_weight(node(0), 3.0);
  pool.set_weight(node(2), 0.5);
  const auto picks = pool.shares(45'000);
  EXPECT_NEAR(picks[0], 30'000, 5 * std::sqrt(45'000 * 2.0 / 9));
  EXPECT_NEAR(picks[1], 10'000, 5 * std::sqrt(45'000 * 0.173));
  EXPECT_NEAR(picks[2], 5'000, 5 * std::sqrt(45'000 * 0.099));
  pool.leave(node(0));  // what is left shares everything, and no fallback is ever needed
  EXPECT_NEAR(pool.shares(3'000)[1], 2'000, 5 * std::sqrt(3'000 * 2.0 / 9));
}

TEST(P2c, FollowsTheLawOfTwoDifferentNodes) {
  // The 6 pairs of {0,1,2,3} are equally likely: node 0 is in 3 and wins them, 1 wins 2, 2 wins 1.
  PoolHarness pool("p2c", 4);
  load_stairs(pool);
  expect_law(law(pool, 60'000), {3.0 / 6, 2.0 / 6, 1.0 / 6, 0});
}

TEST(P2c, WithThreeChoicesTheTwoLeastLoadedShareEverything) {
  // One of four nodes is left out at random: the least loaded wins unless it is that one.
  PoolHarness pool("p2c[choices=3]", 4);
  load_stairs(pool);
  expect_law(law(pool, 40'000), {0.75, 0.25, 0, 0});
}

TEST(P2c, WithAsManyChoicesAsNodesItIsTheLeastLoaded) {
  PoolHarness pool("p2c[choices=16]", 4);
  load_stairs(pool);
  EXPECT_EQ(law(pool, 100)[0], 100);
}

TEST(P2c, EqualLoadsAreUniform) {
  PoolHarness pool("p2c", 5);
  expect_law(law(pool, 50'000), {0.2, 0.2, 0.2, 0.2, 0.2});
}

TEST(P2c, ComparesPerWeight) {
  // (3 + 1) / 4 = 1 beats (1 + 1) / 1 = 2.
  PoolHarness pool("p2c", 2);
  pool.set_weight(node(0), 4);
  for (int i = 0; i < 3; ++i) pool.send_to(node(0));
  pool.send_to(node(1));
  EXPECT_EQ(law(pool, 50)[0], 50);
}

TEST(SampleTwo, EveryOrderedPairIsEquallyLikely) {
  const std::vector<NodeId> nodes = {node(0), node(1), node(2)};
  Random random(5);
  std::vector<int> pairs(9, 0);
  for (int i = 0; i < 60'000; ++i) {
    const auto [a, b] = sample_two(nodes, random);
    ++pairs[index(a) * 3 + index(b)];
  }
  for (std::size_t i = 0; i < 9; ++i) {
    const double p = i % 4 == 0 ? 0.0 : 1.0 / 6;
    EXPECT_NEAR(pairs[i], 60'000 * p, tolerance(60'000, p)) << i;
  }
}

TEST(SampleDistinct, GivesDifferentNodesInUniformOrder) {
  const std::vector<NodeId> nodes = {node(0), node(1), node(2), node(3)};
  Random random(6);
  std::vector<NodeId> room(16);
  std::vector<int> first(4, 0);
  for (int i = 0; i < 40'000; ++i) {
    const auto sampled = sample_distinct(nodes, 3, room, random);
    ASSERT_EQ(sampled.size(), 3U);
    ASSERT_TRUE(sampled[0] != sampled[1] && sampled[0] != sampled[2] && sampled[1] != sampled[2]);
    ++first[index(sampled[0])];
  }
  expect_law(first, {0.25, 0.25, 0.25, 0.25});
  EXPECT_EQ(sample_distinct(nodes, 16, room, random).size(), 4U);
}

TEST(LeastConnections, TakesTheLeastLoadedOfAll) {
  PoolHarness pool("least_connections", 4);
  load_stairs(pool);
  EXPECT_EQ(law(pool, 100)[0], 100);
}

TEST(LeastConnections, BreaksTiesUniformly) {
  PoolHarness pool("least_connections", 5);
  pool.send_to(node(2));
  expect_law(law(pool, 40'000), {0.25, 0.25, 0, 0.25, 0.25});
}

TEST(LeastConnections, FillsInProportionToWeights) {
  // Greedy on (k + 1) / w keeps k / w level: 70 requests at 1 : 2 : 4 are 10, 20, 40.
  PoolHarness pool("least_connections", 3);
  pool.set_weight(node(1), 2);
  pool.set_weight(node(2), 4);
  for (int i = 0; i < 70; ++i) pool.send();
  EXPECT_EQ(pool.pool.in_flight(node(0)), 10U);
  EXPECT_EQ(pool.pool.in_flight(node(1)), 20U);
  EXPECT_EQ(pool.pool.in_flight(node(2)), 40U);
}

TEST(LeastConnections, AnswersLowerTheCount) {
  // The design this grew from never did: it compared all-time counts, which is round robin.
  PoolHarness pool("least_connections", 2);
  for (int i = 0; i < 10; ++i) pool.send();
  for (int i = 0; i < 5; ++i) pool.done(node(1), milliseconds(1), i % 2 == 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.send(), node(1));
}

TEST(LeastConnections, KnowsWhatIsUnderWayAtANodeThatReturns) {
  PoolHarness pool("least_connections", 2);
  for (int i = 0; i < 6; ++i) pool.send_to(node(0));
  pool.leave(node(0));
  pool.done(node(0), milliseconds(1));
  pool.enter(node(0));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.send(), node(1));
}

TEST(LeastConnections, AHigherWeightTakesEffectAtOnce) {
  PoolHarness pool("least_connections", 2);
  pool.send_to(node(0));
  EXPECT_EQ(pool.pick(), node(1));
  pool.set_weight(node(0), 4);  // (1 + 1) / 4 beats 1
  EXPECT_EQ(pool.pick(), node(0));
}

}  // namespace
}  // namespace phoenix
