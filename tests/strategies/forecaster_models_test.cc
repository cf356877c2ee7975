// Each forecaster by itself: worked examples, and that it finds what it is made for.
#include <array>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "strategies/forecasting/autoregression.h"
#include "strategies/forecasting/smoothing.h"
#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::make;
using phoenix::testing::mean_error;
using phoenix::testing::observe;
using phoenix::testing::wave;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Ewma, GainOfAMemory) {
  EXPECT_NEAR(smoothing_gain(60), 0.016529, 1e-6);  // 60 s of values a second apart
}

TEST(Ewma, ForgetsByItsGain) {
  const auto ewma = make("ewma[memory=1]");
  observe(*ewma, {10, 20});
  EXPECT_NEAR(ewma->predict(1), 10 + (1 - std::exp(-1.0)) * 10, 1e-12);
  EXPECT_EQ(ewma->predict(1), ewma->predict(100));
}

TEST(Smoothing, AdditiveWorkedExample) {
  const SmoothingGains gains{0.5, 0.5, 0.5, 0.5};
  LevelTrend line{10, 0};
  std::array<double, 2> season = {4, -4};
  const double values[] = {14, 6, 16};
  const double forecasts[] = {14, 6, 14};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(line.ahead(1, 1) + season[i % 2], forecasts[i], 1e-12);
    smooth_additive(line, season[i % 2], values[i], 1, gains);
  }
  EXPECT_NEAR(line.level, 11, 1e-12);
  EXPECT_NEAR(line.trend, 0.5, 1e-12);
  EXPECT_NEAR(season[0], 4.5, 1e-12);
  EXPECT_NEAR(season[1], -4, 1e-12);
}

TEST(Smoothing, MultiplicativeWorkedExample) {
  const SmoothingGains gains{0.5, 0.5, 0.5, 0.5};
  LevelTrend line{10, 0};
  std::array<double, 2> season = {1.4, 0.6};
  const double values[] = {14, 6, 16};
  const double forecasts[] = {14, 6, 14};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(line.ahead(1, 1) * season[i % 2], forecasts[i], 1e-12);
    smooth_multiplicative(line, season[i % 2], values[i], 1, gains);
  }
  EXPECT_NEAR(line.level, 10.714286, 1e-6);
  EXPECT_NEAR(line.trend, 0.357143, 1e-6);
  EXPECT_NEAR(season[0], 1.446667, 1e-6);
  EXPECT_NEAR(season[1], 0.6, 1e-12);
}

TEST(Smoothing, TwoSeasonsWorkedExample) {
  const SmoothingGains gains{0.2, 0, 0.1, 0.1};
  LevelTrend line{100, 0};
  double season = 10;
  double season2 = -5;
  EXPECT_NEAR(line.ahead(1, 1) + season + season2, 105, 1e-12);
  smooth_two_seasons(line, season, season2, 112, 1, gains);
  EXPECT_NEAR(line.level, 101.4, 1e-12);
  EXPECT_NEAR(season, 10.56, 1e-12);
  EXPECT_NEAR(season2, -4.44, 1e-12);
}

TEST(Smoothing, DampedTrendEndsAtItsSum) {
  const LevelTrend line{100, 2};
  EXPECT_NEAR(line.ahead(3, 0.5), 100 + 2 * (0.5 + 0.25 + 0.125), 1e-12);
  EXPECT_NEAR(line.ahead(1000, 0.98), 100 + 2 * 49, 1e-4);
  EXPECT_NEAR(line.ahead(10, 1), 120, 1e-12);
}

TEST(SeasonalNaive, RepeatsTheLastSeasonAtAnyHorizon) {
  const auto naive = make("seasonal_naive[period=3]");
  observe(*naive, {1, 2});
  EXPECT_EQ(naive->predict(1), 2) << "the last value until a season was seen";
  observe(*naive, {3, 4, 5});  // the season is 3, 4, 5 with 3 to come
  EXPECT_EQ(naive->predict(1), 3);
  EXPECT_EQ(naive->predict(2), 4);
  EXPECT_EQ(naive->predict(3), 5);
  EXPECT_EQ(naive->predict(4), 3);
  naive->observe(kNaN);  // moves on by what it expected
  EXPECT_EQ(naive->predict(1), 4);
  EXPECT_EQ(naive->predict(3), 3);
}

