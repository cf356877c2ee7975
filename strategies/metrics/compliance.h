// How well a measured value meets the target set for it, as a share in [0, 1], and how several
// targets add up. Formulas only: who measures, and what is done about a miss, is decided elsewhere.
//
// Missing is unknown, never zero: a NaN value or a target that is not a positive number gives NaN,
// and unknown targets take no part in the totals.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace phoenix {

enum class TargetSense {
  kLowerIsBetter,   // response times
  kHigherIsBetter,  // throughput, availability
  kSetPoint,        // utilization: best at the target, worse on either side
};

// Where a value stands. Only kOver and kShort call for help: kUnder is paid-for capacity that
// nobody uses, a reason to scale in and not a missed service target.
enum class TargetSide { kUnknown, kMet, kShort, kOver, kUnder };

constexpr std::string_view to_text(TargetSide side) {
  constexpr std::string_view kNames[] = {"unknown", "met", "short", "over", "under"};
  return kNames[static_cast<std::size_t>(side)];
}

struct TargetReading {
  std::string name;
  TargetSense sense = TargetSense::kLowerIsBetter;
  double target = 0;
  double current = std::numeric_limits<double>::quiet_NaN();
  // kHigherIsBetter: the most that could have been reached, such as the offered load; an idle
  // cluster does not miss its throughput target. NaN and infinity set no limit.
  double attainable = std::numeric_limits<double>::infinity();
};

struct TargetVerdict {
  double compliance = std::numeric_limits<double>::quiet_NaN();  // in [0, 1]
  double deviation = std::numeric_limits<double>::quiet_NaN();   // relative miss, >= 0
  TargetSide side = TargetSide::kUnknown;
};

// Lower is better: 1 up to the target, then target / current. Higher is better: 1 from goal =
// min(target, attainable) on, below it current / goal. Set point: current / target up to the
// target, then (2 target - current) / target, within [0, 1]. Deviation is the distance on the
// missed side over the goal, for a set point on either side.
TargetVerdict judge(const TargetReading& reading);

struct Compliance {
  double mean = std::numeric_limits<double>::quiet_NaN();     // NaN: nothing is known
  double minimum = std::numeric_limits<double>::quiet_NaN();  // a mean hides one failing target
  std::string worst;                                          // the first of the lowest
};

// Over what is known and is not kUnder.
Compliance overall(std::span<const TargetReading> readings);

}  // namespace phoenix
