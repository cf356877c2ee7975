// Outliers and shifts, conformal intervals, and trust: worked examples, and that intervals cover
// what they promise.
#include "strategies/forecasting/conformal.h"

#include <array>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "strategies/forecasting/calibrated_forecast.h"
#include "strategies/forecasting/residual_guard.h"
#include "strategies/forecasting/trusted_forecast.h"
#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::make;
using phoenix::testing::noise;
using phoenix::testing::wave;
using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(Outliers, MedianAbsoluteDeviationWorkedExample) {
  const std::array sorted = {-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0};
  EXPECT_EQ(sorted_median(sorted), 0);
  EXPECT_EQ(sorted_mad(sorted), 2);
  EXPECT_NEAR(3 * 1.4826 * sorted_mad(sorted), 8.8956, 1e-9);
  EXPECT_EQ(sorted_mad(std::array{1.0, 2.0, 10.0, 11.0}), 4.5);  // from 6: 4, 4, 5, 5
  EXPECT_EQ(sorted_mad(std::array{5.0}), 0);
  EXPECT_EQ(sorted_median(std::array{1.0, 3.0}), 2);
}

TEST(Outliers, MedianAbsoluteDeviationEqualsItsDefinition) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values(1 + random.below(40));
    for (double& value : values) value = std::floor(random.uniform() * 20);
    std::sort(values.begin(), values.end());
    std::vector<double> distances;
    for (const double value : values) distances.push_back(std::abs(value - sorted_median(values)));
    std::sort(distances.begin(), distances.end());
    ASSERT_EQ(sorted_mad(values), sorted_median(distances));
  }
}

TEST(Shifts, CusumWorkedExample) {
  Cusum cusum;
  const double z[] = {0.2, 2.1, 1.9, 2.4};
  const double sums[] = {0, 1.6, 3.0, 4.9};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(cusum.add(z[i]));
    EXPECT_NEAR(cusum.up, sums[i], 1e-12);
  }
  EXPECT_TRUE(cusum.add(1.8)) << "6.2";
  EXPECT_EQ(cusum.up, 0);
  Cusum down;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(down.add(-2));
  EXPECT_TRUE(down.add(-2));
}

// Between -1 and 1, evenly spread, and not two to the same side in a row.
double little_noise(int i) { return 0.2 * (i * 7 % 11) - 1; }

TEST(ResidualGuard, OneSpikeIsASpikeAndThoseThatLastAreAShift) {
  using Verdict = ResidualGuard::Verdict;
  ResidualGuard guard;
  for (int i = 0; i < 66; ++i) EXPECT_EQ(guard.judge(little_noise(i), 100), Verdict::kOrdinary);
  EXPECT_EQ(guard.judge(50, 100), Verdict::kSpike);
  for (int i = 0; i < 33; ++i) guard.judge(little_noise(i), 100);
  int until_shift = 1;
  while (until_shift < 10 && guard.judge(50, 100) != Verdict::kShift) ++until_shift;
  EXPECT_LE(until_shift, 5);
  EXPECT_GE(until_shift, 2);
}

TEST(ResidualGuard, SpikesToBothSidesInTurnsAreNoShift) {
  ResidualGuard guard;
  for (int i = 0; i < 66; ++i) guard.judge(little_noise(i), 100);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(guard.judge(i % 2 == 0 ? 50 : -50, 100), ResidualGuard::Verdict::kSpike);
  }
}

TEST(ResidualGuard, WithoutVariationOnePercentOfTheLevelIsNoise) {
  using Verdict = ResidualGuard::Verdict;
  ResidualGuard guard;
  for (int i = 0; i < 60; ++i) EXPECT_EQ(guard.judge(0, 100), Verdict::kOrdinary);
  EXPECT_EQ(guard.judge(2.5, 100), Verdict::kOrdinary);
  EXPECT_EQ(guard.judge(3.5, 100), Verdict::kSpike);
}