TEST(Drift, GoesOnAlongTheLine) {
  const auto drift = make("drift[window=3]");
  drift->observe(100);
  EXPECT_EQ(drift->predict(5), 100);
  observe(*drift, {10, 12, 15, 16});  // from 10 to 16 in three steps
  EXPECT_NEAR(drift->predict(1), 18, 1e-12);
  EXPECT_NEAR(drift->predict(5), 26, 1e-12);
}

TEST(HoltWinters, StartsFromTheFirstSeasonAndTheTrendToTheSecond) {
  const auto holt = make("holt_winters[period=4, level=0, trend=0, season=0, damping=1]");
  observe(*holt, {8, 12, 10, 10});  // mean 10, season -2, 2, 0, 0
  EXPECT_NEAR(holt->predict(1), 8, 1e-12);
  EXPECT_NEAR(holt->predict(2), 12, 1e-12);
  EXPECT_NEAR(holt->predict(6), 12, 1e-12);
  observe(*holt, {12, 16, 14, 14});  // mean 14: a trend of 1 a step from here on
  EXPECT_NEAR(holt->predict(1), 10 + 1 - 2, 1e-12);
  EXPECT_NEAR(holt->predict(2), 10 + 2 + 2, 1e-12);
}

TEST(HoltWinters, FindsASeasonThatGrowsWithTheLevel) {
  std::vector<double> values;
  for (int i = 0; i < 24 * 20; ++i) {
    values.push_back((100 + i) * (1 + 0.5 * std::sin(2 * std::numbers::pi * i / 24)));
  }
  const auto additive = make("holt_winters[period=24]");
  const auto multiplicative = make("holt_winters_multiplicative[period=24]");
  EXPECT_LT(mean_error(*multiplicative, values, 6, 240), mean_error(*additive, values, 6, 240));
  const auto undamped = make("holt_winters_multiplicative[period=24, damping=1, robust=false]");
  EXPECT_LT(mean_error(*undamped, values, 6, 240), 20) << "of about 580";
}

TEST(HoltWinters, ASpikeIsHardlyLearntAndAShiftAtOnce) {
  std::vector<double> values = wave(24 * 10, 24, 100, 20, 1);
  values.push_back(1000);
  for (const bool is_robust : {true, false}) {
    const auto holt =
        make("holt_winters[period=24, robust=" + std::string(is_robust ? "true]" : "false]"));
    observe(*holt, values);
    // After the spike, at phase 1 of the wave: about 105.
    EXPECT_EQ(std::abs(holt->predict(1) - 105) < 25, is_robust) << holt->predict(1);
  }
  std::vector<double> shifted = wave(24 * 10, 24, 100, 20, 1);
  for (const double value : wave(8, 24, 300, 20, 1)) shifted.push_back(value);
  const auto holt = make("holt_winters[period=24]");
  observe(*holt, shifted);
  EXPECT_NEAR(holt->predict(1), 300 + 20 * std::sin(2 * std::numbers::pi * 8 / 24), 15);
}

TEST(TwoSeasons, KnowsThatTheWeekEndDiffers) {
  std::vector<double> values;
  for (int i = 0; i < 24 * 7 * 6; ++i) {
    const bool is_weekend = i / 24 % 7 >= 5;
    values.push_back((is_weekend ? 50 : 100) + 20 * std::sin(2 * std::numbers::pi * i / 24));
  }
  const auto one = make("holt_winters[period=24]");
  const auto two = make("holt_winters_two_seasons[period=24, period2=168]");
  EXPECT_LT(mean_error(*two, values, 12, 24 * 14), mean_error(*one, values, 12, 24 * 14) / 3);
}

