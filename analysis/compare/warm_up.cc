#include "analysis/compare/warm_up.h"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/human_text.h"
#include "analysis/statistics/warm_up.h"

namespace phoenix {
namespace {

bool names_warm_up(const PlanRequest& request) {
  const auto is_it = [](const std::string& text) { return text.starts_with("warmup"); };
  return std::ranges::any_of(request.overrides, is_it) ||
         std::ranges::any_of(request.axes, [](const Axis& axis) { return axis.key == "warmup"; });
}

}  // namespace

std::string why_not_steady(const Scenario& scenario) {
  if (!scenario.faults.empty()) return "faults";
  if (!scenario.commands.empty()) return "commands during the run";
  if (!scenario.transfers.empty()) return "transfers";
  if (!scenario.agents.empty()) return "arriving agents";
  const ControlStrategies& control = scenario.strategies.control;
  for (const std::string* family : {&control.scaler, &control.tuner, &control.rebalancer}) {
    if (*family != "none") return "a fleet or knobs that are changed";
  }
  switch (scenario.workload.arrivals) {
    case ArrivalKind::kConstant:
    case ArrivalKind::kPoisson:
      return scenario.workload.rate.size() == 1 ? "" : "a rate that changes";
    case ArrivalKind::kClosed:
      return "";
    default:
      return "a rate that changes";
  }
}

bool needs_pilot(const ComparisonPlan& plan) {
  if (plan.request().warm_up || names_warm_up(plan.request())) return false;
  for (std::size_t v = 0; v < plan.variations().size(); ++v) {
    const Result<Scenario> scenario = plan.scenario(v);
    if (!scenario || scenario->warmup > Duration{0} || !why_not_steady(*scenario).empty()) {
      return false;
    }
  }
  return true;
}

WarmUpRule warm_up_of(const std::vector<CellResult>& pilots, Duration interval) {
  std::vector<statistics::WarmUp> each;
  for (const CellResult& pilot : pilots) {
    if (pilot.is_usable()) each.push_back(statistics::mser5(pilot.window_mean));
  }
  const statistics::WarmUp common = statistics::common_warm_up(each);
  WarmUpRule rule;
  rule.is_run_too_short = common.is_run_too_short;
  if (!rule.is_run_too_short) {
    rule.seconds = static_cast<double>(common.deleted) * to_seconds(interval);
  }
  return rule;
}

std::string warm_up_text(const ComparisonPlan& plan) {
  if (const auto& rule = plan.request().warm_up) {
    if (rule->is_run_too_short) {
      return "nothing is deleted: the pilot runs are too short for MSER-5 to find a steady state";
    }
    return rule->seconds > 0
               ? fmt::format("the first {} of each run are deleted, by MSER-5 on pilot runs",
                             human_duration(rule->seconds))
               : "nothing is deleted: MSER-5 on pilot runs finds the runs steady from the start";
  }
  const Result<Scenario> scenario = plan.scenario(0);
  if (!scenario) return "";
  if (scenario->warmup > Duration{0}) {
    return fmt::format("the scenario's warm-up of {} is deleted",
                       human_duration(to_seconds(scenario->warmup)));
  }
  const std::string why = why_not_steady(*scenario);
  return why.empty() ? "runs count from their first second"
                     : fmt::format("runs count from their first second, because of {}", why);
}

}  // namespace phoenix
