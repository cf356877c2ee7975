// What a fault strikes, as scenario files write it: "node:3", "nodes:[1, 2]", "group:old",
// "zone:b", "random:2", "fraction:0.2", "all", "busiest", "link:gateway:0->node:3" (one direction)
// and "pair:zone:a,zone:b" (both). Ends of links are gateways, nodes (a bare number is a node),
// groups (their nodes) and zones (their nodes and gateways).
//
// Pure functions over the topology; any thread. Errors name what was found and what exists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/fault_plan.h"
#include "strategies/core/random.h"
#include "strategies/core/result.h"

namespace phoenix {

struct FaultTarget {
  enum class Kind : std::uint8_t { kNodes, kRandom, kPath, kBusiest } kind = Kind::kNodes;
  std::vector<NodeId> nodes;   // kNodes, ascending; kRandom: all to choose from
  std::size_t chosen = 0;      // kRandom: how many of them
  std::vector<Endpoint> from;  // kPath
  std::vector<Endpoint> to;
  bool both_ways = false;
};

// `fraction` takes at least one node and rounds to the nearest number.
Result<FaultTarget> parse_fault_target(std::string_view text, const FaultTopology& topology);

// One side of a partition: ends of links, separated by commas.
Result<std::vector<Endpoint>> parse_endpoints(std::string_view text, const FaultTopology& topology);

// The nodes of one occasion, ascending. Takes `chosen` draws, so a stream shared by two faults
// gives both the same victims first. REQUIRES: kNodes or kRandom.
std::vector<NodeId> draw_victims(const FaultTarget& target, Random& random);

// The first `count` of a random order of `items`, in that order.
template <class Item>
void draw_first(std::vector<Item>& items, std::size_t count, Random& random) {
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(items[i], items[i + static_cast<std::size_t>(random.below(items.size() - i))]);
  }
  items.resize(count);
}

// Gateways, then nodes, by number.
std::vector<Endpoint> all_endpoints(const FaultTopology& topology);
std::vector<Endpoint> endpoints_of(std::span<const NodeId> nodes);
std::vector<Endpoint> endpoints_in_zone(const FaultTopology& topology, std::string_view zone);

// Every zone, in order of first mention by a group; the gateways' own zone last where no group is
// in it.
std::vector<std::string> zones_of(const FaultTopology& topology);

// For logs: "node:7", "gateway:0", "3 nodes", "1 gateway+3 nodes".
std::string describe(std::span<const Endpoint> endpoints);

}  // namespace phoenix
