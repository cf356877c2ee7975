// From a forecast to nodes: how many will be needed within the horizon, and whether that is sure
// enough to recommend a change. For predictive scaling and for the recommendations of the
// performance loop.
//
// Needed is what the largest forecast quantile within the horizon takes by the capacity model: a
// peak before the horizon counts, and a forecast's middle is not enough. Out where more than
// `buffer` above the present is needed, in where more than that below; either way `extra` on top.
// Confidence is a probability by the calibrated forecast: that the load passes what the present
// nodes serve, or stays below what a smaller number would; with at most `confidence_min`, nothing
// is recommended. Limits, cooldowns and start-up times are the governor's.
//
// One thread at a time. Keeps no pointer after a call returns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "strategies/core/time.h"
#include "strategies/forecasting/capacity_model.h"
#include "strategies/forecasting/load_forecast.h"

namespace phoenix {

struct ScalingPredictorOptions {
  Duration horizon = std::chrono::seconds(3600);
  Duration interval = std::chrono::seconds(300);  // how often callers should ask
  double quantile = 0.9;
  double buffer = 0.2;
  double extra = 0.1;
  double confidence_min = 0.8;
};

enum class RecommendedAction : std::uint8_t { kNoAction, kScaleOut, kScaleIn };

constexpr std::string_view to_text(RecommendedAction action) {
  constexpr std::string_view kNames[] = {"no_action", "scale_out", "scale_in"};
  return kNames[static_cast<std::size_t>(action)];
}

struct Recommendation {
  RecommendedAction action = RecommendedAction::kNoAction;
  double confidence = 0;  // a probability; 0 for no action
  std::string reason = "stable_load";
};

struct ScalingPrediction {
  double peak = 0;     // largest quantile of the load within the horizon
  int peak_steps = 0;  // when, from now
  int required = 0;    // nodes that the peak takes
  int desired = 0;     // after buffer and extra; the present number where no change is due
  Recommendation recommendation;
};

// That the load `steps` ahead is above `value`, by the forecast's quantiles; within 0.001.
double probability_above(const LoadForecast& forecast, int steps, double value);

class ScalingPredictor {
 public:
  explicit ScalingPredictor(const ScalingPredictorOptions& options) : options_(options) {}

  // `step` is the time between the forecast's values, `nodes` >= 1 the present number. The error
  // says what is not known: no service rate yet, or a forecast that is not trusted.
  Result<ScalingPrediction> predict(const LoadForecast& forecast, Duration step,
                                    const CapacityModel& capacity, int nodes) const;

 private:
  int desired(int required, int nodes) const;
  void recommend(const LoadForecast& forecast, int steps, const CapacityModel& capacity, int nodes,
                 ScalingPrediction& prediction) const;

  ScalingPredictorOptions options_;
};

}  // namespace phoenix
