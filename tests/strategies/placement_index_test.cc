// The index behind placers: boxes hold what is in them.
#include <map>

#include "strategies/placement/free_index.h"
#include "tests/strategies/placement_world.h"

namespace phoenix {
namespace {

using namespace phoenix::testing;  // NOLINT: builders

Resources some_free(const Resources& capacity, Random& random) {
  Resources free;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    free[r] = static_cast<Amount>(random.below(static_cast<std::uint64_t>(capacity[r]) + 1));
  }
  return free;
}

bool contains(const FreeIndex::Range& outer, const FreeIndex::Range& inner) {
  return outer.low <= inner.low && inner.high <= outer.high;
}

// What the leaf's box says is exactly what its nodes are, and the branch's box holds it.
void expect_tight(const FreeIndex& index, const FreeIndex::Group& group, const FreeIndex::Box& box,
                  const FreeIndex::Box& outer, const std::map<NodeId, Resources>& truth) {
  const FreeIndex::Leaf& leaf = index.leaf(box.leaf);
  for (const std::uint8_t v : group.values) {
    const double* values = leaf.values[v].data();
    EXPECT_EQ(box.values[v].low, *std::min_element(values, values + leaf.size));
    EXPECT_EQ(box.values[v].high, *std::max_element(values, values + leaf.size));
    EXPECT_TRUE(contains(outer.values[v], box.values[v])) << "value " << int{v};
  }
  for (std::uint32_t i = 0; i < leaf.size; ++i) {
    const Resources& free = truth.at(leaf.nodes[i]);
    EXPECT_EQ(leaf.values[kRoomValue][i], group.room(free));
    EXPECT_EQ(leaf.values[kSkewValue][i], group.skew(free));
  }
}

TEST(Index, BoxesFollowTheirNodesThroughABusyLife) {
  const Resources shapes[] = {resources(64'000, 256'000), resources(900, 0), resources(7, 11, 13)};
  FreeIndex books;
  for (const Resources& shape : shapes) books.add_group(shape);
  Random random(7);
  std::map<NodeId, Resources> truth;
  for (int step = 0; step < 20'000; ++step) {
    const NodeId node = node_id(random.below(1'500));
    const auto group = static_cast<std::uint32_t>(index(node) % 3);
    const Resources free = some_free(shapes[group], random);
    if (!books.contains(node)) {
      books.insert(node, group, 0, free, {});
      truth[node] = free;
    } else if (random.below(4) == 0) {
      books.erase(node);
      truth.erase(node);
    } else {
      books.update(node, free);
      truth[node] = free;
    }
  }
  std::size_t nodes = 0;
  for (const FreeIndex::Group& group : books.groups()) {
    for (const FreeIndex::Branch& branch : group.branches) {
      for (const FreeIndex::Box& box : branch.leaves) {
        expect_tight(books, group, box, branch.box, truth);
        nodes += books.leaf(box.leaf).size;
      }
    }
  }
  EXPECT_EQ(nodes, truth.size());
  EXPECT_EQ(books.size(), truth.size());
}

}  // namespace
}  // namespace phoenix
