#include "strategies/placement/free_index.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

namespace phoenix {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Bit b of `cell` goes to bit b * stride.
std::uint64_t spread_bits(std::uint64_t cell, unsigned bits, unsigned stride) {
  std::uint64_t spread = 0;
  for (unsigned b = 0; b < bits; ++b) spread |= (cell >> b & 1U) << (b * stride);
  return spread;
}

// The spread bits of every cell value, for each number of kinds: the key is asked for at every
// booking.
constexpr unsigned kBits = 6;
using SpreadTable = std::array<std::array<std::uint64_t, 1U << kBits>, kResourceKinds + 1>;

SpreadTable make_spread_table() {
  SpreadTable table{};
  for (unsigned stride = 1; stride <= kResourceKinds; ++stride) {
    for (std::uint64_t cell = 0; cell < (1U << kBits); ++cell) {
      table[stride][cell] = spread_bits(cell, kBits, stride);
    }
  }
  return table;
}

}  // namespace

std::uint32_t FreeIndex::add_group(const Resources& capacity) {
  Group group;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    group.capacity[r] = static_cast<double>(capacity[r]);
    if (capacity[r] > 0) group.kinds.push_back(static_cast<std::uint8_t>(r));
  }
  groups_.push_back(std::move(group));
  return static_cast<std::uint32_t>(groups_.size() - 1);
}

// The place along the curve, then the id: nodes in the same state are in order of their ids.
std::uint64_t FreeIndex::key_of(const Group& group, const Resources& free, NodeId node) {
  static const SpreadTable kTable = make_spread_table();
  constexpr double kCells = 1U << kBits;
  const std::size_t stride = group.kinds.size();
  std::uint64_t curve = 0;
  for (std::size_t k = 0; k < stride; ++k) {
    const std::size_t r = group.kinds[k];
    const double share = static_cast<double>(free[r]) / group.capacity[r];
    const auto cell = static_cast<std::uint64_t>(std::min(share * kCells, kCells - 1));
    curve |= kTable[stride][cell] << k;
  }
  return curve << 32U | index(node);
}

std::size_t FreeIndex::box_at(const Group& group, std::uint64_t key) {
  const auto after =
      std::upper_bound(group.boxes.begin(), group.boxes.end(), key,
                       [](std::uint64_t wanted, const Box& box) { return wanted < box.first_key; });
  assert(after != group.boxes.begin());
  return static_cast<std::size_t>(after - group.boxes.begin()) - 1;
}

std::uint32_t FreeIndex::place_in(const Leaf& leaf, NodeId node) const {
  std::uint32_t i = 0;
  while (i < leaf.size && leaf.nodes[i] != node) ++i;
  assert(i < leaf.size);
  return i;
}

std::uint32_t FreeIndex::new_leaf() {
  if (spare_leaves_.empty()) {
    leaves_.emplace_back();
    return static_cast<std::uint32_t>(leaves_.size() - 1);
  }
  const std::uint32_t i = spare_leaves_.back();
  spare_leaves_.pop_back();
  leaves_[i].size = 0;
  return i;
}

void FreeIndex::fit_value(std::size_t value, Box& box) const {
  const Leaf& leaf = leaves_[box.leaf];
  double low = kInfinity;
  double high = -kInfinity;
  for (std::uint32_t i = 0; i < leaf.size; ++i) {
    low = std::min(low, leaf.values[value][i]);
    high = std::max(high, leaf.values[value][i]);
  }
  box.low[value] = low;
  box.high[value] = high;
}

void FreeIndex::fit(const Group& group, Box& box) const {
  box.low.fill(0);
  box.high.fill(0);
  for (const std::uint8_t r : group.kinds) fit_value(r, box);
  for (std::size_t v = kResourceKinds; v < kIndexValues; ++v) fit_value(v, box);
  const Leaf& leaf = leaves_[box.leaf];
  box.least = *std::min_element(leaf.nodes.begin(), leaf.nodes.begin() + leaf.size);
}

void FreeIndex::put(Group& group, NodeId node, std::uint64_t key, const IndexValues& values) {
  if (group.boxes.empty()) {
    group.boxes.emplace_back();
    group.boxes.back().leaf = new_leaf();
    group.boxes.back().low.fill(kInfinity);
    group.boxes.back().high.fill(-kInfinity);
  }
  std::size_t at = box_at(group, std::max(key, group.boxes.front().first_key));
  if (leaves_[group.boxes[at].leaf].size == kLeafNodes) {
    split(group, at);
    at = box_at(group, std::max(key, group.boxes.front().first_key));
  }
  Box& box = group.boxes[at];
  Leaf& leaf = leaves_[box.leaf];
  box.first_key = std::min(box.first_key, key);
  const std::uint32_t i = leaf.size++;
  leaf.nodes[i] = node;
  leaf.keys[i] = key;
  for (std::size_t v = 0; v < kIndexValues; ++v) {
    leaf.values[v][i] = values[v];
    box.low[v] = std::min(box.low[v], values[v]);
    box.high[v] = std::max(box.high[v], values[v]);
  }
  box.least = std::min(box.least, node);
}

