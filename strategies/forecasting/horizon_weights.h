// How forecasts of several models are mixed at one horizon, in two ways. For the mixture of
// forecasters.
//
// Those who did well alone lately are followed (Hedge, by absolute errors): halfway between the
// weighted mean, which evens out errors that differ, and the weighted median, which one model that
// is far off does not move. That suits loads with spikes and loads that change their nature. The
// best average of all (MlPoly) suits those of which several models each know a part. Which of the
// two is trusted, their own losses say, by Hedge again.
//
// One thread at a time. O(K log K) a call for K models, no allocation after construction. REQUIRES:
// at most kExpertsMax models, finite forecasts and values.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "strategies/forecasting/hedge.h"
#include "strategies/forecasting/ml_poly.h"

namespace phoenix {

// Defaults measured over real loads: rates of 0.5 to 2 and memories of 500 to 6,000 do about as
// well.
struct MixingOptions {
  double rate = 0.5;
  double share = 0.01;
  double memory = 2000;  // steps
};

// How much each of several forecasts is trusted, by how well it did alone lately.
class Trust {
 public:
  Trust(std::size_t count, const MixingOptions& options);
  void learn(std::span<const double> forecasts, double value);
  std::span<const double> weights() const { return weights_.weights(); }

 private:
  Hedge weights_;
  std::vector<double> losses_;
  double scale_ = 0;  // mean error of late
};

class HorizonWeights {
 public:
  // `horizon` >= 1 steps pass between a forecast and its value.
  HorizonWeights(int horizon, std::size_t experts, const MixingOptions& options);

  int horizon() const { return horizon_; }

  double mix(std::span<const double> forecasts) const;

  // In each step: its value, unless it is a gap; then what the models forecast at it.
  void score(double value);
  void issue(std::span<const double> forecasts);

 private:
  static constexpr std::size_t kWays = 2;

  std::span<double> row() { return std::span(forecasts_).subspan(next_ * experts_, experts_); }
  std::array<double, kWays> mix_both(std::span<const double> forecasts) const;

  int horizon_;
  std::size_t experts_;
  Trust trust_;
  MlPoly average_;
  Trust ways_;
  std::vector<double> forecasts_;                 // a ring of rows, one a step of the horizon
  std::vector<std::array<double, kWays>> mixed_;  // of each row
  std::size_t next_ = 0;
  int issued_ = 0;  // rows that are set
};

}  // namespace phoenix
