#include "strategies/placement/scores.h"

#include <algorithm>
#include <cmath>

namespace phoenix {

double mean_of(Shares shares) {
  if (shares.empty()) return 1;
  double sum = 0;
  for (const double share : shares) sum += share;
  return sum / static_cast<double>(shares.size());
}

double population_deviation(Shares shares) {
  if (shares.size() < 2) return 0;
  if (shares.size() == 2) return std::abs(shares[0] - shares[1]) / 2;
  const double mean = mean_of(shares);
  double squares = 0;
  for (const double share : shares) squares += (share - mean) * (share - mean);
  return std::sqrt(squares / static_cast<double>(shares.size()));
}

double balanced_allocation(Shares used_after) {
  double capped[16];
  const std::size_t count = std::min(used_after.size(), std::size(capped));
  for (std::size_t k = 0; k < count; ++k) capped[k] = std::min(used_after[k], 1.0);
  return 1 - population_deviation({capped, count});
}

double nomad_fit(double free_cpu, double free_memory) {
  return std::clamp(20 - std::pow(10, free_cpu) - std::pow(10, free_memory), 0.0, 18.0);
}

double dot_product(Shares need, Shares room, Shares weight) {
  double sum = 0;
  for (std::size_t k = 0; k < need.size(); ++k) sum += weight[k] * need[k] * room[k];
  return sum;
}

double l2_distance(Shares need, Shares room, Shares weight) {
  double sum = 0;
  for (std::size_t k = 0; k < need.size(); ++k) {
    sum += weight[k] * (room[k] - need[k]) * (room[k] - need[k]);
  }
  return sum;
}

double cosine(Shares need, Shares room) {
  double dot = 0;
  double needs = 0;
  double rooms = 0;
  for (std::size_t k = 0; k < need.size(); ++k) {
    dot += need[k] * room[k];
    needs += need[k] * need[k];
    rooms += room[k] * room[k];
  }
  return needs > 0 && rooms > 0 ? dot / std::sqrt(needs * rooms) : 0;
}

double tightness(Shares need, Shares room) {
  double sum = 0;
  int required = 0;
  for (std::size_t k = 0; k < need.size(); ++k) {
    if (need[k] <= 0) continue;
    ++required;
    if (room[k] > 0) sum += std::min(1.0, need[k] / room[k]);
  }
  return required == 0 ? 1 : sum / required;
}

double load_balance(Shares used_after) {
  return ((1 - mean_of(used_after)) + (1 - population_deviation(used_after))) / 2;
}

}  // namespace phoenix
