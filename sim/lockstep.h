// Checks that a run is reproducible: plays it twice, in two processes side by side, and compares
// their events one by one. On a difference it names the first event that differs, which is where to
// look for the cause.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sim/world.h"
#include "strategies/core/result.h"

namespace phoenix::sim {

// Runs in a child process; calls `emit` for every event.
using EventJob = std::function<void(const std::function<void(const PlayedEvent&)>& emit)>;

struct LockstepResult {
  std::uint64_t events = 0;  // equal ones, from the start
  std::uint64_t digest = 0;  // of the equal ones
  bool equal = false;
  std::optional<PlayedEvent> first;  // where they part; empty: that run had ended
  std::optional<PlayedEvent> second;
};

// The error: a process could not be made, or one died. REQUIRES: no engine and no other thread in
// this process.
Result<LockstepResult> lockstep(const EventJob& first, const EventJob& second);

std::string describe(const PlayedEvent& event);  // "12.5 ms: response, job 17"

}  // namespace phoenix::sim
