// Prequal: its rule and numbers, and what becomes of probes that are lost, late, or of nodes that
// died or fail fast.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "strategies/balancing/hot_cold.h"
#include "tests/strategies/pool_harness.h"
#include "tests/strategies/router_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

NodeId node(std::size_t i) { return id_at<NodeId>(i); }

ProbeEntry entry(std::size_t n, double requests, double ms) {
  ProbeEntry one;
  one.node = node(n);
  one.requests = requests;
  one.latency = ms / 1000;
  return one;
}

TEST(HotCold, WorkedExample) {
  const std::vector<ProbeEntry> entries = {entry(0, 1, 40), entry(1, 2, 10), entry(2, 2, 25),
                                           entry(3, 3, 5), entry(4, 9, 2)};
  EXPECT_EQ(hot_cold_choice(entries, 4), 3U);  // the fifth is hot
  EXPECT_EQ(hot_cold_choice(entries, 0), 0U);  // all hot: fewest requests
  EXPECT_EQ(hot_cold_worst(entries, 4), 4U);
  EXPECT_EQ(hot_cold_worst(entries, 100), 0U);  // all cold: the slowest
}

TEST(HotCold, FailingCountsAsHotAndTiesGoToTheNewer) {
  std::vector<ProbeEntry> entries = {entry(0, 0, 1), entry(1, 3, 50)};
  entries[0].is_failing = true;
  EXPECT_EQ(hot_cold_choice(entries, 5), 1U);
  entries = {entry(0, 1, 5), entry(1, 1, 5)};
  entries[1].heard = kStart + milliseconds(1);
  EXPECT_EQ(hot_cold_choice(entries, 5), 1U);
}

TEST(HotCold, ReuseBudget) {
  EXPECT_NEAR(reuse_budget(16, 100, 3, 1, 1), 1.315789, 1e-6);
  EXPECT_NEAR(reuse_budget(16, 32, 3, 1, 1), 4.0, 1e-12);
  EXPECT_EQ(reuse_budget(16, 1e9, 4, 1, 1), 1.0);          // never below one use
  EXPECT_TRUE(std::isnan(reuse_budget(16, 24, 3, 1, 1)));  // 24 nodes: the denominator is 0
}

TEST(HotCold, NearestRank) {
  std::vector<std::uint32_t> values = {5, 1, 4, 2, 3, 6};
  EXPECT_EQ(nearest_rank(values, 0.8409), 6U);  // of six: the largest, so nothing would be hot
  std::vector<std::uint32_t> many(100);
  for (std::uint32_t i = 0; i < 100; ++i) many[i] = i;
  EXPECT_EQ(nearest_rank(many, 0.8409), 84U);
}

// A fleet that answers probes, with requests that take as long as the node says.
class Fleet {
 public:
  explicit Fleet(std::size_t nodes, const std::string& strategy = "prequal")
      : pool_(strategy, nodes), latency_ms_(nodes, 10), answers_(nodes, true), picks_(nodes, 0) {}

  void set_latency(std::size_t n, double ms) { latency_ms_[n] = ms; }
  void silence(std::size_t n) { answers_[n] = false; }

  // One request after the other, `spacing` apart; each is under way for its node's latency.
  // A node that `fails` does so at once.
  void run(int requests, double probe_loss = 0, std::set<std::size_t> fails = {}) {
    for (int i = 0; i < requests; ++i) {
      pool_.now += milliseconds(1);
      finish(fails);
      const NodeId chosen = pool_.send();
      ++picks_[index(chosen)];
      open_.push_back({pool_.now, chosen});
      for (const NodeId asked : pool_.probes()) {
        if (!answers_[index(asked)] || chance_.uniform() < probe_loss) continue;
        LoadReport report;
        report.measured_at = pool_.now;
        report.in_service = pool_.pool.in_flight(asked);
        report.latency = static_cast<float>(latency_ms_[index(asked)] / 1000);
        pool_.report(asked, report);
      }
    }
  }

  PoolHarness& pool() { return pool_; }
  int picks(std::size_t n) const { return picks_[n]; }
  void forget_picks() { std::fill(picks_.begin(), picks_.end(), 0); }

 private:
  struct Open {
    Time since;
    NodeId node;
  };
  void finish(const std::set<std::size_t>& fails) {
    std::vector<Open> left;
    for (const Open& one : open_) {
      const std::size_t n = index(one.node);
      const bool is_failing = fails.count(n) > 0;
      const Duration takes =
          is_failing ? Duration(microseconds(100)) : from_seconds(latency_ms_[n] / 1000);
      if (pool_.now - one.since < takes) {
        left.push_back(one);
      } else {
        pool_.done(one.node, takes, !is_failing);
      }
    }
    open_.swap(left);
  }

  PoolHarness pool_;
  std::vector<double> latency_ms_;
  std::vector<bool> answers_;
  std::vector<int> picks_;
  std::vector<Open> open_;
  Random chance_{17};
};

