// The books of a cluster: which nodes there are, what is reserved on them and for whom. Placers and
// rebalancers read it; the controller and the worlds write it. One per controller.
//
// What is reserved on a node always equals the sum of what its agents need, is never negative and
// never grows beyond the capacity. Releasing what is not reserved is a broken invariant. A node
// that reports less capacity than is reserved on it keeps its agents, takes no new ones, and is
// counted in overcommitted().
//
// One thread at a time. Booking is O(agents with rules on the node + log nodes); everything else
// says its cost. References stay good until the next change.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strategies/core/slab.h"
#include "strategies/core/time.h"
#include "strategies/placement/free_index.h"
#include "strategies/placement/specs.h"

namespace phoenix {

enum class NodeState : std::uint8_t {
  kReady,
  kCordoned,  // keeps its agents, takes no new ones
  kDraining,  // its agents are to leave
  kDown,      // not healthy
};

constexpr std::string_view to_text(NodeState state) {
  constexpr std::string_view kNames[] = {"ready", "cordoned", "draining", "down"};
  return kNames[static_cast<std::size_t>(state)];
}

// Counts the changes of a node's bookings, state and capacity.
using Generation = std::uint64_t;

// What monitoring says of a node; NaN is not known.
struct NodeObservation {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  NodeId node = kNoNode;
  Time at = kStart;
  Resources capacity;              // all 0: not reported, the old one stays
  Resources other_use;             // by what is not placed through this inventory
  double latency = kUnknown;       // seconds an answer takes
  double throughput = kUnknown;    // answers a second
  double availability = kUnknown;  // share of requests
};

// What is known of a running agent, for the cost and gain of moving it; NaN is not known.
struct AgentObservation {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  double state_bytes = kUnknown;
  double dirty_bytes_per_s = kUnknown;
  double requests_per_s = kUnknown;
};

struct NodeBook {
  // What every booking looks at comes first, and together.
  std::uint32_t zone = 0;        // see Inventory::zone()
  std::uint32_t group = 0;       // of the index: nodes of the same capacity and price
  std::uint32_t node_class = 0;  // nodes of the same group, zone, labels and taints
  std::uint32_t guarded = 0;     // agents here with hard anti-affinity rules
  Resources capacity;            // as observed last, at first as in the spec
  Resources reserved;
  Resources other_use;
  Generation generation = 0;
  std::vector<AgentId> agents;  // reserved here: residents and those on their way here
  NodeState state = NodeState::kReady;
  NodeSpec spec;
  NodeObservation observed;
  bool is_observed = false;
  Merits merits;

  Resources free() const;  // never negative
  bool is_overcommitted() const { return !fits(reserved + other_use, capacity); }
  // used / total afterwards, of one kind; 1 where there is none of it.
  double use_share(std::size_t resource, const Resources& more = {}) const;
};

struct AgentBook {
  static constexpr std::size_t kHistory = 8;
  AgentSpec spec;
  NodeId node = kNoNode;
  NodeId moving_to = kNoNode;  // reserved there too
  Time placed_at = kStart;     // on its present node
  Time moved_at = kStart;      // start of the last move, tried or done
  bool was_moved = false;
  std::vector<NodeId> history;  // earlier nodes, oldest first, at most kHistory
  AgentObservation observed;
  // Where it stands in lists of agents.
  std::uint32_t place_on_node = 0;
  std::uint32_t place_on_target = 0;
  std::uint32_t place_in_service = 0;
};

// Sums over a failure domain.
struct ZoneBook {
  std::string name;
  Resources capacity;  // of ready nodes
  Resources reserved;
};

class Inventory {
 public:
  // Errors: bad spec, id already there.
  Status add_node(const NodeSpec& spec);
  // The agents that were on it, now gone too; agents on their way to it stay where they are.
  // REQUIRES: has_node(node).
  std::vector<AgentId> remove_node(NodeId node);
  // REQUIRES: has_node(node).
  void set_state(NodeId node, NodeState state);

  // Merges what monitoring reports; nodes it does not mention stay as they are, and so do all
  // reservations. Unknown nodes are an error after the others are merged. O(nodes).
  Status observe(std::span<const NodeObservation> observations);
  // Nothing happens when the agent has gone.
  void observe(AgentId agent, const AgentObservation& observation);

  // Verifies (every filter), reserves and registers. `seen` is the generation of the choice this
  // carries out; where the node has changed since and the agent no longer fits, the error says so.
  Status place(const AgentSpec& agent, NodeId node, Time now, Generation seen = 0);
  Status remove_agent(AgentId agent);

