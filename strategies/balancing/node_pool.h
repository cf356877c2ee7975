// The nodes one gateway may send one service's requests to, with what it knows of each. The Router
// keeps it current; balancers only read it. Health, ejection, panic and draining are already
// settled here: a balancer sees the eligible nodes and need not ask why the others are missing.
//
// One thread at a time. Arrays are indexed by NodeId. Reads are O(1); membership changes are
// O(nodes), everything that happens per request is O(1).
#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/load_report.h"
#include "strategies/core/request.h"
#include "strategies/core/time.h"

namespace phoenix {

// What a balancer may learn from. Sent in the order things happen; the pool already shows the new
// state.
struct PoolEvent {
  enum class Kind : std::uint8_t {
    kEntered,  // became eligible; also sent once for every node when the balancer is installed
    kLeft,     // is eligible no more
    kSent,     // an attempt went out: in_flight rose
    kDone,     // an attempt ended in whatever way: in_flight fell; `latency` and `ok` are set
    kReport,   // a load report came in
    kWeight,   // the effective weight changed
    kTick,     // about once a second; node is kNoNode
  };
  Kind kind;
  NodeId node = kNoNode;
  Time now = kStart;
  // kDone only. Latency of an attempt that timed out, broke or was stopped is the time it held, a
  // lower bound; a stopped one is `ok`.
  Duration latency{0};
  bool ok = false;
  ClassId request_class{0};
  std::uint32_t in_flight_when_sent = 0;  // before this attempt was added
  float size = 1.0F;
  bool refused = false;  // the node did not begin: it was full, or draining
  bool has_key = false;  // of the request, as in RequestInfo
  std::uint64_t key = 0;
};

using PoolEventMask = std::uint32_t;
constexpr PoolEventMask mask_of(PoolEvent::Kind kind) { return 1U << static_cast<unsigned>(kind); }

// Where a gateway is, and which share of all callers each zone has (empty: nobody said).
struct Surroundings {
  ZoneId home = kNoZone;
  std::vector<double> caller_shares;  // by ZoneId
};

class NodePool {
 public:
  // Nodes a pick may return, in rising id. Empty only when nothing can be sent.
  std::span<const NodeId> eligible() const { return eligible_; }
  bool is_eligible(NodeId node) const {
    return index(node) < status_.size() && status_[index(node)].eligible;
  }

  // Ids are below this; arrays a balancer keeps by node need this many places.
  std::size_t capacity() const { return load_.size(); }

  // Attempts of this gateway and service that the node has not answered yet.
  std::uint32_t in_flight(NodeId node) const { return at(node).in_flight; }

  // Configured weight times slow-start ramp; > 0.
  double weight(NodeId node) const { return 1.0 / static_cast<double>(at(node).inverse_weight); }

  // (in_flight + 1) / weight: what least-request strategies compare (algorithm: Envoy, Finagle).
  float cost(NodeId node) const {
    const Load& l = at(node);
    return static_cast<float>(l.in_flight + 1) * l.inverse_weight;
  }

  // Is null until the node has reported. Old reports stay visible with their age: `now -
  // measured_at`.
  const LoadReport* report(NodeId node) const {
    const NodeStatus& s = status_[index(node)];
    return s.has_report ? &s.report : nullptr;
  }

  // Where the node is, and who it is: the same at every gateway, where ids need not be. Strategies
  // that must agree between gateways go by the latter.
  ZoneId zone(NodeId node) const { return status_[index(node)].zone; }
  std::uint64_t identity(NodeId node) const { return status_[index(node)].identity; }
  const Surroundings& surroundings() const { return surroundings_; }
  // Health is ignored because too few are healthy.
  bool in_panic() const { return in_panic_; }

  // Changes, made by the Router alone. Identity 0: the id.
  void add(NodeId node, double weight, ZoneId zone = kNoZone, std::uint64_t identity = 0);
  void set_surroundings(Surroundings surroundings) { surroundings_ = std::move(surroundings); }
  void set_weight(NodeId node, double effective_weight);
  void set_panic(bool panic) { in_panic_ = panic; }
  // True when eligibility changed.
  bool set_eligible(NodeId node, bool eligible);
  void sent(NodeId node) { ++at(node).in_flight; }
  void done(NodeId node) {
    assert(at(node).in_flight > 0);
    --at(node).in_flight;
  }
  void set_report(NodeId node, const LoadReport& report);

 private:
  struct Load {
    std::uint32_t in_flight = 0;
    float inverse_weight = 1.0F;
  };
  struct NodeStatus {
    bool eligible = false;
    bool has_report = false;
    ZoneId zone = kNoZone;
    std::uint64_t identity = 0;
    LoadReport report;
  };

  const Load& at(NodeId node) const {
    assert(index(node) < load_.size());
    return load_[index(node)];
  }
  Load& at(NodeId node) {
    assert(index(node) < load_.size());
    return load_[index(node)];
  }

  std::vector<Load> load_;
  std::vector<NodeStatus> status_;
  std::vector<NodeId> eligible_;
  Surroundings surroundings_;
  bool in_panic_ = false;
};

}  // namespace phoenix
