// Whether a metric rises or falls, from a bounded history: two points are noise. For status pages
// and recommendations.
//
// Slope: median of the slopes between all pairs (Theil 1950, Sen 1968), not moved by a third of
// outliers. Significance: Mann-Kendall with correction for ties, normal approximation, so from 8
// points on. O(n^2) to ask, O(1) to add. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "strategies/core/time.h"

namespace phoenix {

enum class TrendDirection : std::uint8_t { kStable, kRising, kFalling };

struct Trend {
  TrendDirection direction = TrendDirection::kStable;
  double slope_per_s = 0;
  // That a series without trend would look less like one; 0 with fewer than 8 points.
  double confidence = 0;
};

class TrendHistory {
 public:
  static constexpr std::size_t kSnapshots = 100;
  static constexpr std::size_t kPointsMin = 8;

  explicit TrendHistory(std::size_t capacity = kSnapshots);

  // NaN and infinite values are left out. Of samples at one time the last stays; earlier than the
  // newest are left out.
  void add(Time at, double value);

  std::size_t size() const { return points_.size(); }

  // Rising or falling where the confidence is at least `confidence_min`.
  Trend trend(double confidence_min = 0.95) const;

 private:
  struct Point {
    double seconds;
    double value;
  };

  std::size_t capacity_;
  std::vector<Point> points_;  // a ring once full
  std::size_t oldest_ = 0;
};

}  // namespace phoenix
