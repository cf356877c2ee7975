#include "scenarios/fault_kinds.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <deque>

#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

using Unit = FaultParameter::Unit;
using Lasting = FaultRule::Lasting;

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr double kMust = FaultParameter::kRequired;

// Name, unit, bounds, lower bound excluded, preset, text preset, what chaos draws from.
constexpr FaultParameter kFactor{"factor", Unit::kNumber, 0, 1, true, kMust, {}, 0.1, 0.9};
constexpr FaultParameter kChance{"p", Unit::kNumber, 0, 1, true, kMust, {}, 0.01, 0.2};
constexpr FaultParameter kSurely{"p", Unit::kNumber, 0, 1, true, 1.0, {}, 0.5, 1.0};
constexpr FaultParameter kState{"state", Unit::kText, 0, 0, false, kMust, "lost"};
constexpr FaultParameter kGrace{"grace", Unit::kSeconds, 0, kNoLimit, false, 30.0, {}, 5.0, 30.0};
constexpr FaultParameter kMeanOn{"mean_on", Unit::kSeconds, 0.001, kNoLimit};
constexpr FaultParameter kMeanOff{"mean_off", Unit::kSeconds, 0.001, kNoLimit};
constexpr FaultParameter kPathDelay{"delay", Unit::kSeconds, 0,  kNoLimit, true, kMust,
                                    {},      0.001,          0.1};
constexpr FaultParameter kLongDelay{"delay", Unit::kSeconds, 0, kNoLimit, true, kMust, {}, 1.0,
                                    10.0};

constexpr std::array kStopParameters{kState};
constexpr std::array kGraceParameters{kGrace};
constexpr std::array kFactorParameters{kFactor};
constexpr std::array kWrongParameters{
    FaultParameter{"factor", Unit::kNumber, 0, 1000, false, kMust, {}, 0.1, 2.0}};
constexpr std::array kNoiseParameters{kFactor, kMeanOn, kMeanOff};
constexpr std::array kStartFailParameters{kSurely};
constexpr std::array kLongDelayParameters{kLongDelay};
constexpr std::array kDelayParameters{
    kPathDelay, FaultParameter{"delay_jitter", Unit::kSeconds, 0, kNoLimit, false, 0.0}};
constexpr std::array kLossParameters{kChance};
constexpr std::array kSidesParameters{
    FaultParameter{"mode", Unit::kText, 0, 0, false, kMust, {}},
    FaultParameter{"groups", Unit::kText, 0, 0, false, kMust, {}}};
constexpr std::array kClogParameters{
    FaultParameter{"capacity", Unit::kNumber, 1, 1e9, false, 10'000, {}, 100, 10'000}};
constexpr std::array kFlapParameters{kMeanOn, kMeanOff};
constexpr std::array kOutageParameters{
    FaultParameter{"spread", Unit::kSeconds, 0, kNoLimit, false, 0.0}, kState};
constexpr std::array kRollingParameters{FaultParameter{"gap", Unit::kSeconds, 0, kNoLimit},
                                        FaultParameter{"down", Unit::kSeconds, 0, kNoLimit, true},
                                        kGrace};
constexpr std::array kGrayParameters{kFactor, FaultParameter{"p", Unit::kNumber, 0, 1, true, 0.01}};
constexpr std::array kChaosParameters{
    FaultParameter{"rate", Unit::kRate, 0, 100, true},
    FaultParameter{"kinds", Unit::kText, 0, 0, false, kMust,
                   "crash_restart, pause, slow_cpu, delay, loss, cut"},
    FaultParameter{"mean_length", Unit::kSeconds, 0.001, kNoLimit, false, 5.0}};

