// The last season of a series: what was seen one period before a time to come. For forecasters that
// repeat or smooth a season. One thread at a time.
#pragma once

#include <cassert>
#include <cstddef>
#include <vector>

namespace phoenix {

class SeasonRing {
 public:
  explicit SeasonRing(int period) : slots_(static_cast<std::size_t>(period)) { assert(period > 0); }

  int period() const { return static_cast<int>(slots_.size()); }

  // The slot of the time `steps` after the one written last; 1 is the next to be written.
  double& at(int steps) { return slots_[place(steps)]; }
  double at(int steps) const { return slots_[place(steps)]; }

  // Goes to the next time.
  void advance() { next_ = next_ + 1 == slots_.size() ? 0 : next_ + 1; }

  void push(double value) {
    slots_[next_] = value;
    advance();
  }

 private:
  std::size_t place(int steps) const {
    assert(steps >= 1);
    return (next_ + static_cast<std::size_t>(steps - 1)) % slots_.size();
  }

  std::vector<double> slots_;
  std::size_t next_ = 0;
};

}  // namespace phoenix
