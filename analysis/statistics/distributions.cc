#include "analysis/statistics/distributions.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>

namespace phoenix::statistics {
namespace {

namespace policies = boost::math::policies;

// Arguments are checked by those who call; what remains is a loss of digits, which is no exception.
using Quiet = policies::policy<policies::domain_error<policies::errno_on_error>,
                               policies::overflow_error<policies::errno_on_error>,
                               policies::evaluation_error<policies::errno_on_error>>;
using IntegerUp = policies::policy<policies::discrete_quantile<policies::integer_round_up>>;
using Student = boost::math::students_t_distribution<double, Quiet>;

// The density of sqrt(V / nu), V chi-squared of nu degrees of freedom, but for a factor: 1 at 1.
class SpreadDensity {
 public:
  explicit SpreadDensity(double nu) : nu_(nu) {}

  double operator()(double s) const {
    const double x = s - 1;
    const double power = nu_ == 1 ? 0 : (nu_ - 1) * std::log1p(x);  // not 0 times infinity
    return std::exp(power - nu_ * x * (1 + x / 2));
  }
  // Less than 1e-18 of it lies beyond.
  double low() const { return std::max(0.0, 1 - 12 / std::sqrt(2 * nu_)); }
  double high() const { return 1 + 12 / std::sqrt(2 * nu_); }

 private:
  double nu_;
};

template <class F>
double integral(F f, double low, double high) {
  constexpr unsigned kDepth = 12;
  return boost::math::quadrature::gauss_kronrod<double, 31>::integrate(f, low, high, kDepth, 1e-13);
}

double normal_lower_tail(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

}  // namespace

double student_critical(double confidence, double nu) {
  assert(confidence > 0 && confidence < 1 && nu > 0);
  return quantile(complement(Student(nu), (1 - confidence) / 2));
}

double student_upper_tail(double t, double nu) {
  assert(nu > 0);
  if (std::isnan(t)) return t;
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  return cdf(complement(Student(nu), t));
}

double student_two_sided(double t, double nu) { return 2 * student_upper_tail(std::abs(t), nu); }

double normal_two_sided(double z) { return std::erfc(std::abs(z) / std::numbers::sqrt2); }

double noncentral_student_two_sided(double t, double nu, double shift) {
  assert(t > 0 && nu >= 1 && shift >= 0);
  const SpreadDensity density(nu);
  const auto found = [&](double s) {
    return density(s) * (normal_lower_tail(shift - t * s) + normal_lower_tail(-shift - t * s));
  };
  // Where the integrand falls off, one piece ends and the other begins.
  const double edge = std::clamp(shift / t, density.low(), density.high());
  const double share = integral(found, density.low(), edge) + integral(found, edge, density.high());
  return std::clamp(share / integral(density, density.low(), density.high()), 0.0, 1.0);
}

std::uint64_t binomial_quantile(std::uint64_t n, double chance, double p) {
  assert(p > 0 && p < 1 && chance >= 0 && chance <= 1);
  const boost::math::binomial_distribution<double, IntegerUp> law(static_cast<double>(n), chance);
  auto k = static_cast<std::uint64_t>(quantile(law, p));
  while (k > 0 && cdf(law, static_cast<double>(k - 1)) >= p) --k;
  while (k < n && cdf(law, static_cast<double>(k)) < p) ++k;
  return k;
}

}  // namespace phoenix::statistics
