#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/hedge.h"
#include "strategies/forecasting/ml_poly.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr double kBeliefMemory = 500;
constexpr double kScaleGain = 0.01;
constexpr double kLossMax = 4;  // in mean errors; what is beyond counts as this much
constexpr double kScaleJumpMax = 10;

struct MixtureOptions {
  int period = 288;
  int period2 = 0;
  int horizon = 12;
  double rate = 0.5;
  double share = 0.01;
  double memory = 2000;

  void visit(SettingVisitor& v) {
    v.integer("period", period, 2, 1'000'000, "steps of the short season");
    v.integer("period2", period2, 0, 1'000'000, "steps of the long season, 0 for none");
    v.integer("horizon", horizon, 1, 100'000, "steps to the farthest forecast that matters");
    v.number("rate", rate, 1e-6, 10, "how fast trust in single models follows their losses");
    v.number("share", share, 0, 0.5, "part of that trust that is spread anew each step");
    v.number("memory", memory, 1, 1e9, "steps that count for the best average of all");
  }
};

// The slope of the absolute error: one absurd value moves no weight further than an ordinary one.
double sign(double error) { return error > 0 ? 1 : error < 0 ? -1 : 0; }

// How much each of several forecasts is trusted, by how well it did alone lately: by its absolute
// errors, in means of late.
class Trust {
 public:
  Trust(std::size_t count, const MixtureOptions& options)
      : weights_(count, options.rate, options.share), losses_(count) {}

  std::span<const double> weights() const { return weights_.weights(); }

  void learn(std::span<const double> forecasts, double value) {
    double sum = 0;
    for (std::size_t i = 0; i < losses_.size(); ++i) {
      losses_[i] = std::abs(value - forecasts[i]);
      sum += losses_[i];
    }
    const double mean = sum / static_cast<double>(losses_.size());
    scale_ = scale_ == 0 ? mean
                         : scale_ + kScaleGain * (std::min(mean, kScaleJumpMax * scale_) - scale_);
    if (scale_ == 0) return;
    for (double& loss : losses_) loss /= kLossMax * scale_;
    weights_.learn(losses_);
  }

 private:
  Hedge weights_;
  std::vector<double> losses_;
  double scale_ = 0;
};

// What all experts forecast at one horizon, and the weights that come of it, in two ways. Those who
// did well alone lately are followed: halfway between the weighted mean, which evens out errors
// that differ, and the weighted median, which one expert that is far off does not move. That suits
// loads with spikes and loads that change their nature. The best average of all suits those of
// which several models each know a part. Which of the two is trusted, their losses say.
class HorizonWeights {
 public:
  HorizonWeights(int horizon, std::size_t experts, const MixtureOptions& options)
      : horizon_(horizon),
        experts_(experts),
        trust_(experts, options),
        average_(experts, options.memory),
        ways_(kWays, options),
        forecasts_(static_cast<std::size_t>(horizon) * experts),
        mixed_(static_cast<std::size_t>(horizon)) {}

  int horizon() const { return horizon_; }

  double mix(std::span<const double> forecasts) const {
    return weighted_mean(mix_both(forecasts), ways_.weights());
  }

  // The value of the present step, then what the experts forecast at it.
  void score(double value) {
    if (issued_ < horizon_) return;
    const std::span<const double> due = row();
    ways_.learn(mixed_[next_], value);
    average_.learn(due, mixed_[next_][0], sign(mixed_[next_][0] - value));
    trust_.learn(due, value);
  }
  void issue(std::span<const double> forecasts) {
    std::copy(forecasts.begin(), forecasts.end(), row().begin());
    mixed_[next_] = mix_both(forecasts);
    next_ = (next_ + 1) % static_cast<std::size_t>(horizon_);
    issued_ = std::min(issued_ + 1, horizon_);
  }

 private:
  static constexpr std::size_t kWays = 2;

  std::span<double> row() { return std::span(forecasts_).subspan(next_ * experts_, experts_); }

  std::array<double, kWays> mix_both(std::span<const double> forecasts) const {
    const std::span<const double> trust = trust_.weights();
    return {weighted_mean(forecasts, average_.weights()),
            (weighted_mean(forecasts, trust) + weighted_median(forecasts, trust)) / 2};
  }

  int horizon_;
  std::size_t experts_;
  Trust trust_;
  MlPoly average_;
  Trust ways_;
  std::vector<double> forecasts_;                 // a ring of rows, one a step of the horizon
  std::vector<std::array<double, kWays>> mixed_;  // of each row
  std::size_t next_ = 0;
  int issued_ = 0;  // rows that are set
};

// Weights are learnt at three horizons, and what they say is interpolated between them: who is best
// at the next step is rarely best at an hour. No expert is believed far from what was seen.
class Mixture : public Forecaster {
 public:
  explicit Mixture(const MixtureOptions& options) {
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
    belief_.see(value);
    if (is_series_value(value)) {
      for (HorizonWeights& horizon : horizons_) horizon.score(value);
      has_value_ = true;
    }
    for (const auto& expert : experts_) expert->observe(value);
    for (HorizonWeights& horizon : horizons_) {
      std::array<double, kExpertsMax> room;
      if (has_value_) horizon.issue(forecast(horizon.horizon(), room));
    }
  }

  double predict(int steps) const override {
    std::array<double, kExpertsMax> room;
    const std::span<const double> forecasts = forecast(steps, room);
    std::size_t above = 0;
    while (above + 1 < horizons_.size() && horizons_[above].horizon() < steps) ++above;
    const HorizonWeights& far = horizons_[above];
    if (above == 0 || far.horizon() <= steps) return as_forecast(far.mix(forecasts));
    const HorizonWeights& near = horizons_[above - 1];
    const double part =
        static_cast<double>(steps - near.horizon()) / (far.horizon() - near.horizon());
    return as_forecast((1 - part) * near.mix(forecasts) + part * far.mix(forecasts));
  }

 private:
  void add(const ForecasterEntry& entry,
           std::vector<std::pair<std::string, std::string>> settings) {
    experts_.push_back(make_known_forecaster(entry, std::move(settings)));
    assert(experts_.size() <= kExpertsMax);
  }

  std::span<const double> forecast(int steps, std::array<double, kExpertsMax>& room) const {
    for (std::size_t i = 0; i < experts_.size(); ++i) {
      room[i] = std::min(experts_[i]->predict(steps), belief_.most());
    }
    return {room.data(), experts_.size()};
  }

  std::vector<std::unique_ptr<Forecaster>> experts_;
  std::vector<HorizonWeights> horizons_;
  BeliefLimit belief_{kBeliefMemory};
  bool has_value_ = false;
};

}  // namespace

ForecasterEntry mixture() {
  return strategy_entry<Forecaster, Mixture, MixtureOptions>(
      "mixture", "all of them, each weighted by how well it did lately at that horizon");
}

}  // namespace phoenix
