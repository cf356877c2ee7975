#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/season_ring.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

struct SeasonalNaiveOptions {
  int period = 288;

  void visit(SettingVisitor& v) { v.integer("period", period, 1, 1'000'000, "steps of a season"); }
};

class SeasonalNaive : public Forecaster {
 public:
  explicit SeasonalNaive(SeasonalNaiveOptions options) : season_(options.period) {}

  void observe(double value) override {
    if (!is_series_value(value)) value = predict(1);
    last_ = value;
    season_.push(value);
    if (seen_ < season_.period()) ++seen_;
  }

  // Until a season was seen, the last value.
  double predict(int steps) const override {
    return seen_ < season_.period() ? last_ : season_.at(steps);
  }

 private:
  SeasonRing season_;
  double last_ = 0;
  int seen_ = 0;
};

}  // namespace

ForecasterEntry seasonal_naive() {
  return strategy_entry<Forecaster, SeasonalNaive, SeasonalNaiveOptions>(
      "seasonal_naive", "what was seen one season before comes again");
}

}  // namespace phoenix
