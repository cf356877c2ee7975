#include <array>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/sampling.h"

namespace phoenix {
namespace {

constexpr int kMaxChoices = 16;

struct P2cOptions {
  int choices = 2;

  void visit(SettingVisitor& v) {
    v.integer("choices", choices, 2, kMaxChoices, "how many different nodes are compared");
  }
};

class P2c : public Balancer {
 public:
  explicit P2c(P2cOptions options) : choices_(options.choices) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    if (choices_ == 2) {
      const auto [first, second] = sample_two(pool.eligible(), random);
      return pool.cost(second) < pool.cost(first) ? second : first;
    }
    std::array<NodeId, kMaxChoices> room{};
    return least_of(sample_distinct(pool.eligible(), choices_, room, random),
                    [&](NodeId node) { return pool.cost(node); });
  }

 private:
  int choices_;
};

}  // namespace

BalancerEntry p2c() {
  return strategy_entry<Balancer, P2c, P2cOptions>(
      "p2c", "of two random nodes the one with fewer requests under way for its weight");
}

}  // namespace phoenix
