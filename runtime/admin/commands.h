// Calls of operators to the control plane, by the design document's names:
//
//   POST /control/scale_to          {"nodes": 12, "group": "web"}; without a group the first that
//   scales POST /control/evaluate_scaling  now, not at the next interval POST
//   /control/update_targets    {"response_time_p95": "40 ms", "throughput": "2000 /s"} POST
//   /control/optimize_now POST /control/rebalance_now     {"rebalancer": "..."}; without one the
//   configured POST /control/add_policy        {"name": "evening", "policy": "scheduled[...]"} POST
//   /control/remove_policy     {"name": "evening"} POST /control/event             {"name": "sale
//   begins"} POST /control/set_knob          {"knob": "batch_size", "value": 16}
//
// A body may be empty where nothing in it is needed. Plain functions, main loop.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/gateway/control.h"

namespace phoenix::admin {

bool is_control_call(std::string_view name);

// One command, or one for every target. The error says what was found and what is allowed.
// REQUIRES: is_control_call(name).
Result<std::vector<Command>> control_commands(std::string_view name, std::string_view body);

// All of them or none: where one target cannot be, those that `status` shows are put back.
Status carry_out(const std::vector<Command>& commands, const ControllerStatus* status,
                 gateway::GatewayControl& control);

}  // namespace phoenix::admin
