#include "strategies/balancing/hash_ring.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "strategies/core/random.h"

namespace phoenix {
namespace {

constexpr double kWeightMax = 100;

std::uint64_t point_hash(std::uint64_t identity, int number) {
  return mix64(mix64(identity) ^ static_cast<std::uint64_t>(number));
}

}  // namespace

void HashRing::set(NodeId id, std::uint64_t identity, double weight) {
  assert(weight >= 0);
  if (nodes_.size() <= index(id)) nodes_.resize(index(id) + 1);
  Node& node = nodes_[index(id)];
  const double points = points_per_weight_ * std::min(weight, kWeightMax);
  const int wanted = weight > 0 ? std::max(1, static_cast<int>(std::lround(points))) : 0;
  if (node.wanted == wanted && node.identity == identity) return;
  node.wanted = wanted;
  node.identity = identity;
  if (!node.is_changed) changed_.push_back(id);
  node.is_changed = true;
}

void HashRing::refresh() {
  if (changed_.empty()) return;
  std::erase_if(points_, [&](const Point& p) { return nodes_[index(p.node)].is_changed; });
  const auto kept = static_cast<std::ptrdiff_t>(points_.size());
  for (const NodeId id : changed_) {
    Node& node = nodes_[index(id)];
    node.is_changed = false;
    for (int i = 0; i < node.wanted; ++i) points_.push_back({point_hash(node.identity, i), id});
  }
  changed_.clear();
  std::sort(points_.begin() + kept, points_.end());
  std::inplace_merge(points_.begin(), points_.begin() + kept, points_.end());
  index_points();
}

void HashRing::index_points() {
  const int bits = std::max(1, static_cast<int>(std::bit_width(points_.size())));
  shift_ = 64 - bits;
  starts_.resize(std::size_t{1} << bits);
  std::uint32_t place = 0;
  for (std::size_t top = 0; top < starts_.size(); ++top) {
    const std::uint64_t first = static_cast<std::uint64_t>(top) << shift_;
    while (place < points_.size() && points_[place].hash < first) ++place;
    starts_[top] = place;
  }
}

std::size_t HashRing::place_of(std::uint64_t hash) const {
  assert(!empty());
  std::size_t place = starts_[hash >> shift_];
  while (place < points_.size() && points_[place].hash < hash) ++place;
  return place < points_.size() ? place : 0;
}

}  // namespace phoenix
