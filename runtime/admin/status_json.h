// A gateway's picture of itself as JSON, for /status and the live page. Keys are stable and only
// ever added to; times and durations are seconds, sizes bytes, utilisations shares; null is
// unknown. Knobs are in the form that PUT /knobs and the configuration file take.
//
// Latency buckets are [upper bound in seconds, requests in this bucket] since the start, filled
// ones only, bounds at most 1/8 octave apart: subtract an earlier answer's to get what happened in
// between.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/gateway/status.h"

namespace phoenix::admin {

nlohmann::ordered_json status_json(const gateway::GatewayStatus& status);
nlohmann::ordered_json knobs_json(const gateway::Knobs& knobs);

// As compact text; bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

std::string_view to_text(gateway::NodeState state);    // "up", "down", "draining"
std::string_view to_text(gateway::Protocol protocol);  // "frames", "http"

}  // namespace phoenix::admin
