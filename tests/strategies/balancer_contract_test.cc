// What every balancer in the registry promises, whatever its rule: only eligible nodes, the same
// picks for the same seed, settings that are checked and printed back, and no node forgotten or
// kept through joins, leaves and answers that arrive after a node has gone.
#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

#include "strategies/core/units.h"
#include "tests/strategies/pool_harness.h"

namespace phoenix {
namespace {

using phoenix::testing::PoolHarness;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr Duration kAnswer = milliseconds(5);

class EveryBalancer : public ::testing::TestWithParam<std::string> {
 protected:
  const std::string& name() const { return GetParam(); }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const BalancerEntry& entry : balancers()) names.push_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryBalancer, ::testing::ValuesIn(names()),
                         [](const auto& which) { return which.param; });

// A busy life: requests come and go, nodes leave with requests under way and return, weights and
// reports change. Returns the picks.
std::vector<NodeId> live(PoolHarness& pool, int requests, std::uint64_t seed) {
  Random chance(seed, 99);
  std::vector<NodeId> open;
  std::vector<NodeId> picks;
  const std::size_t nodes = pool.pool.capacity();
  for (int i = 0; i < requests; ++i) {
    pool.request.request_class = id_at<ClassId>(chance.below(3));
    pool.request.size = 1.0 + static_cast<double>(chance.below(100));
    picks.push_back(pool.send());
    open.push_back(picks.back());
    pool.now += milliseconds(1);
    if (open.size() > 2 * nodes) {
      const std::size_t place = chance.below(open.size());
      pool.done(open[place], milliseconds(chance.below(50)), chance.below(20) > 0);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
    }
    const NodeId node = id_at<NodeId>(chance.below(nodes));
    switch (chance.below(12)) {
      case 0:
        if (pool.pool.eligible().size() > 1) pool.leave(node);
        break;
      case 1:
      case 2:
        pool.enter(node);
        break;
      case 3:
        pool.set_weight(node, 0.1 + chance.uniform() * 3);
        break;
      case 4:
        pool.report(node,
                    phoenix::testing::report_of(pool.now, static_cast<float>(chance.uniform()),
                                                LoadReport::kUnknown, 0.5F));
        break;
      case 5:
        pool.tick();
        break;
      default:
        break;
    }
  }
  for (const NodeId node : open) pool.done(node, kAnswer);
  return picks;
}

TEST_P(EveryBalancer, IsMadeFromItsNameAndItsPrintedText) {
  Result<MadeBalancer> made = make_balancer(name());
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_EQ(made->text.substr(0, name().size()), name());
  Result<MadeBalancer> again = make_balancer(made->text);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again->text, made->text);
}

TEST_P(EveryBalancer, HasASummaryAndHelpForEverySetting) {
  for (const BalancerEntry& entry : balancers()) {
    if (entry.name != name()) continue;
    EXPECT_FALSE(entry.summary.empty());
    for (const SettingInfo& setting : entry.settings()) EXPECT_FALSE(setting.help.empty());
  }
}

// The bounds as `phoenix list` prints them: "0.1 to 2", "true or false".
std::vector<std::string> listed_bounds(const SettingInfo& setting) {
  for (const std::string_view word : {" to ", " or "}) {
    const std::size_t place = setting.allowed.find(word);
    if (place != std::string::npos) {
      return {setting.allowed.substr(0, place), setting.allowed.substr(place + word.size())};
    }
  }
  ADD_FAILURE() << setting.key << " has no bounds: " << setting.allowed;
  return {};
}

// Values as close outside the bounds as their kind allows.
std::vector<std::string> just_beyond(const SettingInfo& setting) {
  if (setting.allowed == "true or false") return {"maybe"};
  const std::vector<std::string> bounds = listed_bounds(setting);
  const auto low = parse_number(bounds[0]);
  const auto high = parse_number(bounds[1]);
  if (low.ok() && high.ok()) {
    return {print_number(std::nextafter(*low, -1e300)), print_number(std::nextafter(*high, 1e300)),
            "nan"};
  }
  return {print_duration(*parse_duration(bounds[0]) - Duration{1}),
          print_duration(*parse_duration(bounds[1]) + Duration{1})};
}

TEST_P(EveryBalancer, AcceptsEveryBoundAndRefusesWhatLiesBeyondIt) {
  for (const BalancerEntry& entry : balancers()) {
    if (entry.name != name()) continue;
    for (const SettingInfo& setting : entry.settings()) {
      if (setting.allowed == "a balancer") continue;
      for (const std::string& bound : listed_bounds(setting)) {
        const std::string text = name() + "[" + setting.key + "=" + bound + "]";
        Result<MadeBalancer> made = make_balancer(text);
        ASSERT_TRUE(made.ok()) << made.error();
        PoolHarness pool(text, 5);
        live(pool, 300, 4);
      }
      for (const std::string& beyond : just_beyond(setting)) {
        const Result<MadeBalancer> made =
            make_balancer(name() + "[" + setting.key + "=" + beyond + "]");
        ASSERT_FALSE(made.ok()) << setting.key << "=" << beyond;
        EXPECT_THAT(made.error(), HasSubstr(name() + ": " + setting.key + " = " + beyond));
      }
    }
  }
}

