// Drawing candidates from the eligible nodes.
#pragma once

#include <cassert>
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

}  // namespace phoenix
