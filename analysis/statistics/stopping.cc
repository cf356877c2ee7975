#include "analysis/statistics/stopping.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

namespace phoenix::statistics {
namespace {

bool is_positive(double value) { return value > 0 && std::isfinite(value); }

double allowed_half_width(const StoppingRule& rule, double mean) {
  double allowed = std::numeric_limits<double>::infinity();
  if (rule.relative) allowed = *rule.relative / (1 + *rule.relative) * std::abs(mean);
  if (rule.absolute) allowed = std::min(allowed, *rule.absolute);
  return allowed;
}

}  // namespace

std::string_view to_text(StoppingVerdict verdict) {
  switch (verdict) {
    case StoppingVerdict::kContinue:
      return "continue";
    case StoppingVerdict::kPrecise:
      return "precise";
    case StoppingVerdict::kCapReached:
      return "cap reached";
  }
  return "";
}

Status check(const StoppingRule& rule) {
  if (!rule.relative && !rule.absolute) {
    return Error{"neither relative nor absolute: one of them must be given"};
  }
  if (rule.relative && !is_positive(*rule.relative)) {
    return Error{fmt::format("relative = {}: must be above 0 and finite", *rule.relative)};
  }
  if (rule.absolute && !is_positive(*rule.absolute)) {
    return Error{fmt::format("absolute = {}: must be above 0 and finite", *rule.absolute)};
  }
  if (!(rule.confidence > 0 && rule.confidence < 1)) {
    return Error{fmt::format("confidence = {}: must be above 0 and below 1", rule.confidence)};
  }
  if (rule.runs_min < 2) {
    return Error{fmt::format("runs_min = {}: must be 2 or more", rule.runs_min)};
  }
  if (rule.block < 1) return Error{fmt::format("block = {}: must be 1 or more", rule.block)};
  if (rule.runs_max < rule.runs_min) {
    return Error{
        fmt::format("runs_max = {}: must be at least runs_min, {}", rule.runs_max, rule.runs_min)};
  }
  return success();
}

StoppingDecision decide_stopping(std::span<const double> values, const StoppingRule& rule) {
  assert(check(rule));
  StoppingDecision decision;
  decision.estimate = estimate_mean(values, rule.confidence);
  const MeanEstimate& estimate = decision.estimate;
  const double allowed = allowed_half_width(rule, estimate.mean);
  if (estimate.n >= 2) {
    decision.relative_half_width =
        estimate.half_width == 0 ? 0 : estimate.half_width / std::abs(estimate.mean);
    if (allowed > 0) {
      const double times = estimate.half_width / allowed;
      decision.runs_estimated = std::ceil(times * times * static_cast<double>(estimate.n));
    }
  }
  decision.runs_next = values.size();
  if (estimate.n >= rule.runs_min && estimate.half_width <= allowed) {
    decision.verdict = StoppingVerdict::kPrecise;
  } else if (values.size() >= rule.runs_max) {
    decision.verdict = StoppingVerdict::kCapReached;
  } else {
    const std::size_t more = std::max(values.size() + rule.block, rule.runs_min);
    decision.runs_next =
        std::min(values.size() < rule.runs_min ? rule.runs_min : more, rule.runs_max);
  }
  return decision;
}

}  // namespace phoenix::statistics
