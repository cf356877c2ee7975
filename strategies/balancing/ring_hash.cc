#include "strategies/balancing/balancer.h"
#include "strategies/balancing/hash_ring.h"
#include "strategies/balancing/request_hash.h"

namespace phoenix {
namespace {

struct RingHashOptions {
  int points = 160;

  void visit(SettingVisitor& v) {
    v.integer("points", points, 1, 10'000, "points on the ring per unit of weight");
  }
};

class RingHash : public Balancer {
 public:
  explicit RingHash(RingHashOptions options) : ring_(options.points) {}

  NodeId pick(const RequestInfo& request, const NodePool&, Time, Random& random) override {
    ring_.refresh();
    return ring_.owner(request_hash(request, random));
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    const NodeId node = event.node;
    ring_.set(node, pool.identity(node), pool.is_eligible(node) ? pool.weight(node) : 0.0);
  }

  PoolEventMask interests() const override { return kMembershipEvents; }

 private:
  HashRing ring_;
};

}  // namespace

BalancerEntry ring_hash() {
  return strategy_entry<Balancer, RingHash, RingHashOptions>(
      "ring_hash", "the node that owns the request's key on a consistent-hash ring");
}

}  // namespace phoenix
