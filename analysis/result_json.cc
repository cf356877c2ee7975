#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/result_text.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN and infinity as null

Json latency_json(const LatencySummary& latency) {
  return {{"mean_s", latency.mean}, {"p50_s", latency.p50}, {"p90_s", latency.p90},
          {"p95_s", latency.p95},   {"p99_s", latency.p99}, {"p999_s", latency.p999},
          {"max_s", latency.max}};
}

Json class_json(const ClassSummary& c) {
  Json reasons = Json::object();
  for (std::size_t i = 1; i < c.failed.size(); ++i) {
    reasons[std::string(to_text(static_cast<FailureReason>(i)))] = c.failed[i];
  }
  return {{"name", c.name},
          {"offered", c.offered},
          {"completed", c.completed},
          {"failed", c.failed_total()},
          {"failed_by_reason", std::move(reasons)},
          {"in_flight", c.in_flight},
          {"throughput_per_s", c.throughput_per_s},
          {"availability", c.availability},
          {"response_time", latency_json(c.latency)}};
}

Json group_json(const GroupSummary& group) {
  return {{"name", group.name},
          {"nodes", group.nodes},
          {"utilization", group.utilization},
          {"request_share", group.request_share},
          {"node_hours", group.node_hours},
          {"cost", group.cost}};
}

Json target_json(const TargetSummary& target) {
  return {{"name", target.name},           {"target", target.target},
          {"current", target.current},     {"compliance", target.compliance},
          {"deviation", target.deviation}, {"side", target.side}};
}

Json fault_json(const FaultSummary& fault) {
  return {{"id", fault.id},           {"kind", fault.kind},   {"target", fault.target},
          {"begin_s", fault.begin_s}, {"end_s", fault.end_s}, {"affected", fault.affected},
          {"outcome", fault.outcome}};
}

template <class Things, class Convert>
Json array_of(const Things& things, Convert convert) {
  Json array = Json::array();
  for (const auto& thing : things) array.push_back(convert(thing));
  return array;
}

Json null_if_empty(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json wire_json(const WireSummary& wire) {
  return {
      {"gateway_cpu_s", wire.gateway_cpu_s},
      {"batches", wire.batches},
      {"batched", wire.batched},
      {"batch_wait_s", wire.batch_wait_s},
      {"compressed", wire.compressed},
      {"saved_bytes", wire.saved_bytes},
      {"connection_waits", wire.connection_waits},
      {"connection_wait_s", wire.connection_wait_s},
      {"connection_refusals", wire.connection_refusals},
      {"connection_give_ups", wire.connection_give_ups},
      {"buffer_waits", wire.buffer_waits},
      {"buffer_wait_s", wire.buffer_wait_s},
      {"unsent_late", wire.unsent_late},
      {"unsent_full", wire.unsent_full},
      {"direct", wire.direct},
      {"direct_misses", wire.direct_misses},
      {"cold_starts", wire.cold_starts},
      {"wakes", wire.wakes},
      {"hibernations", wire.hibernations},
  };
}

}  // namespace

std::string result_json(const RunSummary& run) {
  Json total = class_json(run.total);
  total.erase("name");
  Json json = {
      {"scenario", run.scenario},
      {"world", run.world},
      {"balancer", run.balancer},
      {"seed", run.seed},
      {"replication", run.replication},
      {"complete", run.complete},
      {"duration_s", run.duration_s},
      {"measured_s", run.measured_s},
      {"total", std::move(total)},
      {"classes", array_of(run.classes, class_json)},
      {"groups", array_of(run.groups, group_json)},
      {"targets", array_of(run.targets, target_json)},
      {"compliance_mean", run.compliance_mean},
      {"compliance_minimum", run.compliance_minimum},
      {"worst_target", null_if_empty(run.worst_target)},
      {"faults", array_of(run.faults, fault_json)},
      {"attempts", run.attempts},
      {"retries", run.retries},
      {"retries_denied", run.retries_denied},
      {"hedges", run.hedges},
      {"hedges_won", run.hedges_won},
      {"hedges_denied", run.hedges_denied},
      {"wasted_replies", run.wasted_replies},
      {"lost_messages", run.lost_messages},
      {"ejections", run.ejections},
      {"panic_picks", run.panic_picks},
      {"node_hours", run.node_hours},
      {"cost", run.cost},
      {"events", run.events},
      {"digest", fmt::format("{:016x}", run.digest)},
      {"wall_s", run.wall_s},
      {"simulated_requests_per_second", run.simulated_requests_per_second},
  };
  if (run.wire.is_used) json["wire"] = wire_json(run.wire);
  // Names come from files and may hold anything; what is not UTF-8 is replaced, never thrown over.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace phoenix
