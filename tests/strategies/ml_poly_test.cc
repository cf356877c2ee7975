// The best average of experts: worked numbers, the regret that theory promises, change and silence;
// and how the mixture of forecasters uses it.
#include "strategies/forecasting/ml_poly.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/forecasting/hedge.h"
#include "strategies/forecasting/horizon_weights.h"
#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::make;
using phoenix::testing::wave;

constexpr double kForgetsNothing = std::numeric_limits<double>::infinity();

double slope_of(double mixed, double value) { return mixed > value ? 1 : mixed < value ? -1 : 0; }

// Gains 2, 1 and -3: the largest square is 9, so the pulls are 2 / 13, 1 / 10 and 0.
TEST(MlPoly, WorkedExample) {
  MlPoly poly(3, kForgetsNothing);
  EXPECT_EQ(poly.weights()[0], 1.0 / 3);
  poly.learn(std::array{8.0, 9.0, 13.0}, 10, 1);
  EXPECT_NEAR(poly.weights()[0], 0.606061, 1e-6);
  EXPECT_NEAR(poly.weights()[1], 0.393939, 1e-6);
  EXPECT_EQ(poly.weights()[2], 0);
  // Gains -1, 0 and 2: regrets 1, 1 and -1, squares 5, 1 and 13.
  poly.learn(std::array{9.0, 10.0, 12.0}, 10, -1);
  EXPECT_NEAR(poly.weights()[0], 0.416667, 1e-6);
  EXPECT_NEAR(poly.weights()[1], 0.583333, 1e-6);
  EXPECT_EQ(poly.weights()[2], 0);
}

TEST(MlPoly, WhileTheAverageIsNotBeatenItStays) {
  MlPoly poly(2, kForgetsNothing);
  for (int i = 0; i < 10; ++i) {
    poly.learn(std::array{9.0, 11.0}, 10, 0);
    EXPECT_EQ(poly.weights()[0], 0.5);
  }
}

// What moving towards an expert would have gained, in all, whatever the experts and values do.
template <class World>
void check_regret(World world) {
  constexpr std::size_t kExperts = 4;
  constexpr int kSteps = 2'000;
  MlPoly poly(kExperts, kForgetsNothing);
  std::array<double, kExperts> regrets{};
  std::array<double, kExperts> squares{};
  double largest = 0;
  for (int t = 0; t < kSteps; ++t) {
    const auto [forecasts, value] = world(t, poly.weights());
    const double mixed = weighted_mean(forecasts, poly.weights());
    const double slope = slope_of(mixed, value);
    for (std::size_t i = 0; i < kExperts; ++i) {
      const double gain = slope * (mixed - forecasts[i]);
      regrets[i] += gain;
      squares[i] += gain * gain;
      largest = std::max(largest, std::abs(gain));
    }
    poly.learn(forecasts, mixed, slope);
  }
  for (std::size_t i = 0; i < kExperts; ++i) {
    EXPECT_LE(regrets[i], MlPoly::regret_bound(kExperts, kSteps, largest, squares[i])) << i;
  }
}

struct Step {
  std::array<double, 4> forecasts;
  double value;
};

TEST(MlPoly, RegretStaysBelowTheBoundAgainstAnyOpponent) {
  Random random(3);
  check_regret([&](int, std::span<const double>) {
    return Step{{random.uniform(), random.uniform(), random.uniform(), random.uniform()},
                random.uniform()};
  });
  check_regret([](int, std::span<const double> weights) {
    // Always on the other side of where the weight is.
    const double mixed = weights[1] + 2 * weights[2] + 3 * weights[3];
    return Step{{0, 1, 2, 3}, mixed > 1.5 ? 0.0 : 3.0};
  });
  check_regret([](int t, std::span<const double>) {
    return Step{{t % 4 == 0 ? 1.0 : 0.0, t % 4 == 1 ? 1.0 : 0.0, 0.5, 0.2}, t % 4 < 2 ? 1.0 : 0.0};
  });
}

