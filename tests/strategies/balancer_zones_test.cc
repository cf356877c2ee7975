// Zone-aware routing: the shares between zones, and what wraps another strategy with them.
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "strategies/balancing/zone_shares.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }
auto near(double value) { return DoubleNear(value, 1e-12); }

const std::vector<double> kCallers = {0.5, 0.25, 0.25};
const std::vector<double> kCapacity = {0.4, 0.3, 0.3};

TEST(ZoneShares, WorkedExample) {
  EXPECT_THAT(zone_shares(0, kCallers, kCapacity), ElementsAre(near(0.8), near(0.1), near(0.1)));
  EXPECT_THAT(zone_shares(1, kCallers, kCapacity), ElementsAre(near(0), near(1), near(0)));
  EXPECT_THAT(zone_shares(2, kCallers, kCapacity), ElementsAre(near(0), near(0), near(1)));
}

TEST(ZoneShares, EveryNodeGetsTheSameLoadWhateverTheShares) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> callers(4), capacity(4), load(4, 0);
    double a = 0, b = 0;
    for (std::size_t z = 0; z < 4; ++z) {
      a += callers[z] = random.uniform_positive();
      b += capacity[z] = random.uniform_positive();
    }
    for (std::size_t z = 0; z < 4; ++z) {
      callers[z] /= a;
      capacity[z] /= b;
    }
    for (std::size_t home = 0; home < 4; ++home) {
      const auto shares = zone_shares(home, callers, capacity);
      for (std::size_t z = 0; z < 4; ++z) load[z] += callers[home] * shares[z];
    }
    for (std::size_t z = 0; z < 4; ++z) EXPECT_NEAR(load[z], capacity[z], 1e-9);
  }
}

TEST(ZoneShares, AZoneWithoutNodesSendsAllAwayAndNothingToSpareKeepsAllAtHome) {
  const std::vector<double> none_at_home = {0, 0.5, 0.5};
  EXPECT_THAT(zone_shares(0, kCallers, none_at_home), ElementsAre(near(0), near(0.5), near(0.5)));
  const std::vector<double> alone = {1.0}, all = {0.5};
  EXPECT_THAT(zone_shares(0, alone, all), ElementsAre(near(1)));
}

// Ten nodes, 4, 3 and 3 in three zones, seen by a gateway of the first.
class Zones {
 public:
  explicit Zones(const std::string& strategy, ZoneId home = ZoneId{0}) : pool_(strategy, 0) {
    pool_.pool.set_surroundings({home, kCallers});
    for (std::size_t i = 0; i < 10; ++i) {
      pool_.join(node(i), 1.0, id_at<ZoneId>(i < 4 ? 0 : (i < 7 ? 1 : 2)));
    }
  }
  std::vector<double> shares(int requests = 20'000) {
    std::vector<double> shares(3, 0);
    const auto picks = pool_.shares(requests);
    for (std::size_t i = 0; i < 10; ++i) {
      shares[index(pool_.pool.zone(node(i)))] += picks[i] / static_cast<double>(requests);
    }
    return shares;
  }
  PoolHarness& pool() { return pool_; }

 private:
  PoolHarness pool_;
};

TEST(ZoneAware, SharesZonesAsTheExampleWithAnyInnerStrategy) {
  for (const std::string inner : {"p2c", "least_connections", "prequal", "predictive",
                                  "round_robin", "maglev", "join_idle_queue"}) {
    Zones zones("zone_aware[inner=" + inner + "]");
    const auto shares = zones.shares();
    EXPECT_NEAR(shares[0], 0.8, 0.015) << inner;
    EXPECT_NEAR(shares[1], 0.1, 0.015) << inner;
  }
}

TEST(ZoneAware, StaysAtHomeWhereTheCapacitySuffices) {
  Zones zones("zone_aware", ZoneId{1});
  EXPECT_THAT(zones.shares(), ElementsAre(near(0), near(1), near(0)));
}

TEST(ZoneAware, FollowsTheNodesThatAreLeft) {
  Zones zones("zone_aware");
  for (const std::size_t i : {0U, 1U, 2U, 3U}) zones.pool().leave(node(i));
  const auto away = zones.shares();
  EXPECT_EQ(away[0], 0);
  EXPECT_NEAR(away[1], 0.5, 0.02);
  for (const std::size_t i : {0U, 1U, 2U, 3U}) zones.pool().enter(node(i));
  EXPECT_NEAR(zones.shares()[0], 0.8, 0.015);
}

TEST(ZoneAware, IsOffWhereItCannotTell) {
  const std::vector<double> even = {0.4, 0.3, 0.3};
  const auto is_off = [&](Zones& zones) {
    const auto shares = zones.shares();
    for (std::size_t z = 0; z < 3; ++z) EXPECT_NEAR(shares[z], even[z], 0.03);
  };
  Zones few("zone_aware[inner=random, minimum=11]");
  is_off(few);
  Zones homeless("zone_aware[inner=random]", kNoZone);
  is_off(homeless);
  Zones panic("zone_aware[inner=random]");
  panic.pool().pool.set_panic(true);
  is_off(panic);
  Zones lost("zone_aware[inner=random]");
  lost.pool().join(node(10));  // in no zone anybody knows
  EXPECT_NEAR(lost.shares()[0], 4.0 / 11, 0.03);
}

TEST(ZoneAware, InnerStrategiesKnowWhatIsUnderWay) {
  // least_connections inside: a node of the home zone with requests under way is passed over.
  Zones zones("zone_aware[inner=least_connections]", ZoneId{1});
  for (int i = 0; i < 5; ++i) zones.pool().send_to(node(4));
  for (int i = 0; i < 8; ++i) EXPECT_NE(zones.pool().send(), node(4));
}

TEST(ZoneAware, PrintsTheInnerStrategyInFull) {
  const Result<MadeBalancer> made = make_balancer("zone_aware[inner=peak_ewma[decay=5 s]]");
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_THAT(made->text, HasSubstr("inner=peak_ewma[decay=5 s, error_penalty=1 s]"));
  EXPECT_THAT(make_balancer("zone_aware")->text, HasSubstr("inner=p2c[choices=2]"));
}

TEST(ZoneAware, RefusesAnInnerStrategyThatIsNone) {
  const Result<MadeBalancer> unknown = make_balancer("zone_aware[inner=nothing]");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error(), HasSubstr("zone_aware: inner = nothing: unknown balancer"));
  const Result<MadeBalancer> nested = make_balancer("zone_aware[inner=zone_aware]");
  ASSERT_FALSE(nested.ok());
  EXPECT_THAT(nested.error(), HasSubstr("must be another balancer"));
  EXPECT_FALSE(make_balancer("zone_aware[inner=p2c[choices=99]]").ok());
}

}  // namespace
}  // namespace phoenix
