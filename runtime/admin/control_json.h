// What the control plane thinks, as JSON for /status: `performance` and one entry of `scaling` for
// every pool, with the design document's names for their fields. Times are ages or spans in
// seconds; null is unknown, or that nothing runs.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "strategies/controller.h"

namespace phoenix::admin {

// `names` are those of the nodes that alerts are about.
nlohmann::ordered_json control_json(const ControllerStatus& status,
                                    const std::map<NodeId, std::string>& names);

}  // namespace phoenix::admin
