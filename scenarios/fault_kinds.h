// The table behind every fault kind: what a kind does, where it may strike and which parameters it
// takes within which bounds. Checking, expanding and listing faults all read this one table, so a
// new simple kind is one row. Internal to the fault plan; others use `fault_plan.h`.
//
// Plain constant data; any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/fault_plan.h"
#include "scenarios/scenario.h"
#include "strategies/core/result.h"

namespace phoenix {

// How a kind becomes events.
enum class FaultForm : std::uint8_t {
  kNodes,   // one effect on each victim node
  kPaths,   // one effect on each direction of the paths struck
  kNoise,   // kNodes, alternating; starts in its long-run state
  kFlap,    // kPaths, alternating; starts with a cut
  kSides,   // cuts between groups of endpoints
  kOutage,  // composites from here on
  kRolling,
  kGray,
  kChaos,
};

inline constexpr bool is_composite(FaultForm form) { return form >= FaultForm::kOutage; }

struct FaultParameter {
  enum class Unit : std::uint8_t { kNumber, kSeconds, kRate, kText };
  static constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();

  std::string_view name;
  Unit unit = Unit::kNumber;
  double low = 0;
  double high = 0;
  bool above_low = false;  // the lower bound itself is not allowed
  double preset = kRequired;
  std::string_view text_preset = {};  // kText; empty: may be left out
  double chaos_low = 0;               // what `chaos` draws from, when it has to give a value
  double chaos_high = 0;
};

struct FaultRule {
  std::string_view name;
  std::string_view summary;
  FaultForm form = FaultForm::kNodes;
  FaultAction action = FaultAction::kCrash;
  enum class Lasting : std::uint8_t { kOpen, kRequired, kNone } duration = Lasting::kOpen;
  bool ramps = false;
  bool keeps_rates = true;  // false: changes running service or transfers, so not exact as flows
  std::string_view default_target = {};  // empty: a target is required
  std::span<const FaultParameter> parameters = {};
};

std::span<const FaultRule> fault_rules();

// Null for unknown and for unbuilt kinds.
const FaultRule* find_fault_rule(std::string_view kind);

// The value given, else the preset; NaN for a required one that is missing. The error names what
// was found and what is allowed. REQUIRES: not a kText parameter.
Result<double> fault_number(const FaultSpec& spec, const FaultParameter& parameter);

// By name; REQUIRES: the rule has the parameter, and check_fault() accepted the fault.
double fault_number(const FaultSpec& spec, const FaultRule& rule, std::string_view name);
std::string fault_text(const FaultSpec& spec, const FaultRule& rule, std::string_view name);
const FaultParameter* find_parameter(const FaultRule& rule, std::string_view name);

// "(0, 1]", "[0 s, inf)".
std::string print_bounds(const FaultParameter& parameter);

// Whether a kind can be exact when every message is a SimGrid communication and every service an
// execution; "" or the cause, short enough for the record.
std::string fidelity_objection(const FaultRule& rule, Fidelity fidelity);

// A weighted list, "crash_restart:3, pause": kinds `chaos` may draw, each by default with weight 1.
struct WeightedKind {
  const FaultRule* rule = nullptr;
  double weight = 1;
};
Result<std::vector<WeightedKind>> parse_weighted_kinds(std::string_view text);

}  // namespace phoenix
