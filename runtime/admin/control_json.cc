#include "runtime/admin/control_json.h"

#include <cmath>
#include <optional>

#include "strategies/control/status.h"

namespace phoenix::admin {
namespace {

using Json = nlohmann::ordered_json;

Json known(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json left(const std::optional<Duration>& span) {
  return span ? Json(to_seconds(*span)) : Json(nullptr);
}

template <class Things, class Make>
Json list_of(const Things& things, Make make) {
  Json list = Json::array();
  for (const auto& thing : things) list.push_back(make(thing));
  return list;
}

Json trend_json(const Trend& trend) {
  return {{"direction", to_text(trend.direction)},
          {"slope_per_s", known(trend.slope_per_s)},
          {"confidence", known(trend.confidence)}};
}

Json target_json(const TargetStatus& target) {
  return {{"name", target.reading.name},
          {"target", known(target.reading.target)},
          {"current", known(target.reading.current)},
          {"compliance", known(target.verdict.compliance)},
          {"deviation", known(target.verdict.deviation)},
          {"side", to_text(target.verdict.side)},
          {"trend", trend_json(target.trend)}};
}

Json optimization_json(const ActiveOptimization& one, Time now) {
  return {{"optimization", one.optimization},
          {"action", one.action},
          {"target", one.target},
          {"trigger", one.trigger},
          {"phase", to_text(one.phase)},
          {"age_s", to_seconds(now - one.started)},
          {"expected", known(one.expected)},
          {"effect", known(one.effect)}};
}

Json performance_json(const PerformanceStatus& status) {
  Json metrics = Json::object();
  for (const NamedMetric& metric : status.current_metrics) {
    metrics[metric.name] = {{"value", known(metric.point.value)},
                            {"unit", metric.unit},
                            {"age_s", to_seconds(metric.age)}};
  }
  const Recommendation& advice = status.scaling_recommendation;
  return {{"current_metrics", metrics},
          {"target_compliance",
           {{"mean", known(status.target_compliance.mean)},
            {"minimum", known(status.target_compliance.minimum)},
            {"worst", status.target_compliance.worst},
            {"targets", list_of(status.targets, target_json)}}},
          {"active_optimizations",
           list_of(status.active_optimizations,
                   [&](const auto& one) { return optimization_json(one, status.at); })},
          {"scaling_recommendations",
           {{"action", to_text(advice.action)},
            {"confidence", advice.confidence},
            {"reason", advice.reason}}},
          {"performance_trend", trend_json(status.performance_trend)}};
}

Json event_json(const ScalingEvent& event, Time now) {
  return {{"age_s", to_seconds(now - event.at)},
          {"action", to_text(event.kind)},
          {"from", event.from},
          {"to", event.to},
          {"reason", event.reason},
          {"result", to_text(event.result)},
          {"count", event.count},
          {"took_s", to_seconds(event.took)},
          {"cause", event.cause}};
}

Json counters_json(const ScalingCounters& counters) {
  return {{"evaluations", counters.evaluations},
          {"started", counters.started},
          {"stopped", counters.stopped},
          {"failed_starts", counters.failed_starts},
          {"failed_stops", counters.failed_stops},
          {"reversals", counters.reversals},
          {"missing_metrics", counters.missing_metrics},
          {"limited", counters.limited},
          {"lost_outcomes", counters.lost_outcomes},
          {"unknown_outcomes", counters.unknown_outcomes}};
}

Json pool_json(const ScalingStatus& pool, Time now) {
  return {{"pool", pool.pool},
          {"current_capacity", pool.current},
          {"target_capacity", pool.desired},
          {"ready", pool.ready},
          {"provisioning", pool.provisioning},
          {"draining", pool.draining},
          {"minimum", pool.minimum},
          {"maximum", pool.maximum},
          {"maximum_reached", pool.maximum_reached},
          {"has_stale_nodes", pool.has_stale_nodes},
          {"scaling_policies", pool.policies},
          {"recent_scaling_events",
           list_of(pool.recent, [&](const auto& event) { return event_json(event, now); })},
          {"cooldown_status",
           {{"scale_out_left_s", left(pool.cooldown_out_left)},
            {"scale_in_left_s", left(pool.cooldown_in_left)},
            {"backoff_left_s", left(pool.backoff_left)},
            {"changes_under_way", pool.changes_under_way}}},
          {"predictions",
           {{"mean_per_s", known(pool.forecast_mean)},
            {"q90_per_s", known(pool.forecast_q90)},
            {"is_trusted", pool.forecast_trusted},
            {"boot_time_s", to_seconds(pool.boot_time)}}},
          {"counters", counters_json(pool.counters)}};
}

Json alert_json(const ActiveAlert& alert, const std::map<NodeId, std::string>& names, Time now) {
  const auto name = names.find(alert.node);
  return {{"metric", alert.metric},
          {"node", name == names.end() ? Json(nullptr) : Json(name->second)},
          {"level", to_text(alert.level)},
          {"age_s", to_seconds(now - alert.since)}};
}

Json placement_json(const PlacementStatus& placement) {
  Json reserved = Json::object();
  for (const auto& [resource, share] : placement.resource_utilization) reserved[resource] = share;
  return {{"total_agents", placement.total_agents},
          {"waiting_agents", placement.waiting_agents},
          {"moving_agents", placement.moving_agents},
          {"nodes_in_use", placement.nodes_in_use},
          {"constraint_violations", placement.constraint_violations},
          {"placement_efficiency", placement.placement_efficiency},
          {"resource_utilization", reserved},
          {"placed", placement.placed},
          {"refused", placement.refused},
          {"lost", placement.lost},
          {"moves", placement.moves},
          {"moves_failed", placement.moves_failed},
          {"downtime_s", to_seconds(placement.downtime)}};
}

}  // namespace

Json control_json(const ControllerStatus& status, const std::map<NodeId, std::string>& names) {
  const Time now = status.performance.at;
  const TunerStatus& tuning = status.tuning;
  return {
      {"performance", performance_json(status.performance)},
      {"scaling", list_of(status.scaling, [&](const auto& pool) { return pool_json(pool, now); })},
      {"policies", list_of(status.policies,
                           [](const ScalingPolicy& policy) {
                             return Json{{"name", policy.name}, {"policy", policy.text}};
                           })},
      {"alerts",
       list_of(status.alerts, [&](const auto& alert) { return alert_json(alert, names, now); })},
      {"placement", placement_json(status.placement)},
      {"tuning",
       {{"tried", tuning.tried},
        {"kept", tuning.kept},
        {"undone", tuning.undone},
        {"voided", tuning.voided},
        {"dropped", tuning.dropped},
        {"unknown_windows", tuning.unknown_windows}}},
      {"decisions", status.decisions}};
}

}  // namespace phoenix::admin
