#include "strategies/placement/free_index.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace phoenix {
namespace {

constexpr unsigned kCurveBits = 32;

// Where to cut `count` sorted keys in two: where the curve leaves the largest cell, so that the two
// boxes overlap least, but never so that one part gets less than a quarter.
template <class KeyAt>
std::size_t cut_of(std::size_t count, KeyAt key_at) {
  std::size_t cut = count / 2;
  std::uint64_t widest = 0;
  for (std::size_t n = count / 4 + 1; n + count / 4 < count; ++n) {
    const std::uint64_t step = key_at(n - 1) ^ key_at(n);
    if (step > widest) {
      widest = step;
      cut = n;
    }
  }
  return cut;
}

// Bit b of a byte goes to bit b * stride: the key is asked for at every booking.
using SpreadTable = std::array<std::array<std::uint64_t, 256>, kResourceKinds + 1>;

SpreadTable make_spread_table() {
  SpreadTable table{};
  for (unsigned stride = 1; stride <= kResourceKinds; ++stride) {
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
      for (unsigned b = 0; b < 8; ++b) table[stride][byte] |= (byte >> b & 1U) << (b * stride);
    }
  }
  return table;
}

}  // namespace

std::uint32_t FreeIndex::add_group(const Resources& capacity) {
  Group group;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (capacity[r] == 0) continue;
    group.capacity[r] = static_cast<double>(capacity[r]);
    group.scale[r] = 1 / group.capacity[r];
    group.kinds.push_back(static_cast<std::uint8_t>(r));
  }
  group.values = group.kinds;
  group.values.push_back(kRoomValue);
  group.values.push_back(kSkewValue);
  groups_.push_back(std::move(group));
  return static_cast<std::uint32_t>(groups_.size() - 1);
}

void FreeIndex::set_free(const Group& group, const Resources& free, IndexValues& values) {
  for (std::size_t r = 0; r < kResourceKinds; ++r) values[r] = static_cast<double>(free[r]);
  values[kRoomValue] = group.room(free);
  values[kSkewValue] = group.skew(free);
}

// The place in the order, then the id: nodes in the same state are in order of their ids.
std::uint64_t FreeIndex::key_of(const Group& group, const IndexValues& values, NodeId node) const {
  if (order_ == IndexOrder::kRoom || group.kinds.size() != 2) {
    return curve_of(group, values) << 32U | index(node);
  }
  constexpr double kCells = 1U << 16U;
  const auto cell = [](double share) {
    return static_cast<std::uint64_t>(std::clamp(share * kCells, 0.0, kCells - 1));
  };
  return cell((values[kSkewValue] + 1) / 2) << 48U | cell(values[kRoomValue] / 2) << 32U |
         index(node);
}

std::uint64_t FreeIndex::curve_of(const Group& group, const IndexValues& values) {
  static const SpreadTable kTable = make_spread_table();
  const auto stride = static_cast<unsigned>(group.kinds.size());
  const unsigned bits = std::min(16U, kCurveBits / std::max(stride, 1U));
  const double cells = static_cast<double>(1U << bits);
  std::uint64_t curve = 0;
  for (unsigned k = 0; k < stride; ++k) {
    const std::size_t r = group.kinds[k];
    const double share = values[r] * group.scale[r];
    const auto cell = static_cast<std::uint64_t>(std::min(share * cells, cells - 1));
    curve |= (kTable[stride][cell & 255U] | kTable[stride][cell >> 8U] << (8 * stride)) << k;
  }
  return curve;
}

std::size_t FreeIndex::branch_at(const Group& group, std::uint64_t key) {
  const auto after = std::upper_bound(
      group.branches.begin(), group.branches.end(), key,
      [](std::uint64_t wanted, const Branch& branch) { return wanted < branch.box.first_key; });
  // What lies before the first belongs to it.
  return after == group.branches.begin()
             ? 0
             : static_cast<std::size_t>(after - group.branches.begin()) - 1;
}

