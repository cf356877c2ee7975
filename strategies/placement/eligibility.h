// Which nodes may take an agent, and if not, why. Filters are asked in this order, cheapest first,
// and the first that refuses is the reason (kube-scheduler's filters; design document rows PL-20 to
// PL-29).
//
// Plain functions of an inventory as it stands. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strategies/placement/inventory.h"

namespace phoenix {

enum class Filter : std::uint8_t {
  kHealth,        // ready, not draining, cordoned or down
  kNodeSelector,  // every test on the node's labels
  kTaint,         // every taint tolerated
  kResources,     // free >= need, for every kind
  kRatio,         // (used + need) / capacity <= limit, for every kind with a limit below 1
  kAntiAffinity,  // both ways: the agent's rules and those of the agents already there
  kAffinity,      // hosts a matching agent; any node while none matches but the agent itself does
  kZoneSpread,    // agents of the service in the zone + 1 - in the emptiest zone <= skew
};
inline constexpr std::size_t kFilters = 8;

constexpr std::string_view to_text(Filter filter) {
  constexpr std::string_view kNames[] = {"health", "node_selector", "taint",    "resources",
                                         "ratio",  "anti_affinity", "affinity", "zone_spread"};
  return kNames[static_cast<std::size_t>(filter)];
}

// Compiled for one agent and one state of the inventory; dies with the next change of it.
class Eligibility {
 public:
  // Where the agent runs already, it is judged as if it were not there.
  Eligibility(const AgentSpec& agent, const Inventory& inventory);

  const AgentSpec& agent() const { return agent_; }
  const Inventory& inventory() const { return inventory_; }

  // What all nodes of a class have in common: selector, taints, zone spread.
  bool allows_class(std::uint32_t node_class) const;
  // What a node must have free, of all kinds; more than the need where a ratio is limited.
  std::array<double, kResourceKinds> least_free(std::uint32_t group) const;
  // Affinity and anti-affinity.
  bool allows_node(NodeId node) const { return !has_node_rules_ || !node_refusal(node); }
  // Where hard affinity leaves only certain nodes: those, in order of ids. Else none.
  bool is_confined() const { return is_confined_; }
  const std::vector<NodeId>& confines() const { return confines_; }

  // The first filter that refuses the node, all filters asked.
  std::optional<Filter> refusal(NodeId node) const;
  // The first rule of the agent or its neighbours that the node breaks, whatever its state and
  // room: for agents that are there.
  std::optional<Filter> broken_rule(NodeId node) const;

 private:
  std::optional<Filter> class_refusal(const NodeSpec& node) const;
  std::optional<Filter> node_refusal(NodeId node) const;
  bool hosts_match(NodeId node, const AffinityRule& rule) const;
  bool is_guarded_against(const NodeBook& node) const;
  bool spreads(std::uint32_t zone) const;
  std::uint32_t count_in_zone(std::uint32_t zone) const;
  void find_confines();
  void find_emptiest_zone();

  const AgentSpec& agent_;
  const Inventory& inventory_;
  const AgentRules* rules_;
  bool has_node_rules_ = false;
  bool is_confined_ = false;
  std::vector<NodeId> confines_;
  std::uint32_t emptiest_ = 0;
};

// How many nodes each filter refused.
struct Refusals {
  std::array<std::uint32_t, kFilters> by_filter{};
  std::uint32_t nodes = 0;  // looked at
  // "10 nodes: resources 7, health 3"
  std::string text() const;
};

// O(nodes): for telling a person or a record why there was no place.
Refusals count_refusals(const AgentSpec& agent, const Inventory& inventory);

// Nodes that host an agent the rule matches, other than `self`; in order of ids, each once.
std::vector<NodeId> hosts_of(const AffinityRule& rule, const Inventory& inventory, AgentId self);

// Share of the weight of the agent's soft rules that the node meets; 0.5 if it has none.
double soft_affinity(const AgentSpec& agent, NodeId node, const Inventory& inventory);

}  // namespace phoenix
