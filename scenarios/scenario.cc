#include "scenarios/scenario.h"

#include <cassert>
#include <string>

namespace phoenix {

int node_count(const Scenario& scenario) {
  int count = 0;
  for (const NodeGroup& group : scenario.cluster.groups) count += group.count;
  return count;
}

int group_of(const Scenario& scenario, NodeId node) {
  auto place = static_cast<int>(index(node));
  assert(place < node_count(scenario));
  int group = 0;
  for (const NodeGroup& candidate : scenario.cluster.groups) {
    if (place < candidate.count) break;
    place -= candidate.count;
    ++group;
  }
  return group;
}

std::vector<std::string> node_names(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const NodeGroup& group : scenario.cluster.groups) {
    for (int i = 0; i < group.count; ++i) names.push_back(group.name + "-" + std::to_string(i));
  }
  return names;
}

}  // namespace phoenix
