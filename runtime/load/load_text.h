// What came of a load source's run, for people and as JSON. Pure.
#pragma once

#include <string>

#include "runtime/load/driver.h"
#include "scenarios/run_summary.h"

namespace phoenix::load {

std::string load_text(const RunSummary& run);
std::string load_json(const RunSummary& run, const Lateness& late);
// Empty where the source kept up.
std::string lateness_text(const Lateness& late);

}  // namespace phoenix::load
