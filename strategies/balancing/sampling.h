// Drawing candidates from the eligible nodes, and choosing among them.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "strategies/core/ids.h"
#include "strategies/core/random.h"

namespace phoenix {

// Two different nodes, every ordered pair equally likely, from one draw of 64 bits: each half
// scales to its range with a bias below nodes / 2^32. The only node twice where there is one.
inline std::pair<NodeId, NodeId> sample_two(std::span<const NodeId> nodes, Random& random) {
  assert(!nodes.empty());
  if (nodes.size() == 1) return {nodes[0], nodes[0]};
  const std::uint64_t bits = random();
  const std::uint64_t n = nodes.size();
  const std::uint64_t i = ((bits >> 32) * n) >> 32;
  std::uint64_t j = ((bits & 0xffffffffU) * (n - 1)) >> 32;
  j += j >= i;
  return {nodes[i], nodes[j]};
}

// `count` different nodes in random order, or all there are, written to `room`. Repeats are drawn
// again, which is quick while `count` is small. REQUIRES: count <= room.size().
inline std::span<const NodeId> sample_distinct(std::span<const NodeId> nodes, int count,
                                               std::span<NodeId> room, Random& random) {
  assert(!nodes.empty() && static_cast<std::size_t>(count) <= room.size());
  const std::size_t wanted = std::min(static_cast<std::size_t>(count), nodes.size());
  std::size_t found = 0;
  while (found < wanted) {
    room[found] = nodes[random.below(nodes.size())];
    const auto earlier = room.first(found);
    found += std::find(earlier.begin(), earlier.end(), room[found]) == earlier.end();
  }
  return room.first(found);
}

// The first of `nodes` with the least `cost(node)`.
template <class Cost>
NodeId least_of(std::span<const NodeId> nodes, Cost cost) {
  NodeId best = nodes[0];
  auto least = cost(best);
  for (const NodeId node : nodes.subspan(1)) {
    const auto other = cost(node);
    if (other < least) {
      best = node;
      least = other;
    }
  }
  return best;
}

}  // namespace phoenix
