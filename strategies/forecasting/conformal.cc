#include "strategies/forecasting/conformal.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

#include "strategies/forecasting/series_value.h"
#include "strategies/forecasting/smoothing.h"

namespace phoenix {
namespace {

// Memories of the size of errors. Over four real loads the three together have a pinball loss 1
// to 10 % below that of a single memory of 100, the best there is alone.
constexpr double kJustNow = 16;
constexpr double kOfLate = 100;
constexpr double kUsual = 4000;
constexpr double kSizeJumpMax = 10;     // one error counts as at most this many expected ones
constexpr double kSizeMin = 1e-9;       // relative to the values
constexpr double kRootLevelMin = 0.05;  // of the mean value: errors near zero say little of others
constexpr double kTailRateMax = 0.1;
constexpr double kStretch = 10;  // of the widest error, for each level beyond 1
constexpr double kLevelsBeyond = 0.2;
constexpr double kRounding = 1e-9;

}  // namespace

std::size_t conformal_rank(std::size_t n, double alpha) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(n + 1) * (1 - alpha) - kRounding));
}

double adapted_alpha(double alpha, double target, double gamma, bool is_missed) {
  return alpha + gamma * (target - (is_missed ? 1 : 0));
}

double pinball_loss(double value, double forecast, double q) {
  return value >= forecast ? q * (value - forecast) : (1 - q) * (forecast - value);
}

void ErrorSize::learn(double error, double forecast, double value) {
  // Plain means at first: one lucky or unlucky error would be remembered for long.
  ++count_;
  const auto gain = [&](double memory) { return std::max(1 / count_, smoothing_gain(memory)); };
  level_ += gain(kUsual) * (value - level_);
  const double known = expected(forecast);
  const double size =
      count_ > 1 ? std::min(std::abs(error), kSizeJumpMax * known) : std::abs(error);
  just_now_ += gain(kJustNow) * (size - just_now_);
  of_late_ += gain(kOfLate) * (size - of_late_);
  by_root_ += gain(kUsual) * (size / root(forecast) - by_root_);
}

double ErrorSize::expected(double forecast) const {
  const double mean = (just_now_ + of_late_ + 2 * by_root_ * root(forecast)) / 4;
  return std::max(mean, kSizeMin * level_);
}

double ErrorSize::root(double forecast) const {
  return std::sqrt(std::max({forecast, kRootLevelMin * level_, kSizeMin}));
}

HorizonErrors::HorizonErrors(int horizon, std::size_t window, double rate)
    : horizon_(horizon), rate_(rate), errors_(window), pending_(static_cast<std::size_t>(horizon)) {
  assert(horizon >= 1 && window >= 1 && rate >= 0);
}

void HorizonErrors::score(double value) {
  const Pending& due = pending_[next_];
  if (!due.is_set || !is_series_value(value)) return;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const bool is_upper = kTrackedLevels[i] >= 0.5;
    const double tail = is_upper ? 1 - kTrackedLevels[i] : kTrackedLevels[i];
    const bool is_missed = is_upper ? value > due.bounds[i] : value < due.bounds[i];
    const double gamma = std::min(rate_, kTailRateMax * tail);
    const double alpha =
        std::clamp(adapted_alpha(is_upper ? 1 - levels_[i] : levels_[i], tail, gamma, is_missed),
                   -kLevelsBeyond, 0.5);
    levels_[i] = is_upper ? 1 - alpha : alpha;
  }
  const double error = value - due.forecast;
  const double size = due.size > 0 ? due.size : size_.expected(due.forecast);
  if (size > 0) errors_.push(error / size);
  size_.learn(error, due.forecast, value);
}

void HorizonErrors::issue(double forecast) {
  Pending& pending = pending_[next_];
  pending.forecast = forecast;
  pending.size = size_.expected(forecast);
  pending.is_set = true;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    pending.bounds[i] = as_forecast(forecast + pending.size * error_at(levels_[i]));
    if (is_beyond(levels_[i])) ++widest_used_;
  }
  next_ = next_ + 1 == pending_.size() ? 0 : next_ + 1;
}

bool HorizonErrors::is_beyond(double level) const {
  return conformal_rank(errors_.size(), std::min(level, 1 - level)) > errors_.size();
}

// Ranks count from the lowest error for levels in the upper half, from the highest in the lower.
double HorizonErrors::error_at(double level) const {
  const std::span<const double> sorted = errors_.sorted();
  if (sorted.empty()) return 0;
  const bool is_upper = level >= 0.5;
  if (is_beyond(level)) {
    const double stretch = 1 + kStretch * std::max({0.0, level - 1, -level});
    return (is_upper ? sorted.back() : sorted.front()) * stretch;
  }
  const std::size_t rank = conformal_rank(sorted.size(), std::min(level, 1 - level));
  return is_upper ? sorted[rank - 1] : sorted[sorted.size() - rank];
}

// Linear between the tracked levels; those never cross, though each is adjusted for itself.
double HorizonErrors::level(double q) const {
  double low_q = 0;
  double low = std::min(0.0, levels_.front());
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const double high = std::max(low, levels_[i]);
    if (q <= kTrackedLevels[i]) {
      return low + (high - low) * (q - low_q) / (kTrackedLevels[i] - low_q);
    }
    low_q = kTrackedLevels[i];
    low = high;
  }
  return low + (std::max(1.0, low) - low) * (q - low_q) / (1 - low_q);
}

double HorizonErrors::offset(double forecast, double q) const {
  return size_.expected(forecast) * error_at(level(q));
}

}  // namespace phoenix
