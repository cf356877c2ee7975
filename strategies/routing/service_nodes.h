// One service as one gateway sees it: which nodes serve it, which of them may get requests now and
// with what weight, and the balancer that picks among them. Keeps the NodePool true and tells the
// balancer what changes. Does not know requests under way, retries or limits of the gateway.
//
// A member is healthy unless it drains, is down, is ejected or has stopped reporting. Healthy
// members are eligible; in panic, all members that do not drain.
//
// One thread at a time. sent(), finished() and pick() are O(1) plus the balancer's; changes of
// membership and health, tick() and sweep() are O(nodes). Allocates when node ids grow.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/router.h"
#include "strategies/routing/journal.h"
#include "strategies/routing/outlier_filter.h"

namespace phoenix {

class ServiceNodes {
 public:
  // `journal` outlives this object.
  ServiceNodes(const RouterSettings& settings, ServiceId service,
               std::unique_ptr<Balancer> balancer, Journal& journal);

  void change(const MembershipChange& change, Time now);
  void report(NodeId node, const LoadReport& report, Time now);
  void set_balancer(std::unique_ptr<Balancer> balancer, Time now);
  void set_surroundings(const Surroundings& surroundings) { pool_.set_surroundings(surroundings); }

  // A node for one attempt, `avoid` (the node of the attempt before) only where it is the last one
  // left. kNoNode with kNoHealthyNodes or kNodeLimit in `refusal`.
  NodeId pick(const RequestInfo& request, NodeId avoid, Time now, Random& random,
              FailureReason& refusal);

  // An attempt goes out; returns how many were under way at the node before it.
  std::uint32_t sent(NodeId node, const RequestInfo& request, Time now);

  struct Finished {
    NodeId node;
    Duration latency;
    bool ok;
    bool counts_for_health;  // refusals say nothing of a node's health
    ClassId request_class;
    std::uint32_t in_flight_when_sent;
    double size;
    bool refused = false;  // the node did not begin
    bool has_key = false;
    std::uint64_t key = 0;
  };
  void finished(const Finished& attempt, Time now);

  // About once a second: ramps and reports grow older.
  void tick(Time now);
  // Every ejection interval: judges success rates.
  void sweep(Time now);
  // Lets the nodes in again whose ejection is over.
  void readmit(Time now);
  Time next_return() const { return outliers_.next_return(); }

  const NodePool& pool() const { return pool_; }
  bool in_panic() const { return panic_; }
  // Whether second copies may be sent, as of the last tick.
  bool may_hedge() const { return may_hedge_; }
  // Whether anything here looks at load reports.
  bool uses_reports() const {
    return wants(PoolEvent::Kind::kReport) || settings_.report_timeout > Duration{0} ||
           hedges_by_load();
  }

 private:
  struct Node {
    double weight = 1.0;  // configured
    double share = 1.0;   // of the weight, by slow start
    bool member = false;
    bool drains = false;
    bool down = false;
    bool stale = false;
    bool warms = false;
    bool healthy = false;  // as last settled
    Time warms_since = kStart;
    Time reported = kStart;  // measuring time of the newest report; joining time before the first
  };

  bool wants(PoolEvent::Kind kind) const { return (interests_ & mask_of(kind)) != 0; }
  void tell(PoolEvent::Kind kind, NodeId node, Time now);
  NodeId ask_balancer(const RequestInfo& request, Time now, Random& random);
  void take_probes();
  bool knows(NodeId node) const { return index(node) < nodes_.size(); }
  Node& grow_to(NodeId node);

  void join(const MembershipChange& change, Time now);
  void leave(NodeId node, Time now);
  void up(NodeId node, Time now);
  void set_weight(NodeId node, double weight, Time now);

  void start_warming(NodeId node, Time now);
  void ramp(NodeId node, Time now);
  void apply_weight(NodeId node, Time now);
  void check_report_age(NodeId node, Time now);
  bool hedges_by_load() const {
    return settings_.hedge_quantile > 0 && settings_.hedge_max_utilization < 1;
  }
  double mean_cpu() const;
  void eject(NodeId node, double value, const char* why, Time now);

  void settle(NodeId node, Time now);
  void settle_panic(Time now);
  void show(NodeId node, Time now);

  NodeId pick_warm(const RequestInfo& request, Time now, Random& random);
  NodeId other_than(NodeId avoid, Random& random) const;
  bool is_full(NodeId node) const {
    return node_limit_ > 0 && pool_.in_flight(node) >= node_limit_;
  }

  RouterSettings settings_;
  ServiceId service_;
  std::uint32_t node_limit_;
  std::unique_ptr<Balancer> balancer_;
  PoolEventMask interests_ = 0;
  bool thins_ = false;  // the balancer does not follow weights
  Journal* journal_;

  NodePool pool_;
  OutlierFilter outliers_;
  std::vector<Node> nodes_;  // by id; drains and down are kept for nodes that are no members too
  std::size_t members_ = 0;
  std::size_t healthy_ = 0;
  std::size_t warming_ = 0;           // members
  std::size_t warming_eligible_ = 0;  // of them, as of the last change
  bool panic_ = false;
  bool may_hedge_ = true;
};

}  // namespace phoenix
