// The rules: what the design document says triggers what, with its numbers, and what it left out:
// order, delays, memory of what was applied, measuring, undoing.
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/tuning/rule_book.h"
#include "tests/strategies/tuning_world.h"

namespace phoenix {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const TuningRule& rule_named(std::string_view name) {
  for (const TuningRule& rule : tuning_rule_book()) {
    if (rule.name == name) return rule;
  }
  ADD_FAILURE() << name;
  return tuning_rule_book()[0];
}

std::vector<std::string> kinds_of(const std::vector<TuningAction>& actions) {
  std::vector<std::string> kinds;
  for (const TuningAction& action : actions) kinds.emplace_back(to_text(action.kind));
  return kinds;
}

TEST(TargetCost, NobodyAnsweredIsWorseThanAFewAnsweredLate) {
  const double unknown = std::nan("");
  TargetReading p95{"agent_response_time_p95", TargetSense::kLowerIsBetter, 0.1, 2.0};
  TargetReading throughput{"message_throughput", TargetSense::kHigherIsBetter, 1'000, 50.0, 1'600};
  const auto cost = [&] {
    const std::vector<TargetReading> all{p95, throughput};
    return std::pair(target_cost(p95, all), target_cost(throughput, all));
  };
  EXPECT_EQ(cost(), std::pair(std::log(20.0), std::log(20.0)));
  throughput.current = 0;
  p95.current = unknown;
  EXPECT_EQ(cost(), std::pair(std::log(100.0), std::log(100.0)));
  throughput.current = 500;  // answers there are, the percentile is only not known yet
  EXPECT_TRUE(std::isnan(cost().first));
  throughput.attainable = 0;  // nobody asks
  throughput.current = 0;
  EXPECT_TRUE(std::isnan(cost().first));
  EXPECT_EQ(cost().second, 0);
}

// Runs until an action appears, at most 100 windows; that action.
TuningAction next_action(TuningWorld& world) {
  for (int i = 0; i < 100; ++i) {
    world.window();
    if (!world.last.empty()) return world.last.front();
  }
  ADD_FAILURE() << "no action";
  return {};
}

// Lets what is under way end.
void settle(TuningWorld& world) {
  while (world.under_way() > 0) world.window();
}

void make_slow(TuningWorld& world) { world.metrics["response_time_p95"] = 0.1; }

TEST(RuleBook, HasTheNumbersOfTheDesignDocument) {
  const struct {
    std::string_view name, target;
    TuningPriority priority;
    double impact, expected;
    std::vector<ActionKind> actions;
  } rows[] = {
      {"latency_optimization",
       "agent_response_time_p95",
       TuningPriority::kHigh,
       0.8,
       0.3,
       {ActionKind::kMessageBatching, ActionKind::kAgentPlacement, ActionKind::kNetworkBuffers}},
      {"throughput_optimization",
       "message_throughput",
       TuningPriority::kHigh,
       0.9,
       0.4,
       {ActionKind::kConnectionPools, ActionKind::kCompression, ActionKind::kMessageRouting}},
      {"scaling_optimization",
       "resource_utilization",
       TuningPriority::kMedium,
       1.0,
       0.5,
       {ActionKind::kHorizontalScaleOut, ActionKind::kRebalanceAgents}}};
  for (const auto& row : rows) {
    const TuningRule& rule = rule_named(row.name);
    EXPECT_EQ(rule.target, row.target);
    EXPECT_EQ(rule.priority, row.priority);
    EXPECT_EQ(rule.impact, row.impact);
    EXPECT_EQ(rule.expected, row.expected);
    std::vector<ActionKind> actions;
    for (const RuleAction& action : rule.actions) actions.push_back(action.kind);
    EXPECT_EQ(actions, row.actions);
  }
  const RuleOptions options;
  EXPECT_EQ(options.batch_size, 10);
  EXPECT_EQ(options.buffer_bytes, 64'000);
  EXPECT_EQ(options.pool_size, 20);
  EXPECT_EQ(options.additional_nodes, 2);
  EXPECT_EQ(delay_of(TuningPriority::kHigh, options), seconds(0));
  EXPECT_EQ(delay_of(TuningPriority::kMedium, options), seconds(5));
  EXPECT_EQ(delay_of(TuningPriority::kLow, options), seconds(30));
  EXPECT_GT(TuningPriority::kHigh, TuningPriority::kMedium);
  EXPECT_GT(TuningPriority::kMedium, TuningPriority::kLow);
}

TEST(RuleBook, EveryActionHasTheNameOfTheDesignDocument) {
  const char* names[] = {"enable_message_batching", "optimize_agent_placement",
                         "tune_network_buffers",    "increase_connection_pools",
                         "enable_compression",      "optimize_message_routing",
                         "horizontal_scale_out",    "rebalance_agents"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    EXPECT_EQ(to_text(static_cast<ActionKind>(i)), names[i]);
  }
}

// What a rule wants, by the facts.
class Wanted : public testing::Test {
 protected:
  const TuningAction* want(std::string_view rule_name, ActionKind kind, KnobId knob) {
    readings_ = world_.targets.read_over(world_.store, seconds(10));
    TuningView view;
    view.metrics = &world_.store;
    view.knobs = world_.knobs;
    view.facts = world_.facts;
    view.targets = readings_;
    for (const RuleAction& action : rule_named(rule_name).actions) {
      if (action.kind != kind || action.knob != knob) continue;
      wanted_ = action.want(view, RuleOptions{});
      return wanted_ ? &wanted_->action : nullptr;
    }
    ADD_FAILURE() << rule_name;
    return nullptr;
  }

  TuningWorld world_{"rules", 1};
  std::vector<TargetReading> readings_;
  std::optional<WantedAction> wanted_;
};

TEST_F(Wanted, TheNetworkIsSuspectedWhereNodesDoNotAccountForTheTime) {
  const auto seen = [&] {
    world_.window();
    readings_ = world_.targets.read_over(world_.store, seconds(10));
    TuningView view;
    view.now = world_.now;
    view.metrics = &world_.store;
    view.facts = world_.facts;
    view.targets = readings_;
    return rule_named("network_optimization").trigger(view);
  };
  world_.metrics["response_time_p50"] = 0.05;
  make_slow(world_);
  EXPECT_EQ(seen(), std::nullopt) << "nobody knows how long nodes take";
  world_.facts.connection_hold = 0.03;
  EXPECT_EQ(seen(), std::nullopt);
  world_.facts.connection_hold = 0.02;
  EXPECT_THAT(seen().value_or(""), HasSubstr("share of p50 on the way 0.6 > 0.5"));
  world_.metrics["cluster_cpu_avg"] = 0.85;
  EXPECT_EQ(seen(), std::nullopt) << "what waits before a busy node is not seen by it";
  world_.metrics["cluster_cpu_avg"] = 0.6;
  world_.metrics["response_time_p95"] = 0.04;
  EXPECT_EQ(seen(), std::nullopt) << "it is quick enough";
  world_.metrics["cluster_network_avg"] = 0.95;
  EXPECT_THAT(seen().value_or(""), HasSubstr("network 0.95 > 0.9"));
}

TEST_F(Wanted, BatchesOfTenUnlessTheyWouldTakeTooLongToFill) {
  const auto batch = [&] {
    return want("latency_optimization", ActionKind::kMessageBatching, KnobId::kBatchSize);
  };
  ASSERT_NE(batch(), nullptr);
  EXPECT_EQ(batch()->value, 10);
  EXPECT_EQ(batch()->from, 1);
  world_.facts.node_rate = 1'000;  // 2 ms hold 5 in the mean
  EXPECT_EQ(batch()->value, 5);
  EXPECT_THAT(batch()->reason, HasSubstr("fills in 2 ms"));
  world_.facts.node_rate = 100;  // a wait of 45 ms for ten; not worth a try
  EXPECT_EQ(batch(), nullptr);
  world_.knobs.batch_size = 10;  // and what is on is turned off
  ASSERT_NE(batch(), nullptr);
  EXPECT_EQ(batch()->value, 1);
}

TEST_F(Wanted, BuffersOf64000OrTheBandwidthDelayProduct) {
  const auto buffer = [&] {
    return want("latency_optimization", ActionKind::kNetworkBuffers, KnobId::kSocketBuffer);
  };
  EXPECT_EQ(buffer()->value, 64'000);
  world_.facts.link_bandwidth = 1'250e6;
  world_.facts.round_trip = 0.001;
  EXPECT_EQ(buffer()->value, 1'250'000);
  world_.knobs.socket_buffer = 2'000'000;
  EXPECT_EQ(buffer(), nullptr);
}

TEST_F(Wanted, PoolsOf20ButNeverMoreThanLittlesLawNeeds) {
  const auto pool = [&] {
    return want("throughput_optimization", ActionKind::kConnectionPools, KnobId::kPoolSize);
  };
  EXPECT_EQ(pool()->value, 20);
  world_.facts.node_rate = 200;
  world_.facts.connection_hold = 0.05;
  EXPECT_EQ(pool()->value, 15);
  world_.facts.connection_hold = 0.001;
  EXPECT_EQ(pool(), nullptr);
}

TEST_F(Wanted, CompressionWhereItPays) {
  const auto compression = [&] {
    return want("throughput_optimization", ActionKind::kCompression, KnobId::kCompressAbove);
  };
  EXPECT_EQ(compression()->value, 1'024);  // cannot tell: measured
  EXPECT_EQ(compression()->strategy, "lz4");
  world_.facts.compression_ratio = 2;
  world_.facts.link_bandwidth = 125e6;
  EXPECT_NEAR(compression()->value, 862, 2);
  world_.facts.link_bandwidth = 1'250e6;
  EXPECT_EQ(compression(), nullptr);
}

TEST_F(Wanted, DirectRoutingUnlessOwnersAreStale) {
  const auto routing = [&] {
    return want("throughput_optimization", ActionKind::kMessageRouting, KnobId::kDirectRouting);
  };
  EXPECT_EQ(routing()->value, 1);
  world_.facts.hop_time = 100e-6;
  world_.facts.stale_owner_share = 0.2;
  world_.facts.owner_miss_cost = 1e-3;
  EXPECT_EQ(routing(), nullptr);
}

TEST_F(Wanted, MemoryCpuAndAdmissionByTheirFormulas) {
  ASSERT_TRUE(world_.store.record_metric("cluster_memory_avg", 0.9, kStart));
  ASSERT_TRUE(world_.store.record_metric("cluster_throughput_total", 2'000, kStart));
  EXPECT_NEAR(want("memory_optimization", ActionKind::kKnob, KnobId::kHibernateIdle)->value,
              std::sqrt(36'000.0), 1e-3);
  EXPECT_EQ(want("cpu_optimization", ActionKind::kKnob, KnobId::kWorkers), nullptr);
  world_.facts.cores = 4;
  world_.facts.waiting_share = 0.5;
  EXPECT_EQ(want("cpu_optimization", ActionKind::kKnob, KnobId::kWorkers)->value, 8);
  world_.facts.service_time = 0.005;
  EXPECT_EQ(want("cpu_optimization", ActionKind::kKnob, KnobId::kQueueLength)->value, 36);
  EXPECT_EQ(want("overload_optimization", ActionKind::kKnob, KnobId::kMaxInFlight)->value, 100);
}

TEST(Rules, NothingIsDoneWhileAllIsWell) {
  TuningWorld world("rules", 1);
  world.windows(300);
  EXPECT_TRUE(world.all.empty());
}

TEST(Rules, NothingIsDoneOnUnknownValues) {
  TuningWorld world("rules", 1);
  world.metrics.clear();
  world.windows(100);
  EXPECT_TRUE(world.all.empty());
}

TEST(Rules, WhatHelpsIsKeptWithItsMeasuredEffect) {
  TuningWorld world("rules", 2);
  world.model = [](TuningWorld& w) {
    w.metrics["response_time_p95"] = w.knobs.batch_size >= 10 ? 0.07 : 0.1;
  };
  const TuningAction first = next_action(world);
  EXPECT_EQ(to_text(first.kind), "enable_message_batching");
  EXPECT_EQ(first.optimization, "latency_optimization");
  EXPECT_THAT(first.seen, testing::MatchesRegex("p95 compliance 0\\.(5|49|50).* < 0\\.9"));
  EXPECT_EQ(world.under_way(), 1);
  world.windows(30);
  EXPECT_EQ(world.knobs.batch_size, 10);
  const TunerStatus status = world.tuner->status();
  ASSERT_GE(status.history.size(), 1U);
  EXPECT_EQ(status.history[0].phase, TrialPhase::kKept);
  EXPECT_NEAR(status.history[0].effect, std::log(0.1 / 0.07), 0.02);
  EXPECT_DOUBLE_EQ(status.history[0].expected, 0.3);
}

TEST(Rules, WhatDoesNotHelpIsUndoneAndTheNextIsTried) {
  TuningWorld world("rules", 3);
  make_slow(world);
  world.windows(150);
  settle(world);
  EXPECT_EQ(world.knobs, Knobs{});
  std::set<std::string> tried;
  for (const std::string& kind : kinds_of(world.all)) tried.insert(kind);
  EXPECT_EQ(tried, (std::set<std::string>{"enable_message_batching", "optimize_agent_placement",
                                          "tune_network_buffers"}));
  EXPECT_EQ(world.tuner->status().kept, 0U);
}

TEST(Rules, BatchingThatHurtsIsTakenBack) {
  TuningWorld world("rules", 4);
  world.model = [](TuningWorld& w) {
    w.metrics["response_time_p95"] = w.knobs.batch_size > 1 ? 0.2 : 0.1;
  };
  EXPECT_EQ(to_text(next_action(world).kind), "enable_message_batching");
  world.windows(5);
  EXPECT_EQ(world.knobs.batch_size, 1);  // a window twice as bad is enough
  EXPECT_EQ(world.tuner->status().undone, 1U);
}

TEST(Rules, HighGoesBeforeMediumWhateverTheWords) {
  TuningWorld world("rules", 5);
  make_slow(world);
  world.metrics["cluster_cpu_avg"] = 0.9;  // medium, with the greater impact
  EXPECT_EQ(next_action(world).optimization, "latency_optimization");
}

TEST(Rules, OfEqualPriorityTheGreaterImpactGoesFirst) {
  TuningWorld world("rules", 6);
  make_slow(world);
  world.metrics["cluster_throughput_total"] = 500;
  EXPECT_EQ(next_action(world).optimization, "throughput_optimization");
}

TEST(Rules, AQueuedEntryWhoseTriggerHasClearedIsDropped) {
  TuningWorld world("rules[medium_delay=1 min]", 7);
  world.windows(10);
  world.metrics["cluster_cpu_avg"] = 0.9;
  world.windows(2);
  const TunerStatus queued = world.tuner->status();
  ASSERT_EQ(queued.active.size(), 1U);
  EXPECT_EQ(queued.active[0].phase, TrialPhase::kQueued);
  EXPECT_EQ(queued.active[0].optimization, "scaling_optimization");
  EXPECT_THAT(queued.active[0].trigger, HasSubstr("utilization 0.9 > 0.8"));
  world.metrics["cluster_cpu_avg"] = 0.6;
  world.windows(10);
  EXPECT_TRUE(world.all.empty());
  EXPECT_EQ(world.tuner->status().dropped, 1U);
  EXPECT_TRUE(world.tuner->status().active.empty());
}

TEST(Rules, AMediumActionComesAfterItsDelay) {
  TuningWorld world("rules[medium_delay=1 min]", 8);
  world.windows(20);
  world.metrics["cluster_cpu_avg"] = 0.9;
  world.windows(6);
  EXPECT_TRUE(world.all.empty());
  world.windows(2);
  ASSERT_FALSE(world.all.empty());
  EXPECT_EQ(world.all[0].kind, ActionKind::kHorizontalScaleOut);
  EXPECT_EQ(world.all[0].count, 2);
}

TEST(Rules, ScaleOutIsNotRepeatedWithoutEnd) {
  TuningWorld world("rules", 9);
  world.metrics["cluster_cpu_avg"] = 0.9;  // and more nodes change nothing
  world.windows(360);                      // an hour; once every ten seconds were 720 nodes
  settle(world);
  EXPECT_EQ(world.metrics["active_nodes"], 10);
  int asked = 0;
  for (const TuningAction& action : world.all) {
    asked += action.kind == ActionKind::kHorizontalScaleOut && !action.is_undo ? 1 : 0;
  }
  EXPECT_GE(asked, 1);
  EXPECT_LE(asked, 6);
}

TEST(Rules, ScaleOutThatHelpsStopsAtEightTenths) {
  TuningWorld world("rules", 10);
  world.model = [](TuningWorld& w) {
    w.metrics["cluster_cpu_avg"] = 9.5 / w.metrics["active_nodes"];
  };
  world.windows(300);
  EXPECT_EQ(world.metrics["active_nodes"], 12);  // 0.79
}

TEST(Rules, WithoutOutcomesAScaleOutIsMeasuredFromWhenItsNodesAreThere) {
  TuningWorld world("rules", 14);
  world.is_silent = true;
  world.model = [](TuningWorld& w) {
    w.metrics["cluster_cpu_avg"] = 9.5 / w.metrics["active_nodes"];
  };
  world.windows(300);
  EXPECT_EQ(world.metrics["active_nodes"], 12);
  EXPECT_EQ(world.tuner->status().kept, 1U);
}

TEST(Rules, NodesThatNeverComeVoidTheTrialAndAreNotTakenBack) {
  TuningWorld world("rules", 15);
  world.is_silent = true;
  world.has_nodes = false;
  world.metrics["cluster_cpu_avg"] = 0.9;
  while (world.tuner->status().tried == 0) world.window();
  world.windows(Trials::kArrivalWindows + 2);
  EXPECT_EQ(world.tuner->status().voided, 1U);
  for (const TuningAction& action : world.all) EXPECT_FALSE(action.is_undo);
}

TEST(Rules, OneTrialAtATimeAndNoneOscillates) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    TuningWorld world("rules", seed);
    make_slow(world);
    world.metrics["cluster_throughput_total"] = 500;
    world.metrics["cluster_cpu_avg"] = 0.97;
    world.metrics["cluster_memory_avg"] = 0.9;
    world.metrics["cluster_network_avg"] = 0.95;
    world.noise = 0.3;
    for (int w = 0; w < 1'000; ++w) {
      world.window();
      ASSERT_LE(world.under_way(), 1);
    }
    settle(world);
    // Nothing helps: every action rests twice as long each time, so it is tried ever more rarely.
    std::map<std::pair<std::string, std::string>, int> begun;
    for (const ActiveOptimization& entry : world.tuner->status().history) {
      ++begun[{entry.optimization, entry.action}];
    }
    EXPECT_GE(begun.size(), 8U);
    for (const auto& [what, count] : begun) EXPECT_LE(count, 9) << what.first << ' ' << what.second;
    EXPECT_EQ(world.knobs, Knobs{}) << seed;
  }
}

TEST(Rules, LearnWhatToExpect) {
  TuningWorld world("rules", 11);
  world.model = [](TuningWorld& w) {
    w.metrics["response_time_p95"] = w.knobs.socket_buffer >= 64'000 ? 0.07 : 0.1;
  };
  world.windows(600);
  double last_batching = 0;
  int batchings = 0;
  for (const ActiveOptimization& entry : world.tuner->status().history) {
    if (entry.action.find("enable_message_batching") == std::string::npos) continue;
    last_batching = entry.expected;
    ++batchings;
  }
  EXPECT_EQ(world.knobs.socket_buffer, 64'000);
  ASSERT_GE(batchings, 2);
  EXPECT_NEAR(last_batching, 0.3 * 3 / (3 + batchings - 1), 0.03);  // each trial brought nothing
}

TEST(Rules, WhatHelpedUnderPressureIsTakenBackWhenItIsGone) {
  TuningWorld world("rules", 12);
  world.model = [](TuningWorld& w) {
    const double pressure = w.now < kStart + seconds(4'000) ? 0.9 : 0.6;
    w.metrics["cluster_memory_avg"] =
        w.knobs.hibernate_idle.count() > 0 ? pressure - 0.08 : pressure;
  };
  world.windows(200);
  EXPECT_GT(to_seconds(world.knobs.hibernate_idle), 100);
  world.windows(300);
  EXPECT_EQ(world.knobs.hibernate_idle, Duration{0});
  EXPECT_EQ(world.all.back().reason, "the pressure is gone");
  EXPECT_TRUE(world.all.back().is_undo);
}

TEST(Rules, GainsAreNotBoughtWithOtherTargets) {
  TuningWorld world("rules", 13);
  world.model = [](TuningWorld& w) {
    // A fifth faster, for a failure rate of a third.
    w.metrics["response_time_p95"] = w.knobs.batch_size > 1 ? 0.08 : 0.1;
    w.metrics["cluster_availability"] = w.knobs.batch_size > 1 ? 0.66 : 1;
  };
  world.windows(60);
  EXPECT_EQ(world.knobs.batch_size, 1);
}

TEST(Tuners, PrintThemselvesAndRefuseBadSettings) {
  for (const TunerEntry& entry : tuners()) {
    const Result<MadeTuner> made = make_tuner(entry.name);
    ASSERT_TRUE(made);
    const Result<MadeTuner> again = make_tuner(made->text);
    ASSERT_TRUE(again) << again.error();
    EXPECT_EQ(again->text, made->text);
    EXPECT_FALSE(entry.summary.empty());
  }
  EXPECT_THAT(make_tuner("rule").error(), HasSubstr("did you mean \"rules\"?"));
  EXPECT_THAT(make_tuner("search[windows=3]").error(), HasSubstr("must be in [5, 100]"));
  EXPECT_THAT(make_tuner("search[sigmas=1]").error(), HasSubstr("must be in [2, 10]"));
}

}  // namespace
}  // namespace phoenix
