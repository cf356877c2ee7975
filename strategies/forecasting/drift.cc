#include <algorithm>
#include <cstddef>
#include <vector>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

struct DriftOptions {
  int window = 12;

  void visit(SettingVisitor& v) {
    v.integer("window", window, 1, 100'000, "how many steps back the slope reaches");
  }
};

// Source: Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", with the line from a
// bounded past instead of from the first value.
class Drift : public Forecaster {
 public:
  explicit Drift(DriftOptions options) : ring_(static_cast<std::size_t>(options.window) + 1) {}

  void observe(double value) override {
    if (!is_series_value(value)) value = predict(1);
    newest_ = count_ == 0 ? 0 : (newest_ + 1) % ring_.size();
    ring_[newest_] = value;
    count_ = std::min(count_ + 1, ring_.size());
  }

  double predict(int steps) const override {
    const double last = ring_[newest_];
    if (count_ < 2) return last;
    const double first = ring_[(newest_ + ring_.size() + 1 - count_) % ring_.size()];
    return as_forecast(last + steps * (last - first) / static_cast<double>(count_ - 1));
  }

 private:
  std::vector<double> ring_;
  std::size_t newest_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

ForecasterEntry drift() {
  return strategy_entry<Forecaster, Drift, DriftOptions>(
      "drift", "the line through the last value and one some steps before goes on");
}

}  // namespace phoenix
