// Balancers decide which node gets a request. Everyone who adds one starts here: write one .cc with
// the class in an anonymous namespace, declare its entry below, add its line to
// strategies/registry.cc.
//
// A balancer sees eligible nodes only (see NodePool) and never calls its environment: randomness
// and time come in as arguments. One thread at a time; it keeps no reference to the pool. Nothing
// throws, and nothing allocates in pick() or per-request observe() once the arrays have grown.
#pragma once

#include <span>

#include "strategies/balancing/node_pool.h"
#include "strategies/core/random.h"
#include "strategies/core/settings.h"

namespace phoenix {

// Beside the events in Balancer::interests(): probes() is asked after every pick and tick.
inline constexpr PoolEventMask kAsksProbes = 1U << 31;

class Balancer {
 public:
  virtual ~Balancer() = default;

  // An eligible node. REQUIRES: !pool.eligible().empty(); `now` never goes back.
  virtual NodeId pick(const RequestInfo& request, const NodePool& pool, Time now,
                      Random& random) = 0;

  // Learns from one event the balancer asked for in interests(). Index structures are kept current
  // here.
  virtual void observe(const PoolEvent& event, const NodePool& pool) {
    static_cast<void>(event);
    static_cast<void>(pool);
  }

  // Which events observe() gets; asked once, when the balancer is installed.
  virtual PoolEventMask interests() const { return 0; }

  // Nodes to ask for a load report now, as of the last pick or tick; the answer, if one comes, is a
  // kReport. Asking is a wish: the world may drop it, and answers get lost.
  virtual std::span<const NodeId> probes() const { return {}; }

  // Whether picks follow NodePool::weight(). Where not, the Router thins picks of warming nodes
  // itself.
  virtual bool follows_weights() const { return true; }
};

using BalancerEntry = StrategyEntry<Balancer>;
using MadeBalancer = BalancerEntry::Made;

BalancerEntry round_robin();
BalancerEntry weighted_round_robin();
BalancerEntry least_connections();
BalancerEntry response_time();
BalancerEntry resource_aware();
BalancerEntry predictive();
BalancerEntry random_choice();
BalancerEntry p2c();
BalancerEntry peak_ewma();
BalancerEntry weighted_random();
BalancerEntry weighted_least_request();
BalancerEntry utilization_weighted();
BalancerEntry prequal();
BalancerEntry c3();
BalancerEntry join_idle_queue();
BalancerEntry ring_hash();
BalancerEntry maglev();
BalancerEntry bounded_hash();
BalancerEntry zone_aware();

}  // namespace phoenix
