#include <algorithm>
#include <cmath>
#include <optional>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/residual_guard.h"
#include "strategies/forecasting/season_ring.h"
#include "strategies/forecasting/series_value.h"
#include "strategies/forecasting/smoothing.h"

namespace phoenix {
namespace {

struct TwoSeasonsOptions {
  int period = 288;
  int period2 = 2016;
  double damping = 0.98;
  bool robust = true;
  SmoothingGains gains;

  void visit(SettingVisitor& v) {
    v.integer("period", period, 1, 1'000'000, "steps of the short season");
    v.integer("period2", period2, 0, 1'000'000, "steps of the long season; none unless longer");
    v.number("level", gains.level, 0, 1, "share of a value in the new level");
    v.number("trend", gains.trend, 0, 1, "share of the level's last step in the new trend");
    v.number("season", gains.season, 0, 1, "share of a value in the new short season");
    v.number("season2", gains.season2, 0, 1, "share of a value in the new long season");
    v.number("damping", damping, 0.5, 1, "what is left of the trend after each step ahead");
    v.flag("robust", robust, "spikes are learnt with a tenth, lasting shifts at once");
  }
};

// Until the long season was seen once, the short one alone; then the long one starts as what the
// first long season differs from the short one.
class TwoSeasons : public Forecaster {
 public:
  explicit TwoSeasons(const TwoSeasonsOptions& options)
      : options_(options),
        short_(options.period),
        long_(std::max(options.period, options.period2)),
        samples_(options.robust) {
    options_.period2 = long_.period();
  }

  void observe(double value) override {
    const bool is_known = is_series_value(value);
    if (!is_known) value = predict(1);
    if (seen_ == 0) line_.level = value;
    if (seen_ < options_.period) {
      if (is_known) line_.level += options_.gains.level * (value - line_.level);
      short_.push(value);
      long_.push(value);
    } else {
      if (is_known) learn(value);
      short_.advance();
      if (seen_ < options_.period2) {
        long_.push(value);
      } else {
        long_.advance();
      }
    }
    if (seen_ <= std::max(options_.period, options_.period2)) ++seen_;
    if (seen_ == options_.period) start_short();
    if (seen_ == options_.period2) start_long();
  }

  double predict(int steps) const override {
    if (seen_ < options_.period) return line_.level;
    return as_forecast(line_.ahead(steps, options_.damping) + short_.at(steps) +
                       long_season(steps));
  }

 private:
  double long_season(int steps) const { return seen_ < options_.period2 ? 0.0 : long_.at(steps); }

  void learn(double value) {
    const double seasons = short_.at(1) + long_season(1);
    const double expected = line_.ahead(1, options_.damping) + seasons;
    const std::optional<double> sample = samples_.admit(value, expected, value - seasons);
    if (!sample) {
      line_ = {samples_.recent_median(), 0};
      return;
    }
    if (seen_ < options_.period2) {
      smooth_additive(line_, short_.at(1), *sample, options_.damping, options_.gains);
    } else {
      smooth_two_seasons(line_, short_.at(1), long_.at(1), *sample, options_.damping,
                         options_.gains);
    }
  }

  void start_short() {
    double sum = 0;
    for (int i = 1; i <= options_.period; ++i) sum += short_.at(i);
    line_ = {sum / options_.period, 0};
    for (int i = 1; i <= options_.period; ++i) short_.at(i) -= line_.level;
  }

  void start_long() {
    double sum = 0;
    for (int i = 1; i <= options_.period2; ++i) sum += long_.at(i);
    const double mean = sum / options_.period2;
    for (int i = 1; i <= options_.period2; ++i) {
      const int phase = (i - 1 + options_.period - options_.period2 % options_.period);
      long_.at(i) -= mean + short_.at(phase % options_.period + 1);
    }
  }

  TwoSeasonsOptions options_;
  SeasonRing short_;
  SeasonRing long_;  // values during the first long season
  LevelTrend line_;
  GuardedSamples samples_;
  int seen_ = 0;
};

}  // namespace

ForecasterEntry holt_winters_two_seasons() {
  return strategy_entry<Forecaster, TwoSeasons, TwoSeasonsOptions>(
      "holt_winters_two_seasons", "smoothed level, trend, and two seasons such as day and week");
}

}  // namespace phoenix
