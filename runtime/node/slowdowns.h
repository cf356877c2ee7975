// How fast a node serves relative to its normal speed: the product of the slow-downs that a lab has
// put on it, each under its own number. Set on the loop's thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>

namespace phoenix::node {

class Slowdowns {
 public:
  // Replaces an earlier factor of the same effect. 0 is a stall. REQUIRES: factor >= 0.
  void set(std::uint64_t effect, double factor) {
    effects_[effect] = factor;
    update();
  }
  void end(std::uint64_t effect) {
    effects_.erase(effect);
    update();
  }
  double factor() const { return factor_.load(std::memory_order_relaxed); }

 private:
  void update() {
    double product = 1;
    for (const auto& [effect, factor] : effects_) product *= factor;
    factor_.store(product, std::memory_order_relaxed);
  }

  std::map<std::uint64_t, double> effects_;
  std::atomic<double> factor_{1};
};

}  // namespace phoenix::node
