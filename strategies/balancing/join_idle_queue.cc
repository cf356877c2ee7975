#include <algorithm>
#include <cstdint>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/balancing/sampling.h"

namespace phoenix {
namespace {

struct JoinIdleQueueOptions {
  int below = 1;

  void visit(SettingVisitor& v) {
    v.integer("below", below, 1, 10'000,
              "a node with fewer requests than this counts as idle; best its number of cores");
  }
};

// Source: Lu et al., Join-Idle-Queue, 2011. A node is told to be idle by its report: the requests
// there, or this gateway's own under way where those are more. Idle nodes queue up, each once, and
// the first of them gets the next request; while none is idle the better of two random ones does.
//
// Entries of nodes that became busy or left stay in the queue and are passed over when their turn
// comes, so nothing here searches it. A node that has never reported goes by the requests of this
// gateway alone.
class JoinIdleQueue : public Balancer {
 public:
  explicit JoinIdleQueue(JoinIdleQueueOptions options)
      : below_(static_cast<std::uint32_t>(options.below)) {}

  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    while (count_ > 0) {
      const NodeId node = queue_[first_];
      Node& entry = nodes_[index(node)];
      entry.is_queued = false;
      first_ = first_ + 1 == queue_.size() ? 0 : first_ + 1;
      --count_;
      if (entry.is_idle && pool.is_eligible(node)) return node;
    }
    const auto [one, other] = sample_two(pool.eligible(), random);
    return pool.cost(other) < pool.cost(one) ? other : one;
  }

  void observe(const PoolEvent& event, const NodePool& pool) override {
    using Kind = PoolEvent::Kind;
    if (nodes_.size() < pool.capacity()) grow(pool.capacity());
    Node& node = nodes_[index(event.node)];
    if (event.kind == Kind::kReport) {
      const LoadReport& report = *pool.report(event.node);
      node.reported = report.queue_length + report.in_service;
      node.heard = event.now;
    } else if (event.kind == Kind::kSent) {
      ++node.reported;
    } else if (event.kind == Kind::kDone && node.reported > 0 && node.heard != event.now) {
      --node.reported;  // a report that came with the answer does not count it any more
    }
    const std::uint32_t there = std::max(node.reported, pool.in_flight(event.node));
    node.is_idle = pool.is_eligible(event.node) && there < below_;
    if (!node.is_idle || node.is_queued) return;
    node.is_queued = true;
    std::size_t place = first_ + count_++;
    if (place >= queue_.size()) place -= queue_.size();
    queue_[place] = event.node;
  }

  PoolEventMask interests() const override {
    using Kind = PoolEvent::Kind;
    return mask_of(Kind::kEntered) | mask_of(Kind::kLeft) | mask_of(Kind::kSent) |
           mask_of(Kind::kDone) | mask_of(Kind::kReport);
  }

  bool follows_weights() const override { return false; }

 private:
  struct Node {
    std::uint32_t reported = 0;  // requests there: the newest report, and what changed since
    Time heard = kStart;
    bool is_idle = false;
    bool is_queued = false;
  };

  void grow(std::size_t n) {
    nodes_.resize(n);
    std::vector<NodeId> longer(n);
    for (std::size_t i = 0; i < count_; ++i) longer[i] = queue_[(first_ + i) % queue_.size()];
    queue_.swap(longer);
    first_ = 0;
  }

  std::uint32_t below_;
  std::vector<Node> nodes_;
  std::vector<NodeId> queue_;  // a ring with a place for every node
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

BalancerEntry join_idle_queue() {
  return strategy_entry<Balancer, JoinIdleQueue, JoinIdleQueueOptions>(
      "join_idle_queue", "the node that reported idle first; without one, the better of two");
}

}  // namespace phoenix