TEST(Conformal, RankWorkedExamples) {
  EXPECT_EQ(conformal_rank(19, 0.1), 18U);
  EXPECT_EQ(conformal_rank(100, 0.1), 91U);
  EXPECT_EQ(conformal_rank(9, 0.05), 10U) << "more than there are: infinite";
}

TEST(Conformal, AdaptationWorkedExample) {
  EXPECT_NEAR(adapted_alpha(0.1, 0.1, 0.01, true), 0.091, 1e-12) << "a miss widens";
  EXPECT_NEAR(adapted_alpha(0.1, 0.1, 0.01, false), 0.101, 1e-12);
}

TEST(Conformal, PinballWorkedExample) {
  EXPECT_NEAR(pinball_loss(120, 100, 0.9), 18, 1e-12);
  EXPECT_NEAR(pinball_loss(90, 100, 0.9), 1, 1e-12);
}

// Share of values within the 90 % interval, `steps` ahead, from value `from` on.
double coverage(CalibratedForecast& forecast, const std::vector<double>& values, int steps,
                std::size_t from) {
  double covered = 0;
  double scored = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    forecast.observe(values[i]);
    const std::size_t target = i + static_cast<std::size_t>(steps);
    if (target < from || target >= values.size()) continue;
    covered += values[target] >= forecast.quantile(steps, 0.05) &&
                       values[target] <= forecast.quantile(steps, 0.95)
                   ? 1
                   : 0;
    ++scored;
  }
  return covered / scored;
}

TEST(Conformal, CoversWhatItPromisesOnTenThousandPoints) {
  const std::vector<double> values = wave(10'000, 100, 1'000, 300, 50);
  for (const int steps : {1, 6, 12, 18}) {
    CalibrationOptions options;
    options.horizon = 24;
    CalibratedForecast forecast(make("mixture[period=100, horizon=24]"), options);
    EXPECT_NEAR(coverage(forecast, values, steps, 500), 0.9, 0.02) << steps;
  }
}

