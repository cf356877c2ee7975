#include "scenarios/fault_targets.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr std::string_view kForms =
    "node:N, nodes:[N, N], group:NAME, zone:NAME, random:K, fraction:F, link:A->B, pair:A,B, "
    "busiest or all";

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool strip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text = trim(text.substr(prefix.size()));
  return true;
}

template <class Keep>
std::vector<NodeId> nodes_where(const FaultTopology& topology, Keep keep) {
  std::vector<NodeId> nodes;
  for (std::size_t i = 0; i < topology.node_group.size(); ++i) {
    if (keep(static_cast<std::size_t>(topology.node_group[i]))) nodes.push_back(id_at<NodeId>(i));
  }
  return nodes;
}

std::vector<NodeId> all_nodes(const FaultTopology& topology) {
  return nodes_where(topology, [](std::size_t) { return true; });
}

Result<std::uint32_t> numbered(std::string_view text, std::string_view what, std::size_t count) {
  const std::optional<std::uint32_t> number = whole_number(text);
  if (number && *number < count) return *number;
  return Error{"no " + std::string(what) + " " + quoted(text) + "; there are " +
               std::to_string(count) + ", numbered from 0"};
}

Result<std::vector<NodeId>> nodes_of_group(std::string_view name, const FaultTopology& topology) {
  const auto& names = topology.group_names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return Error{"no group " + quoted(name) + did_you_mean(name, names) +
                 "; groups: " + join_names(names)};
  }
  const auto place = static_cast<std::size_t>(found - names.begin());
  return nodes_where(topology, [&](std::size_t group) { return group == place; });
}

Status known_zone(std::string_view name, const FaultTopology& topology) {
  const std::vector<std::string> zones = zones_of(topology);
  if (std::find(zones.begin(), zones.end(), name) != zones.end()) return success();
  return Error{"no zone " + quoted(name) + did_you_mean(name, zones) +
               "; zones: " + join_names(zones)};
}

Result<std::vector<NodeId>> nodes_of_zone(std::string_view name, const FaultTopology& topology) {
  if (const Status known = known_zone(name, topology); !known) return Error{known.error()};
  const std::vector<NodeId> nodes =
      nodes_where(topology, [&](std::size_t group) { return topology.group_zones[group] == name; });
  if (nodes.empty()) return Error{"zone " + quoted(name) + " has no nodes"};
  return nodes;
}

Result<std::vector<NodeId>> node_list(std::string_view text, const FaultTopology& topology) {
  if (!text.starts_with('[') || !text.ends_with(']')) {
    return Error{quoted(text) + " must be a list, as in nodes:[1, 2]"};
  }
  text = text.substr(1, text.size() - 2);
  std::vector<NodeId> nodes;
  while (true) {
    const std::size_t comma = text.find(',');
    const Result<std::uint32_t> number =
        numbered(trim(text.substr(0, comma)), "node", topology.node_group.size());
    if (!number) return Error{number.error()};
    nodes.push_back(NodeId{*number});
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  std::sort(nodes.begin(), nodes.end());
  if (std::adjacent_find(nodes.begin(), nodes.end()) != nodes.end()) {
    return Error{"a node is listed twice"};
  }
  return nodes;
}

Result<std::vector<Endpoint>> parse_endpoint(std::string_view text, const FaultTopology& topology) {
  text = trim(text);
  std::string_view rest = text;
  if (strip(rest, "gateway:")) {
    const auto number = numbered(rest, "gateway", static_cast<std::size_t>(topology.gateways));
    if (!number) return Error{number.error()};
    return std::vector<Endpoint>{{true, *number}};
  }
  if (strip(rest, "zone:")) {
    if (const Status known = known_zone(rest, topology); !known) return Error{known.error()};
    return endpoints_in_zone(topology, rest);
  }
  if (strip(rest, "group:")) {
    const auto nodes = nodes_of_group(rest, topology);
    if (!nodes) return Error{nodes.error()};
    return endpoints_of(*nodes);
  }
  if (strip(rest, "node:") || whole_number(text)) {
    const auto number = numbered(rest, "node", topology.node_group.size());
    if (!number) return Error{number.error()};
    return std::vector<Endpoint>{{false, *number}};
  }
  return Error{"an end " + quoted(text) + " must be node:N, gateway:N, group:NAME or zone:NAME"};
}

Result<FaultTarget> parse_path(std::string_view text, std::string_view separator, bool both_ways,
                               const FaultTopology& topology) {
  const std::size_t middle = text.find(separator);
  if (middle == std::string_view::npos) {
    return Error{"two ends with \"" + std::string(separator) + "\" between them are needed"};
  }
  const auto from = parse_endpoint(text.substr(0, middle), topology);
  if (!from) return Error{from.error()};
  const auto to = parse_endpoint(text.substr(middle + separator.size()), topology);
  if (!to) return Error{to.error()};
  if (*from == *to) return Error{"both ends are the same"};
  return FaultTarget{FaultTarget::Kind::kPath, {}, 0, *from, *to, both_ways};
}

Result<FaultTarget> random_nodes(std::size_t chosen, const FaultTopology& topology) {
  std::vector<NodeId> initial;
  for (std::size_t i = 0; i < topology.initial; ++i) initial.push_back(id_at<NodeId>(i));
  return FaultTarget{FaultTarget::Kind::kRandom, std::move(initial), chosen, {}, {}, false};
}

Result<FaultTarget> parse_random(std::string_view text, const FaultTopology& topology) {
  const std::size_t nodes = topology.initial;
  const std::optional<std::uint32_t> chosen = whole_number(text);
  if (!chosen || *chosen < 1 || *chosen > nodes) {
    return Error{"random:K needs a whole number K in [1, " + std::to_string(nodes) + "]"};
  }
  return random_nodes(*chosen, topology);
}

Result<FaultTarget> parse_fraction(std::string_view text, const FaultTopology& topology) {
  const Result<double> share = parse_number(text);
  if (!share || !(*share > 0 && *share <= 1)) {
    return Error{"fraction:F needs a number F in (0, 1]"};
  }
  const auto nodes = static_cast<double>(topology.initial);
  return random_nodes(static_cast<std::size_t>(std::max(1LL, std::llround(*share * nodes))),
                      topology);
}

Result<FaultTarget> only_nodes(Result<std::vector<NodeId>> nodes) {
  if (!nodes) return Error{nodes.error()};
  return FaultTarget{FaultTarget::Kind::kNodes, std::move(*nodes), 0, {}, {}, false};
}

}  // namespace

