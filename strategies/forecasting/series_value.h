// Which values a series may hold, and what a forecast may be. One place, so that every model treats
// gaps alike.
#pragma once

#include <algorithm>

namespace phoenix {

// Squares and sums of such values stay finite.
inline constexpr double kSeriesMax = 1e15;

// False for NaN, infinite, negative and larger values: those are gaps.
inline bool is_series_value(double value) { return value >= 0 && value <= kSeriesMax; }

// NaN is 0: a model that knows nothing forecasts nothing.
inline double as_forecast(double value) { return value >= 0 ? std::min(value, kSeriesMax) : 0; }

}  // namespace phoenix
