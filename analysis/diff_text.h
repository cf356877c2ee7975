// A diff for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "analysis/diff.h"
#include "analysis/diff_tolerance.h"
#include "analysis/report/fidelity.h"

namespace phoenix {

// Aligned tables, A above B above their difference as a share of A; ends in a newline. At most 100
// columns wide, 80 where names and numbers are of usual length. Escape codes only with `colour`.
std::string diff_text(const RunDiff& diff, bool colour = false);

// "p95: 23.3 ms against 28.1 ms, +20.6 % where 15.0 % is allowed".
std::string miss_text(const ToleranceCheck& check);

// One JSON object in a stable order of stable keys, base units in their names, null where a number
// is not known; no newline at the end. `fidelity`: null unless the worlds are held against each
// other.
std::string diff_json(const RunDiff& diff, const std::vector<ToleranceCheck>& checks,
                      const report::Fidelity* fidelity = nullptr);

}  // namespace phoenix
