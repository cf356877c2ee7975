#include "strategies/forecasting/conformal.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>

#include "strategies/forecasting/series_value.h"
#include "strategies/forecasting/smoothing.h"

namespace phoenix {
namespace {

// Memory of the size of errors: measured over real loads, 50 to 200 do about as well.
constexpr double kScaleMemory = 100;
constexpr double kScaleJumpMax = 10;  // one error counts as at most this many usual ones
constexpr double kScaleMin = 1e-9;    // relative to the values
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
  learn(value - due.forecast, value);
}

void HorizonErrors::learn(double error, double value) {
  const double size = std::abs(error);
  if (scale_ > 0) errors_.push(error / scale_);
  // A plain mean at first: one lucky or unlucky error would be remembered for long.
  ++scored_;
  const double gain = std::max(1 / static_cast<double>(scored_), smoothing_gain(kScaleMemory));
  const double counted = scored_ > 1 ? std::min(size, kScaleJumpMax * scale_) : size;
  scale_ += gain * (counted - scale_);
  scale_ = std::max(scale_, kScaleMin * std::max(value, kScaleMin));
}

void HorizonErrors::issue(double forecast) {
  Pending& pending = pending_[next_];
  pending.forecast = forecast;
  pending.is_set = true;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    pending.bounds[i] = as_forecast(forecast + scale_ * error_at(levels_[i]));
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

double HorizonErrors::offset(double q) const { return scale_ * error_at(level(q)); }

}  // namespace phoenix
