// How well the agents of a cluster are placed, in a few numbers.
#pragma once

#include <array>
#include <cstdint>

#include "strategies/placement/inventory.h"

namespace phoenix {

struct PlacementStatistics {
  std::size_t agents = 0;
  std::size_t moving = 0;
  std::size_t nodes = 0;
  std::size_t nodes_ready = 0;
  std::size_t nodes_in_use = 0;  // with an agent
  // Reserved / capacity of ready nodes, by kind; NaN where the cluster has none of it.
  std::array<double, kResourceKinds> utilization{};
  // The fewest nodes that could hold what is reserved, to the nodes in use; 1 where none is in use.
  double efficiency = 1;
  // Population deviation of the nodes' largest share in use, over ready nodes.
  double imbalance = 0;
  std::size_t violations = 0;     // agents where a rule is broken
  std::size_t overcommitted = 0;  // nodes
};

// O(nodes log nodes + agents with rules).
PlacementStatistics placement_statistics(const Inventory& inventory);

// A lower bound on the nodes that hold what is reserved: for each kind, the largest ready nodes
// until they have enough of it; the most of any kind. No way to cut agents up is looked at, so the
// least possible may be more.
std::size_t fewest_nodes(const Inventory& inventory);

}  // namespace phoenix
