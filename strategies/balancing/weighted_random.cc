#include <algorithm>
#include <vector>

#include "strategies/balancing/balancer.h"

namespace phoenix {
namespace {

// A node with a chance in proportion to its weight: a point in the sum of all weights, found by
// halves. The sums are made anew before the next pick after weights or members changed.
class WeightedRandom : public Balancer {
 public:
  explicit WeightedRandom(NoOptions) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    if (is_outdated_) add_up(pool);
    const double point = random.uniform() * sums_.back();
    const auto place = std::upper_bound(sums_.begin(), sums_.end(), point);
    // Rounding may put the point at the very end: the last node then.
    const auto last = static_cast<std::ptrdiff_t>(sums_.size()) - 1;
    return pool.eligible()[static_cast<std::size_t>(std::min(place - sums_.begin(), last))];
  }

  void observe(const PoolEvent&, const NodePool&) override { is_outdated_ = true; }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kWeight);
  }

 private:
  void add_up(const NodePool& pool) {
    sums_.clear();
    double sum = 0;
    for (const NodeId node : pool.eligible()) sums_.push_back(sum += pool.weight(node));
    is_outdated_ = false;
  }

  std::vector<double> sums_;  // of the weights up to each eligible node
  bool is_outdated_ = true;
};

}  // namespace

BalancerEntry weighted_random() {
  return strategy_entry<Balancer, WeightedRandom, NoOptions>(
      "weighted_random", "any node with a chance in proportion to its weight");
}

}  // namespace phoenix
