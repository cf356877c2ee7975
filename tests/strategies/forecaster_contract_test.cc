// What every forecaster in the registry promises: whatever it is fed, its forecasts are finite and
// not negative; the same input gives the same output; settings are checked and printed back; and
// once warmed up it does not allocate. This program counts every allocation it makes.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "strategies/core/recursive_least_squares.h"
#include "strategies/forecasting/calibrated_forecast.h"
#include "strategies/forecasting/series_value.h"
#include "tests/strategies/counted_allocations.h"
#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::make;
using phoenix::testing::observe;
using phoenix::testing::wave;
using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class EveryForecaster : public ::testing::TestWithParam<std::string> {
 protected:
  // With a short season, where it has one.
  static std::string text() {
    const std::string name = GetParam();
    for (const ForecasterEntry& entry : forecasters()) {
      if (entry.name != name) continue;
      std::string settings;
      for (const SettingInfo& setting : entry.settings()) {
        if (setting.key == "period") settings = "period=12";
        if (setting.key == "period2") settings += ", period2=84";
      }
      return settings.empty() ? name : name + "[" + settings + "]";
    }
    return name;
  }

  static void expect_sane(const Forecaster& forecaster, const std::string& where) {
    for (const int steps : {1, 2, 6, 12, 13, 100, 5'000}) {
      const double forecast = forecaster.predict(steps);
      ASSERT_TRUE(forecast >= 0 && forecast <= kSeriesMax) << where << ": " << forecast;
    }
  }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const ForecasterEntry& entry : forecasters()) names.push_back(entry.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryForecaster, ::testing::ValuesIn(names()),
                         [](const auto& which) { return which.param; });

TEST_P(EveryForecaster, SaysNothingBeforeItHasSeenAnything) {
  const auto forecaster = make(text());
  EXPECT_EQ(forecaster->predict(1), 0);
  observe(*forecaster, {kNaN, kNaN});
  EXPECT_EQ(forecaster->predict(1), 0);
}

TEST_P(EveryForecaster, IsSaneOnAnyInput) {
  const std::vector<std::vector<double>> pieces = {
      {kNaN, kInfinity, -kInfinity, -1, -0.0},
      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      {1e15, 0, 1e15, 0, 1e300, 1e-300, std::numeric_limits<double>::denorm_min()},
      {5, 5, 5, 5, kNaN, kNaN, 5, 5, 1e9, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5},
      wave(200, 12, 1e6, 5e5, 1e4),
      wave(50, 12, 1e-6, 5e-7, 1e-8),
      {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}};
  Random random(11);
  const auto forecaster = make(text());
  for (int round = 0; round < 200; ++round) {
    const std::vector<double>& piece = pieces[random.below(pieces.size())];
    for (const double value : piece) {
      forecaster->observe(value);
      expect_sane(*forecaster, "round " + std::to_string(round));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(EveryForecaster, AConstantIsForecastAsItself) {
  const auto forecaster = make(text());
  for (int i = 0; i < 500; ++i) forecaster->observe(42);
  for (const int steps : {1, 5, 12, 50}) EXPECT_NEAR(forecaster->predict(steps), 42, 0.05);
}

TEST_P(EveryForecaster, OneGapChangesLittle) {
  std::vector<double> values = wave(600, 12, 100, 20, 0.5);
  const auto whole = make(text());
  observe(*whole, values);
  values[590] = kNaN;
  const auto gapped = make(text());
  observe(*gapped, values);
  EXPECT_NEAR(whole->predict(3), gapped->predict(3), 8);
}

TEST_P(EveryForecaster, SameInputSameOutput) {
  const std::vector<double> values = wave(400, 12, 100, 30, 10);
  const auto a = make(text());
  const auto b = make(text());
  for (const double value : values) {
    a->observe(value);
    b->observe(value);
    ASSERT_EQ(a->predict(1), b->predict(1));
    ASSERT_EQ(a->predict(7), b->predict(7));
  }
}

TEST_P(EveryForecaster, PrintsItselfWithAllSettingsAndReadsThatBack) {
  const Result<MadeForecaster> made = make_forecaster(text());
  ASSERT_TRUE(made.ok());
  const Result<MadeForecaster> again = make_forecaster(made->text);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(made->text, again->text);
  const Result<MadeForecaster> wrong = make_forecaster(GetParam() + "[colour=3]");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error(), HasSubstr("colour"));
}

TEST_P(EveryForecaster, DoesNotAllocateOnceWarm) {
  const std::vector<double> values = wave(400, 12, 100, 30, 10);
  CalibratedForecast forecast(make(text()), {});
  for (int i = 0; i < 3; ++i) {
    for (const double value : values) forecast.observe(value);
  }
  const std::size_t before = allocations;
  double sum = 0;
  for (const double value : values) {
    forecast.observe(value);
    for (const int steps : {1, 5, 12, 30}) sum += forecast.quantile(steps, 0.9);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_GT(sum, 0);
}

TEST(Registry, UnknownForecasterListsTheKnown) {
  const Result<MadeForecaster> made = make_forecaster("holt_winter");
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error(), HasSubstr("holt_winters_two_seasons"));
  EXPECT_THAT(made.error(), HasSubstr("did you mean"));
}

TEST(Settings, OutOfRangeNamesKeyValueAndBound) {
  const Result<MadeForecaster> made = make_forecaster("holt_winters[level=3]");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error(), "holt_winters: level = 3: must be in [0, 1]");
}

// Without excitation P would grow like forgetting^-n.
TEST(RegressionOfHarmonics, AMillionConstantInputsStayBoundedAndSymmetric) {
  RecursiveLeastSquares<4> regression(1e6);
  const RecursiveLeastSquares<4>::Vector x(1, 0.5, 0, 0);
  for (int i = 0; i < 1'000'000; ++i) {
    regression.shift_slope(1, 0, 1e-3);
    regression.learn(x, 7, 0.999);
  }
  EXPECT_TRUE(regression.covariance().allFinite());
  EXPECT_LE(regression.covariance().trace(), 1.1 * 10 * 1e6 * 4);
  EXPECT_EQ(regression.covariance(), regression.covariance().transpose());
  EXPECT_NEAR(regression.predict(x), 7, 1e-3);
}

// An example of LinUCB: A = diag(2, 1), b = (1, 0), x = (1, 0), alpha 1; and an arm without
// samples.
TEST(Regression, UncertaintyIsTheBoundOfLinUcb) {
  RecursiveLeastSquares<2> arm(1);
  arm.learn({1, 0}, 1, 1);
  EXPECT_NEAR(arm.predict({1, 0}) + arm.uncertainty({1, 0}), 1.2071, 1e-4);
  const RecursiveLeastSquares<2> fresh(1);
  EXPECT_NEAR(fresh.predict({1, 0}) + fresh.uncertainty({1, 0}), 1.0, 1e-12);
}

TEST(Regression, MovingTheOriginOfASlopeChangesNoPrediction) {
  RecursiveLeastSquares<2> regression(100);
  for (int i = 0; i < 20; ++i) regression.learn({1, 0.1 * i}, 3 + 2 * 0.1 * i, 0.99);
  const double predicted = regression.predict({1, 4});
  const double uncertain = regression.uncertainty({1, 4});
  regression.shift_slope(1, 0, 1.5);
  EXPECT_NEAR(regression.predict({1, 2.5}), predicted, 1e-9);
  EXPECT_NEAR(regression.uncertainty({1, 2.5}), uncertain, 1e-9);
}

}  // namespace
}  // namespace phoenix
