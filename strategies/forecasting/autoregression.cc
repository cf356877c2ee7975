#include "strategies/forecasting/autoregression.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "strategies/forecasting/forecaster.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr int kBisections = 20;
constexpr double kVarianceMin = 1e-12;  // relative to the square of the level

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, kArOrderMax, kArOrderMax>;
using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, kArOrderMax, 1>;

void scale_roots(std::span<const double> from, double factor, std::span<double> to) {
  double power = 1;
  for (std::size_t i = 0; i < from.size(); ++i) {
    power *= factor;
    to[i] = from[i] * power;
  }
}

}  // namespace

bool has_roots_within(std::span<const double> coefficients, double radius) {
  assert(coefficients.size() <= kArOrderMax);
  double storage[kArOrderMax];
  const std::span<double> a(storage, coefficients.size());
  scale_roots(coefficients, 1 / radius, a);
  for (std::size_t n = a.size(); n > 0; --n) {
    const double last = a[n - 1];
    if (!(std::abs(last) < 1)) return false;
    const double scale = 1 / (1 - last * last);
    for (std::size_t i = 0, j = n - 2; n > 1 && i <= j && i < n - 1; ++i, --j) {
      const double low = (a[i] + last * a[j]) * scale;
      a[j] = (a[j] + last * a[i]) * scale;
      a[i] = low;
      if (j == 0) break;
    }
  }
  return true;
}

double clamp_roots(std::span<double> coefficients, double radius) {
  if (has_roots_within(coefficients, radius)) return 1;
  double storage[kArOrderMax];
  const std::span<double> scaled(storage, coefficients.size());
  double low = 0;
  double high = 1;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = (low + high) / 2;
    scale_roots(coefficients, middle, scaled);
    (has_roots_within(scaled, radius) ? low : high) = middle;
  }
  scale_roots(coefficients, low, coefficients);
  return low;
}

// Sums over the samples, discounted: of lags, values and their products.
struct ArModel::Equations {
  double weight = 0;
  double y = 0;
  Vector x;
  Vector xy;
  Matrix xx;
};

ArModel::ArModel(const Options& options)
    : options_(options),
      lags_(static_cast<std::size_t>(options.order), 0.0),
      slopes_(lags_),
      clamped_(lags_),
      equations_(std::make_unique<Equations>()) {
  assert(options.order >= 1 && options.order <= kArOrderMax);
  equations_->x = Vector::Zero(options.order);
  equations_->xy = Vector::Zero(options.order);
  equations_->xx = Matrix::Zero(options.order, options.order);
}

ArModel::~ArModel() = default;

void ArModel::observe(double value, bool is_known) {
  if (seen_ == 0) origin_ = value;
  const double y = value - origin_;
  if (is_known && seen_ >= lags_.size()) {
    Equations& sums = *equations_;
    const Eigen::Map<const Vector> x(lags_.data(), options_.order);
    const double keep = options_.forgetting;
    sums.weight = keep * sums.weight + 1;
    sums.y = keep * sums.y + y;
    sums.x = keep * sums.x + x;
    sums.xy = keep * sums.xy + y * x;
    sums.xx = keep * sums.xx + x * x.transpose();
    solve();
  }
  std::copy_backward(lags_.begin(), lags_.end() - 1, lags_.end());
  lags_.front() = y;
  if (seen_ < lags_.size()) ++seen_;
}

void ArModel::solve() {
  const Equations& sums = *equations_;
  const Vector mean = sums.x / sums.weight;
  const double mean_y = sums.y / sums.weight;
  Matrix covariance = sums.xx / sums.weight - mean * mean.transpose();
  const Vector target = sums.xy / sums.weight - mean_y * mean;
  const double variance = covariance.trace() / options_.order;
  const double level = mean_y + origin_;
  const Eigen::Map<Vector> slopes(slopes_.data(), options_.order);
  Eigen::Map<Vector> solved(slopes_.data(), options_.order);
  if (variance > kVarianceMin * level * level) {
    covariance.diagonal().array() += std::max(options_.ridge, 1e-9) * variance;
    solved = covariance.ldlt().solve(target);
  } else {
    solved.setZero();
  }
  if (!slopes.allFinite()) solved.setZero();
  constant_ = mean_y - slopes.dot(mean);
  clamped_ = slopes_;
  clamp_roots(clamped_, options_.root_max);
  clamped_constant_ = mean_y - Eigen::Map<Vector>(clamped_.data(), options_.order).dot(mean);
}

double ArModel::predict(int steps) const {
  assert(steps >= 1);
  if (equations_->weight == 0) return lags_.front() + origin_;
  const std::vector<double>& slopes = steps == 1 ? slopes_ : clamped_;
  const double constant = steps == 1 ? constant_ : clamped_constant_;
  const std::size_t order = lags_.size();
  double past[kArOrderMax];  // a ring, newest at `first`
  std::copy(lags_.begin(), lags_.end(), past);
  std::size_t first = 0;
  for (int step = 0; step < steps; ++step) {
    double next = constant;
    std::size_t place = first;
    for (std::size_t i = 0; i < order; ++i) {
      next += slopes[i] * past[place];
      place = place + 1 == order ? 0 : place + 1;
    }
    first = first == 0 ? order - 1 : first - 1;
    past[first] = next;
  }
  return past[first] + origin_;
}

std::span<const double> ArModel::coefficients() const { return slopes_; }

double ArModel::constant() const {
  double sum = constant_ + origin_;
  for (const double slope : slopes_) sum -= slope * origin_;
  return sum;
}

namespace {

struct ArOptions {
  ArModel::Options model;

  void visit(SettingVisitor& v) {
    v.integer("order", model.order, 1, kArOrderMax, "how many values before count");
    v.number("ridge", model.ridge, 0, 1e6, "pull of the coefficients to 0, in mean variances");
    v.number("forgetting", model.forgetting, 0.5, 1, "weight left of a sample after each step");
    v.number("root_max", model.root_max, 0.1, 0.999,
             "largest root allowed for two steps ahead and more");
  }
};

class Autoregression : public Forecaster {
 public:
  explicit Autoregression(const ArOptions& options) : model_(options.model) {}

  void observe(double value) override {
    const bool is_known = is_series_value(value);
    if (!is_known && !has_value_) return;
    has_value_ = true;
    model_.observe(is_known ? value : predict(1), is_known);
  }

  double predict(int steps) const override {
    return has_value_ ? as_forecast(model_.predict(steps)) : 0;
  }

 private:
  ArModel model_;
  bool has_value_ = false;
};

}  // namespace

ForecasterEntry autoregression() {
  return strategy_entry<Forecaster, Autoregression, ArOptions>(
      "ar", "linear in the values before, by least squares with forgetting");
}

}  // namespace phoenix
