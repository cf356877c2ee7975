#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/hedge.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kScaleGain = 0.01;
constexpr double kLossMax = 4;  // in mean errors; what is beyond counts as this much
constexpr double kScaleJumpMax = 10;

struct MixtureOptions {
  int period = 288;
  int period2 = 0;
  int horizon = 12;
  double rate = 0.5;
  double share = 0.01;

  void visit(SettingVisitor& v) {
    v.integer("period", period, 2, 1'000'000, "steps of the short season");
    v.integer("period2", period2, 0, 1'000'000, "steps of the long season, 0 for none");
    v.integer("horizon", horizon, 1, 100'000, "steps to the farthest forecast that matters");
    v.number("rate", rate, 1e-6, 10, "how fast weights follow the losses");
    v.number("share", share, 0, 0.5, "part of the weight that is spread anew each step");
  }
};

// Absolute errors of all experts at one horizon, and the weights that come of them.
class HorizonWeights {
 public:
  HorizonWeights(int horizon, std::size_t experts, const MixtureOptions& options)
      : horizon_(horizon),
        hedge_(experts, options.rate, options.share),
        pending_(static_cast<std::size_t>(horizon) * experts, kNaN),
        losses_(experts) {}

  int horizon() const { return horizon_; }
  std::span<const double> weights() const { return hedge_.weights(); }

  // What was forecast for the present step. To be overwritten, then finished by advance().
  std::span<double> due() {
    return std::span(pending_).subspan(next_ * losses_.size(), losses_.size());
  }
  void advance() { next_ = (next_ + 1) % static_cast<std::size_t>(horizon_); }

  void score(double value) {
    double sum = 0;
    int known = 0;
    const std::span<const double> forecasts = due();
    for (std::size_t i = 0; i < losses_.size(); ++i) {
      losses_[i] = std::abs(value - forecasts[i]);
      if (std::isnan(losses_[i])) continue;
      sum += losses_[i];
      ++known;
    }
    if (known == 0) return;
    const double mean = sum / known;
    scale_ = scale_ == 0 ? mean
                         : scale_ + kScaleGain * (std::min(mean, kScaleJumpMax * scale_) - scale_);
    if (scale_ == 0) return;
    for (double& loss : losses_) loss /= kLossMax * scale_;
    hedge_.learn(losses_);
  }

 private:
  int horizon_;
  Hedge hedge_;
  std::vector<double> pending_;  // a ring of rows, one for each step of the horizon
  std::vector<double> losses_;
  std::size_t next_ = 0;
  double scale_ = 0;
};

// Weights are learnt at three horizons, and read between them by linear interpolation: who is best
// at the next step is rarely best at an hour. The forecast is halfway between the weighted mean and
// the weighted median: the mean evens out errors that differ, the median is not moved by one expert
// that is far off.
class Mixture : public Forecaster {
 public:
  explicit Mixture(const MixtureOptions& options) : options_(options) {
    const std::pair<std::string, std::string> period("period", std::to_string(options.period));
    const std::pair<std::string, std::string> period2("period2", std::to_string(options.period2));
    add(last_value(), {});
    add(ewma(), {{"memory", "4"}});
    add(ewma(), {{"memory", "16"}});
    add(autoregression(), {});
    add(seasonal_naive(), {period});
    add(holt_winters(), {period});
    add(holt_winters_multiplicative(), {period});
    add(harmonic(), {period, period2});
    if (options.period2 > options.period) {
      add(seasonal_naive(), {{"period", period2.second}});
      add(holt_winters_two_seasons(), {period, period2});
    }
    for (const int horizon : {1, (1 + options.horizon) / 2, options.horizon}) {
      if (!horizons_.empty() && horizons_.back().horizon() >= horizon) continue;
      horizons_.emplace_back(horizon, experts_.size(), options);
    }
  }

  void observe(double value) override {
    if (is_series_value(value)) {
      for (HorizonWeights& horizon : horizons_) horizon.score(value);
      has_value_ = true;
    }
    for (const auto& expert : experts_) expert->observe(value);
    for (HorizonWeights& horizon : horizons_) {
      const std::span<double> forecasts = horizon.due();
      for (std::size_t i = 0; i < experts_.size(); ++i) {
        forecasts[i] = has_value_ ? experts_[i]->predict(horizon.horizon()) : kNaN;
      }
      horizon.advance();
    }
  }

  double predict(int steps) const override {
    std::array<double, kExpertsMax> forecasts;
    std::array<double, kExpertsMax> weights;
    interpolate(steps, weights);
    for (std::size_t i = 0; i < experts_.size(); ++i) forecasts[i] = experts_[i]->predict(steps);
    const std::span<const double> f(forecasts.data(), experts_.size());
    const std::span<const double> w(weights.data(), experts_.size());
    return as_forecast((weighted_mean(f, w) + weighted_median(f, w)) / 2);
  }

 private:
  void add(const ForecasterEntry& entry,
           std::vector<std::pair<std::string, std::string>> settings) {
    experts_.push_back(make_known_forecaster(entry, std::move(settings)));
    assert(experts_.size() <= kExpertsMax);
  }

  void interpolate(int steps, std::array<double, kExpertsMax>& weights) const {
    std::size_t above = 0;
    while (above + 1 < horizons_.size() && horizons_[above].horizon() < steps) ++above;
    const HorizonWeights& far = horizons_[above];
    const HorizonWeights& near = above > 0 && far.horizon() > steps ? horizons_[above - 1] : far;
    const double part = &near == &far ? 0.0
                                      : static_cast<double>(steps - near.horizon()) /
                                            (far.horizon() - near.horizon());
    for (std::size_t i = 0; i < experts_.size(); ++i) {
      weights[i] = (1 - part) * near.weights()[i] + part * far.weights()[i];
    }
  }

  MixtureOptions options_;
  std::vector<std::unique_ptr<Forecaster>> experts_;
  std::vector<HorizonWeights> horizons_;
  bool has_value_ = false;
};

}  // namespace

ForecasterEntry mixture() {
  return strategy_entry<Forecaster, Mixture, MixtureOptions>(
      "mixture", "all of them, each weighted by how well it did lately at that horizon");
}

}  // namespace phoenix