TEST_P(EveryBalancer, RefusesUnknownSettings) {
  const Result<MadeBalancer> made = make_balancer(name() + "[no_such_setting=1]");
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error(), HasSubstr(name() + ": unknown setting \"no_such_setting\""));
}

TEST_P(EveryBalancer, AlwaysPicksTheOnlyNode) {
  PoolHarness pool(name(), 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(pool.send(), id_at<NodeId>(0));
    if (i % 3 > 0) pool.done(id_at<NodeId>(0), kAnswer);
  }
}

TEST_P(EveryBalancer, UsesBothOfTwoNodes) {
  PoolHarness pool(name(), 2);
  std::set<NodeId> seen;
  for (int i = 0; i < 64; ++i) seen.insert(pool.send());
  EXPECT_EQ(seen.size(), 2U);
}

TEST_P(EveryBalancer, PicksOnlyEligibleNodesThroughABusyLife) {
  for (const std::size_t nodes : {2U, 3U, 17U, 300U}) {
    PoolHarness pool(name(), nodes);
    live(pool, 4'000, nodes);
  }
}

TEST_P(EveryBalancer, SameSeedSamePicks) {
  PoolHarness first(name(), 20, 7);
  PoolHarness second(name(), 20, 7);
  EXPECT_EQ(live(first, 3'000, 1), live(second, 3'000, 1));
}

TEST_P(EveryBalancer, ANodeThatLeftGetsNothingUntilItReturns) {
  PoolHarness pool(name(), 4);
  const NodeId gone = id_at<NodeId>(2);
  for (int i = 0; i < 20; ++i) pool.send();
  pool.send_to(gone);
  pool.leave(gone);
  for (int i = 0; i < 200; ++i) {
    const NodeId node = pool.send();
    EXPECT_NE(node, gone);
    pool.done(node, kAnswer);
  }
  // Its answers still arrive, and must not bring it back.
  while (pool.pool.in_flight(gone) > 0) pool.done(gone, kAnswer);
  for (int i = 0; i < 200; ++i) {
    const NodeId node = pool.send();
    EXPECT_NE(node, gone);
    pool.done(node, kAnswer);
  }
  pool.enter(gone);
  pool.advance(seconds(60));
  std::set<NodeId> seen;
  for (int i = 0; i < 300; ++i) seen.insert(pool.send());
  EXPECT_EQ(seen.count(gone), 1U);
}

TEST_P(EveryBalancer, CanTakeOverWithRequestsUnderWay) {
  PoolHarness pool("random", 6);
  std::vector<NodeId> open;
  for (int i = 0; i < 60; ++i) open.push_back(pool.send());
  pool.leave(id_at<NodeId>(5));
  pool.install(name());
  for (const NodeId node : open) pool.done(node, kAnswer);
  live(pool, 500, 3);
}

TEST_P(EveryBalancer, NodesMayJoinOneByOneWhileRequestsFlow) {
  PoolHarness pool(name(), 1);
  for (std::size_t i = 1; i < 200; ++i) {
    pool.done(pool.send(), kAnswer);
    pool.join(id_at<NodeId>(i), 0.5 + static_cast<double>(i % 4));
  }
  live(pool, 2'000, 5);
}

TEST_P(EveryBalancer, ReachesMostOfTenThousandNodes) {
  PoolHarness pool(name(), 10'000);
  std::set<NodeId> seen;
  for (int i = 0; i < 40'000; ++i) seen.insert(pool.send());
  // Even uniform picks leave only a share e^-4 = 1.8 % of the nodes out.
  EXPECT_GT(seen.size(), 9'700U);
}

TEST_P(EveryBalancer, UnfinishedRequestsComeBackToZero) {
  PoolHarness pool(name(), 5);
  live(pool, 2'000, 8);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(pool.pool.in_flight(id_at<NodeId>(i)), 0U);
}

TEST(BalancerRegistry, HasTheStrategiesUnderTheirNames) {
  EXPECT_THAT(names(),
              ::testing::ElementsAre(
                  "round_robin", "weighted_round_robin", "least_connections", "response_time",
                  "resource_aware", "predictive", "random", "p2c", "peak_ewma", "weighted_random",
                  "weighted_least_request", "utilization_weighted", "prequal", "c3",
                  "join_idle_queue", "ring_hash", "maglev", "bounded_hash", "zone_aware"));
}

TEST(BalancerRegistry, AnUnknownNameListsTheKnownOnes) {
  const Result<MadeBalancer> made = make_balancer("least_conections");
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error(),
              HasSubstr("unknown balancer \"least_conections\" (known: round_robin, "));
  EXPECT_THAT(made.error(), HasSubstr("did you mean \"least_connections\"?"));
}

TEST(BalancerRegistry, TellsWhichStrategiesIgnoreWeights) {
  const std::set<std::string> ignore = {"round_robin", "random", "prequal", "join_idle_queue"};
  for (const std::string& name : names()) {
    const bool follows = make_balancer(name)->strategy->follows_weights();
    EXPECT_EQ(follows, ignore.count(name) == 0) << name;
  }
  EXPECT_FALSE(make_balancer("zone_aware[inner=random]")->strategy->follows_weights());
}

}  // namespace
}  // namespace phoenix
