#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

class LastValue : public Forecaster {
 public:
  explicit LastValue(NoOptions) {}

  void observe(double value) override {
    if (is_series_value(value)) value_ = value;
  }
  double predict(int) const override { return value_; }

 private:
  double value_ = 0;
};

}  // namespace

ForecasterEntry last_value() {
  return strategy_entry<Forecaster, LastValue, NoOptions>("last_value", "what was seen last stays");
}

}  // namespace phoenix
