// The cluster as SimGrid sees it: a star of zones, each a star of racks, each a star of hosts;
// every gateway is a host in a rack of its own in its zone. Links carry bandwidth only. Latency is
// Phoenix's own to add, since changing a SimGrid latency while flows are under way stalls them.
//
// Built once per process, before the run. Owns nothing of SimGrid's: the engine does.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <simgrid/s4u.hpp>

#include "scenarios/scenario.h"
#include "strategies/core/time.h"

namespace phoenix::sim {

// Endpoints are numbered gateways first, then nodes.
struct PlatformHost {
  simgrid::s4u::Host* host = nullptr;
  std::uint32_t rack = 0;     // index into Platform::racks
  std::uint32_t up_link = 0;  // index into Platform::links; its own half towards the rack switch
  std::uint32_t down_link = 0;
  Duration latency{0};  // to its rack switch
  std::string name;
};

struct PlatformRack {
  std::uint32_t zone = 0;
  std::uint32_t first_host = 0;  // any endpoint in it
};

struct PlatformLink {
  simgrid::s4u::Link* link = nullptr;
  double bandwidth = 0;  // bytes per second, as configured
};

// The part of a route between two racks: what all pairs of hosts in them share.
struct RackPath {
  std::vector<std::uint32_t> links;
  Duration latency{0};
};

struct Platform {
  std::vector<PlatformHost> hosts;
  std::vector<PlatformRack> racks;
  std::vector<PlatformLink> links;
  std::vector<std::string> zones;
  std::unordered_map<const simgrid::s4u::Link*, std::uint32_t> link_index;

  // Reads the route from SimGrid; for setting up, not per message.
  RackPath path_between(std::uint32_t from_rack, std::uint32_t to_rack,
                        const Cluster& cluster) const;
};

// REQUIRES: a SimGrid engine exists and nothing was built on it yet.
Platform build_platform(const Scenario& scenario);

// SimGrid's flop/s of a core of speed 1.
inline constexpr double kFlopsPerSecond = 1e9;

}  // namespace phoenix::sim
