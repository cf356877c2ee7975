// A gateway's picture of itself for Prometheus: text format 0.0.4, through prometheus-cpp. Names
// and units follow its conventions: base units, `_total` for counters, `_ratio` for shares.
//
// `class` and `service` are as configured, `result` is "ok" or a failure reason, `node` is the
// node's name.
#pragma once

#include <string>

#include "runtime/gateway/status.h"

namespace phoenix::admin {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// Unknown utilisations are left out. Counts of latency buckets are exact but for requests within
// 1/128 of a bound.
std::string metrics_text(const gateway::GatewayStatus& status);

}  // namespace phoenix::admin
