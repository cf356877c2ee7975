// Who cannot talk to whom in a network partition. Turns a mode (after Jepsen's partitioners) or an
// explicit list of groups into one-way cuts between sets of endpoints.
//
//   halves         a random half of the gateways and of the nodes (the larger, where odd) against
//   the
//                  rest
//   isolate_one    one random node against everybody
//   majority_ring  endpoints on a random ring; each reaches only the majority around itself
//   zones          every zone against every other
//   bridge         random halves of all but one node, which reaches both
//
// Pure functions; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "scenarios/fault_plan.h"
#include "strategies/core/random.h"
#include "strategies/core/result.h"

namespace phoenix {

enum class PartitionMode : std::uint8_t { kHalves, kIsolateOne, kMajorityRing, kZones, kBridge };

std::optional<PartitionMode> find_partition_mode(std::string_view name);

using EndpointSet = std::vector<Endpoint>;

// Nothing passes from any of `from` to any of `to`.
struct OneWayCut {
  EndpointSet from;
  EndpointSet to;
};

// "zone:a | group:b, node:3": two sides or more; who is named in none reaches everybody.
Result<std::vector<EndpointSet>> parse_sides(std::string_view text, const FaultTopology& topology);

// Every side against all others.
std::vector<OneWayCut> cuts_between(std::span<const EndpointSet> sides);

// Draws what the mode leaves to chance. `candidates`: whom isolate_one picks from.
std::vector<OneWayCut> draw_partition(PartitionMode mode, const FaultTopology& topology,
                                      std::span<const NodeId> candidates, Random& random);

}  // namespace phoenix
