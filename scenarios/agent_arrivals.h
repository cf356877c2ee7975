// Agents that come and go during a run, read from a file: one a row, in the order of time.
#pragma once

#include <vector>

#include "scenarios/scenario.h"
#include "strategies/core/result.h"

namespace phoenix {

inline constexpr std::size_t kAgentArrivalsMax = 1'000'000;

// The error starts with file and line. REQUIRES: settings.file is not empty.
Result<std::vector<AgentArrival>> read_agent_arrivals(const AgentArrivalSettings& settings,
                                                      std::size_t service);

}  // namespace phoenix
