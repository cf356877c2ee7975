#include "strategies/balancing/least_index.h"

#include <algorithm>
#include <cassert>

namespace phoenix {
namespace {

std::size_t blocks_of(std::size_t places, std::size_t fan_out) {
  return (places + fan_out - 1) / fan_out;
}

}  // namespace

void LeastIndex::grow(std::size_t n) {
  if (n <= leaves_.size()) return;
  const std::size_t blocks = blocks_of(std::max(n, 2 * leaves_.size()), kFanOut);
  leaves_.resize(blocks * kFanOut, kEmpty);
  levels_.clear();
  for (std::size_t entries = blocks;; entries = blocks_of(entries, kFanOut)) {
    const std::size_t level = levels_.size();
    // Padded to whole blocks with entries that never win.
    levels_.emplace_back(entries == 1 ? 1 : blocks_of(entries, kFanOut) * kFanOut);
    for (std::size_t i = 0; i < entries; ++i) levels_[level][i] = summarise(level, i);
    if (entries == 1) break;
  }
}

LeastIndex::Summary LeastIndex::summarise(std::size_t level, std::size_t block) const {
  Summary summary;
  if (level == 0) {
    const float* leaf = &leaves_[block * kFanOut];
    for (std::size_t i = 0; i < kFanOut; ++i) summary.key = std::min(summary.key, leaf[i]);
    for (std::size_t i = 0; i < kFanOut; ++i) summary.ties += leaf[i] == summary.key;
    return summary;
  }
  const Summary* child = &levels_[level - 1][block * kFanOut];
  for (std::size_t i = 0; i < kFanOut; ++i) summary.key = std::min(summary.key, child[i].key);
  for (std::size_t i = 0; i < kFanOut; ++i) {
    summary.ties += child[i].key == summary.key ? child[i].ties : 0;
  }
  return summary;
}

void LeastIndex::change(std::size_t place, float key) {
  assert(place < leaves_.size() && key == key);
  Summary old_child{leaves_[place], 1};
  Summary new_child{key, 1};
  if (old_child.key == key) return;
  leaves_[place] = key;
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    place /= kFanOut;
    Summary& entry = levels_[level][place];
    const Summary old_entry = entry;
    if (new_child.key < entry.key) {
      entry = new_child;
    } else {
      if (old_child.key == entry.key) entry.ties -= old_child.ties;
      if (new_child.key == entry.key) entry.ties += new_child.ties;
      if (entry.ties == 0) entry = summarise(level, place);
    }
    if (entry.key == old_entry.key && entry.ties == old_entry.ties) return;
    old_child = old_entry;
    new_child = entry;
  }
}

std::size_t LeastIndex::pick(Random& random) const {
  const Summary root = levels_.back().front();
  assert(root.key < kEmpty && root.ties > 0);
  std::uint64_t skip = root.ties == 1 ? 0 : random.below(root.ties);
  // Both loops visit whole blocks without branches: a mispredicted branch costs more than a block.
  std::size_t place = 0;
  for (std::size_t level = levels_.size() - 1; level-- > 0;) {
    const Summary* child = &levels_[level][place * kFanOut];
    std::uint64_t passed = 0;
    std::uint64_t seen = 0;
    std::size_t position = 0;
    for (std::size_t i = 0; i < kFanOut; ++i) {
      seen += child[i].key == root.key ? child[i].ties : 0;
      position += seen <= skip;
      passed = seen <= skip ? seen : passed;
    }
    skip -= passed;
    place = place * kFanOut + position;
  }
  const float* leaf = &leaves_[place * kFanOut];
  std::uint64_t seen = 0;
  std::size_t position = 0;
  for (std::size_t i = 0; i < kFanOut; ++i) {
    seen += leaf[i] == root.key;
    position += seen <= skip;
  }
  return place * kFanOut + position;
}

}  // namespace phoenix
