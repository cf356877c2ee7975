#include <algorithm>
#include <map>
#include <optional>

#include "scenarios/agent_arrivals.h"
#include "scenarios/schema.h"
#include "scenarios/schema_values.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix::schema {
namespace {

using Kind = Command::Kind;

// What each command needs besides its date.
struct CommandShape {
  bool takes_name, takes_value, takes_strategy;
};

const std::map<Kind, CommandShape>& shapes() {
  static const std::map<Kind, CommandShape> known = {
      {Kind::kScaleTo, {false, true, false}},      {Kind::kEvaluateScaling, {false, false, false}},
      {Kind::kOptimizeNow, {false, false, false}}, {Kind::kRebalanceNow, {false, false, false}},
      {Kind::kUpdateTarget, {true, true, false}},  {Kind::kAddPolicy, {true, false, true}},
      {Kind::kRemovePolicy, {true, false, false}}, {Kind::kEvent, {true, false, false}},
      {Kind::kSetKnob, {true, true, false}},
  };
  return known;
}

Parser<Kind> command_kind() {
  std::vector<std::pair<std::string, Kind>> options;
  for (const auto& [kind, shape] : shapes()) options.emplace_back(to_text(kind), kind);
  return choice<Kind>(std::move(options));
}

// A number, or a quantity with its unit in base units; what it means, its name tells.
Result<double> any_quantity(const TomlNode& node) {
  if (node.kind == TomlNode::Kind::kInteger || node.kind == TomlNode::Kind::kFloat) {
    return node.number;
  }
  if (node.kind == TomlNode::Kind::kString) {
    if (const Result<double> quantity = parse_quantity(node.text)) return *quantity;
  }
  return wrong(node, R"(a number, or a quantity such as "50 ms", "2000 /s", "64 kB" or "80%")");
}

void read_alert(Section& s, AlertRule& rule) {
  s.required("metric", rule.metric, text());
  s.field("sense", rule.sense,
          choice<AlertSense>({{"above", AlertSense::kAbove}, {"below", AlertSense::kBelow}}));
  s.field("warning", rule.warning, any_quantity);
  s.field("warning_clear", rule.warning_clear, any_quantity);
  s.field("critical", rule.critical, any_quantity);
  s.field("critical_clear", rule.critical_clear, any_quantity);
  s.field("for", rule.hold, duration(kNotNegative));
  s.field("keep", rule.keep, duration(kNotNegative));
  if (s.reader().is_wrong(s.path())) return;
  if (const Status fits = check_alert_rule(rule); !fits) {
    s.reader().report(s.path_of("metric"), fits.error());
  }
}

// One strategy of `strategies`, checked by the controller as a whole.
Parser<std::string> strategy(std::string ControlStrategies::*family) {
  return [family](const TomlNode& node) -> Result<std::string> {
    Result<std::string> written = text()(node);
    if (!written) return written;
    ControlStrategies asked;
    asked.*family = *written;
    const Result<ControlStrategies> full = Controller::in_full(asked);
    if (!full) return Error{full.error()};
    return (*full).*family;
  };
}

}  // namespace

void read_control(Section& s, ControlSettings& control) {
  s.field("collect_interval", control.collect_interval, duration(kPositive));
  s.field("optimization_interval", control.optimization_interval, duration(kPositive));
  s.field("scaling_interval", control.scaling_interval, duration(kPositive));
  s.field("prediction_interval", control.prediction_interval, duration(kPositive));
  s.field("rebalancing_interval", control.rebalancing_interval, duration(kPositive));
  s.field("cooldown_out", control.cooldown_out, duration(kNotNegative));
  s.field("cooldown_in", control.cooldown_in, duration(kNotNegative));
  s.field("drain_grace", control.drain_grace, duration(kNotNegative));
  s.field("forecast_step", control.forecast_step, duration(kPositive));
  s.field("forecast_period", control.forecast_period, duration(kPositive));
  s.field("report_age_max", control.report_age_max, duration(kPositive));
  s.field("flaps_per_hour", control.flaps_per_hour, number(at_least(0, 1e6)));
}

void read_targets(Section& s, ControlTargets& targets) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  s.field("response_time_p95", targets.response_time_p95,
          or_none(duration(kPositive), Duration{0}));
  s.field("throughput", targets.throughput, or_none(rate(above(0)), kNone));
  s.field("availability", targets.availability, or_none(number(above(0, 1)), kNone));
  s.field("utilization", targets.utilization, or_none(number(above(0, 1)), kNone));
  s.field("scaling_response_time", targets.scaling_response_time,
          or_none(duration(kPositive), Duration{0}));
}

