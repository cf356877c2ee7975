#include "scenarios/scenario.h"

#include <cassert>

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

}  // namespace phoenix
