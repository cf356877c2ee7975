// The knobs that nodes obey, as a gateway tells them in a kControl frame: one JSON object
//
//   {"knobs": {"workers": 4, "queue_length": 64, "hibernate_idle": 300}}
//
// in base units, 0 where a node is to be as it was started. Not answered: what does not parse is a
// bad payload, and ends the connection. Pure.
#pragma once

#include <string>
#include <string_view>

#include "strategies/core/result.h"
#include "strategies/tuning/knobs.h"

namespace phoenix::wire {

// Those of `knobs` that are the nodes' to obey; all others as by default.
Knobs node_part(const Knobs& knobs);

std::string print_node_knobs(const Knobs& knobs);
// The error says what was found and what is allowed.
Result<Knobs> parse_node_knobs(std::string_view text);

}  // namespace phoenix::wire
