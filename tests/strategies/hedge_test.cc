// Mixing experts: worked examples, the regret that theory promises, change, and missing experts;
// and the mixture of forecasters against those it is made of.
#include "strategies/forecasting/hedge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::make;
using phoenix::testing::mean_error;
using phoenix::testing::wave;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Hedge, WorkedExample) {
  const double losses[] = {0.2, 0.8, 0.5};
  Hedge plain(3, 1, 0);
  plain.learn(losses);
  EXPECT_NEAR(plain.weights()[0], 0.436752, 1e-6);
  EXPECT_NEAR(plain.weights()[1], 0.239694, 1e-6);
  EXPECT_NEAR(plain.weights()[2], 0.323554, 1e-6);
  Hedge shared(3, 1, 0.05);
  shared.learn(losses);
  EXPECT_NEAR(shared.weights()[0], 0.431581, 1e-6);
  EXPECT_NEAR(shared.weights()[1], 0.244376, 1e-6);
  EXPECT_NEAR(shared.weights()[2], 0.324043, 1e-6);
}

TEST(Hedge, RateAndBoundOfTheory) {
  EXPECT_NEAR(hedge_rate(4, 1000), 0.10531, 1e-5);
  EXPECT_NEAR(hedge_regret_bound(4, 1000), 26.33, 5e-3);
}

// Total loss of the weighted choice less that of the best expert.
template <class Losses>
double regret(int experts, int steps, Losses losses) {
  Hedge hedge(static_cast<std::size_t>(experts),
              hedge_rate(static_cast<std::size_t>(experts), steps), 0);
  std::vector<double> totals(static_cast<std::size_t>(experts), 0.0);
  double paid = 0;
  for (int t = 0; t < steps; ++t) {
    const std::vector<double> now = losses(t, hedge.weights());
    for (std::size_t i = 0; i < now.size(); ++i) {
      paid += hedge.weights()[i] * now[i];
      totals[i] += now[i];
    }
    hedge.learn(now);
  }
  return paid - *std::min_element(totals.begin(), totals.end());
}

TEST(Hedge, RegretStaysBelowTheBoundAgainstAnyOpponent) {
  constexpr int kSteps = 1000;
  const double bound = hedge_regret_bound(4, kSteps);
  Random random(3);
  const auto chance = [&](int, std::span<const double>) {
    std::vector<double> losses(4);
    for (double& loss : losses) loss = random.uniform() < 0.5 ? 1 : 0;
    return losses;
  };
  const auto against_heaviest = [](int, std::span<const double> weights) {
    std::vector<double> losses(4, 0.0);
    losses[static_cast<std::size_t>(std::max_element(weights.begin(), weights.end()) -
                                    weights.begin())] = 1;
    return losses;
  };
  const auto one_is_best = [](int, std::span<const double>) {
    return std::vector<double>{0.4, 0.5, 0.5, 0.5};
  };
  const auto turns = [](int t, std::span<const double>) {
    std::vector<double> losses(4, 1.0);
    losses[static_cast<std::size_t>(t) % 4] = 0;
    return losses;
  };
  EXPECT_LE(regret(4, kSteps, chance), bound);
  EXPECT_LE(regret(4, kSteps, against_heaviest), bound);
  EXPECT_LE(regret(4, kSteps, one_is_best), bound);
  EXPECT_LE(regret(4, kSteps, turns), bound);
}

TEST(Hedge, AConstantBestExpertWins) {
  Hedge hedge(3, 0.5, 0.01);
  for (int i = 0; i < 200; ++i) hedge.learn(std::array{0.5, 0.1, 0.5});
  EXPECT_GT(hedge.weights()[1], 0.95);
}

