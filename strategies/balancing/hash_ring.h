// A consistent-hash ring: every node owns the arcs that end at its points, so that a node that
// leaves hands its keys, and no others, to those after it.
//
// Points are hashes of the node's identity and the point's number, never of std::hash or of
// addresses: every gateway and every run sees the same ring. Equal points: the lower id first.
// Source: Karger et al. 1997; the number of points trades memory for evenness (spread of the shares
// about 1 / sqrt(points)).
//
// One thread. owner() is O(1) expected: the ring is entered by the hash's top bits. set() is O(1)
// and takes effect in refresh(), which is O(points) when anything changed, and allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "strategies/core/ids.h"

namespace phoenix {

class HashRing {
 public:
  explicit HashRing(int points_per_weight) : points_per_weight_(points_per_weight) {}

  // A node not on the ring yet comes on it; weight 0 takes it off. Every node on it has a point,
  // and none more than 100 times points_per_weight.
  void set(NodeId node, std::uint64_t identity, double weight);
  void refresh();

  // REQUIRES of all below: refreshed and not empty.
  bool empty() const { return points_.empty(); }
  std::size_t size() const { return points_.size(); }
  // The place of the first point at or after `hash`; beyond the last one the first follows.
  std::size_t place_of(std::uint64_t hash) const;
  NodeId at(std::size_t place) const { return points_[place].node; }
  NodeId owner(std::uint64_t hash) const { return at(place_of(hash)); }

 private:
  struct Point {
    std::uint64_t hash;
    NodeId node;
    friend bool operator<(const Point& a, const Point& b) {
      return a.hash < b.hash || (a.hash == b.hash && a.node < b.node);
    }
  };
  struct Node {
    std::uint64_t identity = 0;
    int wanted = 0;  // points
    bool is_changed = false;
  };

  void index_points();

  int points_per_weight_;
  std::vector<Node> nodes_;
  std::vector<NodeId> changed_;
  std::vector<Point> points_;          // rising
  std::vector<std::uint32_t> starts_;  // by top bits: the first point at or after their first hash
  int shift_ = 63;
};

}  // namespace phoenix
