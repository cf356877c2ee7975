// Tells a spike, and a level that has moved for good, from ordinary noise, by the one-step errors
// of a forecast. For forecasters that must not learn a spike as if it were the load, nor take hours
// to see that the load has doubled.
//
// Spike: an error further from the median of the last 60 than 3 robust standard deviations, 1.4826
// times the median absolute deviation; it is learnt with a tenth of its weight. Shift: two-sided
// CUSUM of errors in robust standard deviations, slack 0.5, limit 5, or five spikes to the same
// side in a row: a real overload looks like an anomaly, so nothing is ignored for good. For the
// sums an error counts as at most the spike limit, or one spike alone would be a shift.
//
// O(window) per error, no allocation. One thread at a time. REQUIRES: finite errors and levels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "strategies/forecasting/sorted_window.h"

namespace phoenix {

// Of sorted values, at least one. With an even number, the mean of the middle two.
double sorted_median(std::span<const double> sorted);
// Median of the distances from the median.
double sorted_mad(std::span<const double> sorted);

struct Cusum {
  double slack = 0.5;
  double limit = 5;
  double up = 0;
  double down = 0;

  // True where a sum passes the limit; both begin anew then.
  bool add(double z);
};

class ResidualGuard {
 public:
  enum class Verdict : std::uint8_t { kOrdinary, kSpike, kShift };

  static constexpr double kSpikeWeight = 0.1;
  static constexpr int kSpikesInRow = 5;

  ResidualGuard();

  // `level` is about how large values are: where errors do not vary, 1 % of it is their deviation.
  Verdict judge(double residual, double level);

 private:
  bool is_lasting(double z);

  SortedWindow window_;
  Cusum cusum_;
  int spikes_in_row_ = 0;  // below zero where they are downward
};

// What a model with a level should learn from its next value.
class GuardedSamples {
 public:
  // Not enabled: everything is learnt as it is.
  explicit GuardedSamples(bool is_enabled) : is_enabled_(is_enabled) {}

  // `expected` was forecast one step before; `level` is the value without its season. Nothing where
  // the level has moved: it begins anew at recent_median(), without trend.
  std::optional<double> admit(double value, double expected, double level);

  // Median of the last five levels; 0 before the first.
  double recent_median() const;

 private:
  static constexpr std::size_t kRecent = 5;

  bool is_enabled_;
  ResidualGuard guard_;
  std::array<double, kRecent> recent_{};
  std::size_t next_ = 0;
  bool is_first_ = true;
};

}  // namespace phoenix
