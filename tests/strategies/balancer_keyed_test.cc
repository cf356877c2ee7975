// Strategies that place requests by key: the consistent-hash ring, the Maglev table, and hashing
// with bounded loads.
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "strategies/balancing/bounded_load.h"
#include "strategies/balancing/hash_ring.h"
#include "strategies/balancing/maglev_table.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kKeys = 20'000;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

HashRing ring_of(std::size_t nodes, int points = 160) {
  HashRing ring(points);
  for (std::size_t i = 0; i < nodes; ++i) ring.set(node(i), i + 1, 1.0);
  ring.refresh();
  return ring;
}

// Owner by key.
std::vector<NodeId> owners(PoolHarness& pool, std::uint64_t keys = kKeys) {
  std::vector<NodeId> owners;
  pool.request.has_key = true;
  for (std::uint64_t key = 0; key < keys; ++key) {
    pool.request.key = key;
    owners.push_back(pool.pick());
  }
  return owners;
}

TEST(HashRing, FindsTheFirstPointAtOrAfterAndWraps) {
  // A second implementation: all points, searched one by one.
  HashRing ring = ring_of(5, 7);
  ASSERT_EQ(ring.size(), 35U);
  Random random(4);
  std::vector<std::uint64_t> probes = {0, ~std::uint64_t{0}, ~std::uint64_t{0} - 1};
  for (int i = 0; i < 2'000; ++i) probes.push_back(random());
  // Places rise with the hash, and each place begins right after the place before it ends.
  std::sort(probes.begin(), probes.end());
  std::size_t place = ring.place_of(0);
  EXPECT_EQ(place, 0U);
  for (const std::uint64_t hash : probes) {
    const std::size_t next = ring.place_of(hash);
    if (next < place) {
      EXPECT_EQ(next, 0U) << "only the wrap goes back";
      EXPECT_EQ(ring.place_of(~std::uint64_t{0}), 0U);
      break;
    }
    place = next;
  }
  EXPECT_EQ(ring.owner(~std::uint64_t{0}), ring.at(0));
}

TEST(HashRing, SharesSpreadAsTheNumberOfPointsSays) {
  // 160 points: standard deviation of a share about 1 / sqrt(160) = 7.9 % of the mean.
  const HashRing ring = ring_of(100);
  std::vector<double> share(100, 0);
  constexpr int kSamples = 400'000;
  for (int i = 0; i < kSamples; ++i) {
    share[index(ring.owner(mix64(static_cast<std::uint64_t>(i))))] += 100.0 / kSamples;
  }
  double square = 0;
  for (const double one : share) square += (one - 1) * (one - 1);
  const double deviation = std::sqrt(square / 100);
  EXPECT_GT(deviation, 0.05);
  EXPECT_LT(deviation, 0.11);
}

TEST(HashRing, ChangesGiveTheRingThatWouldHaveBeenBuiltAnew) {
  HashRing changed = ring_of(6);
  changed.set(node(2), 3, 0);
  changed.set(node(4), 5, 2.5);
  changed.refresh();
  changed.set(node(2), 3, 1.0);
  changed.set(node(5), 6, 0);
  changed.refresh();
  HashRing anew(160);
  for (const std::size_t i : {0U, 1U, 2U, 3U}) anew.set(node(i), i + 1, 1.0);
  anew.set(node(4), 5, 2.5);
  anew.refresh();
  ASSERT_EQ(changed.size(), anew.size());
  for (std::size_t i = 0; i < anew.size(); ++i) EXPECT_EQ(changed.at(i), anew.at(i));
}

TEST(RingHash, ANodeThatLeavesMovesItsOwnKeysAlone) {
  PoolHarness pool("ring_hash", 10);
  const auto before = owners(pool);
  pool.leave(node(3));
  const auto after = owners(pool);
  std::size_t moved = 0;
  for (std::size_t key = 0; key < kKeys; ++key) {
    if (before[key] == node(3)) {
      ++moved;
    } else {
      EXPECT_EQ(after[key], before[key]);
    }
  }
  EXPECT_NEAR(static_cast<double>(moved), kKeys / 10.0, kKeys / 10.0 * 0.3);
  pool.enter(node(3));
  EXPECT_EQ(owners(pool), before);
}

TEST(RingHash, AllNodesMayLeaveAtOnceAndReturn) {
  PoolHarness pool("ring_hash", 2);
  const auto before = owners(pool, 100);
  for (const std::size_t i : {0U, 1U}) pool.leave(node(i));
  for (const std::size_t i : {1U, 0U}) pool.enter(node(i));
  EXPECT_EQ(owners(pool, 100), before);
}

TEST(RingHash, GatewaysThatNumberNodesDifferentlyAgree) {
  // The same three nodes, known by identity, under other ids.
  PoolHarness here("ring_hash", 0);
  PoolHarness there("ring_hash", 0);
  const std::vector<std::uint64_t> names = {hash_text("web-0"), hash_text("web-1"),
                                            hash_text("web-2")};
  for (std::size_t i = 0; i < 3; ++i) {
    here.join(node(i), 1.0, kNoZone, names[i]);
    there.join(node(2 - i), 1.0, kNoZone, names[i]);
  }
  const auto a = owners(here, 500);
  const auto b = owners(there, 500);
  for (std::size_t key = 0; key < a.size(); ++key) EXPECT_EQ(index(a[key]), 2 - index(b[key]));
}

TEST(RingHash, SharesFollowWeights) {
  PoolHarness pool("ring_hash[points=1000]", 3);
  pool.set_weight(node(0), 2.0);
  std::map<NodeId, double> share;
  for (const NodeId owner : owners(pool)) share[owner] += 1.0 / kKeys;
  EXPECT_NEAR(share[node(0)], 0.5, 0.05);
  EXPECT_NEAR(share[node(1)], 0.25, 0.05);
}

TEST(KeyedStrategies, RequestsWithoutAKeyGoEverywhere) {
  for (const char* name : {"ring_hash", "maglev", "bounded_hash"}) {
    PoolHarness pool(name, 8);
    const auto picks = pool.shares(8'000);
    for (const int count : picks) EXPECT_NEAR(count, 1'000, 350) << name;
  }
}

TEST(Maglev, WorkedExample) {
  const std::vector<MaglevSeat> seats = {{3, 4}, {0, 2}, {3, 1}};
  std::vector<std::uint32_t> table(7);
  fill_maglev(seats, table);
  EXPECT_THAT(table, ElementsAre(1, 0, 1, 0, 2, 2, 0));
  // Without the second node: slot 6 moves although its owner stayed.
  const std::vector<MaglevSeat> left = {seats[0], seats[2]};
  fill_maglev(left, table);
  EXPECT_THAT(table, ElementsAre(0, 0, 0, 0, 1, 1, 1));
}

TEST(Maglev, SharesAreNearlyEqualAndFewKeysMove) {
  PoolHarness pool("maglev", 20);
  const auto before = owners(pool);
  std::vector<double> share(20, 0);
  for (const NodeId owner : before) share[index(owner)] += 20.0 / kKeys;
  for (const double one : share) EXPECT_NEAR(one, 1.0, 5 * std::sqrt(20.0 / kKeys));
  pool.leave(node(7));
  const auto after = owners(pool);
  std::size_t moved = 0;
  for (std::size_t key = 0; key < kKeys; ++key) {
    moved += before[key] != node(7) && after[key] != before[key] ? 1U : 0U;
  }
  EXPECT_LT(static_cast<double>(moved), 0.1 * kKeys);
}

TEST(Maglev, WeightsClaimMoreTurns) {
  PoolHarness pool("maglev", 3);
  pool.set_weight(node(0), 2.0);
  std::map<NodeId, double> share;
  for (const NodeId owner : owners(pool)) share[owner] += 1.0 / kKeys;
  EXPECT_NEAR(share[node(0)], 0.5, 0.02);
  EXPECT_NEAR(share[node(2)], 0.25, 0.02);
}

TEST(Maglev, RefusesATableThatIsNotPrime) {
  const Result<MadeBalancer> made = make_balancer("maglev[table=65536]");
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error(), HasSubstr("maglev: table = 65536: must be a prime number"));
}

TEST(BoundedLoad, WorkedExamples) {
  EXPECT_EQ(bounded_load(0.25, 10.0 / 4), 4);  // 9 under way and the new one on 4 nodes: 3.125
  EXPECT_EQ(bounded_load(0.25, 1.0 / 4), 1);   // idle: two at once of one key spill
  EXPECT_EQ(bounded_load(0.2, 5), 6);          // exactly 6, whatever rounding says
}

TEST(BoundedHash, NoNodeEverExceedsItsBound) {
  for (const double slack : {0.05, 0.25, 1.0}) {
    PoolHarness pool("bounded_hash[floor=1, slack=" + std::to_string(slack) + "]", 8);
    pool.request.has_key = true;
    Random random(5);
    std::uint64_t load = 0;
    for (int i = 0; i < 2'000; ++i) {
      pool.request.key = random.below(3);  // three keys, eight nodes: only the bound spreads them
      const NodeId chosen = pool.send();
      ++load;
      EXPECT_LE(pool.pool.in_flight(chosen), bounded_load(slack, static_cast<double>(load) / 8));
      const NodeId some = node(random.below(8));
      if (random.below(3) > 0 && pool.pool.in_flight(some) > 0) {
        pool.done(some, milliseconds(1));
        --load;
      }
    }
  }
}

TEST(BoundedHash, KeepsAKeyTogetherBelowTheFloorAndBringsItBack) {
  PoolHarness pool("bounded_hash", 4);
  pool.request.has_key = true;
  pool.request.key = 11;
  const NodeId owner = pool.send();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.send(), owner);
  const NodeId spilled = pool.send();  // a fifth: floor 4
  EXPECT_NE(spilled, owner);
  pool.done(owner, milliseconds(1));
  EXPECT_EQ(pool.send(), owner);
}

TEST(BoundedHash, RefusesASlackThatIsNotPositive) {
  for (const char* slack : {"0", "-1"}) {
    const Result<MadeBalancer> made =
        make_balancer(std::string("bounded_hash[slack=") + slack + "]");
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.error(), HasSubstr("must be in [0.01, 100]"));
  }
}

}  // namespace
}  // namespace phoenix
