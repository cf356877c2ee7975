#include "scenarios/scenario.h"

#include <algorithm>
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

const std::string& gateway_zone(const Scenario& scenario, int gateway) {
  const Gateway& settings = scenario.gateway;
  if (!settings.zones.empty()) {
    return settings.zones[static_cast<std::size_t>(gateway) % settings.zones.size()];
  }
  const std::vector<NodeGroup>& groups = scenario.cluster.groups;
  return settings.zone.empty() && !groups.empty() ? groups.front().zone : settings.zone;
}

std::vector<std::string> zone_names(const Scenario& scenario) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& zone) {
    if (std::find(names.begin(), names.end(), zone) == names.end()) names.push_back(zone);
  };
  if (!scenario.cluster.groups.empty()) {
    for (int g = 0; g < scenario.gateway.count; ++g) add(gateway_zone(scenario, g));
  }
  for (const NodeGroup& group : scenario.cluster.groups) add(group.zone);
  return names;
}

ZoneId zone_id(const std::vector<std::string>& names, const std::string& zone) {
  const auto place = std::find(names.begin(), names.end(), zone);
  assert(place != names.end());
  return id_at<ZoneId>(static_cast<std::size_t>(place - names.begin()));
}

}  // namespace phoenix
