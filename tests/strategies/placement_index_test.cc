// The index behind placers and the bounds they search it by: boxes hold what is in them, and no
// bound is below a value in its box, to the last bit.
#include <map>

#include "strategies/placement/index_search.h"
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

class EveryOrder : public ::testing::TestWithParam<IndexOrder> {};
INSTANTIATE_TEST_SUITE_P(Index, EveryOrder, ::testing::Values(IndexOrder::kRoom, IndexOrder::kSkew),
                         [](const auto& which) {
                           return which.param == IndexOrder::kRoom ? "Room" : "Skew";
                         });

TEST_P(EveryOrder, BoxesFollowTheirNodesThroughABusyLife) {
  const Resources shapes[] = {resources(64'000, 256'000), resources(900, 0), resources(7, 11, 13)};
  FreeIndex books;
  for (const Resources& shape : shapes) books.add_group(shape);
  Random random(7);
  std::map<NodeId, Resources> truth;
  for (int step = 0; step < 20'000; ++step) {
    if (step == 9'000) books.set_order(GetParam());
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

// Shares as the index has them: whole amounts, the sum and difference of the shares as rounded.
NodeShares shares_of(const FreeIndex::Group& group, const Resources& free) {
  NodeShares shares;
  shares.free.fill(0);
  for (std::size_t k = 0; k < group.kinds.size(); ++k) {
    shares.free[k] = static_cast<double>(free[group.kinds[k]]) * group.scale[group.kinds[k]];
  }
  shares.room = group.room(free);
  shares.skew = group.skew(free);
  return shares;
}

void widen(NodeShares& low, NodeShares& high, const NodeShares& node) {
  for (std::size_t k = 0; k < kResourceKinds; ++k) {
    low.free[k] = std::min(low.free[k], node.free[k]);
    high.free[k] = std::max(high.free[k], node.free[k]);
  }
  low.room = std::min(low.room, node.room);
  high.room = std::max(high.room, node.room);
  low.skew = std::min(low.skew, node.skew);
  high.skew = std::max(high.skew, node.skew);
}

// Boxes of one node to hundreds, as narrow as a base unit or as wide as the capacity.
TEST(Bounds, OfWhatIsTakenAndLeftFollowTheFormulas) {
  GroupTerms terms;
  terms.count = 3;
  terms.need = {0.2, 0, 0.1};
  NodeShares node;
  node.free = {0.4, 0.9, 0.05};
  EXPECT_DOUBLE_EQ(taken_of_free(terms, node), 0.5 + 0 + 1) << "at most all of what is free";
  node.free = {0, 0.9, 0.05};
  EXPECT_DOUBLE_EQ(taken_of_free(terms, node), 0 + 0 + 1) << "nothing where nothing is";
  terms.need = {};
  EXPECT_EQ(taken_of_free(terms, node), 0);
  // A quarter of each kind is taken: three and one quarters are left, half in the mean, and they
  // lie half apart.
  terms.count = 2;
  terms.per_kind = 0.5;
  terms.need = {0.25, 0.25};
  terms.need_sum = 0.5;
  node.free = {1, 0.5};
  node.room = 1.5;
  node.skew = 0.5;
  EXPECT_DOUBLE_EQ(mean_free_after(terms, node), 0.5);
  EXPECT_DOUBLE_EQ(evenness(terms, node), 0.75);
  EXPECT_DOUBLE_EQ(load_balance(terms, node), (0.5 + 0.75) / 2);
}

TEST(Bounds, AreNeverBelowAValueInTheBox) {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    Resources capacity;
    const std::size_t kinds = 1 + random.below(kResourceKinds);
    for (std::size_t r = 0; r < kinds; ++r) {
      capacity[r] = static_cast<Amount>(2 + random.below(std::uint64_t{1} << random.below(40)));
    }
    Inventory books;
    must(books.add_node(node_spec(0, capacity)));
    AgentSpec agent = agent_spec(0, some_free(capacity, random));
    for (std::size_t r = 0; r < kinds; ++r) agent.need[r] >>= random.below(40);
    const Eligibility who(agent, books);
    const GroupTerms terms = group_terms(who, 0);
    const FreeIndex::Group& group = books.index_of_free().groups()[0];

    std::vector<NodeShares> nodes;
    const Resources corner = some_free(capacity - agent.need, random);
    std::array<std::uint64_t, kResourceKinds> narrow{};
    for (std::uint64_t& shift : narrow) shift = random.below(40);
    for (std::size_t n = 1 + random.below(12); n > 0; --n) {
      Resources free = agent.need;
      for (std::size_t r = 0; r < kinds; ++r) {
        const Amount width = (capacity[r] - agent.need[r] - corner[r]) >> narrow[r];
        free[r] +=
            corner[r] + static_cast<Amount>(random.below(static_cast<std::uint64_t>(width) + 1));
      }
      nodes.push_back(shares_of(group, free));
    }
    NodeShares low = nodes[0];
    NodeShares high = nodes[0];
    for (const NodeShares& node : nodes) widen(low, high, node);
    for (const NodeShares& node : nodes) {
      ASSERT_GE(evenness_bound(terms, low, high), evenness(terms, node)) << "round " << round;
      ASSERT_GE(load_balance_bound(terms, low, high), load_balance(terms, node))
          << "round " << round;
      ASSERT_LE(least_taken_of_free(terms, high), taken_of_free(terms, node)) << "round " << round;
      ASSERT_LE(taken_of_free(terms, node), taken_of_free(terms, low)) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace phoenix
