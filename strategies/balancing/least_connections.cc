#include "strategies/balancing/balancer.h"
#include "strategies/balancing/least_index.h"

namespace phoenix {
namespace {

// The true minimum of (in_flight + 1) / weight over all nodes; ties at random.
class LeastConnections : public Balancer {
 public:
  explicit LeastConnections(NoOptions) {}

  NodeId pick(const RequestInfo&, const NodePool&, Time, Random& random) override {
    return id_at<NodeId>(index_.pick(random));
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    index_.grow(pool.capacity());
    if (pool.is_eligible(event.node)) {
      index_.set(index(event.node), pool.cost(event.node));
    } else {
      index_.erase(index(event.node));
    }
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kSent) |
           mask_of(Kind::kDone) | mask_of(Kind::kWeight);
  }

 private:
  LeastIndex index_;
};

}  // namespace

BalancerEntry least_connections() {
  return strategy_entry<Balancer, LeastConnections, NoOptions>(
      "least_connections", "of all nodes the one with fewest requests under way for its weight");
}

}  // namespace phoenix
