// Which values a series may hold, and what a forecast may be. One place, so that every model treats
// gaps alike.
#pragma once

#include <algorithm>
#include <cmath>

namespace phoenix {

// Squares and sums of such values stay finite.
inline constexpr double kSeriesMax = 1e15;

// False for NaN, infinite, negative and larger values: those are gaps.
inline bool is_series_value(double value) { return value >= 0 && value <= kSeriesMax; }

// NaN is 0: a model that knows nothing forecasts nothing.
inline double as_forecast(double value) { return value >= 0 ? std::min(value, kSeriesMax) : 0; }

// No model is believed beyond four times the highest value of late. Yesterday's peak is of late
// where there are seasons.
class BeliefLimit {
 public:
  // `season` in steps, 0 for none: what was seen fades to a third in three of them, and in no less
  // than 500 steps.
  explicit BeliefLimit(int season) : kept_(std::exp(-1 / std::max(500.0, 3.0 * season))) {}

  void see(double value) {
    peak_ *= kept_;
    if (is_series_value(value)) peak_ = std::max(peak_, value);
  }
  double most() const { return kPeaksMax * peak_; }

 private:
  static constexpr double kPeaksMax = 4;
  double kept_;
  double peak_ = 0;
};

}  // namespace phoenix
