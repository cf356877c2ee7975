// The best average of experts: worked numbers, the regret that theory promises, change and silence;
// and what it brings the mixture of forecasters.
#include "strategies/forecasting/ml_poly.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "strategies/forecasting/hedge.h"
#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::make;
using phoenix::testing::mean_error;
using phoenix::testing::noise;
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

// A slow wave under short-lived noise: the last value knows where the noise is, the season where
// the wave goes, and neither alone knows both.
TEST(Mixture, AveragesModelsThatEachKnowAPart) {
  std::vector<double> values = wave(12'000, 96, 1'000, 500, 0);
  Random random(13);
  double drifts = 0;
  for (double& value : values) {
    drifts = 0.8 * drifts + 20 * noise(random);
    value += drifts + 20 * noise(random);
  }
  const double mixed = mean_error(*make("mixture[period=96, horizon=4]"), values, 4, 8'000);
  for (const char* part : {"last_value", "ewma[memory=4]", "ewma[memory=16]", "ar",
                           "seasonal_naive[period=96]", "holt_winters[period=96]",
                           "holt_winters_multiplicative[period=96]", "harmonic[period=96]"}) {
    EXPECT_LT(mixed, mean_error(*make(part), values, 4, 8'000)) << part;
  }
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