constexpr std::array kRules{
    FaultRule{.name = "crash",
              .summary = "stops at once, loses everything; peers are not told",
              .parameters = kStopParameters},
    FaultRule{.name = "crash_notify",
              .summary = "a crash that peers see as a reset connection",
              .action = FaultAction::kCrashNotify,
              .parameters = kStopParameters},
    FaultRule{.name = "crash_restart",
              .summary = "a crash; started again after its duration",
              .duration = Lasting::kRequired,
              .parameters = kStopParameters},
    FaultRule{.name = "stop_graceful",
              .summary = "refuses new work, finishes its queue, leaves",
              .action = FaultAction::kStopGraceful,
              .parameters = kGraceParameters},
    FaultRule{.name = "pause",
              .summary = "no progress and no replies, everything kept",
              .action = FaultAction::kPause,
              .duration = Lasting::kRequired,
              .keeps_rates = false},
    FaultRule{.name = "slow_cpu",
              .summary = "service rate times factor",
              .action = FaultAction::kSlowCpu,
              .ramps = true,
              .keeps_rates = false,
              .parameters = kFactorParameters},
    FaultRule{
        .name = "cpu_noise",
        .summary = "slow and normal by turns, exponential times, already under way at its start",
        .form = FaultForm::kNoise,
        .action = FaultAction::kSlowCpu,
        .keeps_rates = false,
        .parameters = kNoiseParameters},
    FaultRule{.name = "stall",
              .summary = "one stop of the whole process, as garbage collection makes",
              .action = FaultAction::kPause,
              .duration = Lasting::kRequired,
              .keeps_rates = false},
    FaultRule{.name = "start_fail",
              .summary = "an attempt to start the node fails with chance p",
              .action = FaultAction::kStartFail,
              .parameters = kStartFailParameters},
    FaultRule{.name = "start_delay",
              .summary = "starting takes longer",
              .action = FaultAction::kStartDelay,
              .parameters = kLongDelayParameters},
    FaultRule{.name = "delay",
              .summary = "every message takes longer, plus an exponential delay_jitter",
              .form = FaultForm::kPaths,
              .action = FaultAction::kDelay,
              .ramps = true,
              .parameters = kDelayParameters},
    FaultRule{.name = "bandwidth",
              .summary = "capacity of the node's links times factor",
              .action = FaultAction::kBandwidth,
              .ramps = true,
              .keeps_rates = false,
              .parameters = kFactorParameters},
    FaultRule{.name = "loss",
              .summary = "a message is lost with chance p; nothing sends it again",
              .form = FaultForm::kPaths,
              .action = FaultAction::kLoss,
              .ramps = true,
              .parameters = kLossParameters},
    FaultRule{.name = "cut",
              .summary = "nothing passes; messages on the way are lost",
              .form = FaultForm::kPaths,
              .action = FaultAction::kCut},
    FaultRule{.name = "partition",
              .summary =
                  "cuts both ways: mode halves (default), isolate_one, majority_ring, zones or "
                  "bridge; or groups \"zone:a | group:b, node:3\"",
              .form = FaultForm::kSides,
              .action = FaultAction::kCut,
              .default_target = "all",
              .parameters = kSidesParameters},
    FaultRule{.name = "clog",
              .summary = "messages are held and released in order at the end",
              .form = FaultForm::kPaths,
              .action = FaultAction::kClog,
              .duration = Lasting::kRequired,
              .keeps_rates = false,
              .parameters = kClogParameters},
    FaultRule{.name = "flap",
              .summary = "cut and whole by turns, exponential times, cut at its start",
              .form = FaultForm::kFlap,
              .action = FaultAction::kCut,
              .parameters = kFlapParameters},
    FaultRule{.name = "metrics_missing",
              .summary = "a report is not delivered with chance p",
              .action = FaultAction::kMetricsMissing,
              .ramps = true,
              .parameters = kStartFailParameters},
    FaultRule{.name = "metrics_stale",
              .summary = "reports arrive late, their time stamps tell the truth",
              .action = FaultAction::kMetricsStale,
              .ramps = true,
              .parameters = kLongDelayParameters},
    FaultRule{.name = "metrics_frozen",
              .summary = "the last values are repeated with fresh time stamps",
              .action = FaultAction::kMetricsFrozen},
    FaultRule{.name = "metrics_wrong",
              .summary = "reported values are factor times the truth",
              .action = FaultAction::kMetricsWrong,
              .ramps = true,
              .parameters = kWrongParameters},
    FaultRule{.name = "zone_outage",
              .summary = "crash of all nodes of a zone within spread",
              .form = FaultForm::kOutage,
              .parameters = kOutageParameters},
    FaultRule{.name = "rolling_restart",
              .summary = "node after node: stop_graceful, started again after down, then gap",
              .form = FaultForm::kRolling,
              .action = FaultAction::kStopGraceful,
              .duration = Lasting::kNone,
              .default_target = "all",
              .parameters = kRollingParameters},
    FaultRule{.name = "gray_node",
              .summary = "slow_cpu, loss and metrics_frozen on the same nodes",
              .form = FaultForm::kGray,
              .ramps = true,
              .keeps_rates = false,
              .parameters = kGrayParameters},
    FaultRule{.name = "chaos",
              .summary =
                  "Poisson draws over weighted kinds \"crash_restart:3, pause\", each on one "
                  "node for an exponential time",
              .form = FaultForm::kChaos,
              .default_target = "all",
              .parameters = kChaosParameters},
};

