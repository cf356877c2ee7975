// What a node says about itself: piggy-backed on responses and sent periodically.
// Utilisations are shares of capacity in [0, 1]; a value the node cannot measure is NaN ("unknown",
// never 0).
#pragma once

#include <cstdint>
#include <limits>

#include "strategies/core/time.h"

namespace phoenix {

struct LoadReport {
  static constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

  Time measured_at = kStart;  // the node's own time; the difference to `now` is the staleness
  float cpu = kUnknown;
  float memory = kUnknown;
  float network = kUnknown;
  std::uint32_t queue_length = 0;  // waiting, not yet in service
  std::uint32_t in_service = 0;

  // What the node's requests, of all gateways, saw lately.
  float latency = kUnknown;       // seconds: median response time of those that came at this load
  float service_time = kUnknown;  // seconds: mean time in service, without the wait for it
  float rate = kUnknown;          // answers per second ...
  float error_rate = kUnknown;    // ... and of these, failures
};

}  // namespace phoenix
