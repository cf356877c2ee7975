// Small clusters for the tests of placement: nodes and agents in one line each, and a second,
// simple way to keep the books and to choose.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/placement/eligibility.h"
#include "strategies/registry.h"

namespace phoenix::testing {

inline NodeId node_id(std::size_t i) { return id_at<NodeId>(i); }
inline AgentId agent_id(std::size_t i) { return id_at<AgentId>(i); }
inline ServiceId service_id(std::size_t i) { return id_at<ServiceId>(i); }

inline Resources resources(Amount cpu, Amount memory, Amount gpu = 0) {
  Resources all;
  all[Resource::kCpu] = cpu;
  all[Resource::kMemory] = memory;
  all[Resource::kGpu] = gpu;
  return all;
}

inline NodeSpec node_spec(std::size_t id, const Resources& capacity, std::string zone = "") {
  NodeSpec node;
  node.id = node_id(id);
  node.capacity = capacity;
  node.zone = std::move(zone);
  return node;
}

inline AgentSpec agent_spec(std::size_t id, const Resources& need, std::size_t service = 0) {
  AgentSpec agent;
  agent.id = agent_id(id);
  agent.need = need;
  agent.service = service_id(service);
  return agent;
}

inline AgentSpec with_rules(AgentSpec agent, AgentRules rules) {
  agent.rules = std::make_shared<const AgentRules>(std::move(rules));
  return agent;
}

inline AffinityRule hard(AgentSelector selector) { return {{std::move(selector)}, true, 1}; }
inline AffinityRule soft(AgentSelector selector, double weight = 1) {
  return {{std::move(selector)}, false, weight};
}

inline void must(const Status& status) { ASSERT_TRUE(status.ok()) << status.error(); }

inline Inventory cluster_of(std::size_t nodes, const Resources& capacity, std::size_t zones = 1) {
  Inventory inventory;
  for (std::size_t i = 0; i < nodes; ++i) {
    must(inventory.add_node(node_spec(i, capacity, "zone" + std::to_string(i % zones))));
  }
  return inventory;
}

inline std::unique_ptr<Placer> placer_of(std::string_view text) {
  Result<MadePlacer> made = make_placer(text);
  if (!made) {
    ADD_FAILURE() << made.error();
    std::abort();
  }
  return std::move(made->strategy);
}

inline std::unique_ptr<Rebalancer> rebalancer_of(std::string_view text) {
  Result<MadeRebalancer> made = make_rebalancer(text);
  if (!made) {
    ADD_FAILURE() << made.error();
    std::abort();
  }
  return std::move(made->strategy);
}

// The best node by a look at all of them, with the placer's own score.
inline NodeId best_by_scan(const Placer& placer, const AgentSpec& agent,
                           const Inventory& inventory) {
  NodeId best = kNoNode;
  double highest = 0;
  const Eligibility who(agent, inventory);
  for (std::size_t i = 0; i < inventory.node_limit(); ++i) {
    if (!inventory.has_node(node_id(i)) || who.refusal(node_id(i))) continue;
    const double score = placer.score(agent, node_id(i), inventory);
    if (best == kNoNode || score > highest) {
      best = node_id(i);
      highest = score;
    }
  }
  return best;
}

// What is reserved on every node must be the sum over its agents, and never more than there is.
inline void expect_balanced(const Inventory& inventory) {
  std::map<NodeId, Resources> sums;
  std::size_t agents = 0;
  Resources total;
  for (std::size_t a = 0; a < inventory.agent_limit(); ++a) {
    if (!inventory.has_agent(agent_id(a))) continue;
    ++agents;
    const AgentBook& agent = inventory.agent(agent_id(a));
    for (const NodeId node : {agent.node, agent.moving_to}) {
      if (node == kNoNode) continue;
      sums[node] += agent.spec.need;
      total += agent.spec.need;
    }
  }
  EXPECT_EQ(agents, inventory.agent_count());
  EXPECT_EQ(total, inventory.total_reserved());
  Resources in_zones;
  for (std::uint32_t z = 0; z < inventory.zone_count(); ++z) in_zones += inventory.zone(z).reserved;
  EXPECT_EQ(in_zones, inventory.total_reserved());
  for (std::size_t i = 0; i < inventory.node_limit(); ++i) {
    if (!inventory.has_node(node_id(i))) continue;
    const NodeBook& node = inventory.node(node_id(i));
    EXPECT_EQ(node.reserved, sums[node_id(i)]) << "node " << i;
    const bool is_indexed = inventory.index_of_free().contains(node_id(i));
    EXPECT_EQ(is_indexed, node.state == NodeState::kReady && !node.is_overcommitted());
  }
}

}  // namespace phoenix::testing
