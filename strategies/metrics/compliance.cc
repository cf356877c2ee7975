#include "strategies/metrics/compliance.h"

#include <algorithm>
#include <cmath>

namespace phoenix {
namespace {

TargetVerdict judge_lower(double current, double target) {
  if (current <= target) return {1.0, 0.0, TargetSide::kMet};
  return {target / current, (current - target) / target, TargetSide::kOver};
}

TargetVerdict judge_higher(double current, double target, double attainable) {
  const double goal = attainable < target ? std::max(attainable, 0.0) : target;
  if (current >= goal) return {1.0, 0.0, TargetSide::kMet};
  const double reached = std::max(current, 0.0) / goal;
  return {reached, (goal - current) / goal, TargetSide::kShort};
}

TargetVerdict judge_set_point(double current, double target) {
  const double deviation = std::abs(current - target) / target;
  const double compliance = std::clamp(1.0 - deviation, 0.0, 1.0);
  if (current == target) return {1.0, 0.0, TargetSide::kMet};
  return {compliance, deviation, current > target ? TargetSide::kOver : TargetSide::kUnder};
}

}  // namespace

TargetVerdict judge(const TargetReading& reading) {
  const bool is_known = !std::isnan(reading.current) && reading.target > 0;
  if (!is_known) return {};
  switch (reading.sense) {
    case TargetSense::kLowerIsBetter:
      return judge_lower(reading.current, reading.target);
    case TargetSense::kHigherIsBetter:
      return judge_higher(reading.current, reading.target, reading.attainable);
    case TargetSense::kSetPoint:
      return judge_set_point(reading.current, reading.target);
  }
  return {};
}

Compliance overall(std::span<const TargetReading> readings) {
  Compliance result;
  double sum = 0;
  int known = 0;
  for (const TargetReading& reading : readings) {
    const TargetVerdict verdict = judge(reading);
    if (verdict.side == TargetSide::kUnknown || verdict.side == TargetSide::kUnder) continue;
    sum += verdict.compliance;
    ++known;
    if (!(verdict.compliance >= result.minimum)) {
      result.minimum = verdict.compliance;
      result.worst = reading.name;
    }
  }
  if (known > 0) result.mean = sum / known;
  return result;
}

}  // namespace phoenix
