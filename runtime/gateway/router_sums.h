// Adding up what Routers count, over threads and lanes.
#pragma once

#include "strategies/router.h"

namespace phoenix::gateway {

void add_counters(RouterCounters& sum, const RouterCounters& more);

}  // namespace phoenix::gateway
