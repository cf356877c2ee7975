#include "strategies/forecasting/scaling_predictor.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix {
namespace {

constexpr double kRounding = 1e-9;
constexpr int kBisections = 10;

}  // namespace

double probability_above(const LoadForecast& forecast, int steps, double value) {
  double low = 0;
  double high = 1;
  if (forecast.quantile(steps, 1.0) <= value) return 0;
  if (forecast.quantile(steps, 0.0) > value) return 1;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    (forecast.quantile(steps, middle) <= value ? low : high) = middle;
  }
  return 1 - (low + high) / 2;
}

Result<ScalingPrediction> ScalingPredictor::predict(const LoadForecast& forecast, Duration step,
                                                    const CapacityModel& capacity,
                                                    int nodes) const {
  assert(step > Duration{0} && nodes >= 1);
  if (!forecast.is_trusted()) return Error{"forecast not trusted: " + forecast.trust_reason()};
  const int steps = std::max(1, static_cast<int>((options_.horizon + step - Duration{1}) / step));
  ScalingPrediction prediction;
  for (int i = 1; i <= steps; ++i) {
    const double load = forecast.quantile(i, options_.quantile);
    if (load > prediction.peak || i == 1) {
      prediction.peak = load;
      prediction.peak_steps = i;
    }
  }
  const Result<int> required = capacity.nodes_for(prediction.peak);
  if (!required) return Error{required.error()};
  prediction.required = *required;
  prediction.desired = desired(*required, nodes);
  recommend(forecast, steps, capacity, nodes, prediction);
  return prediction;
}

int ScalingPredictor::desired(int required, int nodes) const {
  const bool is_due = required > nodes * (1 + options_.buffer) + kRounding ||
                      required < nodes * (1 - options_.buffer) - kRounding;
  if (!is_due) return nodes;
  return std::max(1, static_cast<int>(std::ceil(required * (1 + options_.extra) - kRounding)));
}

// The highest chance of any single step for growth, the lowest for shrinking: at every step the
// fewer nodes must be enough.
void ScalingPredictor::recommend(const LoadForecast& forecast, int steps,
                                 const CapacityModel& capacity, int nodes,
                                 ScalingPrediction& prediction) const {
  const double enough = capacity.rate_for(nodes);
  const int fewer = static_cast<int>(std::floor(nodes * (1 - options_.buffer) + kRounding));
  const double enough_for_fewer = fewer >= 1 ? capacity.rate_for(fewer) : 0;
  double above = 0;
  double below = 1;
  for (int i = 1; i <= steps; ++i) {
    above = std::max(above, probability_above(forecast, i, enough));
    below = std::min(below, 1 - probability_above(forecast, i, enough_for_fewer));
  }
  if (above > options_.confidence_min) {
    prediction.recommendation = {RecommendedAction::kScaleOut, above, "predicted_load_increase"};
  } else if (fewer >= 1 && below > options_.confidence_min) {
    prediction.recommendation = {RecommendedAction::kScaleIn, below, "predicted_load_decrease"};
  }
}

}  // namespace phoenix
