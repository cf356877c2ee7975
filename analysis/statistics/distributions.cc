#include "analysis/statistics/distributions.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace phoenix::statistics {
namespace {

namespace policies = boost::math::policies;

// Arguments are checked by those who call; what remains is a loss of digits, which is no exception.
using Quiet = policies::policy<policies::domain_error<policies::errno_on_error>,
                               policies::overflow_error<policies::errno_on_error>,
                               policies::evaluation_error<policies::errno_on_error>>;
using IntegerUp = policies::policy<policies::discrete_quantile<policies::integer_round_up>>;
using Student = boost::math::students_t_distribution<double, Quiet>;
using NoncentralStudent = boost::math::non_central_t_distribution<double, Quiet>;

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
  assert(t > 0 && nu > 0 && shift >= 0);
  if (shift == 0) return student_two_sided(t, nu);
  const NoncentralStudent law(nu, shift);
  return std::clamp(cdf(complement(law, t)) + cdf(law, -t), 0.0, 1.0);
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
