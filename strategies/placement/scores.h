// The formulas behind placement: how good a node would be for an agent. Each is a function of plain
// shares of capacity, so that it can be checked by hand; placers combine them. Higher is better.
//
// A span holds one value per kind of resource the node has, all in the same order. Sources:
// kube-scheduler (least and most allocated, balanced), Nomad (fit v3), Panigrahy et al. 2011
// (dot product, L2), design document rows PL-30 to PL-34 as its column "Do" has them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace phoenix {

using Shares = std::span<const double>;

inline double mean_of(Shares shares) {
  if (shares.empty()) return 1;
  double sum = 0;
  for (const double share : shares) sum += share;
  return sum / static_cast<double>(shares.size());
}

inline double population_deviation(Shares shares) {
  if (shares.size() < 2) return 0;
  if (shares.size() == 2) return std::abs(shares[0] - shares[1]) / 2;
  const double mean = mean_of(shares);
  double squares = 0;
  for (const double share : shares) squares += (share - mean) * (share - mean);
  return std::sqrt(squares / static_cast<double>(shares.size()));
}

// kube-scheduler's score / 100, of the shares used after placing; those above 1 are for the caller
// to cap.
inline double balanced_allocation(Shares used_after) {
  return 1 - population_deviation(used_after);
}

// Nomad's fit v3, 0 to 18, of the shares of CPU and memory free after placing.
double nomad_fit(double free_cpu, double free_memory);

// Vector packing; `need` and `room` before placing, `weight` how much each kind counts.
inline double dot_product(Shares need, Shares room, Shares weight) {
  double sum = 0;
  for (std::size_t k = 0; k < need.size(); ++k) sum += weight[k] * need[k] * room[k];
  return sum;
}
// Squared; lower is better.
inline double l2_distance(Shares need, Shares room, Shares weight) {
  double sum = 0;
  for (std::size_t k = 0; k < need.size(); ++k) {
    sum += weight[k] * (room[k] - need[k]) * (room[k] - need[k]);
  }
  return sum;
}
double cosine(Shares need, Shares room);

}  // namespace phoenix
