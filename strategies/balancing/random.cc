#include "strategies/balancing/balancer.h"

namespace phoenix {
namespace {

class RandomChoice : public Balancer {
 public:
  explicit RandomChoice(NoOptions) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    return pool.eligible()[random.below(pool.eligible().size())];
  }

  bool follows_weights() const override { return false; }
};

}  // namespace

BalancerEntry random_choice() {
  return strategy_entry<Balancer, RandomChoice, NoOptions>(
      "random", "any node with equal chance; the baseline");
}

}  // namespace phoenix
