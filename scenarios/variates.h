// Draws from the standard laws that others are made of. Inline, because every request takes
// several. Own stream in, nothing kept between draws.
#pragma once

#include <cmath>

#include <boost/random/exponential_distribution.hpp>
#include <boost/random/normal_distribution.hpp>

#include "strategies/core/random.h"

namespace phoenix {

// Mean 1.
inline double unit_exponential(Random& random) {
  return boost::random::exponential_distribution<double>{}(random);
}

// Mean 0, variance 1.
inline double unit_normal(Random& random) {
  return boost::random::normal_distribution<double>{}(random);
}

}  // namespace phoenix
