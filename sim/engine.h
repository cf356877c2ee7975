// Runs a World inside SimGrid's engine. The world is an own resource model of the engine: it tells
// the date of its next boundary (fault, bulk transfer, end of run) and, while no SimGrid activity
// is under way, plays its own events up to there without the engine taking a step. When an activity
// is under way, the engine's clock leads.
#pragma once

#include "sim/world.h"

namespace phoenix::sim {

// SimGrid's engine with the settings Phoenix relies on. One per process: the first call makes it.
simgrid::s4u::Engine& engine();

// Plays the world to its end. REQUIRES: called once per process, on the engine the platform was
// built on.
void run_in_engine(World& world);

// "3.32"
std::string engine_version();

}  // namespace phoenix::sim
