// What the control plane asks of forecasting: quantiles of a load some steps ahead, and whether
// they can be trusted. Implemented by forecasting's calibrated mixture; scalers know only this.
#pragma once

#include <string>

namespace phoenix {

class LoadForecast {
 public:
  virtual ~LoadForecast() = default;
  // The next value of the series, NaN for a gap.
  virtual void observe(double value) = 0;
  virtual double mean(int steps) const = 0;
  // The q-quantile `steps` ahead, by calibrated intervals; finite, not negative.
  virtual double quantile(int steps, double q) const = 0;
  // False until enough was seen, and while it does worse than the seasonal naive forecast, or its
  // intervals do not cover what they promise.
  virtual bool is_trusted() const = 0;
  // Why it is or is not: "coverage 0.82, promised 0.90".
  virtual std::string trust_reason() const = 0;
};

}  // namespace phoenix
