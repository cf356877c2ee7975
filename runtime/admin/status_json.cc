#include "runtime/admin/status_json.h"

#include <algorithm>
#include <cmath>

#include "runtime/admin/control_json.h"
#include "scenarios/version.h"
#include "strategies/core/units.h"

namespace phoenix::admin {
namespace {

using gateway::ClassStatus;
using gateway::Decision;
using gateway::GatewayStatus;
using gateway::NodeStatus;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMerged = 16;  // of 128 buckets an octave

template <class Number>
Json known(Number number) {
  return std::isfinite(number) ? Json(number) : Json(nullptr);
}

Json latency_json(const Histogram& latency) {
  Json buckets = Json::array();
  for (std::size_t first = 0; first < Histogram::kBuckets; first += kMerged) {
    std::uint64_t count = 0;
    for (std::size_t i = first; i < first + kMerged; ++i) count += latency.bucket_count(i);
    if (count == 0) continue;
    const std::size_t last = first + kMerged - 1;
    const double upper = static_cast<double>(Histogram::bucket_low(last)) +
                         static_cast<double>(Histogram::bucket_width(last));
    buckets.push_back({upper * 1e-9, count});
  }
  const auto at = [&](double q) { return to_seconds(latency.quantile(q)); };
  return {{"count", latency.count()}, {"mean_s", latency.mean_seconds()},
          {"p50_s", at(0.5)},         {"p95_s", at(0.95)},
          {"p99_s", at(0.99)},        {"max_s", to_seconds(latency.max())},
          {"buckets", buckets}};
}

Json class_json(const ClassStatus& one) {
  Json failed = Json::object();
  for (std::size_t i = 1; i < one.answers.size(); ++i) {
    failed[std::string(phoenix::to_text(static_cast<FailureReason>(i)))] = one.answers[i];
  }
  return {{"service", one.service}, {"class", one.name},
          {"offered", one.offered}, {"answered_well", one.answers[0]},
          {"failed", failed},       {"latency", latency_json(one.latency)}};
}

Json node_json(const NodeStatus& node, Time now) {
  const bool has_reported = node.reported_at != kStart;
  return {{"id", index(node.node)},
          {"name", node.name},
          {"address", node.address},
          {"protocol", to_text(node.protocol)},
          {"state", to_text(node.state)},
          {"ejected", node.ejected},
          {"incarnation", node.incarnation},
          {"cores", node.cores},
          {"zone", node.zone},
          {"services", node.services},
          {"under_way", node.under_way},
          {"attempts", node.attempts},
          {"failures", node.failures},
          {"connections", node.connections},
          {"dials_failed", node.dials_failed},
          {"report_age_s", has_reported ? Json(to_seconds(now - node.reported_at)) : Json(nullptr)},
          {"cpu", known(node.load.cpu)},
          {"memory", known(node.load.memory)},
          {"network", known(node.load.network)},
          {"queue", node.load.queue_length},
          {"in_service", node.load.in_service},
          {"completed", node.totals.completed},
          {"refused", node.totals.refused},
          {"busy_core_s", node.totals.busy_core_ns * 1e-9},
          {"network_bytes", node.totals.bytes},
          {"memory_bytes", node.totals.memory_bytes}};
}

// "Active" alone would hide that some of the nodes get nothing: both numbers are told.
Json service_json(const gateway::ServiceStatus& service, const std::vector<NodeStatus>& nodes) {
  int serving = 0;
  int healthy = 0;
  for (const NodeStatus& node : nodes) {
    if (std::find(node.services.begin(), node.services.end(), service.name) ==
        node.services.end()) {
      continue;
    }
    ++serving;
    healthy += node.state == gateway::NodeState::kUp && !node.ejected ? 1 : 0;
  }
  return {{"name", service.name},
          {"balancer", service.balancer},
          {"panic", service.panic},
          {"nodes", serving},
          {"healthy_nodes", healthy}};
}

Json decision_json(const Decision& decision, Time now) {
  return {{"number", decision.number},    {"age_s", to_seconds(now - decision.at)},
          {"family", decision.family},    {"action", decision.action},
          {"subject", decision.subject},  {"value", decision.value},
          {"reason", decision.reason},    {"outcome", decision.outcome},
          {"from", known(decision.from)}, {"took_s", known(decision.took_s)},
          {"seen", decision.seen},        {"note", decision.note}};
}

Json router_json(const GatewayStatus& status) {
  const RouterCounters& router = status.router;
  return {{"requests", router.requests},
          {"attempts", router.attempts},
          {"retries", router.retries},
          {"retries_denied", router.retries_denied},
          {"hedges", router.hedges},
          {"hedges_won", router.hedges_won},
          {"hedges_denied", router.hedges_denied},
          {"late_results", router.late_results},
          {"timed_out_attempts", router.timed_out_attempts},
          {"queued", router.queued},
          {"panic_picks", router.panic_picks},
          {"slow_start_repicks", router.slow_start_repicks},
          {"ejections", router.ejections},
          {"probes", router.probes},
          {"probes_unsent", status.probes_unsent}};
}

Json listener_json(const net::ListenCounters& listener) {
  return {{"open", listener.open},
          {"accepted", listener.accepted},
          {"refused", listener.refused},
          {"handshake_failed", listener.handshake_failed}};
}

Json link_json(const wire::LinkCounters& links) {
  Json errors = Json::object();
  for (std::size_t i = 1; i < links.errors.size(); ++i) {
    errors[std::string(wire::to_text(static_cast<wire::FrameError>(i)))] = links.errors[i];
  }
  return {{"in", links.frames_in},
          {"out", links.frames_out},
          {"batches_out", links.batches_out},
          {"compressed_saved_bytes", links.compressed_saved_bytes},
          {"errors", errors}};
}

template <class Things, class Make>
Json array_of(const Things& things, Make make) {
  Json array = Json::array();
  for (const auto& thing : things) array.push_back(make(thing));
  return array;
}

}  // namespace

std::string_view to_text(gateway::NodeState state) {
  switch (state) {
    case gateway::NodeState::kUp:
      return "up";
    case gateway::NodeState::kDown:
      return "down";
    case gateway::NodeState::kDraining:
      return "draining";
  }
  return "";
}

std::string_view to_text(gateway::Protocol protocol) {
  return protocol == gateway::Protocol::kFrames ? "frames" : "http";
}

Json knobs_json(const gateway::Knobs& knobs) {
  return {{"batch_size", knobs.batch_size},
          {"batch_delay", print_duration(knobs.batch_delay)},
          {"compress_above", print_bytes(static_cast<double>(knobs.compress_above))},
          {"pool_size", knobs.pool_size},
          {"http_pool_size", knobs.http_pool_size},
          {"socket_buffer", print_bytes(knobs.socket_buffer)},
          {"direct_routing", knobs.direct_routing},
          {"workers", knobs.workers},
          {"queue_length", knobs.queue_length},
          {"max_in_flight", knobs.max_in_flight},
          {"hibernate_idle", print_duration(knobs.hibernate_idle)}};
}

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json status_json(const GatewayStatus& status) {
  const Json services = array_of(status.services, [&](const gateway::ServiceStatus& service) {
    return service_json(service, status.nodes);
  });
  const Json nodes =
      array_of(status.nodes, [&](const NodeStatus& node) { return node_json(node, status.now); });
  const Json decisions = array_of(status.decisions, [&](const Decision& decision) {
    return decision_json(decision, status.now);
  });
  return {{"name", status.name},
          {"version", kVersion},
          {"revision", kSourceRevision},
          {"now_s", to_seconds(status.now)},
          {"uptime_s", to_seconds(status.now - status.started)},
          {"threads", status.threads},
          {"draining", status.draining},
          {"reloads", status.reloads},
          {"reloads_failed", status.reloads_failed},
          {"open_requests", status.open_requests},
          {"services", services},
          {"classes", array_of(status.classes, class_json)},
          {"nodes", nodes},
          {"decisions", decisions},
          {"router", router_json(status)},
          {"http",
           {{"listener", listener_json(status.http_listener)},
            {"requests", status.http.requests},
            {"timeouts", status.http.timeouts},
            {"refused", status.http.refused}}},
          {"frames",
           {{"listener", listener_json(status.frame_listener)},
            {"links", link_json(status.links)},
            {"refused", status.frames_refused}}},
          {"admin", {{"listener", listener_json(status.admin_listener)}}},
          {"knobs", knobs_json(status.knobs)},
          {"control",
           status.control ? control_json(*status.control, status.control_nodes) : Json(nullptr)},
          {"record",
           {{"written", status.records_written},
            {"dropped", status.records_dropped},
            {"error", status.record_error}}}};
}

}  // namespace phoenix::admin
