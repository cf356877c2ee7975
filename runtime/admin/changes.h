// Changes that operators ask for, from JSON bodies to calls of the gateway. Errors say what was
// found and what is allowed; nothing has changed then. Plain functions, main loop.
#pragma once

#include <string>
#include <string_view>

#include "runtime/gateway/control.h"
#include "strategies/core/result.h"

namespace phoenix::admin {

Status set_strategy(std::string_view body, gateway::GatewayControl& control);
// Keys that the body leaves out keep what they are in `now`.
Status set_knobs(std::string_view body, gateway::Knobs now, gateway::GatewayControl& control);
Status change_node(const std::string& name, std::string_view body,
                   gateway::GatewayControl& control);

// Percent-encoding taken off.
Result<std::string> decoded(std::string_view text);

}  // namespace phoenix::admin