// One is always 4 too high, one 1 too low: the average that is right has weights 1 to 4.
TEST(MlPoly, FindsAnAverageThatIsBetterThanEachExpert) {
  MlPoly poly(3, 1'000);
  Random random(7);
  double error = 0;
  for (int t = 0; t < 4'000; ++t) {
    const double value = 100 + 10 * random.uniform();
    const std::array forecasts = {value + 4, value - 1, value + 30};
    const double mixed = weighted_mean(forecasts, poly.weights());
    if (t >= 2'000) error += std::abs(mixed - value) / 2'000;
    poly.learn(forecasts, mixed, slope_of(mixed, value));
  }
  EXPECT_LT(error, 0.25);
}

TEST(MlPoly, WithForgettingItRecoversFromAChange) {
  MlPoly poly(2, 200);
  const auto play = [&](int steps, std::array<double, 2> errors) {
    for (int t = 0; t < steps; ++t) {
      const std::array forecasts = {100 + errors[0], 100 + errors[1]};
      const double mixed = weighted_mean(forecasts, poly.weights());
      poly.learn(forecasts, mixed, slope_of(mixed, 100));
    }
  };
  play(5'000, {1, 9});
  EXPECT_GT(poly.weights()[0], 0.95);
  play(200, {9, 1});
  EXPECT_GT(poly.weights()[1], 0.95);
}

TEST(MlPoly, SilenceNeitherGainsNorLoses) {
  MlPoly poly(3, kForgetsNothing);
  const double silent = std::nan("");
  for (int t = 0; t < 50; ++t) poly.learn(std::array{silent, 9.0, 12.0}, 10, 1);
  EXPECT_EQ(poly.weights()[0], 0);
  EXPECT_EQ(poly.weights()[1], 1);
  const std::vector<double> before(poly.weights().begin(), poly.weights().end());
  poly.learn(std::array{silent, silent, silent}, 10, 1);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), poly.weights().begin()));
}

TEST(MlPoly, WeightsSumToOneWhateverComes) {
  MlPoly poly(4, 50);
  Random random(11);
  for (int t = 0; t < 2'000; ++t) {
    const double huge = std::pow(10, 15 * random.uniform());
    poly.learn(std::array{huge, 1.0, 0.0, 3.0}, 10 * random.uniform(), t % 3 - 1);
    double sum = 0;
    for (const double weight : poly.weights()) {
      ASSERT_GE(weight, 0);
      sum += weight;
    }
    ASSERT_NEAR(sum, 1, 1e-9);
  }
}

// The first knows every value `horizon` steps ahead, the second is right about the step before it:
// whoever mixes up the steps trusts the wrong one. Every seventh value is a gap.
TEST(HorizonWeights, JudgeEachForecastByTheStepItWasMadeFor) {
  constexpr int kHorizon = 4;
  HorizonWeights weights(kHorizon, 2, {});
  Random random(5);
  std::vector<double> values;
  for (int i = 0; i < 1'000; ++i) values.push_back(1'000 * random.uniform());
  double error = 0;
  for (std::size_t t = 0; t + kHorizon < values.size(); ++t) {
    if (t % 7 != 0) weights.score(values[t]);
    const std::array forecasts = {values[t + kHorizon], values[t + kHorizon - 1]};
    if (t > 500) error += std::abs(weights.mix(forecasts) - values[t + kHorizon]) / 496;
    weights.issue(forecasts);
  }
  EXPECT_LT(error, 15);
}

double mixing_error(int steps, const std::function<std::array<double, 2>(int)>& errors) {
  HorizonWeights weights(1, 2, {});
  double sum = 0;
  for (int t = 0; t < steps; ++t) {
    const std::array<double, 2> wrong = errors(t);
    const std::array forecasts = {1'000 + wrong[0], 1'000 + wrong[1]};
    if (t >= steps / 2) sum += std::abs(weights.mix(forecasts) - 1'000);
    weights.issue(forecasts);
    weights.score(1'000);
  }
  return sum / (steps - steps / 2);
}

// Apart they are wrong by 30 and by 10, and the right average by nothing.
TEST(HorizonWeights, AverageModelsThatAreWrongInOppositeWays) {
  EXPECT_LT(mixing_error(4'000, [](int) { return std::array{30.0, -10.0}; }), 3);
}

// Each is right for a hundred steps and then wrong by ten: no fixed average does better than five.
TEST(HorizonWeights, FollowWhoIsRightWhereThatChanges) {
  const auto turns = [](int t) {
    return t / 100 % 2 == 0 ? std::array{0.0, 10.0} : std::array{10.0, 0.0};
  };
  EXPECT_LT(mixing_error(8'000, turns), 1.5);
}

// A load that falls to nothing each night drives the multiplicative season to absurd values.
TEST(Mixture, IsNotCarriedAwayByAnExpertThatGoesAstray) {
  std::vector<double> values = wave(6'000, 240, 500, 600, 40);
  double highest = 0;
  std::unique_ptr<Forecaster> mixture = make("mixture[period=240, horizon=12]");
  for (const double value : values) {
    mixture->observe(value);
    highest = std::max(highest, value);
    ASSERT_LE(mixture->predict(12), 4 * highest);
  }
}

}  // namespace
}  // namespace phoenix