TEST(Prequal, AsksThreeDifferentNodesPerRequest) {
  PoolHarness pool("prequal", 10);
  for (int i = 0; i < 100; ++i) {
    pool.pick();
    const auto asked = pool.probes();
    EXPECT_EQ(std::set<NodeId>(asked.begin(), asked.end()).size(), 3U);
  }
}

TEST(Prequal, AFractionOfAProbeIsAskedNowAndThen) {
  PoolHarness pool("prequal[probes=0.5]", 10);
  std::size_t asked = 0;
  for (int i = 0; i < 100; ++i) {
    pool.pick();
    asked += pool.probes().size();
  }
  EXPECT_EQ(asked, 50U);
}

TEST(Prequal, AsksOneNodeAfterIdleTime) {
  PoolHarness pool("prequal", 10);
  pool.pick();
  pool.tick();
  EXPECT_TRUE(pool.probes().empty());  // requests came
  pool.tick();
  EXPECT_EQ(pool.probes().size(), 1U);
}

TEST(Prequal, ASlowNodeGetsLessThanItsShareInFleetsOfAnySize) {
  for (const std::size_t nodes : {4U, 8U, 24U, 25U, 100U}) {
    Fleet fleet(nodes);
    fleet.set_latency(0, 40);
    fleet.run(6'000);
    int others = 0;
    for (std::size_t n = 1; n < nodes; ++n) {
      others += fleet.picks(n);
      EXPECT_GT(fleet.picks(n), 0) << nodes;  // nobody starves
    }
    EXPECT_LT(fleet.picks(0), 0.7 * others / static_cast<double>(nodes - 1)) << nodes;
  }
}

TEST(Prequal, SurvivesTheLossOfHalfOfItsProbes) {
  for (const std::size_t nodes : {8U, 100U}) {
    Fleet fleet(nodes);
    fleet.set_latency(0, 40);
    fleet.run(6'000, 0.5);
    EXPECT_LT(fleet.picks(0), 0.8 * 6'000.0 / static_cast<double>(nodes)) << nodes;
  }
}

TEST(Prequal, PicksAtRandomWithoutAnswers) {
  Fleet fleet(5);
  fleet.run(5'000, 1.0);
  for (std::size_t n = 0; n < 5; ++n) EXPECT_NEAR(fleet.picks(n), 1'000, 5 * std::sqrt(800));
}

TEST(Prequal, ANodeThatFailsFastGetsAtMostItsFairShare) {
  for (const std::size_t nodes : {8U, 100U}) {
    Fleet fleet(nodes);
    // It tells what its few requests in flight and its quick failures make it believe.
    fleet.set_latency(0, 0.1);
    fleet.run(12'000, 0, {0});
    EXPECT_LE(fleet.picks(0), 12'000.0 / static_cast<double>(nodes)) << nodes;
  }
}

TEST(Prequal, TheProbeOfADeadNodeIsGoneWithinASecond) {
  Fleet fleet(6);
  fleet.run(1'000);
  fleet.silence(2);  // it takes requests and never answers a probe again
  fleet.set_latency(2, 1e6);
  fleet.run(1'000);
  fleet.forget_picks();
  fleet.run(1'000);
  EXPECT_EQ(fleet.picks(2), 0);
}

TEST(Prequal, ANodeThatLeftIsForgottenAtOnce) {
  Fleet fleet(6);
  fleet.run(500);
  fleet.pool().leave(node(1));
  fleet.forget_picks();
  fleet.run(500);
  EXPECT_EQ(fleet.picks(1), 0);
}

TEST(Prequal, AnswersThatComeTooLateAreDropped) {
  PoolHarness pool("prequal", 3);
  for (int i = 0; i < 50; ++i) {
    pool.pick();
    const auto asked = pool.probes();
    pool.now += milliseconds(5);
    for (const NodeId n : asked) {
      LoadReport report;
      report.in_service = n == node(0) ? 0 : 9;
      report.measured_at = pool.now;
      pool.report(n, report);
    }
  }
  // Nothing was learnt: random picks.
  std::set<NodeId> seen;
  for (int i = 0; i < 60; ++i) seen.insert(pool.pick());
  EXPECT_EQ(seen.size(), 3U);
}

TEST(RouterProbes, AreAskedForAndCounted) {
  std::vector<std::unique_ptr<Balancer>> balancers;
  balancers.push_back(std::move(make_balancer("prequal")->strategy));
  Router router(RouterSettings{}, std::move(balancers), {{ServiceId{0}}}, Random(7));
  phoenix::testing::join(router, 6);
  router.on_request(phoenix::testing::request(1), kStart);
  ASSERT_EQ(router.probes().size(), 3U);
  for (const RouterAction& wish : router.probes()) {
    EXPECT_EQ(wish.kind, RouterAction::Kind::kProbe);
    EXPECT_LT(index(wish.node), 6U);
  }
  EXPECT_EQ(router.counters().probes, 3U);
  router.on_wake(kStart + milliseconds(1));
  EXPECT_TRUE(router.probes().empty());
}

}  // namespace
}  // namespace phoenix
