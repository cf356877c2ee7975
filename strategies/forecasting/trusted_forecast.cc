#include "strategies/forecasting/trusted_forecast.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "strategies/core/units.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr double kQuantile = 0.9;
constexpr double kTail = 0.05;
constexpr double kCoverageMin = 0.85;
constexpr double kLossRatioMax = 1.1;
constexpr double kLossRatioBack = 1.05;
constexpr double kNegligible = 1e-3;
constexpr std::size_t kWindowMin = 200;
constexpr std::size_t kApart = 60;  // forecasts in the window that do not overlap
constexpr std::size_t kScoredEnough = 100;

TrustOptions with_season(TrustOptions options) {
  options.calibration.season = std::max(options.calibration.season, options.period);
  const int farthest = options.calibration.horizon;
  options.judged = options.judged > 0 ? std::min(options.judged, farthest) : farthest;
  return options;
}

std::string rounded(double value) { return print_number(std::round(value * 100) / 100); }

}  // namespace

TrustedForecast::TrustedForecast(std::unique_ptr<Forecaster> model, const TrustOptions& options)
    : options_(with_season(options)),
      model_(std::move(model), options_.calibration),
      naive_(make_known_forecaster(seasonal_naive(), {{"period", std::to_string(options.period)}}),
             options_.calibration),
      issued_(static_cast<std::size_t>(options_.judged)),
      scored_(std::max({static_cast<std::size_t>(options.period), kWindowMin,
                        kApart * static_cast<std::size_t>(options_.judged)})) {}

void TrustedForecast::observe(double value) {
  if (is_series_value(value)) score(value);
  model_.observe(value);
  naive_.observe(value);
  const int horizon = options_.judged;
  issued_[next_issued_] = {quantile(horizon, kTail),
                           quantile(horizon, 1 - kTail),
                           quantile(horizon, kQuantile),
                           model_.quantile(horizon, kQuantile),
                           naive_.quantile(horizon, kQuantile),
                           true};
  next_issued_ = (next_issued_ + 1) % issued_.size();
}

void TrustedForecast::add(Scored& sums, const Scored& scored, double sign) {
  sums.loss += sign * scored.loss;
  sums.model_loss += sign * scored.model_loss;
  sums.naive_loss += sign * scored.naive_loss;
  sums.value += sign * scored.value;
  sums.covered += sign * scored.covered;
}

void TrustedForecast::score(double value) {
  const Issued& due = issued_[next_issued_];
  if (!due.is_set) return;
  Scored& oldest = scored_[next_scored_];
  add(sums_, oldest, -1);
  oldest = {pinball_loss(value, due.bound, kQuantile),
            pinball_loss(value, due.model_bound, kQuantile),
            pinball_loss(value, due.naive_bound, kQuantile), value,
            value >= due.low && value <= due.high ? 1.0 : 0.0};
  add(sums_, oldest, 1);
  count_ = std::min(count_ + 1, scored_.size());
  if (++next_scored_ == scored_.size()) {
    next_scored_ = 0;
    // Adding and taking away leaves rounding errors; once a window the sums are made anew.
    sums_ = {};
    for (const Scored& scored : scored_) add(sums_, scored, 1);
  }
  if (has_enough())
    stands_in_ = ratio_of(sums_.model_loss) > (stands_in_ ? kLossRatioBack : kLossRatioMax);
}

double TrustedForecast::coverage() const {
  return count_ > 0 ? sums_.covered / static_cast<double>(count_)
                    : std::numeric_limits<double>::quiet_NaN();
}

double TrustedForecast::ratio_of(double loss) const {
  const double negligible = kNegligible * std::max(sums_.value, 0.0);
  const double naive = std::max(sums_.naive_loss, negligible);
  if (naive > 0) return std::max(loss, negligible) / naive;
  return loss > 0 ? std::numeric_limits<double>::infinity() : 1.0;
}

double TrustedForecast::loss_ratio() const {
  return count_ > 0 ? ratio_of(sums_.loss) : std::numeric_limits<double>::quiet_NaN();
}

bool TrustedForecast::has_enough() const { return count_ >= kScoredEnough; }

bool TrustedForecast::is_trusted() const {
  return has_enough() && coverage() >= kCoverageMin && loss_ratio() <= kLossRatioMax;
}

std::string TrustedForecast::trust_reason() const {
  if (!has_enough()) {
    return "scored " + std::to_string(count_) + " forecasts, " + std::to_string(kScoredEnough) +
           " needed";
  }
  std::string reason;
  const std::string loss = "loss " + rounded(loss_ratio()) + " of seasonal naive's";
  if (coverage() < kCoverageMin) {
    reason = "coverage " + rounded(coverage()) + ", promised 0.9";
  } else if (loss_ratio() > kLossRatioMax) {
    reason = loss + ", at most 1.1 allowed";
  } else {
    reason = "coverage " + rounded(coverage()) + ", " + loss;
  }
  if (stands_in_) {
    reason += "; that one stands in for a forecaster with " + rounded(ratio_of(sums_.model_loss)) +
              " of its loss";
  }
  return reason;
}

std::unique_ptr<LoadForecast> make_load_forecast(int period, int period2, int horizon, int judged) {
  TrustOptions options;
  options.period = period;
  options.judged = judged;
  options.calibration.horizon = horizon;
  options.calibration.season = period2;
  return std::make_unique<TrustedForecast>(
      make_known_forecaster(mixture(), {{"period", std::to_string(period)},
                                        {"period2", std::to_string(period2)},
                                        {"horizon", std::to_string(horizon)}}),
      options);
}

}  // namespace phoenix
