#include "strategies/placement/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "strategies/placement/eligibility.h"
#include "strategies/placement/scores.h"

namespace phoenix {
namespace {

double largest_share(const NodeBook& node) {
  double largest = 0;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (node.capacity[r] > 0) largest = std::max(largest, node.use_share(r));
  }
  return largest;
}

bool breaks_a_rule(const AgentBook& agent, const Inventory& inventory) {
  if (!agent.spec.rules && !inventory.has_guards()) return false;
  return Eligibility(agent.spec, inventory).broken_rule(agent.node).has_value();
}

}  // namespace

std::size_t fewest_nodes(const Inventory& inventory) {
  std::size_t fewest = 0;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    std::vector<Amount> capacities;
    for (std::size_t i = 0; i < inventory.node_limit(); ++i) {
      if (!inventory.has_node(id_at<NodeId>(i))) continue;
      const NodeBook& node = inventory.node(id_at<NodeId>(i));
      if (node.state == NodeState::kReady) capacities.push_back(node.capacity[r]);
    }
    std::sort(capacities.begin(), capacities.end(), std::greater<>());
    Amount missing = inventory.total_reserved()[r];
    std::size_t nodes = 0;
    while (missing > 0 && nodes < capacities.size()) missing -= capacities[nodes++];
    fewest = std::max(fewest, nodes);
  }
  return fewest;
}

PlacementStatistics placement_statistics(const Inventory& inventory) {
  PlacementStatistics stats;
  stats.agents = inventory.agent_count();
  stats.nodes = inventory.node_count();
  stats.overcommitted = inventory.overcommitted();
  std::vector<double> shares;
  for (std::size_t i = 0; i < inventory.node_limit(); ++i) {
    if (!inventory.has_node(id_at<NodeId>(i))) continue;
    const NodeBook& node = inventory.node(id_at<NodeId>(i));
    stats.nodes_in_use += !node.agents.empty();
    if (node.state == NodeState::kReady) shares.push_back(largest_share(node));
  }
  stats.nodes_ready = shares.size();
  stats.imbalance = population_deviation(shares);
  for (std::size_t a = 0; a < inventory.agent_limit(); ++a) {
    if (!inventory.has_agent(id_at<AgentId>(a))) continue;
    const AgentBook& agent = inventory.agent(id_at<AgentId>(a));
    stats.moving += agent.moving_to != kNoNode;
    stats.violations += breaks_a_rule(agent, inventory);
  }
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    const auto capacity = static_cast<double>(inventory.total_capacity()[r]);
    stats.utilization[r] = capacity > 0
                               ? static_cast<double>(inventory.total_reserved()[r]) / capacity
                               : std::numeric_limits<double>::quiet_NaN();
  }
  if (stats.nodes_in_use > 0) {
    stats.efficiency =
        static_cast<double>(fewest_nodes(inventory)) / static_cast<double>(stats.nodes_in_use);
  }
  return stats;
}

}  // namespace phoenix
