#include <cmath>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

struct EwmaOptions {
  double memory = 4;

  void visit(SettingVisitor& v) {
    v.number("memory", memory, 0.01, 1e6, "steps after which a value's weight has fallen to 37 %");
  }
};

class Ewma : public Forecaster {
 public:
  explicit Ewma(EwmaOptions options) : gain_(-std::expm1(-1 / options.memory)) {}

  void observe(double value) override {
    if (!is_series_value(value)) return;
    level_ = is_first_ ? value : level_ + gain_ * (value - level_);
    is_first_ = false;
  }
  double predict(int) const override { return level_; }

 private:
  double gain_;
  double level_ = 0;
  bool is_first_ = true;
};

}  // namespace

ForecasterEntry ewma() {
  return strategy_entry<Forecaster, Ewma, EwmaOptions>(
      "ewma", "exponentially weighted average of the values so far");
}

}  // namespace phoenix
