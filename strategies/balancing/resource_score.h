// How busy a node is, as one number: the weighted mean of what it reports and of its response time.
//
// A value nobody knows takes the place of the worst known one (`worst`): a node that is silent, or
// dead, must never look idle.
#pragma once

#include <algorithm>
#include <cmath>

namespace phoenix {

struct ResourceUse {
  double cpu = 0;  // shares of capacity; NaN is unknown
  double memory = 0;
  double network = 0;
  double response_time = 0;  // share of the largest acceptable one
};

struct ResourceWeights {
  double cpu = 0.3;
  double memory = 0.3;
  double network = 0.2;
  double response_time = 0.2;
};

inline double known_or(double value, double worst) { return std::isnan(value) ? worst : value; }

// In [0, sum of weights]; shares above 1 count as 1.
inline double resource_score(const ResourceWeights& weights, const ResourceUse& use,
                             const ResourceUse& worst) {
  return weights.cpu * std::min(known_or(use.cpu, worst.cpu), 1.0) +
         weights.memory * std::min(known_or(use.memory, worst.memory), 1.0) +
         weights.network * std::min(known_or(use.network, worst.network), 1.0) +
         weights.response_time * std::min(known_or(use.response_time, worst.response_time), 1.0);
}

}  // namespace phoenix
