#include "scenarios/zipf.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix {
namespace {

// log1p(x) / x and expm1(x) / x, with their limit at 0: exponents near 1 lose no digits.
double log1p_ratio(double x) { return x == 0 ? 1 : std::log1p(x) / x; }
double expm1_ratio(double x) { return x == 0 ? 1 : std::expm1(x) / x; }

}  // namespace

Zipf::Zipf(std::uint64_t count, double exponent)
    : count_(static_cast<double>(count)), exponent_(exponent) {
  assert(count >= 1 && count <= (1ULL << 53) && exponent >= 0);
  low_ = area(1.5) - 1;
  high_ = area(count_ + 0.5);
  sure_gap_ = 2 - inverse_area(area(2.5) - std::pow(2.0, -exponent));
}

double Zipf::area(double x) const {
  const double log_x = std::log(x);
  return expm1_ratio((1 - exponent_) * log_x) * log_x;
}

double Zipf::inverse_area(double y) const {
  // Rounding may take the product a hair below where the logarithm ends.
  return std::exp(log1p_ratio(std::max(-1.0, (1 - exponent_) * y)) * y);
}

std::uint64_t Zipf::draw(Random& random) const {
  while (true) {
    const double y = high_ + random.uniform() * (low_ - high_);
    const double x = inverse_area(y);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, count_);
    if (rank - x <= sure_gap_ || y >= area(rank + 0.5) - std::pow(rank, -exponent_)) {
      return static_cast<std::uint64_t>(rank) - 1;
    }
  }
}

}  // namespace phoenix
