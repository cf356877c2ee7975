// Quantiles and tails of the distributions that tests and intervals are made of, by Boost.Math;
// here so that its headers are compiled once.
//
// Tails are those wanted, not 1 minus the other one: small p values keep their digits. They are 0,
// 1 or 1/2 where the statistic is infinite or 0, and NaN where it is NaN.
#pragma once

#include <cstdint>

namespace phoenix::statistics {

// The t that a Student variable of `nu` degrees of freedom stays within, up or down, with this
// probability. REQUIRES: 0 < confidence < 1, nu > 0.
double student_critical(double confidence, double nu);

// P(T > t) and P(|T| > |t|). REQUIRES: nu > 0.
double student_upper_tail(double t, double nu);
double student_two_sided(double t, double nu);

// P(|Z| > |z|) of the standard normal distribution.
double normal_two_sided(double z);

// P(|T| > t) of a non-central Student variable: what a t test of two sides finds where the true
// difference is `shift` standard errors. Integrated over the spread that the sample may have, to
// about 1e-12; Boost's own gives up on large shifts. REQUIRES: t > 0, nu >= 1, shift >= 0.
double noncentral_student_two_sided(double t, double nu, double shift);

// The least k with P(X <= k) >= p of a binomial X. REQUIRES: 0 < p < 1, 0 <= chance <= 1.
std::uint64_t binomial_quantile(std::uint64_t n, double chance, double p);

}  // namespace phoenix::statistics
