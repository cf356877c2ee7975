// One change, tried and judged: kept when it helps, undone when not, void when nothing can be said.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/tuning/experiment.h"

namespace phoenix {
namespace {

using Step = Experiment::Step;
using State = Experiment::State;

constexpr double kLoad = 1'000;

ExperimentOptions options() {
  ExperimentOptions options;
  options.windows = 5;
  options.settle = 1;
  options.sigmas = 2;
  return options;
}

// Cost by whether the new value is set, with a little noise.
struct World {
  double old_cost;
  double new_cost;
  double noise = 0.01;
  double drift = 0;  // per window
  Random random{7};
  double bend = 0;  // of the drift: per window and window
  bool is_new = false;
  int windows = 0;

  double score() {
    ++windows;
    return (is_new ? new_cost : old_cost) + noise * (random.uniform() - 0.5) + drift * windows +
           bend * windows * windows;
  }
  void obey(Step step) {
    if (step == Step::kSetNew) is_new = true;
    if (step == Step::kSetOld) is_new = false;
  }
};

Experiment begin(World& world, const ExperimentOptions& with) {
  WindowHistory before(with.windows);
  while (!before.is_full()) before.observe(world.score(), kLoad, 10);
  world.is_new = true;
  return Experiment(with, before);
}

void run(Experiment& experiment, World& world) {
  for (int i = 0; i < 100 && !experiment.is_over(); ++i) {
    world.obey(experiment.observe(world.score(), kLoad));
  }
  ASSERT_TRUE(experiment.is_over());
}

TEST(PairedDifference, WorkedExample) {
  const double a[] = {5, 6, 7, 8};
  const double b[] = {4, 4, 6, 6};
  // Differences 1, 2, 1, 2: mean 1.5, deviation 0.57735, error 0.288675.
  const PairedDifference difference = paired_difference(a, b);
  EXPECT_DOUBLE_EQ(difference.mean, 1.5);
  EXPECT_NEAR(difference.error, 0.288675, 1e-6);
}

TEST(Experiment, WhatHelpsIsKeptAfterASecondLook) {
  World world{0.5, 0.2};
  Experiment experiment = begin(world, options());
  std::vector<bool> settings;
  for (int i = 0; i < 12; ++i) {
    world.obey(experiment.observe(world.score(), kLoad));
    settings.push_back(world.is_new);
  }
  EXPECT_EQ(experiment.state(), State::kKept);
  EXPECT_NEAR(experiment.effect(), 0.3, 0.01);
  EXPECT_GT(experiment.error(), 0);
  // 1 window of settling and 5 measured with the new value, as many with the old, then the new.
  EXPECT_EQ(settings, (std::vector<bool>{true, true, true, true, true, false, false, false, false,
                                         false, false, true}));
}

TEST(Experiment, WhatHurtsIsUndone) {
  World world{0.2, 0.3};
  Experiment experiment = begin(world, options());
  run(experiment, world);
  EXPECT_EQ(experiment.state(), State::kUndone);
  EXPECT_FALSE(world.is_new);
  EXPECT_NEAR(experiment.effect(), -0.1, 0.01);
}

TEST(Experiment, WhatHurtsBadlyIsTakenBackAtOnce) {
  World world{0.2, 0.9};
  Experiment experiment = begin(world, options());
  world.obey(experiment.observe(world.score(), kLoad));  // settles
  EXPECT_FALSE(experiment.is_over());
  world.obey(experiment.observe(world.score(), kLoad));
  EXPECT_EQ(experiment.state(), State::kUndone);
  EXPECT_FALSE(world.is_new);
}

// A change whose windows cost what the test says, after others that cost `before`.
struct Played {
  Played(std::vector<double> before_costs, const ExperimentOptions& with)
      : before(with.windows), experiment(with, fill(std::move(before_costs))) {}

  const WindowHistory& fill(std::vector<double> costs) {
    for (const double cost : costs) before.observe(cost, kLoad, 10);
    return before;
  }
  Step play(const std::vector<double>& costs) {
    Step last = Step::kWait;
    for (const double cost : costs) last = experiment.observe(cost, kLoad);
    return last;
  }

