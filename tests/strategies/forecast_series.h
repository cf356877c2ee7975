// Made-up loads for the tests of forecasting: seeded, so that every run sees the same.
#pragma once

#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/registry.h"

namespace phoenix::testing {

inline std::unique_ptr<Forecaster> make(const std::string& text) {
  Result<MadeForecaster> made = make_forecaster(text);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error());
  return made.ok() ? std::move(made->strategy) : nullptr;
}

inline void observe(Forecaster& forecaster, const std::vector<double>& values) {
  for (const double value : values) forecaster.observe(value);
}

// Sum of twelve uniform numbers less six: near enough to normal, with variance 1.
inline double noise(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

// A wave of `period` steps around `level`, with noise.
inline std::vector<double> wave(int steps, int period, double level, double amplitude, double sigma,
                                std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<double> values;
  for (int i = 0; i < steps; ++i) {
    const double phase = 2 * std::numbers::pi * i / period;
    values.push_back(std::max(0.0, level + amplitude * std::sin(phase) + sigma * noise(random)));
  }
  return values;
}

// Mean absolute error `steps` ahead, over the last `scored` values.
inline double mean_error(Forecaster& forecaster, const std::vector<double>& values, int steps,
                         std::size_t scored) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    forecaster.observe(values[i]);
    const std::size_t target = i + static_cast<std::size_t>(steps);
    if (target >= values.size() || target + scored < values.size()) continue;
    sum += std::abs(forecaster.predict(steps) - values[target]);
  }
  return sum / static_cast<double>(scored);
}

}  // namespace phoenix::testing
