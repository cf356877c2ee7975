#include "strategies/forecasting/ml_poly.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix {

MlPoly::MlPoly(std::size_t experts, double memory)
    : kept_(std::exp(-1 / memory)),
      regrets_(experts, 0.0),
      squares_(experts, 0.0),
      weights_(experts, 1 / static_cast<double>(experts)) {
  assert(experts > 0 && memory > 0);
}

double MlPoly::regret_bound(std::size_t experts, double steps, double largest, double squares) {
  return std::sqrt(static_cast<double>(experts) * (1 + std::log1p(steps)) *
                   (largest * largest + squares));
}

void MlPoly::learn(std::span<const double> forecasts, double mixed, double slope) {
  assert(forecasts.size() == weights_.size());
  largest_ *= kept_;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double gain = std::isnan(forecasts[i]) ? 0 : slope * (mixed - forecasts[i]);
    regrets_[i] = kept_ * regrets_[i] + gain;
    squares_[i] = kept_ * squares_[i] + gain * gain;
    largest_ = std::max(largest_, gain * gain);
  }
  const auto pull = [&](std::size_t i) {
    return std::max(regrets_[i], 0.0) / (largest_ + squares_[i]);
  };
  double total = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) total += largest_ > 0 ? pull(i) : 0;
  // Nobody would have done better than the average: it stays.
  if (!(total > 0)) return;
  for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = pull(i) / total;
}

}  // namespace phoenix
