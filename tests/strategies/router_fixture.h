// What the Router's tests share: small balancers whose picks can be foretold, and short ways to
// build a Router and tell it what happened.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "strategies/router.h"

namespace phoenix::testing {

inline Time at(Duration since_start) { return kStart + since_start; }

inline NodeId node(std::size_t i) { return id_at<NodeId>(i); }

// The lowest cost, ties by index.
class LeastCost : public Balancer {
 public:
  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random&) override {
    const auto nodes = pool.eligible();
    return *std::min_element(nodes.begin(), nodes.end(),
                             [&](NodeId a, NodeId b) { return pool.cost(a) < pool.cost(b); });
  }
};

// Always the first eligible node: what a balancer that herds would do.
class FirstNode : public Balancer {
 public:
  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random&) override {
    return pool.eligible().front();
  }
};

// Uniform, blind to weights.
class Uniform : public Balancer {
 public:
  NodeId pick(const RequestInfo&, const NodePool& pool, Time, Random& random) override {
    return pool.eligible()[random.below(pool.eligible().size())];
  }
  bool follows_weights() const override { return false; }
};

// First node; writes down what it is told.
class Listener : public FirstNode {
 public:
  Listener(PoolEventMask interests, std::vector<PoolEvent>& heard)
      : interests_(interests), heard_(heard) {}
  void observe(const PoolEvent& event, const NodePool&) override { heard_.push_back(event); }
  PoolEventMask interests() const override { return interests_; }

 private:
  PoolEventMask interests_;
  std::vector<PoolEvent>& heard_;
};

template <class B, class... Args>
Router make_router(const RouterSettings& settings, std::vector<RouterClass> classes,
                   Args&&... args) {
  std::vector<std::unique_ptr<Balancer>> balancers;
  balancers.push_back(std::make_unique<B>(std::forward<Args>(args)...));
  return Router(settings, std::move(balancers), std::move(classes), Random(7));
}

inline void join(Router& router, std::size_t nodes, Time now = kStart, bool warm = true) {
  for (std::size_t i = 0; i < nodes; ++i) {
    router.on_membership({MembershipChange::Kind::kJoin, node(i), ServiceId{0}, 1.0, warm}, now);
  }
}

inline void tell(Router& router, MembershipChange::Kind kind, NodeId of, Time now) {
  router.on_membership({kind, of, ServiceId{0}, 1.0, false}, now);
}

inline RequestInfo request(RequestToken token, Time deadline = kNever) {
  RequestInfo info;
  info.token = token;
  info.deadline = deadline;
  return info;
}

// Wakes the router whenever it asks for it, up to and including `until`.
inline std::vector<RouterAction> run_until(Router& router, Time until) {
  std::vector<RouterAction> all;
  while (router.next_wake() <= until) {
    const auto actions = router.on_wake(router.next_wake());
    all.insert(all.end(), actions.begin(), actions.end());
  }
  return all;
}

inline std::size_t in_flight(const Router& router) {
  std::size_t sum = 0;
  const NodePool& pool = router.pool(ServiceId{0});
  for (std::size_t i = 0; i < pool.capacity(); ++i) sum += pool.in_flight(node(i));
  return sum;
}

inline std::uint64_t answers(const Router& router, FailureReason reason) {
  return router.counters().answers[static_cast<std::size_t>(reason)];
}

}  // namespace phoenix::testing
