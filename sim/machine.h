// One simulated node: its CPU, whether it is up, and what faults currently do to it. Plain state;
// world_machines.cc and world_faults.cc hold the rules.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "scenarios/node_signals.h"
#include "sim/keyed_agents.h"
#include "sim/traffic.h"

namespace phoenix::sim {

struct Machine {
  explicit Machine(Server node_server) : server(std::move(node_server)) {}

  Server server;
  NodeSignals signals;
  std::uint32_t group = 0;
  std::uint32_t incarnation = 0;
  Time service_due = kNever;  // the service event that counts; others on the agenda are stale

  int crashes = 0;  // overlapping faults that want it down
  int pauses = 0;
  int drains = 0;
  bool up = true;
  bool resets = false;        // down, but its machine still refuses connections
  Time drain_limit = kNever;  // when a drain is cut short; other events are stale
  std::uint32_t boot = 0;     // number of the start under way; others are stale
  int start_tries = 0;

  // Of groups that scale: whether the place is filled, and paid for since when and for how long.
  bool is_present = true;
  bool is_provisioned = false;  // asked for, not up yet
  bool is_leaving = false;      // drains for good
  Time paid_since = kStart;
  double paid_ns = 0;

  std::vector<std::pair<std::uint32_t, double>> slowdowns;  // effect, factor
  std::vector<std::uint32_t> held;                          // jobs that came while paused

  // Of services whose agents are placed, by service: agents that are up, and whether gateways know
  // the node as one that serves it. Empty where none is placed.
  std::vector<int> agents_up;
  std::vector<bool> serves;
  std::vector<int> agents_frozen;          // of those up, in the middle of a move
  std::vector<std::uint32_t> frozen_jobs;  // that wait until the move has ended
  int agents_here = 0;                     // up or starting
  double agents_bytes = 0;

  // Reports: readings of the last interval, as a node's own sampling would show them.
  float cpu = LoadReport::kUnknown;
  float network = LoadReport::kUnknown;
  double busy_at_report = 0;
  double bytes_at_report = 0;
  Time reported_at = kStart;

  std::uint64_t attempts = 0;
  std::uint64_t completed = 0;
  std::uint64_t refused = 0;
  double up_ns = 0;
  Time up_since = kStart;

  KeyedAgents keyed;
  std::uint32_t away = 0;       // jobs that wait for their agent, or for room for their answer
  double page_factor = 1.0;     // of a node short of memory
  Time hibernate_due = kNever;  // other events are stale

  double slowdown() const {
    double product = 1.0;
    for (const auto& one : slowdowns) product *= one.second;
    return product;
  }
  double factor() const { return pauses > 0 || !up ? 0.0 : slowdown() * page_factor; }
  bool is_draining() const { return drains > 0; }
};

}  // namespace phoenix::sim
