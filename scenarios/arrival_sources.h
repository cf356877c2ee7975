// The makers behind make_arrivals(), one for each family of arrivals. REQUIRE: a scenario as the
// parser lets through. Internal to the generators.
#pragma once

#include <memory>

#include "scenarios/arrivals.h"

namespace phoenix {

// constant, poisson, diurnal, flash_crowd, mmpp.
std::unique_ptr<ArrivalSource> make_open_arrivals(const Scenario& scenario, const Streams& streams);

std::unique_ptr<ArrivalSource> make_closed_arrivals(const Scenario& scenario,
                                                    const Streams& streams);

// The error says where the file cannot be read as the scenario describes it.
Result<std::unique_ptr<ArrivalSource>> make_trace_arrivals(const Scenario& scenario,
                                                           const Streams& streams);

}  // namespace phoenix
