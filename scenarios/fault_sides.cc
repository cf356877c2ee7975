#include "scenarios/fault_sides.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <string>
#include <utility>

#include "scenarios/fault_targets.h"

namespace phoenix {
namespace {

constexpr std::array<std::pair<std::string_view, PartitionMode>, 5> kModes{{
    {"halves", PartitionMode::kHalves},
    {"isolate_one", PartitionMode::kIsolateOne},
    {"majority_ring", PartitionMode::kMajorityRing},
    {"zones", PartitionMode::kZones},
    {"bridge", PartitionMode::kBridge},
}};

bool contains(const EndpointSet& set, const Endpoint& endpoint) {
  return std::find(set.begin(), set.end(), endpoint) != set.end();
}

void sort_endpoints(EndpointSet& set) {
  std::sort(set.begin(), set.end(), [](const Endpoint& a, const Endpoint& b) {
    return std::pair(!a.is_gateway, a.number) < std::pair(!b.is_gateway, b.number);
  });
}

// The larger part, where odd, on the first side.
std::vector<EndpointSet> draw_halves(EndpointSet gateways, EndpointSet nodes, Random& random) {
  std::vector<EndpointSet> sides(2);
  for (EndpointSet* kind : {&gateways, &nodes}) {
    draw_first(*kind, kind->size(), random);
    const auto middle = kind->begin() + static_cast<std::ptrdiff_t>((kind->size() + 1) / 2);
    sides[0].insert(sides[0].end(), kind->begin(), middle);
    sides[1].insert(sides[1].end(), middle, kind->end());
  }
  for (EndpointSet& side : sides) sort_endpoints(side);
  return sides;
}

std::vector<OneWayCut> draw_ring(EndpointSet ring, Random& random) {
  const std::size_t size = ring.size();
  draw_first(ring, size, random);
  // With m/2 neighbours on each side, m even, an endpoint and its neighbours are a majority.
  const std::size_t reach = (size / 2 + 1) / 2;
  std::vector<OneWayCut> cuts;
  for (std::size_t i = 0; i < size; ++i) {
    OneWayCut cut{{ring[i]}, {}};
    for (std::size_t away = reach + 1; away + reach < size; ++away) {
      cut.to.push_back(ring[(i + away) % size]);
    }
    sort_endpoints(cut.to);
    if (!cut.to.empty()) cuts.push_back(std::move(cut));
  }
  return cuts;
}

}  // namespace

std::optional<PartitionMode> find_partition_mode(std::string_view name) {
  for (const auto& [known, mode] : kModes) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

Result<std::vector<EndpointSet>> parse_sides(std::string_view text, const FaultTopology& topology) {
  std::vector<EndpointSet> sides;
  EndpointSet seen;
  while (true) {
    const std::size_t bar = text.find('|');
    const auto side = parse_endpoints(text.substr(0, bar), topology);
    if (!side) return Error{side.error()};
    for (const Endpoint& endpoint : *side) {
      if (contains(seen, endpoint)) {
        return Error{describe({&endpoint, 1}) + " is named more than once"};
      }
      seen.push_back(endpoint);
    }
    sides.push_back(*side);
    if (bar == std::string_view::npos) break;
    text.remove_prefix(bar + 1);
  }
  if (sides.size() < 2) return Error{"at least two groups with | between them are needed"};
  return sides;
}

std::vector<OneWayCut> cuts_between(std::span<const EndpointSet> sides) {
  std::vector<OneWayCut> cuts;
  for (const EndpointSet& side : sides) {
    OneWayCut cut{side, {}};
    for (const EndpointSet& other : sides) {
      if (&other != &side) cut.to.insert(cut.to.end(), other.begin(), other.end());
    }
    sort_endpoints(cut.to);
    if (!cut.from.empty() && !cut.to.empty()) cuts.push_back(std::move(cut));
  }
  return cuts;
}

std::vector<OneWayCut> draw_partition(PartitionMode mode, const FaultTopology& topology,
                                      std::span<const NodeId> candidates, Random& random) {
  EndpointSet all = all_endpoints(topology);
  if (mode == PartitionMode::kMajorityRing) return draw_ring(std::move(all), random);
  std::vector<EndpointSet> sides;
  if (mode == PartitionMode::kZones) {
    for (const std::string& zone : zones_of(topology)) {
      sides.push_back(endpoints_in_zone(topology, zone));
    }
    return cuts_between(sides);
  }
  const auto first_node = all.begin() + topology.gateways;
  EndpointSet gateways(all.begin(), first_node);
  EndpointSet nodes(first_node, all.end());
  if (mode == PartitionMode::kHalves) {
    return cuts_between(draw_halves(std::move(gateways), std::move(nodes), random));
  }
  assert(!candidates.empty());
  const NodeId chosen = candidates[static_cast<std::size_t>(random.below(candidates.size()))];
  const EndpointSet one = endpoints_of({&chosen, 1});
  if (mode == PartitionMode::kIsolateOne) {
    std::erase(all, one.front());
    return cuts_between(std::vector<EndpointSet>{one, all});
  }
  std::erase(nodes, one.front());
  return cuts_between(draw_halves(std::move(gateways), std::move(nodes), random));
}

}  // namespace phoenix