struct Unbuilt {
  std::string_view name;
  std::string_view summary;
};

constexpr std::array kUnbuilt{
    Unbuilt{"slow_start", "after a start the service rate ramps up"},
    Unbuilt{"queue_limit", "capacity of the input queue"},
    Unbuilt{"memory_limit", "crash above so many queued bytes"},
    Unbuilt{"disk_slow", "journal writes are delayed"},
    Unbuilt{"disk_full", "journal writes fail"},
    Unbuilt{"corrupt_reply", "a reply fails its checksum"},
    Unbuilt{"exit_code", "leaves with an error after the request in service"},
    Unbuilt{"packet_loss", "loss below TCP, seen as delay"},
    Unbuilt{"duplicate", "a message is delivered twice"},
    Unbuilt{"reorder", "a message is held while later ones pass"},
    Unbuilt{"corrupt", "a message fails its checksum"},
    Unbuilt{"swizzle", "a subset is clogged one by one, healed in random order"},
    Unbuilt{"link_down", "flows in progress fail at once"},
    Unbuilt{"dns_stale", "a client's routing table is not refreshed"},
    Unbuilt{"clock_offset", "a node's clock is off"},
    Unbuilt{"clock_drift", "a node's clock drifts"},
    Unbuilt{"clock_jump", "a node's clock jumps"},
    Unbuilt{"timer_late", "timers fire late"},
    Unbuilt{"controller_down", "no decisions are taken"},
    Unbuilt{"controller_slow", "decisions take effect late"},
    Unbuilt{"action_fail", "a scaling or drain order is lost"},
    Unbuilt{"health_flap", "health checks lie"},
    Unbuilt{"burst", "arrival rate times factor"},
    Unbuilt{"hot_key", "a share of requests goes to one key"},
    Unbuilt{"heavy_requests", "some requests are larger"},
    Unbuilt{"retry_storm", "clients send again on their own"},
    Unbuilt{"client_abandon", "clients leave after a while"},
    Unbuilt{"cascade", "a crash whose load brings down others"},
    Unbuilt{"brownout", "slow_cpu on a fraction, ramped"},
    Unbuilt{"split_then_heal", "partition and metrics_stale"},
    Unbuilt{"sweep_single", "one run per target and date"},
};

std::string describe_parameters(const FaultRule& rule) {
  std::string text;
  for (const FaultParameter& parameter : rule.parameters) {
    if (!text.empty()) text += ", ";
    text += parameter.name;
    if (parameter.name == "state") {
      text += " lost or kept";
    } else if (parameter.unit != Unit::kText) {
      text += " in " + print_bounds(parameter);
      if (!std::isnan(parameter.preset)) text += " = " + print_number(parameter.preset);
    }
  }
  if (rule.ramps) text += text.empty() ? "ramp" : ", ramp";
  if (rule.duration == Lasting::kRequired) text += text.empty() ? "duration" : ", duration";
  return text;
}

template <class Value>
const Value* find_value(const std::vector<std::pair<std::string, Value>>& values,
                        std::string_view name) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
  return found == values.end() ? nullptr : &found->second;
}

Result<double> read_with_unit(std::string_view text, Unit unit) {
  if (unit == Unit::kRate) return parse_rate(text);
  if (unit == Unit::kNumber) return parse_number(text);
  const Result<Duration> duration = parse_duration(text);
  if (!duration) return Error{duration.error()};
  return *duration == Duration::max() ? kNoLimit : to_seconds(*duration);
}

bool chaos_can_draw(const FaultRule& rule) {
  return rule.form == FaultForm::kNodes || rule.form == FaultForm::kPaths;
}

}  // namespace

std::span<const FaultRule> fault_rules() { return kRules; }

const FaultRule* find_fault_rule(std::string_view kind) {
  const auto found = std::find_if(kRules.begin(), kRules.end(),
                                  [&](const FaultRule& rule) { return rule.name == kind; });
  return found == kRules.end() ? nullptr : &*found;
}