  WindowHistory before;
  Experiment experiment;
};

TEST(Experiment, OneMoreBadWindowAmongOthersIsNoHarm) {
  Played played({0, 5, 0, 5, 0}, options());
  EXPECT_EQ(played.play({0, 5}), Step::kWait);
  EXPECT_FALSE(played.experiment.is_over());
  EXPECT_EQ(played.play({6}), Step::kSetOld);
  EXPECT_EQ(played.experiment.state(), State::kUndone);
}

TEST(Experiment, WhatRecoversSlowlyIsMeasuredAnew) {
  Played played({5, 5, 5, 5, 5.01}, options());
  EXPECT_EQ(played.play({5, /**/ 5, 5, 5, 0, 0}), Step::kWait);  // a large gain, but not for sure
  EXPECT_EQ(played.experiment.state(), State::kTrying);
  EXPECT_EQ(played.play({0, 0, 0, 0, 0}), Step::kSetOld);
  EXPECT_EQ(played.experiment.state(), State::kConfirming);
  EXPECT_EQ(played.play({0, /**/ 5, 5, 5, 5, 5}), Step::kSetNew);
  EXPECT_EQ(played.experiment.state(), State::kKept);
}

TEST(Experiment, WhatIsNeverSureIsUndoneAfterThreeLooks) {
  Played played({5, 5, 5, 5, 5.01}, options());
  EXPECT_EQ(played.play({5, /**/ 5, 5, 5, 0, 0, /**/ 0, 5, 0, 5, 5, /**/ 5, 0, 5, 5}), Step::kWait);
  EXPECT_EQ(played.play({0}), Step::kSetOld);
  EXPECT_EQ(played.experiment.state(), State::kUndone);
}

TEST(Experiment, WhatChangesNothingIsUndone) {
  World world{0.2, 0.2, 0.0};
  Experiment experiment = begin(world, options());
  run(experiment, world);
  EXPECT_EQ(experiment.state(), State::kUndone);
}

TEST(Experiment, AGainTooSmallToMatterIsUndone) {
  World world{0.2, 0.195, 0.0};  // certain, but half a percent
  Experiment experiment = begin(world, options());
  run(experiment, world);
  EXPECT_EQ(experiment.state(), State::kUndone);
}

TEST(Experiment, ADriftForTheBetterIsNotTakenForAGain) {
  World world{0.5, 0.5, 0.005, -0.02};
  Experiment experiment = begin(world, options());
  run(experiment, world);
  EXPECT_EQ(experiment.state(), State::kUndone);
  EXPECT_FALSE(world.is_new);
  // Without the second look it would have been.
  ExperimentOptions once = options();
  once.confirm = false;
  World same{0.5, 0.5, 0.005, -0.02};
  Experiment hasty = begin(same, once);
  run(hasty, same);
  EXPECT_EQ(hasty.state(), State::kKept);
}

// Everything gets worse by 10 % a window; the change takes a third off, which the next windows eat.
TEST(Experiment, WhatHelpsIsKeptThoughThingsGetWorse) {
  World world{0.5, 0.2, 0.02, 0.1};
  Experiment experiment = begin(world, options());
  run(experiment, world);
  EXPECT_EQ(experiment.state(), State::kKept);
  EXPECT_TRUE(world.is_new);
  EXPECT_NEAR(experiment.effect(), 0.3, 0.03);
}

TEST(Experiment, ADriftForTheWorseIsNotTakenForAGainHoweverItBends) {
  for (const double bend : {-0.003, 0.0, 0.002, 0.01}) {
    int kept = 0;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
      World world{0.5, 0.5, 0.02, 0.1, Random(seed), bend};
      Experiment experiment = begin(world, options());
      run(experiment, world);
      kept += experiment.state() == State::kKept ? 1 : 0;
    }
    EXPECT_LE(kept, 10) << bend;
  }
}

TEST(Experiment, WhatHurtsWhileThingsGetWorseIsUndone) {
  World world{0.2, 0.5, 0.02, 0.1};
  Experiment experiment = begin(world, options());
  run(experiment, world);
  EXPECT_EQ(experiment.state(), State::kUndone);
  EXPECT_FALSE(world.is_new);
}

TEST(Slope, WorkedExample) {
  const double values[] = {1, 2, 2, 4};
  // By hand: slope 4.5 / 5, residuals 0.1, 0.2, -0.7, 0.4 with squares of 0.7, 2 degrees of
  // freedom.
  const Slope slope = slope_of(values);
  EXPECT_DOUBLE_EQ(slope.value, 0.9);
  EXPECT_NEAR(slope.error, std::sqrt(0.7 / 2 / 5), 1e-12);
}

TEST(Experiment, NoiseIsHardlyEverKept) {
  // One look of 5 windows at 2 errors would keep 5.8 % (t, 4 degrees of freedom). The second look
  // shares the windows with the new value, so it leaves more than the square of that.
  const std::pair<ExperimentOptions, int> cases[] = {{options(), 40}, {ExperimentOptions{}, 8}};
  for (const auto& [with, most] : cases) {
    int kept = 0;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
      World world{0.3, 0.3, 0.2, 0, Random(seed)};
      Experiment experiment = begin(world, with);
      run(experiment, world);
      EXPECT_EQ(world.is_new, experiment.state() == State::kKept);
      kept += experiment.state() == State::kKept ? 1 : 0;
    }
    EXPECT_LE(kept, most);
  }
}