  // A move: reserve on the target, then either finish (the source is released) or cancel (the
  // target is). In between the agent counts on both. begin_move refuses an agent that is moving
  // already, its own node, and what the filters refuse.
  Status begin_move(AgentId agent, NodeId target, Time now);
  void finish_move(AgentId agent, Time now);  // REQUIRES: the agent is moving
  void cancel_move(AgentId agent);            // REQUIRES: the agent is moving

  bool has_node(NodeId node) const {
    return index(node) < nodes_.size() && nodes_[index(node)].spec.id == node;
  }
  bool has_agent(AgentId agent) const {
    return index(agent) < slots_.size() && slots_[index(agent)] != kNoIndex;
  }
  const NodeBook& node(NodeId node) const;      // REQUIRES: has_node(node)
  const AgentBook& agent(AgentId agent) const;  // REQUIRES: has_agent(agent)

  std::size_t node_count() const { return node_count_; }
  std::size_t agent_count() const { return agent_count_; }
  std::size_t node_limit() const { return nodes_.size(); }   // ids are below
  std::size_t agent_limit() const { return slots_.size(); }  // ids are below
  std::size_t overcommitted() const;                         // O(nodes)

  // Failure domains, numbered in order of appearance.
  std::size_t zone_count() const { return zones_.size(); }
  const ZoneBook& zone(std::uint32_t zone) const { return zones_[zone]; }

  const Resources& total_capacity() const { return total_capacity_; }  // of ready nodes
  const Resources& total_reserved() const { return total_reserved_; }  // everywhere

  const FreeIndex& index_of_free() const { return index_; }
  // Placer::index_order() of whoever places most. O(nodes log nodes) where it changes.
  void order_index(IndexOrder order) { index_.set_order(order); }
  double price_of_group(std::uint32_t group) const { return group_prices_[group]; }
  // What the nodes of a class have in common. Classes are never forgotten: a label or a reported
  // capacity that is each node's own makes as many classes as nodes, and searches slow.
  struct NodeClass {
    NodeSpec example;
    std::uint32_t zone = 0;
    std::uint32_t ready = 0;  // nodes in the index
  };
  std::span<const NodeClass> classes() const { return classes_; }

  // Agents of a service, and how many of them a zone has; those on the move count twice.
  std::span<const AgentId> agents_of(ServiceId service) const;
  std::uint32_t count_in_zone(ServiceId service, std::uint32_t zone) const;
  // Agents with this label, in order of ids.
  std::vector<AgentId> agents_with(const Label& label) const;
  // Whether any agent has hard anti-affinity rules.
  bool has_guards() const { return guards_ > 0; }

 private:
  struct Service {
    std::vector<AgentId> agents;
    std::vector<std::uint32_t> by_zone;
  };

  AgentBook& book(AgentId agent);
  NodeBook& book(NodeId node);
  std::uint32_t zone_of(const std::string& name);
  void classify(NodeBook& node);
  void reindex(NodeBook& node);
  void unindex(NodeBook& node);
  void refresh_merits();
  void count_capacity(const NodeBook& node, int sign);
  void reserve(NodeBook& node, const AgentBook& agent);
  void release(NodeBook& node, const AgentBook& agent);
  void join(AgentBook& agent, NodeBook& node, std::uint32_t AgentBook::*place);
  void leave(AgentBook& agent, NodeBook& node, std::uint32_t AgentBook::*place);
  void enlist(AgentBook& agent);
  void delist(AgentBook& agent);
  Service& service(ServiceId id);

  std::vector<NodeBook> nodes_;       // by id; those that are not there have no id
  std::vector<std::uint32_t> slots_;  // by agent id, into agents_
  Slab<AgentBook> agents_;
  std::size_t node_count_ = 0;
  std::size_t agent_count_ = 0;
  std::uint32_t guards_ = 0;
  Resources total_capacity_;
  Resources total_reserved_;
  std::vector<ZoneBook> zones_;
  std::vector<double> group_prices_;
  std::map<std::pair<std::array<Amount, kResourceKinds>, double>, std::uint32_t> group_numbers_;
  std::vector<NodeClass> classes_;
  std::map<std::string, std::uint32_t> class_numbers_;  // by what nodes of a class share, as text
  std::vector<Service> services_;                       // by id
  std::map<Label, std::vector<AgentId>> labelled_;      // sorted ids
  FreeIndex index_;
};

// How errors begin that callers tell apart.
inline constexpr std::string_view kAgentNotFound = "agent_not_found";
inline constexpr std::string_view kNoSuitableNodes = "no_suitable_nodes";
inline constexpr std::string_view kPlacementValidationFailed = "placement_validation_failed";
inline constexpr std::string_view kMigrationFailed = "migration_failed";

}  // namespace phoenix
