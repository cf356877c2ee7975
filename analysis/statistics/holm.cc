#include "analysis/statistics/holm.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace phoenix::statistics {

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i) {
    assert(!(p[i] < 0) && !(p[i] > 1));
    if (!std::isnan(p[i])) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [p](std::size_t i, std::size_t j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.begin(), p.end());
  double largest = 0;
  for (std::size_t j = 0; j < order.size(); ++j) {
    const auto others = static_cast<double>(order.size() - j);
    largest = std::max(largest, std::min(1.0, others * p[order[j]]));
    adjusted[order[j]] = largest;
  }
  return adjusted;
}

}  // namespace phoenix::statistics
