#include <algorithm>
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
  explicit P2c(P2cOptions options) : choices_(static_cast<std::size_t>(options.choices)) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    if (choices_ > 2) return best_of_many(pool, random);
    const auto [first, second] = sample_two(pool.eligible(), random);
    return pool.cost(second) < pool.cost(first) ? second : first;
  }

 private:
  NodeId best_of_many(const NodePool& pool, Random& random) const {
    const auto nodes = pool.eligible();
    const std::size_t wanted = std::min(choices_, nodes.size());
    std::array<NodeId, kMaxChoices> sampled;
    NodeId best = kNoNode;
    for (std::size_t count = 0; count < wanted;) {
      const NodeId node = nodes[random.below(nodes.size())];
      const auto end = sampled.begin() + static_cast<std::ptrdiff_t>(count);
      if (std::find(sampled.begin(), end, node) != end) continue;
      sampled[count++] = node;
      if (best == kNoNode || pool.cost(node) < pool.cost(best)) best = node;
    }
    return best;
  }

  std::size_t choices_;
};

}  // namespace

BalancerEntry p2c() {
  return strategy_entry<Balancer, P2c, P2cOptions>(
      "p2c", "of two random nodes the one with fewer requests under way for its weight");
}

}  // namespace phoenix
