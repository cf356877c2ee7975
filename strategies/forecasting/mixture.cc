#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/hedge.h"
#include "strategies/forecasting/horizon_weights.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

struct MixtureOptions {
  int period = 288;
  int period2 = 0;
  int horizon = 12;
  MixingOptions mixing;

  void visit(SettingVisitor& v) {
    v.integer("period", period, 2, 1'000'000, "steps of the short season");
    v.integer("period2", period2, 0, 1'000'000, "steps of the long season, 0 for none");
    v.integer("horizon", horizon, 1, 100'000, "steps to the farthest forecast that matters");
    v.number("rate", mixing.rate, 1e-6, 10, "how fast trust in single models follows their losses");
    v.number("share", mixing.share, 0, 0.5, "part of that trust that is spread anew each step");
    v.number("memory", mixing.memory, 1, 1e9, "steps that count for the best average of all");
  }
};

// The next step, the fifth, then every doubling that is well short of the farthest, and that.
std::vector<int> mixed_horizons(int farthest) {
  std::vector<int> horizons = {1};
  for (int next = 5; 3 * next < 2 * farthest; next *= 2) horizons.push_back(next);
  if (farthest > 1) horizons.push_back(farthest);
  return horizons;
}

// Weights are learnt at a few horizons, and what they say is interpolated between them: who is best
// at the next step is rarely best at an hour. No expert is believed far from what was seen.
class Mixture : public Forecaster {
 public:
  explicit Mixture(const MixtureOptions& options)
      : belief_(std::max(options.period, options.period2)) {
    const std::pair<std::string, std::string> period("period", std::to_string(options.period));
    const std::pair<std::string, std::string> period2("period2", std::to_string(options.period2));
    add(last_value(), {});
    add(ewma(), {{"memory", "4"}});
    add(ewma(), {{"memory", "16"}});
    add(ewma(), {{"memory", "64"}});
    add(autoregression(), {});
    add(seasonal_naive(), {period});
    add(holt_winters(), {period});
    add(holt_winters_multiplicative(), {period});
    add(harmonic(), {period, period2});
    if (options.period2 > options.period) {
      add(seasonal_naive(), {{"period", period2.second}});
      add(holt_winters_two_seasons(), {period, period2});
    }
    for (const int horizon : mixed_horizons(options.horizon)) {
      horizons_.emplace_back(horizon, experts_.size(), options.mixing);
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
  BeliefLimit belief_;
  bool has_value_ = false;
};

}  // namespace

ForecasterEntry mixture() {
  return strategy_entry<Forecaster, Mixture, MixtureOptions>(
      "mixture", "all of them: those that did well lately, or their best average, by horizon");
}

}  // namespace phoenix
