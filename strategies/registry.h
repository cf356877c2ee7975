// Every strategy there is, one line each, in the order `phoenix list` shows them. The list is
// explicit: nothing registers itself, so nothing can be dropped by a linker or differ between
// binaries.
#pragma once

#include <span>
#include <string_view>

#include "strategies/balancing/balancer.h"
#include "strategies/forecasting/forecaster.h"
#include "strategies/placement/placer.h"
#include "strategies/placement/rebalancer.h"
#include "strategies/scaling/scaler.h"
#include "strategies/tuning/tuner.h"

namespace phoenix {

std::span<const BalancerEntry> balancers();
std::span<const ScalerEntry> scalers();
std::span<const ForecasterEntry> forecasters();
std::span<const PlacerEntry> placers();
std::span<const RebalancerEntry> rebalancers();
std::span<const TunerEntry> tuners();

// From a text such as "p2c" or "peak_ewma[decay=5 s]"; the error lists the known names.
Result<MadeBalancer> make_balancer(std::string_view text);
Result<MadeScaler> make_scaler(std::string_view text);
Result<MadeForecaster> make_forecaster(std::string_view text);
Result<MadePlacer> make_placer(std::string_view text);
Result<MadeRebalancer> make_rebalancer(std::string_view text);
Result<MadeTuner> make_tuner(std::string_view text);

}  // namespace phoenix
