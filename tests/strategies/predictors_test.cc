// The predictors that stand on forecasting: workload by time, resources, and scaling.
#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>

#include "strategies/forecasting/resource_predictor.h"
#include "strategies/forecasting/scaling_predictor.h"
#include "strategies/forecasting/trusted_forecast.h"
#include "strategies/forecasting/workload_predictor.h"
#include "tests/strategies/forecast_series.h"

namespace phoenix {
namespace {

using phoenix::testing::noise;
using phoenix::testing::wave;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Remembers what it was told; forecasts are quantiles between `low` and `high` of each step.
class ToldForecast : public LoadForecast {
 public:
  using Range = std::pair<double, double> (*)(int);
  explicit ToldForecast(Range range) : range_(range) {}
  void observe(double value) override { told.push_back(value); }
  double mean(int steps) const override { return quantile(steps, 0.5); }
  double quantile(int steps, double q) const override {
    const auto [low, high] = range_(steps);
    return low + q * (high - low);
  }
  bool is_trusted() const override { return trusted; }
  std::string trust_reason() const override { return "coverage 0.82, promised 0.9"; }

  std::vector<double> told;
  bool trusted = true;

 private:
  Range range_;
};

std::pair<double, double> steps_times_ten(int steps) { return {10.0 * steps, 10.0 * steps}; }

TEST(WorkloadPredictor, AveragesSamplesToStepsAndTellsGaps) {
  auto owned = std::make_unique<ToldForecast>(steps_times_ten);
  const ToldForecast& forecast = *owned;
  WorkloadPredictor predictor(std::move(owned), seconds(10));
  predictor.observe(kStart + seconds(1), 4);
  predictor.observe(kStart + seconds(9), 6);
  predictor.observe(kStart + seconds(9), kNaN);
  predictor.observe(kStart + seconds(12), 8);
  predictor.observe(kStart + seconds(8), 1'000);  // too late
  predictor.observe(kStart + seconds(45), 2);
  ASSERT_EQ(forecast.told.size(), 4U);
  EXPECT_EQ(forecast.told[0], 5);
  EXPECT_EQ(forecast.told[1], 8);
  EXPECT_TRUE(std::isnan(forecast.told[2]));
  EXPECT_TRUE(std::isnan(forecast.told[3]));
  EXPECT_EQ(predictor.late_samples(), 1U);
  EXPECT_EQ(predictor.gaps(), 2U);
}

TEST(WorkloadPredictor, CountsStepsFromThePresent) {
  WorkloadPredictor predictor(std::make_unique<ToldForecast>(steps_times_ten), seconds(10));
  predictor.observe(kStart + seconds(41), 2);
  // Known are the steps before the present one, [40 s, 50 s).
  EXPECT_EQ(predictor.mean_at(kStart + seconds(44)), 10);
  EXPECT_EQ(predictor.mean_at(kStart + seconds(20)), 10);
  EXPECT_EQ(predictor.mean_at(kStart + seconds(50)), 20);
  EXPECT_EQ(predictor.quantile_at(kStart + seconds(79), 0.9), 40);
  EXPECT_EQ(predictor.peak(kStart + seconds(41), kStart + seconds(79), 0.9), 40);
}

TEST(WorkloadPredictor, ClosesWhatHasEndedThoughNothingCameSince) {
  auto owned = std::make_unique<ToldForecast>(steps_times_ten);
  const ToldForecast& forecast = *owned;
  WorkloadPredictor predictor(std::move(owned), seconds(10));
  predictor.close_until(kStart + seconds(30));
  EXPECT_TRUE(forecast.told.empty()) << "nothing has begun";
  predictor.observe(kStart + seconds(1), 4);
  predictor.close_until(kStart + seconds(9));
  EXPECT_TRUE(forecast.told.empty());
  predictor.close_until(kStart + seconds(10));
  EXPECT_EQ(forecast.told, std::vector<double>{4});
  EXPECT_EQ(predictor.age(kStart + seconds(13)), Duration(seconds(3)));
  predictor.close_until(kStart + seconds(30));
  EXPECT_EQ(forecast.told.size(), 3U);
  EXPECT_EQ(predictor.gaps(), 2U);
}

TEST(WorkloadPredictor, AJumpOfTheClockIsBounded) {
  auto owned = std::make_unique<ToldForecast>(steps_times_ten);
  const ToldForecast& forecast = *owned;
  WorkloadPredictor predictor(std::move(owned), milliseconds(1));
  predictor.observe(kStart, 1);
  predictor.observe(kStart + std::chrono::hours(24), 1);
  EXPECT_EQ(forecast.told.size(), 1U + WorkloadPredictor::kGapsMax);
}

TEST(WorkloadPredictor, ForecastsARealWaveByTime) {
  WorkloadPredictor predictor(make_load_forecast(60, 0, 12), seconds(60));
  const std::vector<double> values = wave(60 * 12, 60, 1'000, 500, 20);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (const int second : {1, 21, 41}) {
      predictor.observe(kStart + minutes(i) + seconds(second), values[i]);
    }
  }
  const Time now = kStart + minutes(values.size() - 1);
  for (const int ahead : {1, 6, 10}) {
    const double truth =
        1'000 +
        500 * std::sin(2 * std::numbers::pi * static_cast<double>(values.size() - 1 + ahead) / 60);
    EXPECT_NEAR(predictor.mean_at(now + minutes(ahead)), truth, 60);
    EXPECT_GT(predictor.quantile_at(now + minutes(ahead), 0.95),
              predictor.mean_at(now + minutes(ahead)));
  }
}

TEST(ResourcePredictor, FindsTheLineOfEachNode) {
  ResourcePredictor predictor;
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const double load = 100 + 400 * random.uniform();
    predictor.observe(NodeId{0}, load, {0.05 + 0.001 * load + 0.005 * noise(random), 0.3, kNaN});
    predictor.observe(NodeId{1}, load, {0.05 + 0.002 * load, kNaN, 1e-6 * load});
  }
  EXPECT_NEAR(predictor.predict(NodeId{0}, 600).cpu, 0.65, 0.01);
  EXPECT_NEAR(predictor.predict(NodeId{0}, 600).memory, 0.3, 1e-3);
  EXPECT_TRUE(std::isnan(predictor.predict(NodeId{0}, 600).network));
  EXPECT_NEAR(predictor.predict(NodeId{1}, 600).cpu, 1.25, 0.01) << "overload is told";
  EXPECT_NEAR(predictor.cpu_per_load(NodeId{1}), 0.002, 1e-4);
}

TEST(ResourcePredictor, IsUnknownUntilThirtySamplesAndFarFromAllThatWasSeen) {
  ResourcePredictor predictor;
  EXPECT_TRUE(std::isnan(predictor.predict(NodeId{7}, 10).cpu));
  for (int i = 0; i < 29; ++i) predictor.observe(NodeId{0}, 100 + i, {0.5, 0.5, 0.5});
  EXPECT_TRUE(std::isnan(predictor.predict(NodeId{0}, 100).cpu));
  predictor.observe(NodeId{0}, 130, {0.5, 0.5, 0.5});
  EXPECT_NEAR(predictor.predict(NodeId{0}, 110).cpu, 0.5, 0.01);
  EXPECT_TRUE(std::isnan(predictor.predict(NodeId{0}, 1e6).cpu));
}

TEST(ResourcePredictor, RefusesWhatIsNoLoadOrUse) {
  ResourcePredictor predictor;
  for (int i = 0; i < 50; ++i) predictor.observe(NodeId{0}, 100 + i, {0.4, 0.4, 0.4});
  predictor.observe(NodeId{0}, kNaN, {1, 1, 1});
  predictor.observe(NodeId{0}, -5, {1, 1, 1});
  predictor.observe(NodeId{0}, 100, {-1, kNaN, std::numeric_limits<double>::infinity()});
  EXPECT_EQ(predictor.refused(), 4U);
  EXPECT_NEAR(predictor.predict(NodeId{0}, 120).cpu, 0.4, 0.01);
}

TEST(ScalingPredictor, HasTheNumbersOfTheDesign) {
  const ScalingPredictorOptions options;
  EXPECT_EQ(options.horizon, seconds(3600));
  EXPECT_EQ(options.interval, seconds(300));
  EXPECT_EQ(options.buffer, 0.2);
  EXPECT_EQ(options.extra, 0.1);
  EXPECT_EQ(options.confidence_min, 0.8);
}

// Every node serves 10 a second; a target that leaves nearly all of it.
CapacityModel ten_each() {
  CapacityOptions options;
  options.target_s = 10;
  CapacityModel capacity(options);
  capacity.observe({100, 10, 12, kNaN});
  return capacity;
}

ScalingPrediction predicted(const ToldForecast& forecast, int nodes) {
  CapacityModel capacity = ten_each();
  const Result<ScalingPrediction> prediction =
      ScalingPredictor({}).predict(forecast, seconds(300), capacity, nodes);
  EXPECT_TRUE(prediction.ok());
  return prediction.ok() ? *prediction : ScalingPrediction{};
}

TEST(ScalingPredictor, TakesThePeakWithinTheHorizonAndNotItsEnd) {
  const ToldForecast forecast(
      [](int steps) { return steps == 4 ? std::pair(500.0, 500.0) : std::pair(50.0, 50.0); });
  const ScalingPrediction prediction = predicted(forecast, 10);
  EXPECT_EQ(prediction.peak, 500);
  EXPECT_EQ(prediction.peak_steps, 4);
  EXPECT_GT(prediction.required, 50);
  EXPECT_LT(prediction.required, 54);
  EXPECT_EQ(prediction.desired, static_cast<int>(std::ceil(prediction.required * 1.1)));
  EXPECT_EQ(prediction.recommendation.action, RecommendedAction::kScaleOut);
  EXPECT_EQ(prediction.recommendation.reason, "predicted_load_increase");
  EXPECT_GT(prediction.recommendation.confidence, 0.99);
}

TEST(ScalingPredictor, StaysWithinTheBuffer) {
  const ToldForecast forecast([](int) { return std::pair(100.0, 100.0); });
  const int required = predicted(forecast, 1).required;
  for (const int nodes : {required - 1, required, required + 1}) {
    EXPECT_EQ(predicted(forecast, nodes).desired, nodes);
    EXPECT_EQ(predicted(forecast, nodes + 1).recommendation.action, RecommendedAction::kNoAction);
  }
  EXPECT_EQ(predicted(forecast, 2 * required).desired, static_cast<int>(std::ceil(required * 1.1)))
      << "head-room when shrinking too";
  const ScalingPrediction shrinking = predicted(forecast, 2 * required);
  EXPECT_EQ(shrinking.recommendation.action, RecommendedAction::kScaleIn);
  EXPECT_EQ(to_text(shrinking.recommendation.action), "scale_in");
  EXPECT_EQ(shrinking.recommendation.reason, "predicted_load_decrease");
  EXPECT_EQ(predicted(ToldForecast([](int) { return std::pair(0.0, 0.0); }), 9).desired, 2);
}

TEST(ScalingPredictor, RecommendsNothingItIsNotSureOf) {
  // Uniform between 0 and 200: about half of it is more than ten nodes serve.
  const ToldForecast forecast([](int) { return std::pair(0.0, 200.0); });
  const ScalingPrediction prediction = predicted(forecast, 10);
  EXPECT_GT(prediction.desired, 10) << "the quantile is prepared for";
  EXPECT_EQ(prediction.recommendation.action, RecommendedAction::kNoAction);
  EXPECT_EQ(prediction.recommendation.confidence, 0);
  EXPECT_EQ(prediction.recommendation.reason, "stable_load");
}

TEST(ScalingPredictor, ConfidenceIsTheForecastsProbability) {
  const ToldForecast forecast([](int) { return std::pair(100.0, 200.0); });
  EXPECT_NEAR(probability_above(forecast, 1, 120), 0.8, 2e-3);
  EXPECT_NEAR(probability_above(forecast, 1, 195), 0.05, 2e-3);
  EXPECT_EQ(probability_above(forecast, 1, 99), 1);
  EXPECT_EQ(probability_above(forecast, 1, 200), 0);
}

TEST(ScalingPredictor, IsCalibratedOnARealForecast) {
  const std::vector<double> values = wave(6'000, 100, 1'000, 300, 50);
  const std::unique_ptr<LoadForecast> forecast = make_load_forecast(100, 0, 6);
  std::map<int, std::pair<double, double>> bins;  // by stated tenth: times above, times
  for (std::size_t i = 0; i + 6 < values.size(); ++i) {
    forecast->observe(values[i]);
    if (i < 1'000) continue;
    const double p = probability_above(*forecast, 6, 1'100);
    auto& [above, count] = bins[std::min(9, static_cast<int>(p * 10))];
    above += values[i + 6] > 1'100 ? 1 : 0;
    ++count;
  }
  EXPECT_LT(bins[0].first / bins[0].second, 0.1);
  EXPECT_GT(bins[9].first / bins[9].second, 0.9);
  EXPECT_NEAR(bins[8].first / bins[8].second, 0.85, 0.1) << "where recommending begins";
}

TEST(ScalingPredictor, SaysWhyItCannotPredict) {
  ToldForecast forecast(steps_times_ten);
  forecast.trusted = false;
  CapacityModel capacity = ten_each();
  const Result<ScalingPrediction> distrusted =
      ScalingPredictor({}).predict(forecast, seconds(300), capacity, 3);
  ASSERT_FALSE(distrusted.ok());
  EXPECT_EQ(distrusted.error(), "forecast not trusted: coverage 0.82, promised 0.9");
  forecast.trusted = true;
  CapacityModel fresh{CapacityOptions{}};
  const Result<ScalingPrediction> unknown =
      ScalingPredictor({}).predict(forecast, seconds(300), fresh, 3);
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error(), HasSubstr("service rate"));
}

}  // namespace
}  // namespace phoenix
