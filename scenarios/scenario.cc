#include "scenarios/scenario.h"

#include <algorithm>
#include <cassert>
#include <string>

namespace phoenix {
namespace {

// Calls `visit(group, number in the group)` for every node in id order.
template <class Visit>
void for_each_node(const Scenario& scenario, const Visit& visit) {
  const auto& groups = scenario.cluster.groups;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (int i = 0; i < groups[g].count; ++i) visit(g, i);
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (int i = groups[g].count; i < groups[g].places(); ++i) visit(g, i);
  }
}

}  // namespace

bool hosts_service(const NodeGroup& group, const Service& service) {
  return group.services.empty() || std::find(group.services.begin(), group.services.end(),
                                             service.name) != group.services.end();
}

int node_count(const Scenario& scenario) {
  int count = 0;
  for (const NodeGroup& group : scenario.cluster.groups) count += group.places();
  return count;
}

int initial_node_count(const Scenario& scenario) {
  int count = 0;
  for (const NodeGroup& group : scenario.cluster.groups) count += group.count;
  return count;
}

int group_of(const Scenario& scenario, NodeId node) {
  auto place = static_cast<int>(index(node));
  assert(place < node_count(scenario));
  const auto& groups = scenario.cluster.groups;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (place < groups[g].count) return static_cast<int>(g);
    place -= groups[g].count;
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const int spare = groups[g].places() - groups[g].count;
    if (place < spare) return static_cast<int>(g);
    place -= spare;
  }
  return -1;
}

std::vector<int> node_groups(const Scenario& scenario) {
  std::vector<int> groups;
  for_each_node(scenario, [&](std::size_t g, int) { groups.push_back(static_cast<int>(g)); });
  return groups;
}

std::vector<std::string> node_names(const Scenario& scenario) {
  std::vector<std::string> names;
  for_each_node(scenario, [&](std::size_t g, int i) {
    names.push_back(scenario.cluster.groups[g].name + "-" + std::to_string(i));
  });
  return names;
}

}  // namespace phoenix
