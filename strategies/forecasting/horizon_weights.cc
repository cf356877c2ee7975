#include "strategies/forecasting/horizon_weights.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix {
namespace {

constexpr double kScaleGain = 0.01;
constexpr double kLossMax = 4;  // in mean errors; what is beyond counts as this much
constexpr double kScaleJumpMax = 10;

// The slope of the absolute error: one absurd value moves no weight further than an ordinary one.
double sign(double error) { return error > 0 ? 1 : error < 0 ? -1 : 0; }

}  // namespace

Trust::Trust(std::size_t count, const MixingOptions& options)
    : weights_(count, options.rate, options.share), losses_(count) {}

void Trust::learn(std::span<const double> forecasts, double value) {
  double sum = 0;
  for (std::size_t i = 0; i < losses_.size(); ++i) {
    losses_[i] = std::abs(value - forecasts[i]);
    sum += losses_[i];
  }
  assert(std::isfinite(sum));
  const double mean = sum / static_cast<double>(losses_.size());
  scale_ =
      scale_ == 0 ? mean : scale_ + kScaleGain * (std::min(mean, kScaleJumpMax * scale_) - scale_);
  if (scale_ == 0) return;
  for (double& loss : losses_) loss /= kLossMax * scale_;
  weights_.learn(losses_);
}

HorizonWeights::HorizonWeights(int horizon, std::size_t experts, const MixingOptions& options)
    : horizon_(horizon),
      experts_(experts),
      trust_(experts, options),
      average_(experts, options.memory),
      ways_(kWays, options),
      forecasts_(static_cast<std::size_t>(horizon) * experts),
      mixed_(static_cast<std::size_t>(horizon)) {
  assert(horizon >= 1 && experts <= kExpertsMax);
}

double HorizonWeights::mix(std::span<const double> forecasts) const {
  return weighted_mean(mix_both(forecasts), ways_.weights());
}

std::array<double, HorizonWeights::kWays> HorizonWeights::mix_both(
    std::span<const double> forecasts) const {
  const std::span<const double> trust = trust_.weights();
  return {weighted_mean(forecasts, average_.weights()),
          (weighted_mean(forecasts, trust) + weighted_median(forecasts, trust)) / 2};
}

void HorizonWeights::score(double value) {
  if (issued_ < horizon_) return;
  const std::span<const double> due = row();
  ways_.learn(mixed_[next_], value);
  average_.learn(due, mixed_[next_][0], sign(mixed_[next_][0] - value));
  trust_.learn(due, value);
}

void HorizonWeights::issue(std::span<const double> forecasts) {
  std::copy(forecasts.begin(), forecasts.end(), row().begin());
  mixed_[next_] = mix_both(forecasts);
  next_ = (next_ + 1) % static_cast<std::size_t>(horizon_);
  issued_ = std::min(issued_ + 1, horizon_);
}

}  // namespace phoenix