std::size_t FreeIndex::leaf_at(const Branch& branch, std::uint64_t key) {
  const auto after =
      std::upper_bound(branch.leaves.begin(), branch.leaves.end(), key,
                       [](std::uint64_t wanted, const Box& box) { return wanted < box.first_key; });
  return after == branch.leaves.begin()
             ? 0
             : static_cast<std::size_t>(after - branch.leaves.begin()) - 1;
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

void FreeIndex::widen(const Group& group, Box& box, const Box& inner) {
  for (const std::uint8_t v : group.values) {
    box.values[v].low = std::min(box.values[v].low, inner.values[v].low);
    box.values[v].high = std::max(box.values[v].high, inner.values[v].high);
  }
  box.least = std::min(box.least, inner.least);
  box.classes |= inner.classes;
  box.first_key = std::min(box.first_key, inner.first_key);
}

void FreeIndex::fit_branch(const Group& group, Branch& branch) {
  branch.box = branch.leaves.front();
  for (const Box& leaf : branch.leaves) widen(group, branch.box, leaf);
}

// Whether the outer box may have become too large as one inside shrank.
bool FreeIndex::held_an_edge(const Group& group, const Box& outer, const Box& before,
                             const Box& after) {
  if (before.least == outer.least && after.least != before.least) return true;
  for (const std::uint8_t v : group.values) {
    const Range& was = before.values[v];
    const Range& is = after.values[v];
    if (was.low == outer.values[v].low && is.low != was.low) return true;
    if (was.high == outer.values[v].high && is.high != was.high) return true;
  }
  return false;
}

void FreeIndex::fit_leaf(const Group& group, Box& box) const {
  const Leaf& leaf = leaves_[box.leaf];
  for (const std::uint8_t v : group.values) {
    const std::array<double, kLeafNodes>& values = leaf.values[v];
    Range range{values[0], values[0]};
    for (std::uint32_t i = 1; i < leaf.size; ++i) {
      range.low = std::min(range.low, values[i]);
      range.high = std::max(range.high, values[i]);
    }
    box.values[v] = range;
  }
  box.least = leaf.nodes[0];
  box.classes = 0;
  for (std::uint32_t i = 0; i < leaf.size; ++i) {
    box.least = std::min(box.least, leaf.nodes[i]);
    box.classes |= class_bit(leaf.classes[i]);
  }
}

void FreeIndex::copy(const Group& group, const Leaf& from, std::uint32_t at, Leaf& to,
                     std::uint32_t place) {
  to.nodes[place] = from.nodes[at];
  to.classes[place] = from.classes[at];
  to.keys[place] = from.keys[at];
  for (const std::uint8_t v : group.values) to.values[v][place] = from.values[v][at];
}

void FreeIndex::put(NodeId node, const Place& place, const IndexValues& values) {
  Group& group = groups_[place.group];
  const std::uint64_t key = place.key;
  Box own{key, class_bit(place.node_class), node, 0, {}};
  for (const std::uint8_t v : group.values) own.values[v] = {values[v], values[v]};
  if (group.branches.empty()) {
    own.leaf = new_leaf();
    group.branches.push_back({own, {own}});
  }
  std::size_t b = branch_at(group, key);
  std::size_t at = leaf_at(group.branches[b], key);
  if (leaves_[group.branches[b].leaves[at].leaf].size == kLeafNodes) {
    split_leaf(group, group.branches[b], at);
    if (group.branches[b].leaves.size() > kBranchLeaves) {
      split_branch(group, b);
      b = branch_at(group, key);
    }
    at = leaf_at(group.branches[b], key);
  }
  Branch& branch = group.branches[b];
  Box& box = branch.leaves[at];
  Leaf& leaf = leaves_[box.leaf];
  const std::uint32_t i = leaf.size++;
  leaf.nodes[i] = node;
  leaf.classes[i] = place.node_class;
  leaf.keys[i] = key;
  for (const std::uint8_t v : group.values) leaf.values[v][i] = values[v];
  widen(group, box, own);
  widen(group, branch.box, own);
}

IndexValues FreeIndex::take(NodeId node, const Place& place) {
  Group& group = groups_[place.group];
  const std::uint64_t key = place.key;
  const std::size_t b = branch_at(group, key);
  Branch& branch = group.branches[b];
  const std::size_t at = leaf_at(branch, key);
  Box& box = branch.leaves[at];
  Leaf& leaf = leaves_[box.leaf];
  const std::uint32_t i = place_in(leaf, node);
  const std::uint32_t last = --leaf.size;
  IndexValues values{};
  bool was_on_edge = box.least == node;
  for (const std::uint8_t v : group.values) {
    values[v] = leaf.values[v][i];
    const Range& range = box.values[v];
    const bool is_edge = values[v] == range.low || values[v] == range.high;
    was_on_edge |= is_edge && range.low < range.high;
  }
  copy(group, leaf, last, leaf, i);
  if (leaf.size == 0) {
    drop_leaf(branch, at);
    if (branch.leaves.empty()) {
      group.branches.erase(group.branches.begin() + static_cast<std::ptrdiff_t>(b));
    } else {
      fit_branch(group, branch);
    }
  } else if (leaf.size < kLeafNodes / 4) {
    fit_leaf(group, box);
    merge_leaf(group, branch, at);
    fit_branch(group, branch);
  } else if (was_on_edge) {
    const Box before = box;
    fit_leaf(group, box);
    if (held_an_edge(group, branch.box, before, box)) fit_branch(group, branch);
  }
  return values;
}

// Joins a leaf that has become small with the one after it, if both fill half a leaf.
void FreeIndex::merge_leaf(const Group& group, Branch& branch, std::size_t at) {
  if (at + 1 == branch.leaves.size()) {
    if (at == 0) return;
    --at;
  }
  Box& box = branch.leaves[at];
  const Box& next = branch.leaves[at + 1];
  Leaf& leaf = leaves_[box.leaf];
  const Leaf& from = leaves_[next.leaf];
  if (leaf.size + from.size > kLeafNodes / 2) return;
  for (std::uint32_t j = 0; j < from.size; ++j) copy(group, from, j, leaf, leaf.size++);
  widen(group, box, next);
  drop_leaf(branch, at + 1);
}

void FreeIndex::drop_leaf(Branch& branch, std::size_t at) {
  spare_leaves_.push_back(branch.leaves[at].leaf);
  branch.leaves.erase(branch.leaves.begin() + static_cast<std::ptrdiff_t>(at));
}

void FreeIndex::split_leaf(const Group& group, Branch& branch, std::size_t at) {
  const std::uint32_t upper = new_leaf();  // may move leaves_
  Box box = branch.leaves[at];
  const Leaf full = leaves_[box.leaf];
  std::array<std::uint32_t, kLeafNodes> order;
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return full.keys[a] < full.keys[b]; });
  const std::size_t cut = cut_of(kLeafNodes, [&](std::size_t n) { return full.keys[order[n]]; });
  Box upper_box = box;
  upper_box.leaf = upper;
  upper_box.first_key = full.keys[order[cut]];
  leaves_[box.leaf].size = 0;
  for (std::size_t n = 0; n < kLeafNodes; ++n) {
    Leaf& leaf = leaves_[n < cut ? box.leaf : upper];
    copy(group, full, order[n], leaf, leaf.size++);
  }
  fit_leaf(group, box);
  fit_leaf(group, upper_box);
  branch.leaves[at] = box;
  branch.leaves.insert(branch.leaves.begin() + static_cast<std::ptrdiff_t>(at) + 1, upper_box);
}

