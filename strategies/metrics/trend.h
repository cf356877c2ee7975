// Whether a series rises or falls, told from noise: the median of all pairwise slopes, and a rank
// test of whether there is a trend at all. Two newest samples say nothing.
//
// Sources: Theil 1950 and Sen 1968 for the slope; Mann 1945 and Kendall 1975 for the test, with the
// correction for ties and the normal approximation, hence the least number of points.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "strategies/metrics/metric_view.h"

namespace phoenix {

enum class TrendDirection : std::uint8_t { kUnknown, kStable, kRising, kFalling };

constexpr std::string_view to_text(TrendDirection direction) {
  constexpr std::string_view kNames[] = {"unknown", "stable", "rising", "falling"};
  return kNames[static_cast<std::size_t>(direction)];
}

struct Trend {
  TrendDirection direction = TrendDirection::kUnknown;
  double slope_per_s = 0;  // robust, also of a stable series
  double confidence = 0;   // 1 - p of the two-sided test
  int points = 0;          // known ones it rests on
};

inline constexpr int kTrendPointsMin = 8;

// Unknown with fewer known points than that; stable where the confidence is not above `needed`.
// Unknown points are left out. REQUIRES: points in time order. O(n^2); meant for 100 points.
Trend trend_of(std::span<const MetricPoint> points, double needed = 0.95);

}  // namespace phoenix
