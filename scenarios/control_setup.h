// What the control plane of a scenario is told about its cluster. Built alike wherever it runs.
#pragma once

#include "scenarios/scenario.h"
#include "strategies/controller.h"

namespace phoenix {

ControlSetup control_setup(const Scenario& scenario);

// Whether anything in the scenario needs a control plane: a strategy of it, or a command to it.
bool wants_control(const Scenario& scenario);

}  // namespace phoenix
