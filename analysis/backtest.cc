#include "analysis/backtest.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <memory>
#include <utility>

#include "strategies/core/units.h"
#include "strategies/forecasting/calibrated_forecast.h"
#include "strategies/forecasting/series_value.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kStepsAtOnce = 256;  // between two looks at the clock
constexpr double kLow = 0.05;
constexpr double kHigh = 0.95;

// One mean over everything that was compared.
struct Average {
  double sum = 0;
  std::size_t count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : kNaN; }
};

struct ModelRun {
  Average error;
  Average smape;
  std::array<Average, kPinballLevels.size()> pinball;
  Average coverage;
  Average width;
  double us_per_step = 0;
};

struct Issued {
  double mean = 0;
  double low = 0;
  double high = 0;
  std::array<double, kPinballLevels.size()> quantiles{};
};

class Roller {
 public:
  Roller(const std::vector<double>& values, std::size_t warm_up, const BacktestOptions& options)
      : values_(values),
        warm_up_(warm_up),
        horizon_(static_cast<std::size_t>(options.horizon)),
        season_(std::max(options.period, options.period2)) {}

  ModelRun run(std::unique_ptr<Forecaster> model) {
    CalibrationOptions options;
    options.horizon = static_cast<int>(horizon_);
    options.season = season_;
    CalibratedForecast forecast(std::move(model), options);
    ModelRun result;
    std::clock_t spent = 0;
    std::vector<Issued> issued(kStepsAtOnce * horizon_);
    for (std::size_t from = 0; from < values_.size(); from += kStepsAtOnce) {
      const std::size_t steps = std::min(kStepsAtOnce, values_.size() - from);
      const std::clock_t begin = std::clock();
      for (std::size_t i = 0; i < steps; ++i) {
        forecast.observe(values_[from + i]);
        issue(forecast, &issued[i * horizon_]);
      }
      spent += std::clock() - begin;
      for (std::size_t i = 0; i < steps; ++i) compare(from + i, &issued[i * horizon_], result);
    }
    result.us_per_step = 1e6 * static_cast<double>(spent) / static_cast<double>(CLOCKS_PER_SEC) /
                         static_cast<double>(values_.size());
    return result;
  }

 private:
  void issue(const CalibratedForecast& forecast, Issued* issued) const {
    for (std::size_t h = 0; h < horizon_; ++h) {
      const int steps = static_cast<int>(h) + 1;
      issued[h].mean = forecast.mean(steps);
      issued[h].low = forecast.quantile(steps, kLow);
      issued[h].high = forecast.quantile(steps, kHigh);
      for (std::size_t i = 0; i < kPinballLevels.size(); ++i) {
        issued[h].quantiles[i] = forecast.quantile(steps, kPinballLevels[i]);
      }
    }
  }

  void compare(std::size_t origin, const Issued* issued, ModelRun& run) const {
    if (origin < warm_up_) return;
    for (std::size_t h = 0; h < horizon_ && origin + h + 1 < values_.size(); ++h) {
      const double value = values_[origin + h + 1];
      if (!is_series_value(value)) continue;
      const Issued& forecast = issued[h];
      const double error = std::abs(value - forecast.mean);
      run.error.add(error);
      run.smape.add(error == 0 ? 0 : 200 * error / (value + forecast.mean));
      for (std::size_t i = 0; i < kPinballLevels.size(); ++i) {
        run.pinball[i].add(pinball_loss(value, forecast.quantiles[i], kPinballLevels[i]));
      }
      run.coverage.add(value >= forecast.low && value <= forecast.high ? 1 : 0);
      run.width.add(forecast.high - forecast.low);
    }
  }

  const std::vector<double>& values_;
  std::size_t warm_up_;
  std::size_t horizon_;
  int season_;
};

Result<MadeForecaster> make_fitted(const std::string& model, const BacktestOptions& options) {
  Result<SettingsText> text = parse_settings_text(model);
  if (!text) return Error{text.error()};
  const std::pair<std::string, int> defaults[] = {
      {"period", options.period}, {"period2", options.period2}, {"horizon", options.horizon}};
  for (const ForecasterEntry& entry : forecasters()) {
    if (entry.name != text->name) continue;
    for (const SettingInfo& setting : entry.settings()) {
      const bool is_given = std::any_of(text->settings.begin(), text->settings.end(),
                                        [&](const auto& s) { return s.first == setting.key; });
      if (is_given) continue;
      for (const auto& [key, value] : defaults) {
        if (setting.key == key) text->settings.emplace_back(key, std::to_string(value));
      }
    }
    return entry.make(*text);
  }
  return make_forecaster(model);  // the error lists what is known
}

// 0 over 0: as good as the other.
double ratio(double value, double base) {
  if (base > 0) return value / base;
  return value == 0 ? 1.0 : kNaN;
}

}  // namespace

Status check_models(const std::vector<std::string>& models, const BacktestOptions& options) {
  for (const std::string& model : models) {
    if (const Result<MadeForecaster> made = make_fitted(model, options); !made) {
      return Error{made.error()};
    }
  }
  return success();
}

std::vector<std::string> split_models(const std::string& text) {
  if (trim(text) != "all") return split_at_commas(text);
  std::vector<std::string> models;
  for (const ForecasterEntry& entry : forecasters()) models.push_back(entry.name);
  return models;
}

Result<Backtest> backtest(const std::vector<double>& values, const std::vector<std::string>& models,
                          const BacktestOptions& options) {
  const auto known =
      static_cast<std::size_t>(std::count_if(values.begin(), values.end(), is_series_value));
  if (known < kBacktestValuesMin) {
    return Error{"found " + std::to_string(known) + " values; allowed at least " +
                 std::to_string(kBacktestValuesMin)};
  }
  std::vector<MadeForecaster> made;
  for (const std::string& model : models) {
    Result<MadeForecaster> one = make_fitted(model, options);
    if (!one) return Error{one.error()};
    made.push_back(std::move(*one));
  }
  Backtest test;
  test.warm_up = std::min(2 * static_cast<std::size_t>(options.period), values.size() / 2);
  test.origins = values.size() - 1 - test.warm_up;
  Roller roller(values, test.warm_up, options);
  Result<MadeForecaster> naive = make_fitted("seasonal_naive", options);
  if (!naive) return Error{naive.error()};
  const double naive_error = roller.run(std::move(naive->strategy)).error.mean();
  for (MadeForecaster& model : made) {
    const ModelRun run = roller.run(std::move(model.strategy));
    BacktestScore score{model.text};
    score.mase = ratio(run.error.mean(), naive_error);
    score.smape = run.smape.mean();
    for (std::size_t i = 0; i < kPinballLevels.size(); ++i)
      score.pinball[i] = run.pinball[i].mean();
    score.coverage = run.coverage.mean();
    score.width = run.width.mean();
    score.us_per_step = run.us_per_step;
    test.scores.push_back(std::move(score));
  }
  return test;
}

}  // namespace phoenix
