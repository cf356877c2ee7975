// A pool of equal records addressed by 32-bit index, with a free list. A freed record's place is
// used again, so memory follows what is alive at once, never what has ever been. References die
// with the next acquire().
#pragma once

#include <cassert>
#include <cstdint>
#include <vector>

namespace phoenix {

inline constexpr std::uint32_t kNoIndex = 0xffffffffU;

template <class T>
class Slab {
 public:
  std::uint32_t acquire() {
    ++live_;
    if (!free_.empty()) {
      const std::uint32_t i = free_.back();
      free_.pop_back();
      items_[i] = T{};
      return i;
    }
    items_.emplace_back();
    return static_cast<std::uint32_t>(items_.size() - 1);
  }

  void release(std::uint32_t i) {
    assert(live_ > 0);
    --live_;
    free_.push_back(i);
  }

  T& operator[](std::uint32_t i) { return items_[i]; }
  const T& operator[](std::uint32_t i) const { return items_[i]; }
  // Visits what is alive in rising index. O(capacity): not for hot paths.
  template <class Visit>
  void for_each_live(Visit visit) const {
    std::vector<bool> is_free(items_.size(), false);
    for (const std::uint32_t i : free_) is_free[i] = true;
    for (std::uint32_t i = 0; i < items_.size(); ++i) {
      if (!is_free[i]) visit(i);
    }
  }

  std::size_t live() const { return live_; }
  std::size_t capacity() const { return items_.size(); }

 private:
  std::vector<T> items_;
  std::vector<std::uint32_t> free_;
  std::size_t live_ = 0;
};

}  // namespace phoenix
