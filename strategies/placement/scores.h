// The formulas behind placement: how good a node would be for an agent. Each is a function of plain
// shares of capacity, so that it can be checked by hand; placers combine them. Higher is better.
//
// A span holds one value per kind of resource the node has, all in the same order. Sources:
// kube-scheduler (least and most allocated, balanced), Nomad (fit v3), Panigrahy et al. 2011
// (dot product, L2), design document rows PL-30 to PL-34 as its column "Do" has them.
#pragma once

#include <cstddef>
#include <span>

namespace phoenix {

using Shares = std::span<const double>;

double mean_of(Shares shares);
double population_deviation(Shares shares);

// kube-scheduler's scores / 100, of the shares free and used after placing. No kind: 1.
inline double least_allocated(Shares free_after) { return mean_of(free_after); }
inline double most_allocated(Shares used_after) { return mean_of(used_after); }
double balanced_allocation(Shares used_after);  // fractions are capped at 1

// Nomad's fit v3, 0 to 18, of the shares of CPU and memory free after placing.
double nomad_fit(double free_cpu, double free_memory);

// Vector packing; `need` and `room` before placing, `weight` how much each kind counts.
double dot_product(Shares need, Shares room, Shares weight);
double l2_distance(Shares need, Shares room, Shares weight);  // squared; lower is better
double cosine(Shares need, Shares room);

// Mean over required kinds of min(1, need / room): 1 where the agent fills what is left. 1 if
// nothing is required, 0 for a kind without room.
double tightness(Shares need, Shares room);

// Mean of the share free and of how even the kinds are used, after placing.
double load_balance(Shares used_after);

}  // namespace phoenix
