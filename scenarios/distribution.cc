#include "scenarios/distribution.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "scenarios/variates.h"
#include "strategies/core/time.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Scale 1. Shapes below 1 by the next higher shape: Gamma(a) = Gamma(a + 1) * U^(1/a).
double unit_gamma(double shape, Random& random) {
  if (shape < 1) {
    const double higher = unit_gamma(shape + 1, random);
    return higher * std::pow(random.uniform_positive(), 1 / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = unit_normal(random);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(random.uniform_positive()) < 0.5 * x * x + d * (1 - v + std::log(v))) {
      return d * v;
    }
  }
}

// E[min(X, cap)] is the integral of P(X > x) from 0 to the cap.
double pareto_mean(double smallest, double shape, double cap) {
  if (cap == kInfinity) return shape > 1 ? smallest * shape / (shape - 1) : kInfinity;
  const double ratio = cap / smallest;
  if (shape == 1) return smallest * (1 + std::log(ratio));
  return smallest * (1 + (1 - std::pow(ratio, 1 - shape)) / (shape - 1));
}

std::string print_value(double value, Distribution::Unit unit) {
  return unit == Distribution::Unit::kBytes ? print_bytes(value)
                                            : print_duration(from_seconds(value));
}

}  // namespace

Distribution Distribution::constant(double value) {
  assert(value >= 0);
  return {Kind::kConstant, value, 0, 0};
}

Distribution Distribution::exponential(double mean) {
  assert(mean > 0);
  return {Kind::kExponential, mean, 0, 0};
}

Distribution Distribution::uniform(double low, double high) {
  assert(0 <= low && low <= high);
  return {Kind::kUniform, low, high, 0};
}

Distribution Distribution::lognormal(double median, double spread) {
  assert(median > 0 && spread >= 1);
  return {Kind::kLognormal, median, spread, std::log(spread)};
}

Distribution Distribution::pareto(double smallest, double shape, double cap) {
  assert(smallest > 0 && shape > 0 && cap >= smallest);
  return {Kind::kPareto, smallest, shape, cap};
}

Distribution Distribution::gamma(double mean, double shape) {
  assert(mean > 0 && shape > 0);
  return {Kind::kGamma, mean, shape, 0};
}

Distribution Distribution::hyperexponential(double mean, double squared_cv) {
  assert(mean > 0 && squared_cv >= 1);
  const double first_phase = 0.5 * (1 + std::sqrt((squared_cv - 1) / (squared_cv + 1)));
  return {Kind::kHyperexponential, mean, squared_cv, first_phase};
}

Distribution Distribution::empirical(std::vector<double> values, std::string file) {
  assert(!values.empty());
  Distribution made(Kind::kEmpirical, 0, 0, 0);
  made.values_ = std::make_shared<const std::vector<double>>(std::move(values));
  made.file_ = std::move(file);
  return made;
}

double Distribution::draw_varying(Random& random) const {
  switch (kind_) {
    case Kind::kConstant:
      break;
    case Kind::kExponential:
      return a_ * unit_exponential(random);
    case Kind::kUniform:
      return a_ + (b_ - a_) * random.uniform();
    case Kind::kLognormal:
      return a_ * std::exp(c_ * unit_normal(random));
    case Kind::kPareto:
      return std::min(c_, a_ * std::pow(random.uniform_positive(), -1 / b_));
    case Kind::kGamma:
      return a_ / b_ * unit_gamma(b_, random);
    case Kind::kHyperexponential: {
      const double share = random.uniform() < c_ ? c_ : 1 - c_;
      return a_ / (2 * share) * unit_exponential(random);
    }
    case Kind::kEmpirical:
      return (*values_)[random.below(values_->size())];
  }
  return a_;
}

double Distribution::mean() const {
  switch (kind_) {
    case Kind::kUniform:
      return 0.5 * (a_ + b_);
    case Kind::kLognormal:
      return a_ * std::exp(0.5 * c_ * c_);
    case Kind::kPareto:
      return pareto_mean(a_, b_, c_);
    case Kind::kEmpirical:
      return std::accumulate(values_->begin(), values_->end(), 0.0) /
             static_cast<double>(values_->size());
    default:
      return a_;
  }
}

double Distribution::upper_bound() const {
  switch (kind_) {
    case Kind::kConstant:
      return a_;
    case Kind::kUniform:
      return b_;
    case Kind::kLognormal:
      return c_ == 0 ? a_ : kInfinity;
    case Kind::kPareto:
      return c_;
    case Kind::kEmpirical:
      return *std::max_element(values_->begin(), values_->end());
    default:
      return kInfinity;
  }
}

std::string Distribution::print(Unit unit) const {
  const auto two = [&](const char* name, const std::string& second) {
    return name + ("(" + print_value(a_, unit)) + ", " + second + ")";
  };
  switch (kind_) {
    case Kind::kConstant:
      break;
    case Kind::kExponential:
      return "exponential(" + print_value(a_, unit) + ")";
    case Kind::kUniform:
      return two("uniform", print_value(b_, unit));
    case Kind::kLognormal:
      return two("lognormal", print_number(b_));
    case Kind::kPareto: {
      const std::string shape = print_number(b_);
      return two("pareto", c_ == kInfinity ? shape : shape + ", " + print_value(c_, unit));
    }
    case Kind::kGamma:
      return two("gamma", print_number(b_));
    case Kind::kHyperexponential:
      return two("hyperexponential", print_number(b_));
    case Kind::kEmpirical:
      return "empirical(" + file_ + ")";
  }
  return print_value(a_, unit);
}

}  // namespace phoenix
