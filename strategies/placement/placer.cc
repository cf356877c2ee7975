#include "strategies/placement/placer.h"

#include <algorithm>
#include <numeric>

#include "strategies/core/units.h"
#include "strategies/placement/eligibility.h"

namespace phoenix {
namespace {

double dominant_share(const Resources& need, const Resources& capacity) {
  double share = 0;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (capacity[r] == 0) continue;
    share = std::max(share, static_cast<double>(need[r]) / static_cast<double>(capacity[r]));
  }
  return share;
}

// Places in `agents`, the largest first.
std::vector<std::size_t> largest_first(std::span<const AgentSpec> agents,
                                       const Resources& capacity) {
  std::vector<double> shares;
  for (const AgentSpec& agent : agents) shares.push_back(dominant_share(agent.need, capacity));
  std::vector<std::size_t> order(agents.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (shares[a] != shares[b]) return shares[a] > shares[b];
    return agents[a].id < agents[b].id;
  });
  return order;
}

}  // namespace

Result<Choice> find_placement(Placer& placer, const AgentSpec& agent, const Inventory& inventory,
                              Random& random) {
  if (Status checked = check_agent(agent); !checked) return Error{checked.error()};
  const Choice choice = placer.choose(agent, inventory, random);
  if (choice.found()) return choice;
  return Error{std::string(kNoSuitableNodes) + ": " + count_refusals(agent, inventory).text()};
}

Result<Choice> find_and_place(Placer& placer, const AgentSpec& agent, Inventory& inventory,
                              Time now, Random& random) {
  Result<Choice> found = find_placement(placer, agent, inventory, random);
  if (!found) return found;
  const Status placed = inventory.place(agent, found->node, now, found->generation);
  if (!placed) return Error{placed.error()};
  return found;
}

std::string explain_node(const Placer& placer, const AgentSpec& agent, NodeId node,
                         const Inventory& inventory) {
  const std::string name = "node " + std::to_string(index(node)) + ": ";
  if (!inventory.has_node(node)) return name + "not there";
  if (const auto filter = Eligibility(agent, inventory).refusal(node)) {
    return name + "refused by " + std::string(to_text(*filter));
  }
  return name + "score " + print_number(placer.score(agent, node, inventory));
}

BatchResult place_batch(Placer& placer, std::span<const AgentSpec> agents, Inventory& inventory,
                        Time now, Random& random, const BatchOptions& options) {
  BatchResult result;
  for (const std::size_t i : largest_first(agents, inventory.total_capacity())) {
    const Choice choice = placer.choose(agents[i], inventory, random);
    if (choice.found() && inventory.place(agents[i], choice.node, now, choice.generation)) {
      result.placed.emplace_back(agents[i].id, choice.node);
      continue;
    }
    result.refused.push_back(agents[i].id);
    if (!options.all_or_nothing) continue;
    for (const auto& [agent, node] : result.placed) {
      static_cast<void>(inventory.remove_agent(agent));
    }
    result.placed.clear();
    break;
  }
  return result;
}

}  // namespace phoenix