TEST(Experiment, ALoadChangeVoidsTheTrial) {
  for (const double load : {1.25 * kLoad, 0.75 * kLoad}) {
    World world{0.5, 0.2};
    Experiment experiment = begin(world, options());
    world.obey(experiment.observe(world.score(), kLoad));
    world.obey(experiment.observe(world.score(), load));
    EXPECT_EQ(experiment.state(), State::kVoid);
    EXPECT_FALSE(world.is_new);
  }
  World world{0.5, 0.2};
  Experiment experiment = begin(world, options());
  for (int i = 0; i < 5; ++i) world.obey(experiment.observe(world.score(), 1.15 * kLoad));
  EXPECT_NE(experiment.state(), State::kVoid);
}

TEST(Experiment, MissingScoresArePassedOverAndThreeInARowVoidIt) {
  World world{0.5, 0.2};
  Experiment experiment = begin(world, options());
  const double missing = std::nan("");
  for (int i = 0; i < 20 && !experiment.is_over(); ++i) {
    world.obey(experiment.observe(i % 2 == 0 ? missing : world.score(), kLoad));
  }
  EXPECT_EQ(experiment.state(), State::kConfirming);
  experiment.observe(world.score(), kLoad);
  EXPECT_EQ(experiment.observe(missing, kLoad), Step::kWait);
  EXPECT_EQ(experiment.observe(missing, kLoad), Step::kWait);
  experiment.observe(missing, kLoad);
  EXPECT_EQ(experiment.state(), State::kVoid);
  EXPECT_FALSE(world.is_new);
}

TEST(Experiment, AbandoningSetsTheOldValueBackOnce) {
  World world{0.5, 0.2};
  Experiment experiment = begin(world, options());
  const Step step = experiment.abandon();
  EXPECT_EQ(step, Step::kSetOld);
  world.obey(step);
  EXPECT_EQ(experiment.state(), State::kVoid);
  Experiment second = begin(world, options());
  while (second.state() == State::kTrying) world.obey(second.observe(world.score(), kLoad));
  ASSERT_EQ(second.state(), State::kConfirming);
  EXPECT_EQ(second.abandon(), Step::kWait);  // set back already
}

TEST(WindowHistory, ABrokenRowStartsOver) {
  WindowHistory history(3);
  history.observe(1, 10, 5);
  history.observe(2, 20, 5);
  history.observe(std::nan(""), 20, 5);
  EXPECT_FALSE(history.is_full());
  for (int i = 1; i <= 4; ++i) history.observe(i, 10.0 * i, 5);
  EXPECT_TRUE(history.is_full());
  EXPECT_EQ(history.scores().front(), 2);
  EXPECT_DOUBLE_EQ(history.mean_load(), 30);
  history.observe(5, 50, 6);  // another cluster
  EXPECT_TRUE(history.scores().empty());
  history.clear(2);
  for (int i = 1; i <= 3; ++i) history.observe(i, 10, 6);
  EXPECT_EQ(history.scores().size(), 1U);
  EXPECT_EQ(history.scores().front(), 3);
}

}  // namespace
}  // namespace phoenix
