// The Router a scenario asks for. Built alike wherever it runs: the same scenario, seed and gateway
// give Routers that decide alike on the same events.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/scenario.h"
#include "strategies/core/random.h"
#include "strategies/router.h"

namespace phoenix {

// One per request class, in ClassId order.
std::vector<RouterClass> router_classes(const Scenario& scenario);

// Where a gateway of the scenario is; every gateway counts as an equal share of the callers.
Surroundings surroundings(const Scenario& scenario, std::uint32_t gateway);

// Knows no nodes yet. REQUIRES: the scenario comes from the parser.
Router make_router(const Scenario& scenario, const Streams& streams, std::uint32_t gateway);

}  // namespace phoenix
