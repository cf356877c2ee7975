#include <cmath>
#include <cstddef>
#include <memory>
#include <numbers>
#include <vector>

#include "strategies/core/recursive_least_squares.h"
#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr int kShort = 4;  // harmonics of the short season
constexpr int kLong = 3;
constexpr double kUncertainty = 1e6;  // as good as no prior, whatever the scale of the series

struct HarmonicOptions {
  int period = 288;
  int period2 = 0;
  double forgetting = 0;

  void visit(SettingVisitor& v) {
    v.integer("period", period, 2, 1'000'000, "steps of the short season");
    v.integer("period2", period2, 0, 1'000'000, "steps of the long season, 0 for none");
    v.number("forgetting", forgetting, 0, 1,
             "weight left of a sample after each step; 0: a memory of three long seasons");
  }
};

// Cosine and sine of every step of a season.
class Circle {
 public:
  explicit Circle(int period) : period_(period), cosine_(static_cast<std::size_t>(period)) {
    for (std::size_t i = 0; i < cosine_.size(); ++i) {
      cosine_[i] = std::cos(2 * std::numbers::pi * static_cast<double>(i) / period);
    }
    sine_ = cosine_;
    for (std::size_t i = 0; i < sine_.size(); ++i) {
      sine_[i] = std::sin(2 * std::numbers::pi * static_cast<double>(i) / period);
    }
  }

  int period() const { return period_; }
  double cosine(std::int64_t step) const { return cosine_[place(step)]; }
  double sine(std::int64_t step) const { return sine_[place(step)]; }

 private:
  std::size_t place(std::int64_t step) const { return static_cast<std::size_t>(step % period_); }

  int period_;
  std::vector<double> cosine_;
  std::vector<double> sine_;
};

// Features: 1, time, and cosine and sine of each harmonic. Time is 0 at the newest value, or it
// would grow without bound; the regression is carried along as its origin moves.
template <int kFeatures>
class HarmonicModel {
 public:
  using Regression = RecursiveLeastSquares<kFeatures>;
  using Vector = typename Regression::Vector;

  HarmonicModel(const HarmonicOptions& options, double forgetting)
      : short_(options.period),
        long_(kFeatures > 2 + 2 * kShort ? options.period2 : 1),
        forgetting_(forgetting) {}

  void observe(double value) {
    ++now_;
    regression_.shift_slope(1, 0, 1.0 / short_.period());
    if (is_series_value(value)) regression_.learn(features(0), value, forgetting_);
  }

  double predict(int steps) const { return as_forecast(regression_.predict(features(steps))); }

 private:
  Vector features(int steps) const {
    Vector x;
    x[0] = 1;
    x[1] = static_cast<double>(steps) / short_.period();
    fill(x, 2, kShort, short_, now_ + steps);
    if constexpr (kFeatures > 2 + 2 * kShort) fill(x, 2 + 2 * kShort, kLong, long_, now_ + steps);
    return x;
  }

  static void fill(Vector& x, int from, int harmonics, const Circle& circle, std::int64_t step) {
    for (int k = 1; k <= harmonics; ++k) {
      x[from + 2 * k - 2] = circle.cosine(k * step);
      x[from + 2 * k - 1] = circle.sine(k * step);
    }
  }

  Circle short_;
  Circle long_;
  double forgetting_;
  Regression regression_{kUncertainty};
  std::int64_t now_ = -1;
};

class Harmonic : public Forecaster {
 public:
  explicit Harmonic(const HarmonicOptions& options) {
    const bool has_long = options.period2 > options.period;
    const int longest = has_long ? options.period2 : options.period;
    const double forgetting = options.forgetting > 0 ? options.forgetting : 1 - 1 / (3.0 * longest);
    if (has_long) {
      both_ = std::make_unique<HarmonicModel<2 + 2 * kShort + 2 * kLong>>(options, forgetting);
    } else {
      one_ = std::make_unique<HarmonicModel<2 + 2 * kShort>>(options, forgetting);
    }
    period_ = longest;
  }

  void observe(double value) override {
    if (is_series_value(value)) last_ = value;
    if (both_ != nullptr) {
      both_->observe(value);
    } else {
      one_->observe(value);
    }
    if (seen_ < period_) ++seen_;
  }

  // Less than a season is not enough to tell its harmonics from each other and from a slope.
  double predict(int steps) const override {
    if (seen_ < period_) return last_;
    return both_ != nullptr ? both_->predict(steps) : one_->predict(steps);
  }

 private:
  std::unique_ptr<HarmonicModel<2 + 2 * kShort + 2 * kLong>> both_;
  std::unique_ptr<HarmonicModel<2 + 2 * kShort>> one_;
  int period_ = 0;
  int seen_ = 0;
  double last_ = 0;
};

}  // namespace

ForecasterEntry harmonic() {
  return strategy_entry<Forecaster, Harmonic, HarmonicOptions>(
      "harmonic", "trend, four harmonics of the day and three of the week, by least squares");
}

}  // namespace phoenix
