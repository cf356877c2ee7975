// What the control plane thinks, for operators: /status, the live page and `phoenix explain` show
// it. Plain data.
#pragma once

#include <vector>

#include "strategies/control/performance.h"
#include "strategies/control/placement_control.h"
#include "strategies/metrics/alerts.h"
#include "strategies/scaling/governor.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

struct ControllerStatus {
  PerformanceStatus performance;
  std::vector<ScalingStatus> scaling;  // one for each group that may change its size
  std::vector<ScalingPolicy> policies;
  std::vector<ActiveAlert> alerts;
  PlacementStatus placement;
  TunerStatus tuning;
  Knobs knobs;
  std::uint64_t decisions = 0;  // so far
};

}  // namespace phoenix
