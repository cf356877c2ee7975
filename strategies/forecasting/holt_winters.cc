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

struct HoltWintersOptions {
  int period = 288;
  double damping = 0.98;
  bool robust = true;
  SmoothingGains gains;

  void visit(SettingVisitor& v) {
    v.integer("period", period, 1, 1'000'000, "steps of a season");
    v.number("level", gains.level, 0, 1, "share of a value in the new level");
    v.number("trend", gains.trend, 0, 1, "share of the level's last step in the new trend");
    v.number("season", gains.season, 0, 1, "share of a value in the new season");
    v.number("damping", damping, 0.5, 1, "what is left of the trend after each step ahead");
    v.flag("robust", robust, "spikes are learnt with a tenth, lasting shifts at once");
  }
};

struct Additive {
  static double join(double line, double season) { return line + season; }
  static double without(double value, double season) { return value - season; }
  static void smooth(LevelTrend& line, double& season, double value,
                     const HoltWintersOptions& options) {
    smooth_additive(line, season, value, options.damping, options.gains);
  }
};

struct Multiplicative {
  static double join(double line, double season) { return line * season; }
  static double without(double value, double season) {
    return value / std::max(season, kSeasonFactorMin);
  }
  static void smooth(LevelTrend& line, double& season, double value,
                     const HoltWintersOptions& options) {
    smooth_multiplicative(line, season, value, options.damping, options.gains);
  }
};

// Starts with an average; after the first season with its mean and shape, after the second with the
// trend from one to the other.
template <class Kind>
class HoltWinters : public Forecaster {
 public:
  explicit HoltWinters(const HoltWintersOptions& options)
      : options_(options), season_(options.period), samples_(options.robust) {}

  void observe(double value) override {
    const bool is_known = is_series_value(value);
    if (!is_known) value = predict(1);
    if (season_seen_) {
      if (is_known) learn(value);
      season_.advance();
    } else {
      if (seen_ == 0) line_.level = value;
      if (is_known) line_.level += options_.gains.level * (value - line_.level);
      season_.push(value);
    }
    sum_ += value;
    if (++seen_ == options_.period) end_season();
  }

  double predict(int steps) const override {
    if (!season_seen_) return line_.level;
    return as_forecast(Kind::join(line_.ahead(steps, options_.damping), season_.at(steps)));
  }

 private:
  void learn(double value) {
    double& season = season_.at(1);
    const double expected = Kind::join(line_.ahead(1, options_.damping), season);
    const std::optional<double> sample =
        samples_.admit(value, expected, Kind::without(value, season));
    if (!sample) {
      line_ = {samples_.recent_median(), 0};
      return;
    }
    Kind::smooth(line_, season, *sample, options_);
  }

  void end_season() {
    const double mean = sum_ / options_.period;
    if (!season_seen_) {
      line_ = {std::max(mean, kLevelMin), 0};
      for (int i = 1; i <= options_.period; ++i) {
        season_.at(i) = Kind::without(season_.at(i), line_.level);
      }
      season_seen_ = true;
    } else if (!trend_seen_) {
      line_.trend = (mean - first_mean_) / options_.period;
      trend_seen_ = true;
    }
    first_mean_ = mean;
    sum_ = 0;
    seen_ = 0;
  }

  HoltWintersOptions options_;
  SeasonRing season_;
  LevelTrend line_;
  GuardedSamples samples_;
  bool season_seen_ = false;
  bool trend_seen_ = false;
  int seen_ = 0;  // in the present season
  double sum_ = 0;
  double first_mean_ = 0;
};

}  // namespace

ForecasterEntry holt_winters() {
  return strategy_entry<Forecaster, HoltWinters<Additive>, HoltWintersOptions>(
      "holt_winters", "smoothed level, trend and season; the season adds to the level");
}

ForecasterEntry holt_winters_multiplicative() {
  return strategy_entry<Forecaster, HoltWinters<Multiplicative>, HoltWintersOptions>(
      "holt_winters_multiplicative", "the same for seasons that grow with the level");
}

}  // namespace phoenix