Result<FaultTarget> parse_fault_target(std::string_view text, const FaultTopology& topology) {
  std::string_view rest = trim(text);
  if (rest == "all") return only_nodes(all_nodes(topology));
  if (rest == "busiest") return FaultTarget{FaultTarget::Kind::kBusiest, {}, 1, {}, {}, false};
  if (rest == "controller" || rest.starts_with("role:")) {
    return Error{"does not exist in this world: nodes have no roles and nothing controls them"};
  }
  if (strip(rest, "nodes:")) return only_nodes(node_list(rest, topology));
  if (strip(rest, "node:")) {
    const auto number = numbered(rest, "node", topology.node_group.size());
    if (!number) return Error{number.error()};
    return only_nodes(std::vector<NodeId>{NodeId{*number}});
  }
  if (strip(rest, "group:")) return only_nodes(nodes_of_group(rest, topology));
  if (strip(rest, "zone:")) return only_nodes(nodes_of_zone(rest, topology));
  if (strip(rest, "random:")) return parse_random(rest, topology);
  if (strip(rest, "fraction:")) return parse_fraction(rest, topology);
  if (strip(rest, "link:")) return parse_path(rest, "->", false, topology);
  if (strip(rest, "pair:")) return parse_path(rest, ",", true, topology);
  return Error{"must be " + std::string(kForms)};
}

Result<std::vector<Endpoint>> parse_endpoints(std::string_view text,
                                              const FaultTopology& topology) {
  std::vector<Endpoint> all;
  while (true) {
    const std::size_t comma = text.find(',');
    const auto some = parse_endpoint(text.substr(0, comma), topology);
    if (!some) return Error{some.error()};
    all.insert(all.end(), some->begin(), some->end());
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

std::vector<NodeId> draw_victims(const FaultTarget& target, Random& random) {
  std::vector<NodeId> nodes = target.nodes;
  if (target.kind != FaultTarget::Kind::kRandom) return nodes;
  draw_first(nodes, target.chosen, random);
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

std::vector<Endpoint> endpoints_of(std::span<const NodeId> nodes) {
  std::vector<Endpoint> endpoints;
  for (const NodeId node : nodes) {
    endpoints.push_back({false, static_cast<std::uint32_t>(index(node))});
  }
  return endpoints;
}

std::vector<Endpoint> all_endpoints(const FaultTopology& topology) {
  std::vector<Endpoint> endpoints;
  for (int i = 0; i < topology.gateways; ++i) {
    endpoints.push_back({true, static_cast<std::uint32_t>(i)});
  }
  const std::vector<Endpoint> nodes = endpoints_of(all_nodes(topology));
  endpoints.insert(endpoints.end(), nodes.begin(), nodes.end());
  return endpoints;
}

std::vector<Endpoint> endpoints_in_zone(const FaultTopology& topology, std::string_view zone) {
  std::vector<Endpoint> endpoints;
  for (const Endpoint& endpoint : all_endpoints(topology)) {
    const std::string& its_zone =
        endpoint.is_gateway
            ? topology.gateway_zones[endpoint.number]
            : topology.group_zones[static_cast<std::size_t>(topology.node_group[endpoint.number])];
    if (its_zone == zone) endpoints.push_back(endpoint);
  }
  return endpoints;
}

std::vector<std::string> zones_of(const FaultTopology& topology) {
  std::vector<std::string> zones;
  const auto add = [&](const std::string& zone) {
    const bool is_new = std::find(zones.begin(), zones.end(), zone) == zones.end();
    if (is_new && !zone.empty()) zones.push_back(zone);
  };
  for (const std::string& zone : topology.group_zones) add(zone);
  for (const std::string& zone : topology.gateway_zones) add(zone);
  return zones;
}

std::string describe(std::span<const Endpoint> endpoints) {
  const auto gateways = std::count_if(endpoints.begin(), endpoints.end(),
                                      [](const Endpoint& e) { return e.is_gateway; });
  const auto nodes = static_cast<std::ptrdiff_t>(endpoints.size()) - gateways;
  if (endpoints.size() == 1) {
    return (gateways == 1 ? "gateway:" : "node:") + std::to_string(endpoints.front().number);
  }
  if (gateways == 0) return std::to_string(nodes) + " nodes";
  if (nodes == 0) return std::to_string(gateways) + " gateways";
  return std::to_string(gateways) + (gateways == 1 ? " gateway+" : " gateways+") +
         std::to_string(nodes) + (nodes == 1 ? " node" : " nodes");
}

}  // namespace phoenix
