// Finds the node with the least key among all, at random where several share it. The index behind
// every strategy that compares all nodes, so that "all" costs O(log n) and not O(n).
//
// A tournament tree with wide nodes: each inner entry holds the least key of a block and how many
// leaves have it. A change stops climbing as soon as a block's summary stays what it was, and a
// block is read again only when its last least leaf went up. Allocates only when it grows.
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "strategies/core/random.h"

namespace phoenix {

class LeastIndex {
 public:
  LeastIndex() { grow(1); }

  // Makes room for places below `n`; new places are empty. Amortised O(1) per place.
  void grow(std::size_t n);

  // O(log n). REQUIRES: place < n of grow(), key is finite.
  void set(std::size_t place, float key) { change(place, key); }
  void erase(std::size_t place) { change(place, kEmpty); }

  bool empty() const { return least() == kEmpty; }
  float least() const { return levels_.back().front().key; }

  // Uniform over the places with the least key, O(log n); draws once, and only if there are
  // several. REQUIRES: !empty().
  std::size_t pick(Random& random) const;

 private:
  static constexpr std::size_t kFanOut = 16;
  static constexpr float kEmpty = std::numeric_limits<float>::infinity();

  struct Summary {
    float key = kEmpty;
    std::uint32_t ties = 0;
  };

  void change(std::size_t place, float key);
  Summary summarise(std::size_t level, std::size_t block) const;

  std::vector<float> leaves_;                 // a whole number of blocks
  std::vector<std::vector<Summary>> levels_;  // [0] summarises blocks of leaves, back() is the root
};

}  // namespace phoenix
