// Kinds that draw or combine: noise, flapping, partitions and the composites.
#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/fault_plan.h"
#include "tests/scenarios/fault_fixtures.h"

namespace phoenix {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::Ge;
using testing::Lt;
using testing::SizeIs;

constexpr int kEndpoints = 12;  // of small_cluster(): 2 gateways, 10 nodes

int place_of(const Endpoint& e) { return static_cast<int>(e.number) + (e.is_gateway ? 0 : 2); }

// Whether a message from row to column is cut at the begin of the plan's only partition.
std::vector<std::vector<bool>> cut_matrix(const FaultPlan& plan) {
  std::vector<std::vector<bool>> cut(kEndpoints, std::vector<bool>(kEndpoints, false));
  for (const FaultEvent& event : plan.events) {
    if (event.phase != FaultPhase::kBegin) continue;
    EXPECT_EQ(event.action, FaultAction::kCut);
    for (const Endpoint& from : event.from) {
      for (const Endpoint& to : event.to) {
        cut[static_cast<std::size_t>(place_of(from))][static_cast<std::size_t>(place_of(to))] =
            true;
      }
    }
  }
  return cut;
}

std::vector<std::vector<bool>> partition(const std::string& mode, std::uint64_t seed = 7,
                                         const std::string& target = "") {
  Scenario scenario = small_cluster();
  scenario.seed = seed;
  return cut_matrix(
      plan_of(scenario, {make_fault("partition", target, 10, 20, {}, {{"mode", mode}})}));
}

void expect_both_ways(const std::vector<std::vector<bool>>& cut) {
  for (std::size_t i = 0; i < cut.size(); ++i) {
    EXPECT_FALSE(cut[i][i]);
    for (std::size_t j = 0; j < cut.size(); ++j) EXPECT_EQ(cut[i][j], cut[j][i]) << i << " " << j;
  }
}

int reached_by(const std::vector<std::vector<bool>>& cut, std::size_t i) {
  return static_cast<int>(std::count(cut[i].begin(), cut[i].end(), false));
}

TEST(Partition, HalvesSplitGatewaysAndNodesInTwo) {
  const auto cut = partition("halves");
  expect_both_ways(cut);
  EXPECT_TRUE(cut[0][1]);  // one gateway on each side
  for (std::size_t i = 0; i < cut.size(); ++i) EXPECT_EQ(reached_by(cut, i), 6);
  EXPECT_NE(cut, partition("halves", 8));
}

TEST(Partition, HalvesAreTheDefault) {
  EXPECT_EQ(partition("halves"),
            cut_matrix(plan_of(small_cluster(), {make_fault("partition", "", 10, 20)})));
}

TEST(Partition, IsolateOneCutsOneNodeFromEverybody) {
  const auto cut = partition("isolate_one");
  expect_both_ways(cut);
  int isolated = 0;
  for (std::size_t i = 0; i < cut.size(); ++i) {
    if (reached_by(cut, i) != 1) continue;
    ++isolated;
    EXPECT_GE(i, 2U) << "a gateway";
  }
  EXPECT_EQ(isolated, 1);
}

TEST(Partition, IsolateOnePicksFromItsTarget) {
  const auto cut = partition("isolate_one", 7, "node:9");
  EXPECT_EQ(reached_by(cut, 11), 1);
}

TEST(Partition, MajorityRingLetsEveryoneReachADifferentMajority) {
  const auto cut = partition("majority_ring");
  expect_both_ways(cut);
  std::set<std::vector<bool>> views(cut.begin(), cut.end());
  EXPECT_THAT(views, SizeIs(kEndpoints));
  // 12 endpoints: 7 are a majority, with 3 neighbours on each side.
  for (std::size_t i = 0; i < cut.size(); ++i) EXPECT_EQ(reached_by(cut, i), 7);
}

TEST(Partition, ZonesCutEveryZoneFromTheOthers) {
  const auto cut = partition("zones");
  expect_both_ways(cut);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(reached_by(cut, i), 8);  // gateways, nodes 0 to 5
  for (std::size_t i = 8; i < 12; ++i) EXPECT_EQ(reached_by(cut, i), 4);
}

TEST(Partition, BridgeLeavesOneNodeThatReachesBothHalves) {
  const auto cut = partition("bridge");
  expect_both_ways(cut);
  std::vector<int> reached;
  for (std::size_t i = 0; i < cut.size(); ++i) reached.push_back(reached_by(cut, i));
  // 9 nodes left: 5 and 4; with a gateway and the bridge 7 and 6 are reached.
  EXPECT_EQ(std::count(reached.begin(), reached.end(), 12), 1);
  EXPECT_EQ(std::count(reached.begin(), reached.end(), 7), 6);
  EXPECT_EQ(std::count(reached.begin(), reached.end(), 6), 5);
}

TEST(Partition, GroupsLeaveOutsidersAlone) {
  const FaultPlan plan =
      plan_of(small_cluster(),
              {make_fault("partition", "", 10, 20, {}, {{"groups", "gateway:0, 1 | group:old"}})});
  EXPECT_THAT(describe_plan(plan), ElementsAre("10 begin link:1 gateway+1 node->4 nodes",
                                               "10 begin link:4 nodes->1 gateway+1 node",
                                               "30 end link:1 gateway+1 node->4 nodes",
                                               "30 end link:4 nodes->1 gateway+1 node"));
  const auto cut = cut_matrix(plan);
  expect_both_ways(cut);
  EXPECT_EQ(reached_by(cut, 0), 8);
  EXPECT_EQ(reached_by(cut, 1), 12);
}

// Total time between begin and end, and how often, of the effects on one target.
struct OnTime {
  double seconds = 0;
  int times = 0;
};

std::map<std::string, OnTime> on_times(const FaultPlan& plan) {
  std::map<std::string, OnTime> on;
  for (const FaultEvent& event : plan.events) {
    const bool begins = event.phase == FaultPhase::kBegin;
    on[event.target].seconds += begins ? -to_seconds(event.at) : to_seconds(event.at);
    on[event.target].times += begins ? 1 : 0;
  }
  return on;
}

TEST(CpuNoise, SpendsItsShareOfTimeSlow) {
  // Alternating with means 1 s and 3 s: a quarter of the time slow, from the first instant. Over
  // T = 20,000 s about 5,000 cycles; the variance of the time slow is T * 2 (on off)^2 / (on +
  // off)^3 = 20,000 * 18 / 64 = 5,625, so sd 75 s; four of those.
  const FaultPlan plan = plan_of(small_cluster(std::chrono::seconds(20'000)),
                                 {make_fault("cpu_noise", "nodes:[1, 2]", 0, 0, {{"factor", 0.4}},
                                             {{"mean_on", "1 s"}, {"mean_off", "3 s"}})});
  const auto on = on_times(plan);
  ASSERT_THAT(on, SizeIs(2));
  for (const auto& [target, time] : on) {
    EXPECT_NEAR(time.seconds, 5'000, 300) << target;
    EXPECT_NEAR(time.times, 5'000, 300) << target;  // sd of the count: sqrt(5000 * 10 / 16) = 56
  }
  EXPECT_NE(on.begin()->second.times, on.rbegin()->second.times);
  for (const FaultEvent& event : plan.events) {
    EXPECT_EQ(event.action, FaultAction::kSlowCpu);
    EXPECT_EQ(event.magnitude, 0.4);
  }
}

TEST(CpuNoise, BeginsInItsLongRunState) {
  // 2,000 nodes, each slow at the start with chance 1/4: sd sqrt(2000 * 3/16) = 19.4, four of
  // those.
  Scenario scenario = small_cluster();
  scenario.cluster.groups[0].count = 1'996;
  const FaultPlan plan =
      plan_of(scenario, {make_fault("cpu_noise", "all", 50, 1, {{"factor", 0.4}},
                                    {{"mean_on", "100 s"}, {"mean_off", "300 s"}})});
  const auto slow = std::count_if(plan.events.begin(), plan.events.end(), [](const FaultEvent& e) {
    return e.phase == FaultPhase::kBegin && to_seconds(e.at) == 50;
  });
  EXPECT_NEAR(static_cast<double>(slow), 500, 78);
}

TEST(CpuNoise, StaysWithinItsDuration) {
  const FaultPlan plan =
      plan_of(small_cluster(), {make_fault("cpu_noise", "all", 10, 20, {{"factor", 0.4}},
                                           {{"mean_on", "1 s"}, {"mean_off", "1 s"}})});
  ASSERT_FALSE(plan.events.empty());
  for (const FaultEvent& event : plan.events) {
    EXPECT_GE(event.at, kStart + std::chrono::seconds(10));
    EXPECT_LE(event.at, kStart + std::chrono::seconds(30));
  }
}

TEST(Flap, BeginsCutAndTogglesBothWaysTogether) {
  const FaultPlan plan = plan_of(
      small_cluster(),
      {make_fault("flap", "node:3", 10, 50, {}, {{"mean_on", "1 s"}, {"mean_off", "1 s"}})});
  ASSERT_GE(plan.events.size(), 4U);
  EXPECT_EQ(describe_event(plan.events[0]), "10 begin link:*->node:3");
  EXPECT_EQ(describe_event(plan.events[1]), "10 begin link:node:3->*");
  for (std::size_t i = 0; i + 1 < plan.events.size(); i += 2) {
    EXPECT_EQ(plan.events[i].at, plan.events[i + 1].at);
    EXPECT_EQ(plan.events[i].phase, plan.events[i + 1].phase);
  }
}

TEST(Flap, IsCutForItsShareOfTime) {
  // As for the noise above: 2,500 cycles of 2 s and 6 s; variance 20,000 * 2 * 144 / 512, sd 106 s.
  const FaultPlan plan = plan_of(small_cluster(std::chrono::seconds(20'000)),
                                 {make_fault("flap", "link:gateway:0->node:3", 0, 0, {},
                                             {{"mean_on", "2 s"}, {"mean_off", "6 s"}})});
  EXPECT_NEAR(on_times(plan).begin()->second.seconds, 5'000, 424);
}

TEST(Composites, NameTheirChildrenAndPointToTheirParent) {
  const FaultPlan plan =
      plan_of(small_cluster(), {make_fault("pause", "node:1", 1, 1),
                                make_fault("gray_node", "node:3", 10, 5, {{"factor", 0.2}})});
  EXPECT_THAT(plan.names,
              ElementsAre("pause", "gray_node", "gray_node/0", "gray_node/1", "gray_node/2"));
  EXPECT_THAT(plan.kinds, ElementsAre("pause", "gray_node", "slow_cpu", "loss", "metrics_frozen"));
  EXPECT_EQ(plan.events.front().parent, -1);
  EXPECT_EQ(plan.events.back().parent, 1);
}

TEST(Composites, ZoneOutageCrashesAWholeZoneWithinItsSpread) {
  const FaultPlan plan = plan_of(
      small_cluster(), {make_fault("zone_outage", "zone:b", 10, 30, {}, {{"spread", "2 s"}})});
  ASSERT_THAT(plan.events, SizeIs(8));
  std::map<std::uint32_t, Time> begun;
  std::set<std::size_t> nodes;
  for (const FaultEvent& event : plan.events) {
    EXPECT_EQ(event.action, FaultAction::kCrash);
    nodes.insert(index(event.node));
    if (event.phase == FaultPhase::kBegin) {
      EXPECT_THAT(to_seconds(event.at), AllOf(Ge(10), Lt(12)));
      begun[event.effect] = event.at;
    } else {
      EXPECT_EQ(event.at - begun[event.effect], std::chrono::seconds(30));
    }
  }
  EXPECT_THAT(nodes, ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(std::set<Time>({plan.events[0].at, plan.events[1].at, plan.events[2].at}), SizeIs(3));
}

TEST(Composites, RollingRestartTakesOneNodeAfterTheOther) {
  const FaultPlan plan =
      plan_of(small_cluster(), {make_fault("rolling_restart", "nodes:[2, 5, 9]", 10, 0, {},
                                           {{"gap", "4 s"}, {"down", "6 s"}, {"grace", "5 s"}})});
  EXPECT_THAT(describe_plan(plan),
              ElementsAre("10 begin node:2", "16 end node:2", "20 begin node:5", "26 end node:5",
                          "30 begin node:9", "36 end node:9"));
  EXPECT_EQ(plan.events[0].action, FaultAction::kStopGraceful);
  EXPECT_EQ(plan.events[0].duration2, std::chrono::seconds(5));
}

TEST(Composites, GrayNodeIsSlowLossyAndLooksFine) {
  FaultSpec spec = make_fault("gray_node", "node:3", 10, 50, {{"factor", 0.2}, {"p", 0.05}});
  spec.max_unavailable = 1;
  const FaultPlan plan = plan_of(small_cluster(), {spec});
  EXPECT_THAT(describe_plan(plan),
              ElementsAre("10 begin node:3", "10 begin link:*->node:3", "10 begin link:node:3->*",
                          "10 begin node:3", "60 end node:3", "60 end link:*->node:3",
                          "60 end link:node:3->*", "60 end node:3"));
  EXPECT_EQ(plan.events[0].action, FaultAction::kSlowCpu);
  EXPECT_EQ(plan.events[0].magnitude, 0.2);
  EXPECT_EQ(plan.events[1].action, FaultAction::kLoss);
  EXPECT_EQ(plan.events[1].magnitude, 0.05);
  EXPECT_EQ(plan.events[3].action, FaultAction::kMetricsFrozen);
  EXPECT_THAT(plan.events, Each(Field(&FaultEvent::max_unavailable, 1)));
}

TEST(Composites, GrayNodeStrikesOneRandomNodeInAllItsWays) {
  const FaultPlan plan =
      plan_of(small_cluster(), {make_fault("gray_node", "random:1", 10, 50, {{"factor", 0.2}})});
  ASSERT_THAT(plan.events, SizeIs(8));
  EXPECT_EQ(plan.events[0].node, plan.events[3].node);
  EXPECT_THAT(plan.events[1].to,
              ElementsAre(Endpoint{false, static_cast<std::uint32_t>(index(plan.events[0].node))}));
}

TEST(Chaos, DrawsKindsByWeightAtItsRate) {
  // Poisson with 0.5 /s over 80,000 s: 40,000 draws. Weights 3 to 1 split it into Poisson numbers
  // with means 30,000 and 10,000, four nodes into 10,000 each; sd 173 and 100, four of each.
  // Lengths are exponential with mean 2 s: sd of their mean 2 / sqrt(40,000) = 0.01.
  const FaultPlan plan = plan_of(
      small_cluster(std::chrono::seconds(80'000)),
      {make_fault("chaos", "group:old", 0, 0, {},
                  {{"rate", "0.5 /s"}, {"kinds", "pause:3, slow_cpu"}, {"mean_length", "2 s"}})});
  std::map<std::int32_t, int> drawn;
  std::map<std::size_t, int> struck;
  double length = 0;
  for (const FaultEvent& event : plan.events) {
    EXPECT_EQ(event.parent, 0);
    length += (event.phase == FaultPhase::kBegin ? -1 : 1) * to_seconds(event.at);
    if (event.phase != FaultPhase::kBegin) continue;
    ++drawn[event.fault];
    ++struck[index(event.node)];
    if (event.action != FaultAction::kSlowCpu) continue;
    EXPECT_THAT(event.magnitude, AllOf(Ge(0.1), Lt(0.9)));
  }
  EXPECT_NEAR(drawn[1], 30'000, 693);
  EXPECT_NEAR(drawn[2], 10'000, 400);
  EXPECT_NEAR(length / (drawn[1] + drawn[2]), 2, 0.04);
  ASSERT_THAT(struck, SizeIs(4));
  for (const auto& [node, times] : struck) EXPECT_NEAR(times, 10'000, 400) << node;
  EXPECT_GE(struck.begin()->first, 6U);
}

TEST(Chaos, CanDrawEverySimpleKind) {
  std::string kinds;
  for (const std::string_view kind :
       {"crash", "crash_notify", "crash_restart", "stop_graceful", "pause", "slow_cpu", "stall",
        "start_fail", "start_delay", "delay", "bandwidth", "loss", "cut", "clog", "metrics_missing",
        "metrics_stale", "metrics_frozen"}) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(kind);
  }
  FaultSpec spec = make_fault("chaos", "", 0, 0, {}, {{"rate", "10 /s"}, {"kinds", kinds}});
  spec.max_unavailable = 3;
  const Scenario scenario = small_cluster();
  ASSERT_TRUE(check_fault(spec, fault_topology(scenario), Fidelity::kRequest).empty());
  std::set<FaultAction> actions;
  for (const FaultEvent& event : plan_of(scenario, {spec}).events) {
    actions.insert(event.action);
    EXPECT_EQ(event.max_unavailable, 3);
    if (event.phase != FaultPhase::kBegin) continue;
    if (event.action == FaultAction::kDelay || event.action == FaultAction::kMetricsStale) {
      EXPECT_GT(event.duration2, Duration{0});
    }
    if (event.action == FaultAction::kClog) {
      EXPECT_GE(event.capacity, 100);
    }
    if (event.action == FaultAction::kLoss) {
      EXPECT_GT(event.magnitude, 0);
    }
  }
  EXPECT_THAT(actions, SizeIs(15));  // crash and crash_restart, pause and stall share theirs
}

TEST(Chaos, SkipsKindsAFidelityCannotDo) {
  Scenario scenario = small_cluster();
  scenario.fidelity = Fidelity::kFlow;
  FaultSpec spec =
      make_fault("chaos", "", 0, 0, {}, {{"rate", "1 /s"}, {"kinds", "pause, crash_restart"}});
  spec.allow_unsupported = true;
  int skipped = 0;
  int begun = 0;
  for (const FaultEvent& event : plan_of(scenario, {spec}).events) {
    skipped += event.phase == FaultPhase::kSkipped && event.action == FaultAction::kPause ? 1 : 0;
    begun += event.phase == FaultPhase::kBegin && event.action == FaultAction::kCrash ? 1 : 0;
  }
  EXPECT_GT(skipped, 20);
  EXPECT_GT(begun, 20);
}

}  // namespace
}  // namespace phoenix
