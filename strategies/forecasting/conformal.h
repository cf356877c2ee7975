// Intervals around forecasts that cover what they promise, whatever the errors look like: quantiles
// of the errors made lately, at a level that is itself adjusted by how often they were passed.
//
// Split conformal: of n past errors, the one of rank ceil((n + 1) q) is above the next with
// probability q at least, if errors are exchangeable (Vovk, Gammerman, Shafer 2005). Adaptive:
// where they are not, a miss raises the level at once and hits lower it slowly, so that misses come
// at the promised rate over any long time (Gibbs and Candes 2021). Errors are signed, so both ends
// and one-sided bounds are calibrated for themselves, and divided by how large each was expected to
// be, so that an interval is wider in turbulent hours and where much is forecast.
//
// One thread at a time. No allocation after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "strategies/forecasting/sorted_window.h"

namespace phoenix {

// Rank of the absolute error that is the radius of an interval which misses with probability
// `alpha`: 1 is the smallest. Above `n` the interval is infinite.
std::size_t conformal_rank(std::size_t n, double alpha);

// The next alpha of adaptive conformal inference. At or below 0 the interval is infinite, at or
// above 1 empty.
double adapted_alpha(double alpha, double target, double gamma, bool is_missed);

// The loss that a q-quantile minimises.
double pinball_loss(double value, double forecast, double q);

// The levels that are adjusted, each for itself; others lie between.
inline constexpr std::array<double, 5> kTrackedLevels = {0.05, 0.5, 0.9, 0.95, 0.99};

// How large the error of a forecast will be, by three opinions each of which is right about some
// loads. A quarter: as large as just now, for turbulence comes in bouts. A quarter: as large as of
// late. Half: as large as usual where that much is forecast, by the root of it, as the noise of
// counts goes, for the errors of a few minutes are too few to tell their size.
class ErrorSize {
 public:
  void learn(double error, double forecast, double value);
  // Never negative; 0 before the first error.
  double expected(double forecast) const;

 private:
  double root(double forecast) const;

  double just_now_ = 0;
  double of_late_ = 0;
  double by_root_ = 0;  // over root(forecast)
  double level_ = 0;    // mean of the values
  double count_ = 0;
};

// Forecast errors at one horizon.
class HorizonErrors {
 public:
  // `horizon` steps pass between a forecast and its value. `rate` is gamma; for narrow tails at
  // most a tenth of the tail.
  HorizonErrors(int horizon, std::size_t window, double rate);

  int horizon() const { return horizon_; }

  // The value of the present step, NaN for none; then the forecast made at it.
  void score(double value);
  void issue(double forecast);

  // To be added to the forecast for its q-quantile. 0 before any error is known.
  double offset(double forecast, double q) const;

  // Bounds issued while too few errors, or none large enough, were known: the largest known, a
  // little stretched, stood for an infinite one.
  std::uint64_t widest_used() const { return widest_used_; }

 private:
  struct Pending {
    double forecast = 0;
    double size = 0;  // of its error, as expected
    std::array<double, kTrackedLevels.size()> bounds{};
    bool is_set = false;
  };

  double level(double q) const;
  double error_at(double level) const;
  bool is_beyond(double level) const;

  int horizon_;
  double rate_;
  SortedWindow errors_;
  std::array<double, kTrackedLevels.size()> levels_ = kTrackedLevels;
  std::vector<Pending> pending_;
  std::size_t next_ = 0;
  ErrorSize size_;
  std::uint64_t widest_used_ = 0;
};

}  // namespace phoenix