void FreeIndex::split_branch(Group& group, std::size_t at) {
  Branch& full = group.branches[at];
  Branch upper;
  const std::size_t cut =
      cut_of(full.leaves.size(), [&](std::size_t n) { return full.leaves[n].first_key; });
  const auto half = full.leaves.begin() + static_cast<std::ptrdiff_t>(cut);
  upper.leaves.assign(half, full.leaves.end());
  full.leaves.erase(half, full.leaves.end());
  fit_branch(group, full);
  fit_branch(group, upper);
  group.branches.insert(group.branches.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                        std::move(upper));
}

// Until a node has some they are 0 everywhere, and not kept.
void FreeIndex::track_merits(Group& group) {
  for (std::size_t v = kMeritValues; v < kIndexValues; ++v) {
    group.values.push_back(static_cast<std::uint8_t>(v));
  }
  for (Branch& branch : group.branches) {
    for (Box& box : branch.leaves) {
      Leaf& leaf = leaves_[box.leaf];
      for (std::size_t v = kMeritValues; v < kIndexValues; ++v) leaf.values[v].fill(0);
    }
  }
}

void FreeIndex::insert(NodeId node, std::uint32_t number, std::uint32_t node_class,
                       const Resources& free, const Merits& merits) {
  assert(number < groups_.size() && !contains(node));
  if (places_.size() <= index(node)) places_.resize(index(node) + 1);
  Group& group = groups_[number];
  if (merits != Merits{} && !group.has_merits()) track_merits(group);
  IndexValues values{};
  set_free(group, free, values);
  values[kMeritValues] = merits.latency;
  values[kMeritValues + 1] = merits.throughput;
  values[kMeritValues + 2] = merits.availability;
  places_[index(node)] = {number, node_class, key_of(group, values, node)};
  put(node, places_[index(node)], values);
  ++group.size;
  ++size_;
}

void FreeIndex::set_order(IndexOrder order) {
  if (order == order_) return;
  std::vector<std::pair<NodeId, IndexValues>> all;
  all.reserve(size_);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto node = id_at<NodeId>(i);
    if (contains(node)) all.emplace_back(node, take(node, places_[i]));
  }
  order_ = order;
  for (const auto& [node, values] : all) {
    Place& place = places_[index(node)];
    place.key = key_of(groups_[place.group], values, node);
    put(node, place, values);
  }
}

void FreeIndex::erase(NodeId node) {
  assert(contains(node));
  Place& place = places_[index(node)];
  take(node, place);
  --groups_[place.group].size;
  --size_;
  place = {};
}

void FreeIndex::update(NodeId node, const Resources& free) {
  assert(contains(node));
  Place& place = places_[index(node)];
  const Group& group = groups_[place.group];
  IndexValues values = take(node, place);
  set_free(group, free, values);
  place.key = key_of(group, values, node);
  put(node, place, values);
}

}  // namespace phoenix
