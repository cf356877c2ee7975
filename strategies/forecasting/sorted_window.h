// The last values of a series, kept sorted: for medians and quantiles over a sliding window.
// O(log n) comparisons and one short move of memory per value, no allocation after construction.
// One thread at a time.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>
#include <vector>

namespace phoenix {

class SortedWindow {
 public:
  explicit SortedWindow(std::size_t capacity) : ring_(capacity) {
    assert(capacity > 0);
    sorted_.reserve(capacity);
  }

  // REQUIRES: not NaN.
  void push(double value) {
    if (sorted_.size() < ring_.size()) {
      sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
    } else {
      replace(ring_[next_], value);
    }
    ring_[next_] = value;
    next_ = next_ + 1 == ring_.size() ? 0 : next_ + 1;
  }

  std::span<const double> sorted() const { return sorted_; }
  std::size_t size() const { return sorted_.size(); }

 private:
  // Only what lies between the two moves.
  void replace(double old, double value) {
    const auto from = std::lower_bound(sorted_.begin(), sorted_.end(), old);
    const auto to = std::lower_bound(sorted_.begin(), sorted_.end(), value);
    if (to > from) {
      std::copy(from + 1, to, from);
      *(to - 1) = value;
    } else {
      std::copy_backward(to, from, from + 1);
      *to = value;
    }
  }

  std::vector<double> sorted_;
  std::vector<double> ring_;
  std::size_t next_ = 0;
};

}  // namespace phoenix
