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
