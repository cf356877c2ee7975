// Forecasters predict a series of equally spaced values from its past. Everyone who adds one starts
// here: write one .cc with the class in an anonymous namespace, declare its entry below, add its
// line to strategies/registry.cc.
//
// One thread at a time. observe() and predict() are O(1) to O(k^3), k <= 16, but for `ar`, which
// iterates to the step asked for; they do not allocate once warmed up. Nothing throws; whatever is
// put in, what comes out is finite and not negative. Settings count in steps of the series: with a
// value each 5 minutes, a day is 288.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strategies/core/settings.h"

namespace phoenix {

class Forecaster {
 public:
  virtual ~Forecaster() = default;

  // The next value of the series. NaN is a gap: the model moves on by its own prediction and learns
  // nothing. Infinite values, negative ones and those beyond kSeriesMax are gaps too.
  virtual void observe(double value) = 0;

  // The value `steps` >= 1 after the last observed one; 0 before anything was observed.
  virtual double predict(int steps) const = 0;
};

using ForecasterEntry = StrategyEntry<Forecaster>;
using MadeForecaster = ForecasterEntry::Made;

// One with settings that are known to be allowed: for code that is built on other forecasters.
std::unique_ptr<Forecaster> make_known_forecaster(
    const ForecasterEntry& entry, std::vector<std::pair<std::string, std::string>> settings);

ForecasterEntry last_value();
ForecasterEntry drift();
ForecasterEntry seasonal_naive();
ForecasterEntry ewma();
ForecasterEntry holt_winters();
ForecasterEntry holt_winters_multiplicative();
ForecasterEntry holt_winters_two_seasons();
ForecasterEntry harmonic();
ForecasterEntry autoregression();
ForecasterEntry mixture();

}  // namespace phoenix