TEST(Conformal, CoversAfterALevelShiftAndWhenNoiseDoubles) {
  std::vector<double> values = wave(5'000, 100, 1'000, 0, 50);
  for (const double value : wave(5'000, 100, 3'000, 0, 100, 2)) values.push_back(value);
  for (const char* model : {"ewma", "last_value", "holt_winters[period=100]"}) {
    CalibratedForecast forecast(make(model), {});
    EXPECT_NEAR(coverage(forecast, values, 3, 5'000), 0.9, 0.02) << model;
  }
}

TEST(Conformal, CoversWhereNoiseGrowsWithTheLoad) {
  Random random(6);
  std::vector<double> values;
  for (int i = 0; i < 10'000; ++i) {
    const double level = 1'000 + 900 * std::sin(2 * std::numbers::pi * i / 288);
    values.push_back(std::max(0.0, level * (1 + 0.1 * noise(random))));
  }
  CalibratedForecast forecast(make("harmonic[period=288]"), {});
  EXPECT_NEAR(coverage(forecast, values, 1, 1'000), 0.9, 0.02);
}

TEST(ErrorSize, GrowsAtOnceWithTurbulenceAndShrinksAgain) {
  ErrorSize size;
  EXPECT_EQ(size.expected(100), 0);
  size.learn(-10, 100, 90);
  EXPECT_NEAR(size.expected(100), 10, 0.2) << "one error is all that is known";
  for (int i = 0; i < 4'000; ++i) size.learn(i % 2 == 0 ? 10 : -10, 100, 100);
  EXPECT_NEAR(size.expected(100), 10, 0.01);
  for (int i = 0; i < 30; ++i) size.learn(30, 100, 100);
  const double turbulent = size.expected(100);
  EXPECT_GT(turbulent, 15);
  EXPECT_LT(turbulent, 30);
  for (int i = 0; i < 100; ++i) size.learn(10, 100, 100);
  EXPECT_LT(size.expected(100), 12);
}

TEST(ErrorSize, IsLargerWhereMoreIsForecast) {
  ErrorSize size;
  for (int i = 0; i < 4'000; ++i) size.learn(10, 100, 100);
  EXPECT_NEAR(size.expected(400), 15, 0.01) << "half of it by the root of the forecast";
  EXPECT_NEAR(size.expected(25), 7.5, 0.01);
  EXPECT_GT(size.expected(0), 5) << "as at a twentieth of the usual load";
}

TEST(ErrorSize, OneAbsurdErrorCountsAsTen) {
  ErrorSize size;
  for (int i = 0; i < 4'000; ++i) size.learn(10, 100, 100);
  size.learn(1e12, 100, 100);
  EXPECT_LT(size.expected(100), 20);
}

TEST(Conformal, QuantilesAreOrderedFiniteAndNotNegative) {
  Random random(8);
  CalibratedForecast forecast(make("ewma"), {});
  for (int i = 0; i < 2'000; ++i) {
    forecast.observe(random.uniform() < 0.02 ? 1e9 * random.uniform() : 10 * random.uniform());
    for (const int steps : {1, 7, 30}) {
      double before = 0;
      for (const double q : {0.0, 0.01, 0.05, 0.3, 0.5, 0.7, 0.9, 0.93, 0.95, 0.99, 0.999, 1.0}) {
        const double value = forecast.quantile(steps, q);
        ASSERT_TRUE(std::isfinite(value));
        ASSERT_GE(value, before);
        before = value;
      }
    }
  }
}

TEST(Conformal, TooFewErrorsUseTheWidestAndAreCounted) {
  CalibratedForecast forecast(make("last_value"), {});
  for (const double value : {10, 12, 9, 11, 14, 10}) forecast.observe(value);
  EXPECT_GT(forecast.widest_used(), 0U);
  EXPECT_LT(forecast.quantile(1, 0.05), 10);
  EXPECT_GT(forecast.quantile(1, 0.95), 10);
}

TEST(Conformal, AnAbsurdForecastIsCutAtFourTimesThePeakAndCounted) {
  CalibratedForecast forecast(make("drift[window=1]"), {});
  for (const double value : {1, 1, 1, 100}) forecast.observe(value);
  EXPECT_NEAR(forecast.mean(12), 400, 1);
  EXPECT_GT(forecast.cut(), 0U);
}

TEST(Trust, ComesWithEnoughGoodForecastsAndSaysWhy) {
  const std::unique_ptr<LoadForecast> forecast = make_load_forecast(100, 0, 12);
  EXPECT_FALSE(forecast->is_trusted());
  EXPECT_EQ(forecast->trust_reason(), "scored 0 forecasts, 100 needed");
  for (const double value : wave(1'000, 100, 1'000, 300, 50)) forecast->observe(value);
  EXPECT_TRUE(forecast->is_trusted()) << forecast->trust_reason();
  EXPECT_THAT(forecast->trust_reason(), HasSubstr("coverage 0."));
  EXPECT_NEAR(forecast->quantile(12, 0.9), 1.28 * 50 + forecast->mean(12), 25);
}

TEST(Trust, TheSeasonBeforeStandsInForAForecasterThatDoesWorse) {
  TrustOptions options;
  options.period = 100;
  TrustedForecast forecast(make("ewma[memory=1000]"), options);
  for (const double value : wave(1'500, 100, 1'000, 900, 5)) forecast.observe(value);
  EXPECT_TRUE(forecast.is_trusted()) << forecast.trust_reason();
  EXPECT_NEAR(forecast.loss_ratio(), 1, 1e-9);
  EXPECT_THAT(forecast.trust_reason(), HasSubstr("stands in for a forecaster with"));
  // A quarter of a period on the wave is at its top, of which an average of ten periods knows
  // nothing.
  EXPECT_NEAR(forecast.calibrated().mean(25), 1'000, 100);
  EXPECT_NEAR(forecast.mean(25), 1'900, 30);
  EXPECT_LT(forecast.quantile(25, 0.95), 1'950);
  EXPECT_GT(forecast.quantile(25, 0.05), 1'850);
}

// What is judged is what was told, over a season: trust goes with the forecaster, and comes back a
// season after another has taken its place.
TEST(Trust, GoesWhileForecastsAreWorseThanTheSeasonBefore) {
  TrustOptions options;
  options.period = 100;
  TrustedForecast forecast(make("last_value"), options);
  Random random(5);
  double walk = 5'000;
  for (int i = 0; i < 1'000; ++i) forecast.observe(walk = std::max(0.0, walk + 40 * noise(random)));
  EXPECT_TRUE(forecast.is_trusted()) << forecast.trust_reason();
  EXPECT_LT(forecast.loss_ratio(), 0.9);
  bool was_worse = false;
  for (const double value : wave(3'000, 100, 1'000, 900, 5)) {
    forecast.observe(value);
    was_worse |= forecast.trust_reason().find("of seasonal naive's, at most 1.1 allowed") !=
                 std::string::npos;
    ASSERT_EQ(forecast.is_trusted(),
              forecast.trust_reason().find("allowed") == std::string::npos &&
                  forecast.trust_reason().find("promised") == std::string::npos);
  }
  EXPECT_TRUE(was_worse);
  EXPECT_TRUE(forecast.is_trusted()) << forecast.trust_reason();
}

// A wave on a walk: the last value is a good forecast of the next and a bad one of half a period
// on, where the season before does better.
TEST(Trust, IsJudgedAsFarAheadAsItIsAskedTo) {
  TrustOptions options;
  options.period = 100;
  options.calibration.horizon = 50;
  TrustedForecast far(make("last_value"), options);
  options.judged = 1;
  TrustedForecast near(make("last_value"), options);
  Random random(5);
  double walk = 5'000;
  for (const double value : wave(6'000, 100, 1'000, 900, 5)) {
    walk = std::max(0.0, walk + 40 * noise(random));
    far.observe(walk + value);
    near.observe(walk + value);
  }
  EXPECT_THAT(far.trust_reason(), HasSubstr("stands in for a forecaster with"));
  EXPECT_TRUE(near.is_trusted()) << near.trust_reason();
  EXPECT_LT(near.loss_ratio(), 0.6);
}

// A quarter of an hour a day at twenty times the load of the rest, in steps of a minute.
TEST(Trust, APeakOfTheDayBeforeIsBelieved) {
  constexpr int kDay = 1'440;
  const std::unique_ptr<LoadForecast> forecast = make_load_forecast(kDay, 0, 12);
  Random random(7);
  for (int i = 0; i < 6 * kDay + 700; ++i) {
    const bool is_peak = i % kDay >= 705 && i % kDay < 720;
    forecast->observe((is_peak ? 2'000 : 100) + 3 * noise(random));
  }
  EXPECT_TRUE(forecast->is_trusted()) << forecast->trust_reason();
  EXPECT_GT(forecast->quantile(12, 0.9), 1'900);
}

TEST(Trust, GoesWhileIntervalsMissAndReturns) {
  TrustOptions options;
  options.period = 100;
  TrustedForecast forecast(make("ewma"), options);
  Random random(3);
  for (int i = 0; i < 2'000; ++i) forecast.observe(1'000 + noise(random));
  EXPECT_TRUE(forecast.is_trusted()) << forecast.trust_reason();
  // Each step's errors are larger than all before.
  for (int i = 0; i < 60; ++i) forecast.observe(1'000 * std::pow(1.3, i));
  EXPECT_FALSE(forecast.is_trusted());
  EXPECT_THAT(forecast.trust_reason(), HasSubstr("promised 0.9"));
  for (int i = 0; i < 3'000; ++i) forecast.observe(5e9 + noise(random));
  EXPECT_TRUE(forecast.is_trusted()) << forecast.trust_reason();
}

TEST(Trust, AConstantLoadIsTrusted) {
  const std::unique_ptr<LoadForecast> forecast = make_load_forecast(60, 0, 6);
  for (int i = 0; i < 500; ++i) forecast->observe(i % 97 == 5 ? kNaN : 42);
  EXPECT_TRUE(forecast->is_trusted()) << forecast->trust_reason();
  EXPECT_NEAR(forecast->quantile(6, 0.99), 42, 0.5);
}

}  // namespace
}  // namespace phoenix
