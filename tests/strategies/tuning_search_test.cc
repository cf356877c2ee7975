// The search: finds what is better, ends where it began when nothing is, and never goes to and fro.
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/strategies/tuning_world.h"

namespace phoenix {
namespace {

// Response times grow with the distance from the best value, on a logarithmic scale.
auto bowl(KnobId id, double best, double depth) {
  return [=](TuningWorld& world) {
    const double off = std::log(knob_value(world.knobs, id) / best);
    world.metrics["response_time_p95"] = 0.05 * (1 + depth * off * off);
  };
}

// Steps until so many trials have begun or nothing has been tried for long.
void run_trials(TuningWorld& world, std::uint64_t trials) {
  std::uint64_t tried = world.tuner->status().tried;
  for (int quiet = 0; quiet < 100 && tried < trials; ++quiet) {
    world.window();
    if (world.tuner->status().tried == tried) continue;
    tried = world.tuner->status().tried;
    quiet = 0;
  }
}

// The settled values of a knob: where it stood when a trial was kept.
std::vector<double> settled(const TuningWorld& world, KnobId id, double start) {
  std::vector<double> values = {start};
  for (const ActiveOptimization& entry : world.tuner->status().history) {
    if (entry.phase != TrialPhase::kKept) continue;
    const std::string& text = entry.action;
    if (text.find(std::string(knob_info(id).name) + ' ') == std::string::npos) continue;
    const Result<double> value = parse_knob(id, text.substr(text.find("-> ") + 3));
    if (value) values.push_back(*value);
  }
  return values;
}

class Optimum : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Optimum, AtThreeTimesTheStartIsFoundWithinAFifthInFiftySteps) {
  TuningWorld world("search[knobs=socket_buffer]", GetParam());
  world.knobs.socket_buffer = 100'000;
  world.model = bowl(KnobId::kSocketBuffer, 300'000, 0.3);
  run_trials(world, 50);
  EXPECT_LE(world.tuner->status().tried, 50U);
  EXPECT_NEAR(world.knobs.socket_buffer / 300'000.0, 1, 0.2);
}

TEST_P(Optimum, BelowTheStartIsFoundToo) {
  TuningWorld world("search[knobs=max_in_flight]", GetParam());
  world.knobs.max_in_flight = 900;
  world.model = bowl(KnobId::kMaxInFlight, 300, 0.3);
  run_trials(world, 50);
  EXPECT_NEAR(world.knobs.max_in_flight / 300.0, 1, 0.2);
}

TEST_P(Optimum, OfSmallCountsIsFound) {
  TuningWorld world("search[knobs=workers]", GetParam());
  world.knobs.workers = 3;
  world.model = bowl(KnobId::kWorkers, 9, 0.3);
  run_trials(world, 50);
  EXPECT_NEAR(world.knobs.workers, 9, 1.8);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Optimum, testing::Range<std::uint64_t>(1, 7));

TEST(Search, PureNoiseEndsWhereItBegan) {
  std::uint64_t tried = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    TuningWorld world("search", seed);
    world.noise = 0.3;
    run_trials(world, 50);
    tried += world.tuner->status().tried;
    EXPECT_EQ(world.knobs, Knobs{}) << seed;
    EXPECT_EQ(world.tuner->status().kept, 0U);
  }
  EXPECT_GT(tried, 150U);
}

TEST(Search, NeverReturnsToAValueItLeft) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    TuningWorld world("search[knobs=queue_length]", seed);
    world.knobs.queue_length = 20;
    world.noise = 0.15;
    world.model = bowl(KnobId::kQueueLength, 64, 0.2);
    run_trials(world, 60);
    const std::vector<double> values = settled(world, KnobId::kQueueLength, 20);
    EXPECT_EQ(std::set<double>(values.begin(), values.end()).size(), values.size()) << seed;
    // And between two values there are at most the three moves of one trial.
    std::map<std::pair<double, double>, int> moves;
    for (const TuningAction& action : world.all) {
      ++moves[std::minmax(action.from, action.value)];
    }
    for (const auto& [pair, count] : moves) EXPECT_LE(count, 3) << pair.first << ' ' << pair.second;
  }
}

