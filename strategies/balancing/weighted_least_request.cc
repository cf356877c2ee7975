#include <algorithm>
#include <cmath>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/edf_schedule.h"

namespace phoenix {
namespace {

struct WeightedLeastRequestOptions {
  double bias = 1.0;

  void visit(SettingVisitor& v) {
    v.number("bias", bias, 0, 10,
             "how much requests under way lower a node's weight; 0 is weighted round robin");
  }
};

// Source: Envoy's weighted least request. Takes turns with weight / (in_flight + 1)^bias, which is
// read again only when a node has had its turn: it reacts late and never passes a node over for
// good. p2c and least_connections, which compare the same numbers at every pick, do better.
class WeightedLeastRequest : public Balancer {
 public:
  explicit WeightedLeastRequest(WeightedLeastRequestOptions options) : bias_(options.bias) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    if (is_outdated_) rebuild(pool, random);
    const NodeId node = schedule_.first();
    schedule_.serve_first(stride(node, pool));
    return node;
  }

  void observe(const PoolEvent&, const NodePool&) override { is_outdated_ = true; }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kWeight);
  }

 private:
  std::int64_t stride(NodeId node, const NodePool& pool) const {
    const double divisor = std::pow(static_cast<double>(pool.in_flight(node)) + 1, bias_);
    return EdfSchedule::stride_of(pool.weight(node) / divisor);
  }

  void rebuild(const NodePool& pool, Random& random) {
    schedule_.begin();
    for (const NodeId node : pool.eligible()) {
      schedule_.add(node, stride(node, pool), random.uniform_positive());
    }
    schedule_.commit();
    is_outdated_ = false;
  }

  double bias_;
  EdfSchedule schedule_;
  bool is_outdated_ = true;
};

}  // namespace

BalancerEntry weighted_least_request() {
  return strategy_entry<Balancer, WeightedLeastRequest, WeightedLeastRequestOptions>(
      "weighted_least_request", "turns in proportion to weight / (requests under way + 1)^bias");
}

}  // namespace phoenix
