// What every kind becomes: dates, victims and magnitudes, and the rules that hold for all of them.
#include "scenarios/fault_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scenarios/fault_fixtures.h"

namespace phoenix {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

FaultPlan plan_one(const FaultSpec& spec) { return plan_of(small_cluster(), {spec}); }

std::vector<std::string> lines_of(const FaultSpec& spec) { return describe_plan(plan_one(spec)); }

std::vector<FaultEvent> begins_of(const FaultPlan& plan) {
  std::vector<FaultEvent> begins;
  std::copy_if(plan.events.begin(), plan.events.end(), std::back_inserter(begins),
               [](const FaultEvent& e) { return e.phase == FaultPhase::kBegin; });
  return begins;
}

std::vector<std::size_t> numbers_of(const std::vector<Endpoint>& endpoints, bool gateways) {
  std::vector<std::size_t> numbers;
  for (const Endpoint& e : endpoints) {
    if (e.is_gateway == gateways) numbers.push_back(e.number);
  }
  return numbers;
}

TEST(FaultPlan, CrashRestartStopsANodeAndStartsItAgain) {
  const FaultPlan plan = plan_one(make_fault("crash_restart", "node:3", 10, 5));
  EXPECT_THAT(describe_plan(plan), ElementsAre("10 begin node:3", "15 end node:3"));
  EXPECT_EQ(plan.events[0].action, FaultAction::kCrash);
  EXPECT_EQ(plan.events[0].node, NodeId{3});
  EXPECT_FALSE(plan.events[0].keeps_state);
  EXPECT_EQ(plan.events[0].effect, plan.events[1].effect);
}

TEST(FaultPlan, CrashLastsToTheEndOfTheRunWhereItIsHealed) {
  EXPECT_THAT(lines_of(make_fault("crash", "node:3", 10, 0)),
              ElementsAre("10 begin node:3", "100 end node:3"));
}

TEST(FaultPlan, WithoutFinalHealOpenEffectsStayOpen) {
  Scenario scenario = small_cluster();
  scenario.final_heal = false;
  const FaultPlan plan = plan_of(scenario, {make_fault("crash", "node:3", 10, 0),
                                            make_fault("crash_restart", "node:4", 10, 5)});
  EXPECT_THAT(describe_plan(plan),
              ElementsAre("10 begin node:3", "10 begin node:4", "15 end node:4"));
}

TEST(FaultPlan, NodeKindsCarryTheirActionAndMagnitude) {
  struct Row {
    FaultSpec spec;
    FaultAction action;
    double magnitude;
    Duration duration2;
  };
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Row> rows = {
      {make_fault("crash_notify", "node:1", 1, 2), FaultAction::kCrashNotify, none, {}},
      {make_fault("stop_graceful", "node:1", 1, 2), FaultAction::kStopGraceful, none,
       std::chrono::seconds(30)},
      {make_fault("stop_graceful", "node:1", 1, 2, {}, {{"grace", "3 s"}}),
       FaultAction::kStopGraceful, none, std::chrono::seconds(3)},
      {make_fault("pause", "node:1", 1, 2), FaultAction::kPause, none, {}},
      {make_fault("stall", "node:1", 1, 2), FaultAction::kPause, none, {}},
      {make_fault("slow_cpu", "node:1", 1, 2, {{"factor", 0.5}}), FaultAction::kSlowCpu, 0.5, {}},
      {make_fault("start_fail", "node:1", 1, 2), FaultAction::kStartFail, 1.0, {}},
      {make_fault("start_delay", "node:1", 1, 2, {}, {{"delay", "4 s"}}), FaultAction::kStartDelay,
       none, std::chrono::seconds(4)},
      {make_fault("bandwidth", "node:1", 1, 2, {{"factor", 0.1}}),
       FaultAction::kBandwidth,
       0.1,
       {}},
      {make_fault("metrics_missing", "node:1", 1, 2, {{"p", 0.3}}),
       FaultAction::kMetricsMissing,
       0.3,
       {}},
      {make_fault("metrics_stale", "node:1", 1, 2, {}, {{"delay", "5 s"}}),
       FaultAction::kMetricsStale, none, std::chrono::seconds(5)},
      {make_fault("metrics_frozen", "node:1", 1, 2), FaultAction::kMetricsFrozen, none, {}},
      {make_fault("metrics_wrong", "node:1", 1, 2, {{"factor", 3}}),
       FaultAction::kMetricsWrong,
       3,
       {}},
  };
  for (const Row& row : rows) {
    const FaultPlan plan = plan_one(row.spec);
    SCOPED_TRACE(row.spec.kind);
    EXPECT_THAT(describe_plan(plan), ElementsAre("1 begin node:1", "3 end node:1"));
    const FaultEvent& begin = plan.events.front();
    EXPECT_EQ(begin.action, row.action);
    EXPECT_EQ(begin.node, NodeId{1});
    EXPECT_EQ(begin.duration2, row.duration2);
    if (std::isnan(row.magnitude)) {
      EXPECT_TRUE(std::isnan(begin.magnitude));
    } else {
      EXPECT_EQ(begin.magnitude, row.magnitude);
    }
  }
}

TEST(FaultPlan, KeptStateIsCarriedToTheWorld) {
  const FaultPlan plan =
      plan_one(make_fault("crash_restart", "node:3", 10, 5, {}, {{"state", "kept"}}));
  EXPECT_TRUE(plan.events[0].keeps_state);
}

TEST(FaultPlan, MagnitudesMayBeTextsWithUnits) {
  const FaultPlan plan = plan_one(make_fault("delay", "link:gateway:0->2", 1, 2, {},
                                             {{"delay", "20 ms"}, {"delay_jitter", "5 ms"}}));
  EXPECT_EQ(plan.events[0].duration2, std::chrono::milliseconds(20));
  EXPECT_EQ(plan.events[0].jitter, std::chrono::milliseconds(5));
}

TEST(FaultPlan, ALinkIsOneDirectionAndAPairIsTwo) {
  const FaultPlan link = plan_one(make_fault("cut", "link:gateway:0->2", 1, 2));
  EXPECT_THAT(describe_plan(link),
              ElementsAre("1 begin link:gateway:0->node:2", "3 end link:gateway:0->node:2"));
  EXPECT_THAT(link.events[0].from, ElementsAre(Endpoint{true, 0}));
  EXPECT_THAT(link.events[0].to, ElementsAre(Endpoint{false, 2}));
  EXPECT_THAT(lines_of(make_fault("cut", "pair:gateway:1,node:2", 1, 0)),
              ElementsAre("1 begin link:gateway:1->node:2", "1 begin link:node:2->gateway:1",
                          "100 end link:gateway:1->node:2", "100 end link:node:2->gateway:1"));
}

TEST(FaultPlan, ANetworkFaultOnNodesStrikesEveryPathOnceInEachDirection) {
  const FaultPlan plan = plan_one(make_fault("loss", "nodes:[4, 2]", 1, 2, {{"p", 0.25}}));
  const auto begins = begins_of(plan);
  ASSERT_THAT(begins, SizeIs(2));
  EXPECT_EQ(begins[0].magnitude, 0.25);
  std::map<std::pair<std::size_t, std::size_t>, int> hits;  // (from, to), gateways from 100
  for (const FaultEvent& event : begins) {
    for (const Endpoint& from : event.from) {
      for (const Endpoint& to : event.to) {
        if (from == to) continue;
        ++hits[{from.number + (from.is_gateway ? 100 : 0), to.number + (to.is_gateway ? 100 : 0)}];
      }
    }
  }
  // Node 2 and node 4 each have 11 others, both ways; their own two paths are shared.
  EXPECT_THAT(hits, SizeIs(2 * 11 * 2 - 2));
  for (const auto& [pair, count] : hits) {
    EXPECT_EQ(count, 1) << pair.first << "->" << pair.second;
    EXPECT_TRUE(pair.first == 2 || pair.first == 4 || pair.second == 2 || pair.second == 4);
  }
}

TEST(FaultPlan, AZoneEndOfALinkHasItsNodesAndGateways) {
  const FaultPlan plan = plan_one(make_fault("cut", "link:zone:a->zone:b", 1, 2));
  EXPECT_THAT(numbers_of(plan.events[0].from, true), ElementsAre(0, 1));
  EXPECT_THAT(numbers_of(plan.events[0].from, false), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(numbers_of(plan.events[0].to, true), IsEmpty());
  EXPECT_THAT(numbers_of(plan.events[0].to, false), ElementsAre(6, 7, 8, 9));
  EXPECT_EQ(plan.events[0].target, "link:2 gateways+6 nodes->4 nodes");
}

TEST(FaultPlan, BandwidthNamesTheNodeAsItsEnd) {
  const FaultPlan plan = plan_one(make_fault("bandwidth", "node:4", 1, 2, {{"factor", 0.5}}));
  EXPECT_THAT(plan.events[0].from, ElementsAre(Endpoint{false, 4}));
}

TEST(FaultPlan, ClogCarriesItsCapacity) {
  EXPECT_EQ(plan_one(make_fault("clog", "node:1", 1, 2)).events[0].capacity, 10'000);
  EXPECT_EQ(plan_one(make_fault("clog", "node:1", 1, 2, {{"capacity", 7}})).events[0].capacity, 7);
}

TEST(FaultPlan, BusiestIsLeftToTheWorld) {
  const FaultPlan plan = plan_one(make_fault("pause", "busiest", 10, 5));
  ASSERT_THAT(plan.events, SizeIs(2));
  EXPECT_TRUE(plan.events[0].resolve_busiest);
  EXPECT_EQ(plan.events[0].node, kNoNode);
}

TEST(FaultPlan, TargetsResolveToTheirNodes) {
  const auto victims = [](const std::string& target) {
    std::vector<std::size_t> nodes;
    for (const FaultEvent& e : begins_of(plan_one(make_fault("crash", target, 1, 1)))) {
      nodes.push_back(index(e.node));
    }
    return nodes;
  };
  EXPECT_THAT(victims("nodes:[7, 2]"), ElementsAre(2, 7));
  EXPECT_THAT(victims("group:old"), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(victims("zone:a"), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(victims("all"), SizeIs(10));
  EXPECT_THAT(victims("random:4"), SizeIs(4));
  EXPECT_THAT(victims("fraction:0.25"), SizeIs(3));  // 2.5 rounds away from zero
  EXPECT_THAT(victims("fraction:0.01"), SizeIs(1));
}

TEST(FaultPlan, EffectsAreDenseAndOneForEachVictimAndRepetition) {
  FaultSpec spec = make_fault("crash_restart", "random:3", 10, 5);
  spec.every = std::chrono::seconds(20);
  spec.count = 2;
  const FaultPlan plan = plan_of(small_cluster(), {spec, make_fault("pause", "node:0", 1, 1)});
  std::map<std::uint32_t, int> phases;
  for (const FaultEvent& event : plan.events) ++phases[event.effect];
  ASSERT_THAT(phases, SizeIs(7));
  EXPECT_EQ(phases.rbegin()->first, 6U);
  for (const auto& [effect, count] : phases) EXPECT_EQ(count, 2) << effect;
}

TEST(FaultPlan, OverlappingFaultsOnOneNodeStayApart) {
  FaultSpec first = make_fault("slow_cpu", "node:1", 10, 20, {{"factor", 0.5}});
  FaultSpec second = first;
  second.id = "second";
  second.start = std::chrono::seconds(20);
  const FaultPlan plan = plan_of(small_cluster(), {first, second});
  EXPECT_THAT(describe_plan(plan),
              ElementsAre("10 begin node:1", "20 begin node:1", "30 end node:1", "40 end node:1"));
  EXPECT_EQ(plan.events[2].effect, plan.events[0].effect);
  EXPECT_EQ(plan.events[3].effect, plan.events[1].effect);
  EXPECT_NE(plan.events[0].effect, plan.events[1].effect);
}

TEST(FaultPlan, AtOneDateEndsComeBeforeStepsBeforeBegins) {
  FaultSpec ramped = make_fault("slow_cpu", "node:2", 8, 40, {{"factor", 0.5}});
  ramped.id = "m";
  ramped.ramp = std::chrono::seconds(20);  // steps every second
  FaultSpec ends = make_fault("pause", "node:1", 5, 5);
  ends.id = "z";
  FaultSpec begins_late = make_fault("pause", "node:3", 10, 5);
  begins_late.id = "b";
  FaultSpec begins_early = make_fault("pause", "node:4", 10, 5);
  begins_early.id = "a";
  const FaultPlan plan = plan_of(small_cluster(), {begins_late, ramped, ends, begins_early});
  std::vector<std::string> at_ten;
  for (const std::string& line : describe_plan(plan)) {
    if (line.starts_with("10 ")) at_ten.push_back(line);
  }
  EXPECT_THAT(at_ten,
              ElementsAre("10 end node:1", "10 step node:2", "10 begin node:4", "10 begin node:3"));
}

TEST(FaultPlan, RampGoesUpAndDownInTwentySteps) {
  FaultSpec spec = make_fault("slow_cpu", "node:0", 10, 60, {{"factor", 0.2}});
  spec.ramp = std::chrono::seconds(20);
  const FaultPlan plan = plan_one(spec);
  // Begin, 20 steps up, 19 down, end; steps of 20 s / 20 = 1 s, 0.8 / 20 = 0.04 each.
  ASSERT_THAT(plan.events, SizeIs(41));
  EXPECT_EQ(plan.events[0].magnitude, 1.0);
  for (std::size_t i = 1; i <= 20; ++i) {
    EXPECT_EQ(plan.events[i].phase, FaultPhase::kStep);
    EXPECT_EQ(plan.events[i].at, kStart + std::chrono::seconds(10 + static_cast<int>(i)));
    EXPECT_NEAR(plan.events[i].magnitude, 1 - 0.04 * static_cast<double>(i), 1e-12);
  }
  for (std::size_t i = 1; i <= 19; ++i) {
    EXPECT_EQ(plan.events[20 + i].at, kStart + std::chrono::seconds(50 + static_cast<int>(i)));
    EXPECT_NEAR(plan.events[20 + i].magnitude, 0.2 + 0.04 * static_cast<double>(i), 1e-12);
  }
  EXPECT_EQ(describe_event(plan.events[40]), "70 end node:0");
}

TEST(FaultPlan, ShortRampsStepEveryTenthOfASecond) {
  FaultSpec spec = make_fault("delay", "link:gateway:0->0", 10, 0, {},
                              {{"delay", "50 ms"}, {"delay_jitter", "10 ms"}});
  spec.ramp = std::chrono::milliseconds(250);
  const FaultPlan plan = plan_one(spec);
  // To the end of the run: no way down. Levels 0, 0.4, 0.8, 1.
  ASSERT_THAT(describe_plan(plan),
              ElementsAre("10 begin link:gateway:0->node:0", "10.1 step link:gateway:0->node:0",
                          "10.2 step link:gateway:0->node:0", "10.25 step link:gateway:0->node:0",
                          "100 end link:gateway:0->node:0"));
  EXPECT_EQ(plan.events[0].duration2, Duration{0});
  EXPECT_EQ(plan.events[1].duration2, std::chrono::milliseconds(20));
  EXPECT_EQ(plan.events[2].jitter, std::chrono::milliseconds(8));
  EXPECT_EQ(plan.events[3].duration2, std::chrono::milliseconds(50));
  EXPECT_THAT(plan.events[1].from, IsEmpty());
}

TEST(FaultPlan, RepeatsCountTimes) {
  FaultSpec spec = make_fault("stall", "node:1", 10, 1);
  spec.every = std::chrono::seconds(20);
  spec.count = 3;
  EXPECT_THAT(lines_of(spec), ElementsAre("10 begin node:1", "11 end node:1", "30 begin node:1",
                                          "31 end node:1", "50 begin node:1", "51 end node:1"));
}

TEST(FaultPlan, RepeatsToTheEndOfTheRunWithoutACount) {
  FaultSpec spec = make_fault("stall", "node:1", 10, 1);
  spec.every = std::chrono::seconds(30);
  EXPECT_THAT(begins_of(plan_one(spec)), SizeIs(3));  // 10, 40, 70; 100 is the end
}

TEST(FaultPlan, JitterShiftsTheStartByAtMostItself) {
  FaultSpec spec = make_fault("stall", "node:1", 50, 1);
  spec.jitter = std::chrono::seconds(10);
  spec.every = std::chrono::seconds(100);
  spec.count = 200;
  const FaultPlan plan = plan_of(small_cluster(std::chrono::hours(10)), {spec});
  const auto begins = begins_of(plan);
  ASSERT_THAT(begins, SizeIs(200));
  double mean = 0;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const double shift = to_seconds(begins[i].at) - 50 - 100 * static_cast<double>(i);
    EXPECT_LE(std::abs(shift), 10);
    mean += shift / 200;
  }
  // Uniform on [-10, 10]: sd 5.77, of the mean 0.41; four of those.
  EXPECT_LT(std::abs(mean), 1.64);
}

TEST(FaultPlan, ProbabilityDecidesEachRepetitionAndSaysWhatItSkipped) {
  FaultSpec spec = make_fault("stall", "node:1", 1, 0.5);
  spec.probability = 0.3;
  spec.every = std::chrono::seconds(1);
  spec.count = 1000;
  const FaultPlan plan = plan_of(small_cluster(std::chrono::hours(1)), {spec});
  const auto hits = begins_of(plan).size();
  // Binomial(1000, 0.3): sd 14.5; four of those.
  EXPECT_NEAR(static_cast<double>(hits), 300, 58);
  const auto skips = std::count_if(plan.events.begin(), plan.events.end(), [](const FaultEvent& e) {
    return e.phase == FaultPhase::kSkipped && e.cause == "not hit, by its probability";
  });
  EXPECT_EQ(static_cast<std::size_t>(skips) + hits, 1000U);
}

TEST(FaultPlan, AFaultBeyondTheEndOfTheRunIsSkippedAloud) {
  EXPECT_THAT(lines_of(make_fault("crash", "node:1", 100, 0)),
              ElementsAre("100 skipped node:1: starts after the run ends"));
}

TEST(FaultPlan, MaxUnavailableIsCarriedToTheWorld) {
  FaultSpec spec = make_fault("crash", "random:3", 10, 0);
  spec.max_unavailable = 2;
  for (const FaultEvent& event : plan_one(spec).events) EXPECT_EQ(event.max_unavailable, 2);
}

TEST(FaultPlan, SameSeedGivesTheSamePlanAndAnotherSeedAnother) {
  const std::vector<FaultSpec> faults = {make_fault("crash_restart", "random:3", 10, 5),
                                         make_fault("cpu_noise", "all", 0, 0, {{"factor", 0.5}},
                                                    {{"mean_on", "1 s"}, {"mean_off", "2 s"}}),
                                         make_fault("chaos", "", 0, 0, {}, {{"rate", "1 /s"}})};
  Scenario scenario = small_cluster();
  const auto once = describe_plan(plan_of(scenario, faults));
  EXPECT_EQ(once, describe_plan(plan_of(scenario, faults)));
  scenario.seed = 8;
  EXPECT_NE(once, describe_plan(plan_of(scenario, faults)));
  scenario.seed = 7;
  scenario.replication = 1;
  EXPECT_NE(once, describe_plan(plan_of(scenario, faults)));
}

std::vector<std::string> lines_of_fault(const FaultPlan& plan, const std::string& id) {
  std::vector<std::string> lines;
  for (const FaultEvent& event : plan.events) {
    if (plan.names[static_cast<std::size_t>(event.fault)] == id) {
      lines.push_back(describe_event(event));
    }
  }
  return lines;
}

TEST(FaultPlan, AnotherFaultDoesNotShiftTheDraws) {
  const FaultSpec crash = make_fault("crash_restart", "random:3", 10, 5);
  const FaultSpec noise = make_fault("cpu_noise", "random:2", 0, 0, {{"factor", 0.5}},
                                     {{"mean_on", "1 s"}, {"mean_off", "2 s"}});
  const FaultPlan alone = plan_of(small_cluster(), {crash});
  const FaultPlan both = plan_of(small_cluster(), {noise, crash});
  EXPECT_EQ(lines_of_fault(alone, "crash_restart"), lines_of_fault(both, "crash_restart"));
}

TEST(FaultPlan, OtherParametersDoNotChangeWhoIsStruck) {
  FaultSpec spec = make_fault("cpu_noise", "random:2", 0, 90, {{"factor", 0.5}},
                              {{"mean_on", "1 s"}, {"mean_off", "2 s"}});
  spec.every = std::chrono::seconds(100);
  const auto victims = [&] {
    std::vector<std::set<std::string>> nodes(5);
    for (const FaultEvent& event :
         plan_of(small_cluster(std::chrono::seconds(500)), {spec}).events) {
      nodes[static_cast<std::size_t>(to_seconds(event.at)) / 100].insert(event.target);
    }
    return nodes;
  };
  const auto before = victims();
  EXPECT_THAT(before, Each(SizeIs(2)));
  spec.texts[0].second = "3 s";
  EXPECT_EQ(before, victims());
}

TEST(FaultPlan, FaultsThatShareAStreamStrikeTheSameNodes) {
  FaultSpec slow = make_fault("slow_cpu", "random:2", 10, 20, {{"factor", 0.5}});
  FaultSpec frozen = make_fault("metrics_frozen", "random:2", 10, 20);
  slow.stream = frozen.stream = "gray";
  const FaultPlan plan = plan_of(small_cluster(), {slow, frozen});
  EXPECT_EQ(lines_of_fault(plan, "slow_cpu"), lines_of_fault(plan, "metrics_frozen"));
}

TEST(FaultPlan, WhatAFidelityCannotDoIsSkippedWithItsCause) {
  Scenario scenario = small_cluster();
  scenario.fidelity = Fidelity::kFlow;
  FaultSpec spec = make_fault("pause", "node:3", 10, 5);
  spec.allow_unsupported = true;
  EXPECT_THAT(describe_plan(plan_of(scenario, {spec})),
              ElementsAre("10 skipped node:3: not exact in fidelity \"flow\""));
}

TEST(FaultPlan, AnUnbuiltKindThatIsAllowedIsSkippedWithItsCause) {
  FaultSpec spec = make_fault("duplicate", "node:3", 10, 5);
  spec.allow_unsupported = true;
  EXPECT_THAT(lines_of(spec), ElementsAre("10 skipped : not built yet"));
}

TEST(FaultPlan, TopologyNumbersNodesInGroupOrder) {
  const FaultTopology topology = fault_topology(small_cluster());
  EXPECT_THAT(topology.node_group, ElementsAre(0, 0, 0, 0, 0, 0, 1, 1, 1, 1));
  EXPECT_THAT(topology.group_names, ElementsAre("new", "old"));
  EXPECT_THAT(topology.group_zones, ElementsAre("a", "b"));
  EXPECT_THAT(topology.gateway_zones, ::testing::Each("a"));
  EXPECT_EQ(topology.gateways, 2);
}

}  // namespace
}  // namespace phoenix
