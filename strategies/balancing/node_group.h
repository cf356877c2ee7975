// A part of a pool with a balancer of its own: what strategies that wrap others are made of. Told
// of everything that happens in the whole pool to its nodes, it keeps a NodePool of just these, so
// that the balancer inside sees no others and needs to know nothing of being inside.
//
// One thread. Costs what the events cost; memory is O(ids).
#pragma once

#include <memory>
#include <span>

#include "strategies/balancing/balancer.h"

namespace phoenix {

class NodeGroup {
 public:
  explicit NodeGroup(std::unique_ptr<Balancer> inner);

  // The node need not be known; one that is eligible enters by kEntered. A kTick concerns all.
  void take(const PoolEvent& event, const NodePool& whole);

  bool empty() const { return pool_.eligible().empty(); }
  // Sum of the weights of the eligible nodes.
  double weight() const;

  // REQUIRES: !empty().
  NodeId pick(const RequestInfo& request, Time now, Random& random) {
    return inner_->pick(request, pool_, now, random);
  }
  // As of the last pick or tick.
  std::span<const NodeId> probes() const {
    return asks_probes() ? inner_->probes() : std::span<const NodeId>{};
  }
  bool asks_probes() const { return (interests_ & kAsksProbes) != 0; }

 private:
  void enter(NodeId node, const NodePool& whole);

  std::unique_ptr<Balancer> inner_;
  PoolEventMask interests_;
  NodePool pool_;
};

}  // namespace phoenix