std::span<const FaultKindInfo> fault_kinds() {
  static const std::vector<FaultKindInfo> kinds = [] {
    static std::deque<std::string> texts;
    std::vector<FaultKindInfo> list;
    for (const FaultRule& rule : kRules) {
      texts.push_back(describe_parameters(rule));
      list.push_back({rule.name, rule.summary, texts.back(), true});
    }
    for (const Unbuilt& kind : kUnbuilt) list.push_back({kind.name, kind.summary, "", false});
    return list;
  }();
  return kinds;
}

const FaultParameter* find_parameter(const FaultRule& rule, std::string_view name) {
  const auto found = std::find_if(rule.parameters.begin(), rule.parameters.end(),
                                  [&](const FaultParameter& p) { return p.name == name; });
  return found == rule.parameters.end() ? nullptr : &*found;
}

std::string print_bounds(const FaultParameter& parameter) {
  const std::string unit = parameter.unit == Unit::kSeconds ? " s"
                           : parameter.unit == Unit::kRate  ? " /s"
                                                            : "";
  std::string text = (parameter.above_low ? "(" : "[") + print_number(parameter.low) + unit + ", ";
  return text + (parameter.high == kNoLimit ? "inf)" : print_number(parameter.high) + unit + "]");
}

Result<double> fault_number(const FaultSpec& spec, const FaultParameter& parameter) {
  double value = parameter.preset;
  std::string found;
  if (const double* number = find_value(spec.numbers, parameter.name)) {
    value = *number;
    found = print_number(value);
    if (parameter.unit != Unit::kNumber && value != 0) {
      return Error{"found " + found + ": needs a unit, as in \"" + found +
                   (parameter.unit == Unit::kRate ? " /s\"" : " s\"")};
    }
  } else if (const std::string* text = find_value(spec.texts, parameter.name)) {
    const Result<double> read = read_with_unit(*text, parameter.unit);
    found = "\"" + *text + "\"";
    if (!read) return Error{read.error()};
    value = *read;
  } else {
    return value;
  }
  const bool is_low = parameter.above_low ? !(value > parameter.low) : !(value >= parameter.low);
  if (is_low || !(value <= parameter.high) || std::isinf(value)) {
    return Error{"found " + found + ": must be in " + print_bounds(parameter)};
  }
  return value;
}

double fault_number(const FaultSpec& spec, const FaultRule& rule, std::string_view name) {
  const FaultParameter* parameter = find_parameter(rule, name);
  assert(parameter != nullptr);
  const Result<double> value = fault_number(spec, *parameter);
  assert(value.ok() && !std::isnan(*value));
  return *value;
}

std::string fault_text(const FaultSpec& spec, const FaultRule& rule, std::string_view name) {
  const FaultParameter* parameter = find_parameter(rule, name);
  assert(parameter != nullptr);
  const std::string* text = find_value(spec.texts, name);
  return text != nullptr ? *text : std::string(parameter->text_preset);
}

std::string fidelity_objection(const FaultRule& rule, Fidelity fidelity) {
  if (fidelity == Fidelity::kRequest || rule.keeps_rates) return "";
  return "not exact in fidelity \"flow\"";
}

Result<std::vector<WeightedKind>> parse_weighted_kinds(std::string_view text) {
  std::vector<WeightedKind> kinds;
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view name = trim(text.substr(0, comma));
    WeightedKind kind;
    if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
      const Result<double> weight = parse_number(trim(name.substr(colon + 1)));
      if (!weight || !(*weight > 0)) {
        return Error{"\"" + std::string(name) + "\": the weight must be a number above 0"};
      }
      kind.weight = *weight;
      name = trim(name.substr(0, colon));
    }
    kind.rule = find_fault_rule(name);
    if (kind.rule == nullptr || !chaos_can_draw(*kind.rule)) {
      std::vector<std::string> known;
      for (const FaultRule& rule : kRules) {
        if (chaos_can_draw(rule)) known.emplace_back(rule.name);
      }
      return Error{"\"" + std::string(name) + "\": not a kind chaos can draw; it can draw " +
                   join_names(known)};
    }
    kinds.push_back(kind);
    if (comma == std::string_view::npos) return kinds;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace phoenix