TEST(Hedge, RecoversFromAChangeWithinOneOverTheShare) {
  constexpr double kShare = 0.02;
  Hedge hedge(2, 0.5, kShare);
  for (int i = 0; i < 5'000; ++i) hedge.learn(std::array{0.1, 0.9});
  EXPECT_LT(hedge.weights()[1], 0.05);
  for (int i = 0; i < static_cast<int>(1 / kShare); ++i) hedge.learn(std::array{0.9, 0.1});
  EXPECT_GT(hedge.weights()[1], 0.9);
}

TEST(Hedge, IdenticalExpertsKeepEqualWeights) {
  Hedge hedge(5, 0.5, 0.01);
  Random random(2);
  for (int i = 0; i < 1'000; ++i) {
    const double loss = random.uniform();
    hedge.learn(std::array{loss, loss, loss, loss, loss});
  }
  for (const double weight : hedge.weights()) EXPECT_NEAR(weight, 0.2, 1e-12);
}

TEST(Hedge, AnExpertWithoutForecastIsDroppedNotAveraged) {
  const double weights[] = {0.5, 0.25, 0.25};
  EXPECT_NEAR(weighted_mean(std::array{kNaN, 10.0, 20.0}, weights), 15, 1e-12);
  EXPECT_NEAR(weighted_median(std::array{kNaN, 10.0, 20.0}, weights), 10, 1e-12);
  EXPECT_TRUE(std::isnan(weighted_mean(std::array{kNaN, kNaN, kNaN}, weights)));
  EXPECT_TRUE(std::isnan(weighted_median(std::array{kNaN, kNaN, kNaN}, weights)));
  Hedge hedge(3, 1, 0);
  for (int i = 0; i < 50; ++i) hedge.learn(std::array{kNaN, 0.1, 0.9});
  EXPECT_GT(hedge.weights()[1], hedge.weights()[0]) << "silence is charged what the others lost";
  EXPECT_GT(hedge.weights()[0], hedge.weights()[2]);
  const std::vector<double> before(hedge.weights().begin(), hedge.weights().end());
  hedge.learn(std::array{kNaN, kNaN, kNaN});
  EXPECT_TRUE(std::equal(before.begin(), before.end(), hedge.weights().begin()));
}

TEST(Hedge, AnExpertThatIsAlwaysInfinitelyWrongIsForgotten) {
  Hedge hedge(2, 0.5, 0.01);
  for (int i = 0; i < 100; ++i) {
    hedge.learn(std::array{std::numeric_limits<double>::infinity(), 0.1});
  }
  EXPECT_LT(hedge.weights()[0], 0.02);
  EXPECT_NEAR(hedge.weights()[0] + hedge.weights()[1], 1, 1e-12);
}

TEST(WeightedMedian, IsTheLowestWithHalfTheWeightBelowOrAt) {
  const std::array values = {5.0, 1.0, 3.0};
  EXPECT_EQ(weighted_median(values, std::array{0.2, 0.4, 0.4}), 3);
  EXPECT_EQ(weighted_median(values, std::array{0.1, 0.6, 0.3}), 1);
  EXPECT_EQ(weighted_median(values, std::array{0.6, 0.2, 0.2}), 5);
}

// A random walk, where the last value is best; a wave in noise, where the season is. One mixture
// must be near the best of its parts on both, which none of the parts is.
TEST(Mixture, IsNearTheBestOfItsPartsWhateverTheSeries) {
  Random random(5);
  std::vector<double> walk = {1'000};
  for (int i = 1; i < 4'000; ++i) walk.push_back(walk.back() + 5 * phoenix::testing::noise(random));
  const std::vector<double> season = wave(4'000, 48, 1'000, 400, 60);
  for (const std::vector<double>& values : {walk, season}) {
    double best = std::numeric_limits<double>::infinity();
    double worst = 0;
    for (const char* part : {"last_value", "ewma", "ar", "seasonal_naive[period=48]",
                             "holt_winters[period=48]", "harmonic[period=48]"}) {
      const double error = mean_error(*make(part), values, 6, 3'000);
      best = std::min(best, error);
      worst = std::max(worst, error);
    }
    const double mixed = mean_error(*make("mixture[period=48, horizon=6]"), values, 6, 3'000);
    EXPECT_LT(mixed, 1.1 * best);
    EXPECT_LT(mixed, 0.8 * worst);
  }
}

// At the next step a slow wave in little noise is best told by the last value, half a season ahead
// by the season.
TEST(Mixture, WeighsEachHorizonForItself) {
  const std::vector<double> values = wave(5'000, 200, 1'000, 500, 2);
  const char* mixture = "mixture[period=200, horizon=100]";
  EXPECT_LT(mean_error(*make(mixture), values, 100, 3'000),
            0.1 * mean_error(*make("last_value"), values, 100, 3'000));
  EXPECT_LT(mean_error(*make(mixture), values, 1, 3'000),
            mean_error(*make("last_value"), values, 1, 3'000));
}

TEST(Mixture, RecoversWhenTheSeriesChangesItsNature) {
  std::vector<double> values = wave(3'000, 48, 1'000, 400, 20);
  Random random(9);
  double last = 1'000;
  for (int i = 0; i < 1'500; ++i) {
    last = std::max(0.0, last + 20 * phoenix::testing::noise(random));
    values.push_back(last);
  }
  EXPECT_LT(mean_error(*make("mixture[period=48, horizon=1]"), values, 1, 1'000),
            1.15 * mean_error(*make("last_value"), values, 1, 1'000));
}

}  // namespace
}  // namespace phoenix