IndexValues FreeIndex::take(Group& group, NodeId node, std::uint64_t key) {
  const std::size_t at = box_at(group, key);
  Box& box = group.boxes[at];
  Leaf& leaf = leaves_[box.leaf];
  const std::uint32_t i = place_in(leaf, node);
  const std::uint32_t last = --leaf.size;
  IndexValues values;
  for (std::size_t v = 0; v < kIndexValues; ++v) {
    values[v] = leaf.values[v][i];
    leaf.values[v][i] = leaf.values[v][last];
  }
  leaf.nodes[i] = leaf.nodes[last];
  leaf.keys[i] = leaf.keys[last];
  if (leaf.size == 0) {
    drop(group, at);
    return values;
  }
  for (std::size_t v = 0; v < kIndexValues; ++v) {
    if (values[v] == box.low[v] || values[v] == box.high[v]) {
      if (box.low[v] < box.high[v]) fit_value(v, box);
    }
  }
  if (box.least == node) {
    box.least = *std::min_element(leaf.nodes.begin(), leaf.nodes.begin() + leaf.size);
  }
  if (leaf.size < kLeafNodes / 4) merge(group, at);
  return values;
}

// Joins a leaf that has become small with the one after it, if both fill a leaf half.
void FreeIndex::merge(Group& group, std::size_t at) {
  if (at + 1 == group.boxes.size()) {
    if (at == 0) return;
    --at;
  }
  Box& box = group.boxes[at];
  const Box& next = group.boxes[at + 1];
  Leaf& leaf = leaves_[box.leaf];
  const Leaf& from = leaves_[next.leaf];
  if (leaf.size + from.size > kLeafNodes / 2) return;
  for (std::uint32_t j = 0; j < from.size; ++j) {
    const std::uint32_t i = leaf.size++;
    leaf.nodes[i] = from.nodes[j];
    leaf.keys[i] = from.keys[j];
    for (std::size_t v = 0; v < kIndexValues; ++v) leaf.values[v][i] = from.values[v][j];
  }
  for (std::size_t v = 0; v < kIndexValues; ++v) {
    box.low[v] = std::min(box.low[v], next.low[v]);
    box.high[v] = std::max(box.high[v], next.high[v]);
  }
  box.least = std::min(box.least, next.least);
  drop(group, at + 1);
}

void FreeIndex::drop(Group& group, std::size_t box) {
  spare_leaves_.push_back(group.boxes[box].leaf);
  group.boxes.erase(group.boxes.begin() + static_cast<std::ptrdiff_t>(box));
}

// Halves a full leaf at its median key.
void FreeIndex::split(Group& group, std::size_t at) {
  const std::uint32_t upper = new_leaf();  // may move leaves_
  Box box = group.boxes[at];
  const Leaf full = leaves_[box.leaf];
  std::array<std::uint32_t, kLeafNodes> order;
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return full.keys[a] < full.keys[b]; });
  Box upper_box = box;
  upper_box.leaf = upper;
  upper_box.first_key = full.keys[order[kLeafNodes / 2]];
  leaves_[box.leaf].size = 0;
  for (std::size_t n = 0; n < kLeafNodes; ++n) {
    Leaf& leaf = leaves_[n < kLeafNodes / 2 ? box.leaf : upper];
    const std::uint32_t i = leaf.size++;
    leaf.nodes[i] = full.nodes[order[n]];
    leaf.keys[i] = full.keys[order[n]];
    for (std::size_t v = 0; v < kIndexValues; ++v) leaf.values[v][i] = full.values[v][order[n]];
  }
  fit(group, box);
  fit(group, upper_box);
  group.boxes[at] = box;
  group.boxes.insert(group.boxes.begin() + static_cast<std::ptrdiff_t>(at) + 1, upper_box);
}

void FreeIndex::insert(NodeId node, std::uint32_t group, const Resources& free,
                       const Merits& merits) {
  assert(group < groups_.size() && !contains(node));
  if (places_.size() <= index(node)) places_.resize(index(node) + 1);
  IndexValues values{};
  for (std::size_t r = 0; r < kResourceKinds; ++r) values[r] = static_cast<double>(free[r]);
  values[kResourceKinds] = merits.latency;
  values[kResourceKinds + 1] = merits.throughput;
  values[kResourceKinds + 2] = merits.availability;
  const std::uint64_t key = key_of(groups_[group], free, node);
  put(groups_[group], node, key, values);
  places_[index(node)] = {group, key};
  ++groups_[group].size;
  ++size_;
}

void FreeIndex::erase(NodeId node) {
  assert(contains(node));
  Place& place = places_[index(node)];
  take(groups_[place.group], node, place.key);
  --groups_[place.group].size;
  --size_;
  place = {};
}

void FreeIndex::update(NodeId node, const Resources& free) {
  assert(contains(node));
  Place& place = places_[index(node)];
  Group& group = groups_[place.group];
  IndexValues values = take(group, node, place.key);
  for (std::size_t r = 0; r < kResourceKinds; ++r) values[r] = static_cast<double>(free[r]);
  place.key = key_of(group, free, node);
  put(group, node, place.key, values);
}

}  // namespace phoenix
