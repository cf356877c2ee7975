#include <algorithm>
#include <cmath>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/bounded_load.h"
#include "strategies/balancing/hash_ring.h"
#include "strategies/balancing/request_hash.h"

namespace phoenix {
namespace {

constexpr int kJumps = 32;

struct BoundedHashOptions {
  double slack = 0.25;
  int floor = 4;
  int points = 160;

  void visit(SettingVisitor& v) {
    v.number("slack", slack, 0.01, 100, "how far above the mean load a node may be: 0.25 is 25 %");
    v.integer("floor", floor, 1, 1'000'000,
              "requests under way a node may always have; keeps keys together at low load");
    v.integer("points", points, 1, 10'000, "points on the ring per unit of weight");
  }
};

// Where the owner of the key is at its bound, the key's next hash decides, and so on: the load that
// spills is spread over all nodes and not poured on the one that follows on the ring. When that
// many jumps found none with room, the ring is walked; somebody always has room. Loads are this
// gateway's own.
class BoundedHash : public Balancer {
 public:
  explicit BoundedHash(BoundedHashOptions options) : options_(options), ring_(options.points) {}

  NodeId pick(const RequestInfo& request, const NodePool& pool, Time, Random& random) override {
    if (is_outdated_) catch_up(pool);
    const double load_per_weight = static_cast<double>(load_ + 1) / weights_;
    std::uint64_t hash = request_hash(request, random);
    std::size_t place = ring_.place_of(hash);
    for (int i = 0; i < kJumps; ++i) {
      if (has_room(ring_.at(place), pool, load_per_weight)) return ring_.at(place);
      hash = mix64(hash);
      place = ring_.place_of(hash);
    }
    for (std::size_t i = 0; i < ring_.size(); ++i) {
      if (has_room(ring_.at(place), pool, load_per_weight)) return ring_.at(place);
      if (++place == ring_.size()) place = 0;
    }
    return ring_.at(place);
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    const NodeId node = event.node;
    const bool is_member = pool.is_eligible(node);
    if (event.kind == PoolEvent::Kind::kSent) {
      load_ += is_member ? 1 : 0;
    } else if (event.kind == PoolEvent::Kind::kDone) {
      load_ -= is_member ? 1 : 0;
    } else {
      ring_.set(node, pool.identity(node), is_member ? pool.weight(node) : 0.0);
      is_outdated_ = true;
    }
  }

  PoolEventMask interests() const override {
    return kMembershipEvents | mask_of(PoolEvent::Kind::kSent) | mask_of(PoolEvent::Kind::kDone);
  }

 private:
  bool has_room(NodeId node, const NodePool& pool, double load_per_weight) const {
    const double bound = bounded_load(options_.slack, load_per_weight * pool.weight(node));
    return pool.in_flight(node) < std::max<double>(options_.floor, bound);
  }

  void catch_up(const NodePool& pool) {
    ring_.refresh();
    is_outdated_ = false;
    load_ = 0;
    weights_ = 0;
    for (const NodeId node : pool.eligible()) {
      load_ += pool.in_flight(node);
      weights_ += pool.weight(node);
    }
  }

  BoundedHashOptions options_;
  HashRing ring_;
  std::uint64_t load_ = 0;  // of the eligible nodes
  double weights_ = 0;
  bool is_outdated_ = true;
};

}  // namespace

BalancerEntry bounded_hash() {
  return strategy_entry<Balancer, BoundedHash, BoundedHashOptions>(
      "bounded_hash",
      "the node that owns the request's key, unless it has more than its bounded share of "
      "requests");
}

}  // namespace phoenix
