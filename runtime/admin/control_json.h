// What the control plane thinks, as JSON for /status: `performance` and one entry of `scaling` for
// every pool, with the design document's names for their fields. Times are ages or spans in
// seconds; null is unknown, or that nothing runs.
#pragma once

#include <nlohmann/json.hpp>

#include "strategies/controller.h"

namespace phoenix::admin {

nlohmann::ordered_json control_json(const ControllerStatus& status);

}  // namespace phoenix::admin
