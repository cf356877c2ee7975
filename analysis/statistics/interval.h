// A confidence interval, for everything below analysis/statistics/.
//
// The conventions of this folder: the unit of inference is one run, so a sample holds one number
// per run. Functions are pure: no files, clocks or state, from any thread, and nothing of the
// input is kept. A value that is not finite is a run that is missing: it is left out and counted.
// Where the data say too little (less than two runs, say), a result is NaN and never a guess.
// Results do not depend on the order of runs, to the last bit, unless the order carries meaning.
// Finite values are below 1e150, so that their squares are finite too.
#pragma once

#include <cmath>
#include <limits>

namespace phoenix::statistics {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kDefaultConfidence = 0.95;

struct Interval {
  double low = kUnknown;
  double high = kUnknown;

  bool is_known() const { return !std::isnan(low) && !std::isnan(high); }
  // Bounds belong to it; an interval that is not known contains nothing.
  bool contains(double value) const { return low <= value && value <= high; }
};

}  // namespace phoenix::statistics