void read_control_strategies(Section& s, ControlStrategies& strategies) {
  s.field("scaler", strategies.scaler, strategy(&ControlStrategies::scaler));
  s.field("tuner", strategies.tuner, strategy(&ControlStrategies::tuner));
  s.field("placer", strategies.placer, strategy(&ControlStrategies::placer));
  s.field("rebalancer", strategies.rebalancer, strategy(&ControlStrategies::rebalancer));
  s.field("forecaster", strategies.forecaster, strategy(&ControlStrategies::forecaster));
}

void read_alerts(Section& s, std::vector<AlertRule>& alerts) {
  s.tables("alert", alerts, read_alert);
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    const auto same = [&](const AlertRule& other) { return other.metric == alerts[i].metric; };
    const auto before = alerts.begin() + static_cast<std::ptrdiff_t>(i);
    if (alerts[i].metric.empty() || std::find_if(alerts.begin(), before, same) == before) continue;
    s.reader().report("alert[" + std::to_string(i) + "].metric",
                      "found \"" + alerts[i].metric + "\" a second time; allowed once");
  }
}

void read_command(Section& s, TimedCommand& timed) {
  s.required("at", timed.at, duration(kNotNegative));
  s.required("do", timed.command.kind, command_kind());
  const CommandShape shape = shapes().at(timed.command.kind);
  if (timed.command.kind == Kind::kScaleTo) s.field("group", timed.command.subject, text());
  if (timed.command.kind == Kind::kRebalanceNow) {
    s.field("rebalancer", timed.command.text, strategy(&ControlStrategies::rebalancer));
  }
  if (shape.takes_name) s.required("subject", timed.command.subject, text());
  if (shape.takes_value) s.required("value", timed.command.value, any_quantity);
  if (shape.takes_strategy) {
    s.required("policy", timed.command.text, strategy(&ControlStrategies::scaler));
  }
}

void read_agents(Section& s, PlacedAgents& agents) {
  s.field("count", agents.count, integer(0, 1'000'000));
  s.field("cores", agents.cores, number(at_least(0, 4096)));
  s.field("memory", agents.memory_bytes, bytes(at_least(0, 1e15)));
  s.field("state", agents.state_bytes, bytes(at_least(0, 1e15)));
  s.field("dirty_rate", agents.dirty_bytes_per_s, bandwidth(at_least(0, 1e15)));
  s.field("one_per_node", agents.one_per_node, flag());
  s.field("zone_max_skew", agents.zone_max_skew, integer(0, 1'000'000));
}

void read_agent_arrivals(Section& s, AgentArrivalSettings& arrivals) {
  s.required("file", arrivals.file, readable_file(s.reader().folder()));
  s.field("service", arrivals.service, name());
  s.field("time", arrivals.time_column, text());
  s.field("lifetime", arrivals.lifetime_column, text());
  s.field("cores", arrivals.cores_column, text());
  s.field("memory", arrivals.memory_column, text());
  s.field("time_unit", arrivals.time_unit, duration(kPositive));
  s.field("memory_unit", arrivals.memory_unit, bytes(above(0, 1e15)));
}

void load_agents(Section& s, Scenario& scenario) {
  const AgentArrivalSettings& settings = scenario.agent_arrivals;
  if (settings.file.empty()) return;
  std::vector<std::string> placed;
  std::optional<std::size_t> service;
  for (std::size_t i = 0; i < scenario.services.size(); ++i) {
    const Service& one = scenario.services[i];
    if (!one.is_placed) continue;
    placed.push_back(one.name);
    const bool is_meant = settings.service.empty() || settings.service == one.name;
    if (is_meant && !service) service = i;
  }
  if (!service) {
    const std::string found =
        settings.service.empty() ? "no service" : "\"" + settings.service + "\"";
    s.reader().report("agent_arrivals.service",
                      "found " + found + "; allowed a service with [service.agents]" +
                          (placed.empty() ? "" : ": " + join_names(placed)));
    return;
  }
  Result<std::vector<AgentArrival>> read = phoenix::read_agent_arrivals(settings, *service);
  if (!read) return s.reader().report("agent_arrivals.file", read.error());
  scenario.agents = std::move(*read);
}

}  // namespace phoenix::schema
