#include "strategies/forecasting/hedge.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace phoenix {
namespace {

constexpr double kWeightMin = 1e-6;

}  // namespace

double hedge_rate(std::size_t experts, double steps) {
  return std::sqrt(8 * std::log(static_cast<double>(experts)) / steps);
}

double hedge_regret_bound(std::size_t experts, double steps) {
  return std::sqrt(steps * std::log(static_cast<double>(experts)) / 2);
}

double weighted_mean(std::span<const double> forecasts, std::span<const double> weights) {
  assert(forecasts.size() == weights.size());
  double sum = 0;
  double weight = 0;
  for (std::size_t i = 0; i < forecasts.size(); ++i) {
    if (std::isnan(forecasts[i])) continue;
    sum += weights[i] * forecasts[i];
    weight += weights[i];
  }
  return weight > 0 ? sum / weight : std::numeric_limits<double>::quiet_NaN();
}

double weighted_median(std::span<const double> forecasts, std::span<const double> weights) {
  assert(forecasts.size() == weights.size() && forecasts.size() <= kExpertsMax);
  std::array<std::pair<double, double>, kExpertsMax> sorted;
  std::size_t n = 0;
  double total = 0;
  for (std::size_t i = 0; i < forecasts.size(); ++i) {
    if (std::isnan(forecasts[i])) continue;
    // An insertion sort, since there are few.
    std::size_t place = n++;
    for (; place > 0 && sorted[place - 1].first > forecasts[i]; --place) {
      sorted[place] = sorted[place - 1];
    }
    sorted[place] = {forecasts[i], weights[i]};
    total += weights[i];
  }
  double below = 0;
  for (std::size_t i = 0; i < n; ++i) {
    below += sorted[i].second;
    if (below >= total / 2) return sorted[i].first;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Hedge::Hedge(std::size_t experts, double rate, double share)
    : rate_(rate),
      share_(share),
      logs_(experts, 0.0),
      weights_(experts, 1 / static_cast<double>(experts)) {
  assert(experts > 0 && rate > 0 && share >= 0 && share <= 1);
}

void Hedge::learn(std::span<const double> losses) {
  assert(losses.size() == logs_.size());
  // Who gave no forecast is charged what the others lost on average, or silence would pay.
  double sum = 0;
  double weight = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (std::isnan(losses[i])) continue;
    sum += weights_[i] * std::clamp(losses[i], 0.0, 1.0);
    weight += weights_[i];
  }
  if (weight == 0) return;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const double loss = std::isnan(losses[i]) ? sum / weight : std::clamp(losses[i], 0.0, 1.0);
    logs_[i] -= rate_ * loss;
  }
  const double largest = *std::max_element(logs_.begin(), logs_.end());
  double total = 0;
  for (double& log : logs_) {
    log = std::max(log - largest, std::log(kWeightMin));
    total += std::exp(log);
  }
  const double equal = share_ / static_cast<double>(logs_.size());
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    weights_[i] = (1 - share_) * std::exp(logs_[i]) / total + equal;
    logs_[i] = std::log(weights_[i]);
  }
}

}  // namespace phoenix