TEST(Search, ChangesOneKnobAtATimeAndRestsIt) {
  TuningWorld world("search[rest=10]", 3);
  world.model = bowl(KnobId::kPoolSize, 12, 0.3);
  std::map<KnobId, int> ended;  // window
  KnobId open = KnobId::kBatchSize;
  for (int w = 0; w < 1'500; ++w) {
    const std::uint64_t before = world.tuner->status().tried;
    world.window();
    ASSERT_LE(world.under_way(), 1);
    if (world.tuner->status().tried > before) {
      open = world.last.back().knob;
      if (ended.contains(open)) {
        ASSERT_GE(w - ended[open], 10);
      }
    }
    if (world.under_way() > 0) ended[open] = w + 1;
  }
  EXPECT_NEAR(world.knobs.pool_size, 12, 3);
  EXPECT_GE(world.settings.size(), 9U);  // every knob in scope was looked at
}

TEST(Search, ALoadChangeDuringATrialVoidsIt) {
  TuningWorld world("search[knobs=pool_size]", 4);
  world.model = bowl(KnobId::kPoolSize, 12, 0.3);
  while (world.under_way() == 0) world.window();
  world.metrics["arrival_rate"] = 1'300;
  world.window();
  EXPECT_EQ(world.tuner->status().voided, 1U);
  EXPECT_EQ(world.knobs.pool_size, Knobs{}.pool_size);
}

TEST(Search, ANodeMoreOrLessDuringATrialVoidsIt) {
  TuningWorld world("search[knobs=pool_size]", 4);
  while (world.under_way() == 0) world.window();
  world.metrics["active_nodes"] = 11;
  world.window();
  EXPECT_EQ(world.tuner->status().voided, 1U);
  EXPECT_EQ(world.knobs.pool_size, Knobs{}.pool_size);
}

TEST(Search, ANewLoadIsANewSearch) {
  TuningWorld world("search[knobs=workers]", 5);
  world.knobs.workers = 8;
  world.model = bowl(KnobId::kWorkers, 8, 0.5);
  run_trials(world, 50);
  const std::uint64_t tried = world.tuner->status().tried;
  world.windows(100);
  EXPECT_EQ(world.tuner->status().tried, tried);  // done
  world.metrics["arrival_rate"] = 3'000;
  world.model = bowl(KnobId::kWorkers, 24, 0.5);
  run_trials(world, tried + 40);
  EXPECT_NEAR(world.knobs.workers, 24, 5);
}

TEST(Search, UnknownValuesStartNothing) {
  TuningWorld world("search", 6);
  world.metrics.erase("response_time_p95");
  world.metrics.erase("cluster_throughput_total");
  world.metrics.erase("cluster_availability");
  world.windows(100);
  EXPECT_TRUE(world.all.empty());
  EXPECT_EQ(world.tuner->status().unknown_windows, 100U);
}

TEST(Search, WhatTheWorldRefusesIsVoid) {
  TuningWorld world("search[knobs=pool_size]", 7);
  world.refuses = true;
  world.windows(40);
  EXPECT_EQ(world.knobs, Knobs{});
  EXPECT_GE(world.tuner->status().voided, 1U);
  EXPECT_EQ(world.tuner->status().kept, 0U);
  for (const TuningAction& action : world.all) EXPECT_FALSE(action.is_undo);
}

TEST(Search, ARefusedUndoIsAskedForAgain) {
  TuningWorld world("search[knobs=pool_size]", 8);
  while (world.under_way() == 0) world.window();
  world.refuses = true;
  world.metrics["arrival_rate"] = 2'000;
  world.windows(3);
  EXPECT_GE(world.all.size(), 3U);
  EXPECT_NE(world.knobs, Knobs{});
  world.refuses = false;
  world.window();
  EXPECT_EQ(world.knobs, Knobs{});
}

TEST(Search, TheSameSeedGivesTheSameActions) {
  std::vector<std::string> first;
  for (int round = 0; round < 2; ++round) {
    TuningWorld world("search", 9);
    world.model = bowl(KnobId::kPoolSize, 10, 0.3);
    world.windows(500);
    std::vector<std::string> actions;
    for (const TuningAction& action : world.all) actions.push_back(print_action(action));
    if (round == 0) first = actions;
    EXPECT_EQ(actions, first);
  }
  EXPECT_GT(first.size(), 10U);
}

}  // namespace
}  // namespace phoenix
