// One simulated node: its CPU, whether it is up, and what faults currently do to it. Plain state;
// world_machines.cc and world_faults.cc hold the rules.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "scenarios/node_signals.h"
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
  std::vector<std::pair<std::uint32_t, double>> slowdowns;  // effect, factor
  std::vector<std::uint32_t> held;                          // jobs that came while paused

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

  double slowdown() const {
    double product = 1.0;
    for (const auto& one : slowdowns) product *= one.second;
    return product;
  }
  double factor() const { return pauses > 0 || !up ? 0.0 : slowdown(); }
  bool is_draining() const { return drains > 0; }
};

}  // namespace phoenix::sim
