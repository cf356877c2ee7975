// Runs one scenario on the simulated cluster. A run is a process: SimGrid allows one engine in
// each, so whoever wants several runs forks first (see lockstep.h, and tests).
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"
#include "sim/world.h"
#include "strategies/core/result.h"

namespace phoenix::sim {

struct SimulationOptions {
  std::string record_path;  // empty: no record
  const std::atomic<bool>* stop = nullptr;
  std::function<void(double simulated_s)> on_progress;
  std::function<void(const PlayedEvent&)> on_event;
  std::function<RouterTap*(std::uint32_t gateway)> tap;
};

struct SimulationResult {
  RunSummary summary;
  Status record;  // why there is no complete record, if one was asked for
};

// The error is bad input found late (a trace that cannot be read, a record that cannot be created).
// REQUIRES: first call in this process; the scenario comes from the parser.
Result<SimulationResult> simulate(const Scenario& scenario, const SimulationOptions& options);

}  // namespace phoenix::sim
