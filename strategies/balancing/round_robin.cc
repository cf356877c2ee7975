#include <algorithm>

#include "strategies/balancing/balancer.h"

namespace phoenix {
namespace {

// Goes round by node id, not by position, so that nodes that come and go neither make others skip
// a turn nor have two.
class RoundRobin : public Balancer {
 public:
  explicit RoundRobin(NoOptions) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random&) override {
    const auto nodes = pool.eligible();
    if (position_ < nodes.size() && nodes[position_] == last_) {
      ++position_;
    } else {
      const auto next = std::upper_bound(nodes.begin(), nodes.end(), last_);
      position_ = last_ == kNoNode ? 0 : static_cast<std::size_t>(next - nodes.begin());
    }
    if (position_ >= nodes.size()) position_ = 0;
    last_ = nodes[position_];
    return last_;
  }

  bool follows_weights() const override { return false; }

 private:
  NodeId last_ = kNoNode;
  std::size_t position_ = 0;  // of last_ at the previous pick
};

}  // namespace

BalancerEntry round_robin() {
  return strategy_entry<Balancer, RoundRobin, NoOptions>("round_robin",
                                                         "one node after the other, by id");
}

}  // namespace phoenix
