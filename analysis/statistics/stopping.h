// When replications are enough: as soon as the interval is as narrow as asked for, never as soon as
// a difference is significant, which looking often enough always finds.
//
// Relative: half width h <= g' |mean| with g' = g / (1 + g), which makes the relative error of the
// mean at most g (Law 2015, section 9.4). Absolute: h <= target; for differences, whose mean may be
// 0. With both, both have to be met.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "analysis/statistics/mean.h"
#include "strategies/core/result.h"

namespace phoenix::statistics {

struct StoppingRule {
  std::optional<double> relative = 0.05;  // g
  std::optional<double> absolute;         // in the unit of the values
  double confidence = kDefaultConfidence;
  std::size_t runs_min = 10;
  std::size_t block = 5;  // runs added at a time
  std::size_t runs_max = 100;
};

// The error names the option, what it is, and what is allowed.
Status check(const StoppingRule& rule);

enum class StoppingVerdict { kContinue, kPrecise, kCapReached };
std::string_view to_text(StoppingVerdict verdict);

struct StoppingDecision {
  StoppingVerdict verdict = StoppingVerdict::kContinue;
  std::size_t runs_next = 0;  // to have in all before asking again; those there are when it stops
  MeanEstimate estimate;
  double relative_half_width = kUnknown;  // h / |mean|; infinite where the mean is 0
  // What it would take in all with this t, spread and mean: (t s / allowed)^2, rounded up. Nothing
  // where the spread is not known, or the allowed half width is 0.
  std::optional<double> runs_estimated;
};

// `values` are those of all runs so far; missing ones count towards runs_max and not towards
// runs_min. The same rule and values, the same decision. REQUIRES: check(rule).
StoppingDecision decide_stopping(std::span<const double> values, const StoppingRule& rule);

}  // namespace phoenix::statistics
