// The configuration of a scenario's gateway, for runs on real processes: one thread, the scenario's
// Router settings, services and classes, nodes numbered as in the simulator. Pure.
#pragma once

#include <string>

#include "runtime/gateway/config.h"
#include "scenarios/scenario.h"

namespace phoenix::gateway {

// `token` is what nodes, clients and the lab must show. Listens on free ports of loopback.
GatewayConfig lab_config(const Scenario& scenario, int number, std::string token);

}  // namespace phoenix::gateway
