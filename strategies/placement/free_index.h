// The nodes that may take agents, ordered so that those with alike room lie together: placers find
// the best node by looking at a few boxes of nodes instead of at every node.
//
// Nodes of equal capacity form a group. Inside it they are ordered, by default along a Z-curve
// through their free shares (Morton 1966), and cut into leaves, and the leaves into branches; each
// knows the box its nodes' values lie in. A search bounds its score by the boxes and opens only
// what may hold something better (branch and bound). Amounts are exact: whole numbers below 2^53.
//
// One thread at a time. An update is O(leaf + log leaves); nothing allocates once leaves have
// grown.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/placement/resources.h"

namespace phoenix {

// Shares of 1 that are better the higher, compared over all nodes: 1 is the best node known, 0 the
// worst and the unknown.
struct Merits {
  double latency = 0;
  double throughput = 0;
  double availability = 0;
  bool operator==(const Merits&) const = default;
};

// What the index knows of a node: free amounts by kind, their shares of the capacity summed and the
// first two less each other (Group::room() and skew()), and the merits. Of two kinds the ranges of
// sum and difference tell what those of the kinds cannot: how full and how uneven nodes are.
inline constexpr std::size_t kRoomValue = kResourceKinds;
inline constexpr std::size_t kSkewValue = kResourceKinds + 1;
inline constexpr std::size_t kMeritValues = kResourceKinds + 2;
inline constexpr std::size_t kIndexValues = kResourceKinds + 5;
using IndexValues = std::array<double, kIndexValues>;

// What lies together. Any search finds the same in any order; which is quick depends on it.
enum class IndexOrder : std::uint8_t {
  kRoom,  // nodes with alike free shares of every kind
  kSkew,  // of two kinds: nodes whose two free shares lie alike apart, then by their sum
};

class FreeIndex {
 public:
  static constexpr std::size_t kLeafNodes = 32;
  static constexpr std::size_t kBranchLeaves = 32;

  struct Range {
    double low = 0;
    double high = 0;
  };

  struct Box {
    std::uint64_t first_key = 0;  // keys inside are at least this, and below the next box's
    std::uint64_t classes = 0;    // bit class_bit(c) is set for each class c inside
    NodeId least = kNoNode;       // lowest id inside, for ties
    std::uint32_t leaf = 0;       // of a leaf's box
    std::array<Range, kIndexValues> values;
  };

  struct Leaf {
    std::uint32_t size = 0;
    std::array<NodeId, kLeafNodes> nodes;
    std::array<std::uint32_t, kLeafNodes> classes;
    std::array<std::uint64_t, kLeafNodes> keys;
    std::array<std::array<double, kLeafNodes>, kIndexValues> values;  // by value, then by place
  };

  struct Branch {
    Box box;
    std::vector<Box> leaves;  // in order of keys
  };

  struct Group {
    std::array<double, kResourceKinds> capacity{};
    std::array<double, kResourceKinds> scale{};  // 1 / capacity
    std::vector<std::uint8_t> kinds;   // resources with a capacity: the others are 0 everywhere
    std::vector<std::uint8_t> values;  // that are kept: kinds, room, skew; merits if any has some
    std::vector<Branch> branches;      // in order of keys
    std::size_t size = 0;

    bool has_merits() const { return values.back() >= kMeritValues; }

    // The sum of the free shares, always added up in the same order.
    double room(const Resources& free) const {
      double sum = 0;
      for (const std::uint8_t r : kinds) sum += static_cast<double>(free[r]) * scale[r];
      return sum;
    }

    // The free share of the first kind less that of the second; 0 where there is no second.
    double skew(const Resources& free) const {
      if (kinds.size() < 2) return 0;
      return static_cast<double>(free[kinds[0]]) * scale[kinds[0]] -
             static_cast<double>(free[kinds[1]]) * scale[kinds[1]];
    }
  };

  // What else nodes may have in common is a number, the class, whose meaning is the caller's.
  static std::uint64_t class_bit(std::uint32_t node_class) {
    return std::uint64_t{1} << node_class % 64;
  }

  // O(nodes log nodes) where it is another than before.
  void set_order(IndexOrder order);

  // Groups are numbered from 0 in order of adding.
  std::uint32_t add_group(const Resources& capacity);

  // REQUIRES: the node is not in the index.
  void insert(NodeId node, std::uint32_t group, std::uint32_t node_class, const Resources& free,
              const Merits& merits);
  // REQUIRES: the node is in the index.
  void update(NodeId node, const Resources& free);
  void erase(NodeId node);
  bool contains(NodeId node) const {
    return index(node) < places_.size() && places_[index(node)].group != kNoGroup;
  }

  std::span<const Group> groups() const { return groups_; }
  const Leaf& leaf(std::uint32_t i) const { return leaves_[i]; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::uint32_t kNoGroup = 0xffffffffU;
  struct Place {
    std::uint32_t group = kNoGroup;
    std::uint32_t node_class = 0;
    std::uint64_t key = 0;
  };

  static void set_free(const Group& group, const Resources& free, IndexValues& values);
  std::uint64_t key_of(const Group& group, const IndexValues& values, NodeId node) const;
  static std::uint64_t curve_of(const Group& group, const IndexValues& values);
  static std::size_t branch_at(const Group& group, std::uint64_t key);
  static std::size_t leaf_at(const Branch& branch, std::uint64_t key);
  static void widen(const Group& group, Box& box, const Box& inner);
  static void fit_branch(const Group& group, Branch& branch);
  static bool held_an_edge(const Group& group, const Box& outer, const Box& before,
                           const Box& after);

  std::uint32_t place_in(const Leaf& leaf, NodeId node) const;
  void put(NodeId node, const Place& place, const IndexValues& values);
  IndexValues take(NodeId node, const Place& place);
  void split_leaf(const Group& group, Branch& branch, std::size_t at);
  static void split_branch(Group& group, std::size_t at);
  void merge_leaf(const Group& group, Branch& branch, std::size_t at);
  void drop_leaf(Branch& branch, std::size_t at);
  static void copy(const Group& group, const Leaf& from, std::uint32_t at, Leaf& to,
                   std::uint32_t place);
  void fit_leaf(const Group& group, Box& box) const;
  void track_merits(Group& group);
  std::uint32_t new_leaf();

  IndexOrder order_ = IndexOrder::kRoom;
  std::vector<Group> groups_;
  std::vector<Leaf> leaves_;
  std::vector<std::uint32_t> spare_leaves_;
  std::vector<Place> places_;  // by node
  std::size_t size_ = 0;
};

}  // namespace phoenix