TEST(Harmonic, WorkedExample) {
  const auto harmonic = make("harmonic[period=4, forgetting=1]");
  // 10 + 3 cos + sin; one season alone could be a slope as well.
  for (int i = 0; i < 3; ++i) observe(*harmonic, {13, 11, 7, 9});
  const double next[] = {13, 11, 7, 9, 13};
  for (int steps = 1; steps <= 5; ++steps) {
    EXPECT_NEAR(harmonic->predict(steps), next[steps - 1], 1e-3);
  }
}

TEST(Harmonic, FollowsAWaveOnASlopeForALongTime) {
  std::vector<double> values;
  for (int i = 0; i < 24 * 400; ++i) {
    values.push_back(1000 + 0.5 * i + 30 * std::cos(2 * std::numbers::pi * i / 24));
  }
  EXPECT_LT(mean_error(*make("harmonic[period=24]"), values, 12, 24), 0.5);
}

TEST(Autoregression, WorkedExample) {
  ArModel::Options options;
  options.order = 1;
  options.ridge = 0;
  options.forgetting = 1;
  options.root_max = 2;
  ArModel model(options);
  for (const double value : {1, 2, 3, 5, 8}) model.observe(value, true);
  EXPECT_NEAR(model.coefficients()[0], 1.542857, 1e-6);
  EXPECT_NEAR(model.constant(), 0.257143, 1e-6);
  EXPECT_NEAR(model.predict(1), 12.6, 1e-6);
  EXPECT_NEAR(model.predict(2), 19.697, 1e-3);
}

TEST(Autoregression, ExplosiveRootsAreClampedBeyondOneStep) {
  const auto ar = make("ar[order=1, ridge=0, forgetting=1]");
  observe(*ar, {1, 2, 3, 5, 8});
  EXPECT_NEAR(ar->predict(1), 12.6, 1e-6);
  // Slope 0.98 about the means 2.75 and 4.5: 4.5 + 0.98 (8 - 2.75) is next, and so on.
  const double first = 4.5 + 0.98 * (8 - 2.75);
  EXPECT_NEAR(ar->predict(2), 4.5 + 0.98 * (first - 2.75), 1e-4);
  EXPECT_LT(ar->predict(1000), 100);
}

TEST(Autoregression, RootsAreFoundAndScaled) {
  // (1 - 0.5 B)(1 - 0.9 B): roots 0.5 and 0.9.
  const double inside[] = {1.4, -0.45};
  EXPECT_TRUE(has_roots_within(inside, 0.91));
  EXPECT_FALSE(has_roots_within(inside, 0.89));
  double outside[] = {1.4, -0.45};
  EXPECT_NEAR(clamp_roots(outside, 0.45), 0.5, 1e-5);
  EXPECT_NEAR(outside[0], 0.7, 1e-4);
  EXPECT_NEAR(outside[1], -0.1125, 1e-4);
  // A pair of complex roots of size 0.95, at an eighth of a turn; order 3 with a root of -0.99.
  const double turn = 2 * 0.95 * std::cos(std::numbers::pi / 4);
  const double complex_pair[] = {turn, -0.9025};
  EXPECT_TRUE(has_roots_within(complex_pair, 0.951));
  EXPECT_FALSE(has_roots_within(complex_pair, 0.949));
  const double three[] = {turn - 0.99, -0.9025 + 0.99 * turn, -0.9025 * 0.99};
  EXPECT_TRUE(has_roots_within(three, 0.991));
  EXPECT_FALSE(has_roots_within(three, 0.989));
}

TEST(Autoregression, FindsTheProcessThatMadeTheSeries) {
  Random random(7);
  ArModel::Options options;
  options.order = 2;
  options.forgetting = 1;
  ArModel model(options);
  double before = 0;
  double last = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double next = 1.2 * last - 0.4 * before + phoenix::testing::noise(random);
    before = last;
    last = next;
    model.observe(500 + next, true);
  }
  EXPECT_NEAR(model.coefficients()[0], 1.2, 0.03);
  EXPECT_NEAR(model.coefficients()[1], -0.4, 0.03);
  EXPECT_NEAR(model.predict(500), 500, 1) << "far ahead the mean";
}

}  // namespace
}  // namespace phoenix
