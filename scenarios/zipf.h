// Popularity of keys: rank 0 is drawn most often, rank r in proportion to (r + 1)^-exponent.
// Exact, O(1) in time and memory for any number of keys, by rejection-inversion
// (Hoermann and Derflinger, ACM TOMACS 6, 1996). Immutable; any thread.
#pragma once

#include <cstdint>

#include "strategies/core/random.h"

namespace phoenix {

class Zipf {
 public:
  // REQUIRES: 1 <= count <= 2^53, exponent >= 0 (0 is uniform).
  Zipf(std::uint64_t count, double exponent);

  // In [0, count). Takes 1.1 uniforms on average.
  std::uint64_t draw(Random& random) const;

 private:
  double area(double x) const;          // integral of x^-exponent from 1
  double inverse_area(double y) const;  // where that integral is y

  double count_;
  double exponent_;
  double low_;  // the areas that draws are taken between
  double high_;
  double sure_gap_;  // this close below an integer, no test is needed
};

}  // namespace phoenix
