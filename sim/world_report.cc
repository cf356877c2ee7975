// What the simulated world tells of itself: interval samples, decisions, and the summary at the
// end.
#include <fmt/format.h>

#include "sim/world.h"

namespace phoenix::sim {
namespace {

std::string_view action_text(RouterNotice::Kind kind) {
  switch (kind) {
    case RouterNotice::Kind::kEjected:
      return "eject";
    case RouterNotice::Kind::kReadmitted:
      return "readmit";
    case RouterNotice::Kind::kPanic:
      return "panic";
    case RouterNotice::Kind::kPanicOver:
      return "panic_over";
    case RouterNotice::Kind::kStale:
      return "stale";
    case RouterNotice::Kind::kFresh:
      return "fresh";
  }
  return "";
}

}  // namespace

std::vector<NodeSample> World::node_samples() {
  std::vector<NodeSample> samples;
  samples.reserve(machines_.size());
  for (std::uint32_t i = 0; i < machines_.size(); ++i) {
    const Machine& machine = machines_[i];
    NodeSample sample;
    sample.waiting = machine.server.waiting() + static_cast<std::uint32_t>(machine.held.size());
    sample.in_service = machine.server.in_service();
    sample.busy_core_ns = machine.server.busy_core_ns(now_);
    const double up_ns =
        machine.up_ns + (machine.up ? static_cast<double>((now_ - machine.up_since).count()) : 0.0);
    sample.available_core_ns = up_ns * machine.server.cores();
    sample.busier_bytes = network_.busier_bytes(network_.gateways() + i);
    sample.memory_bytes = memory_of(machine);
    sample.completed = machine.completed;
    sample.refused = machine.refused;
    sample.attempts = machine.attempts;
    sample.state = !machine.up ? 0 : machine.is_draining() ? 2 : machine.pauses > 0 ? 3 : 1;
    sample.paid_ns = machine.paid_ns;
    if (machine.is_present) {
      sample.paid_ns += static_cast<double>((now_ - machine.paid_since).count());
    } else {
      sample.state = 4;
    }
    samples.push_back(sample);
  }
  return samples;
}

void World::log_decision(std::string_view family, std::string_view action, std::string_view subject,
                         double value, std::string_view reason, std::string_view outcome,
                         std::optional<Time> at) {
  ++decisions_;
  if (options_.record == nullptr) return;
  DecisionRow row;
  row.seq = static_cast<std::int64_t>(decisions_ - 1);
  row.t = at.value_or(now_).time_since_epoch().count();
  row.family = family;
  row.action = action;
  row.subject = subject;
  row.value = value;
  row.reason = reason;
  row.outcome = outcome;
  options_.record->append(row);
}

void World::log_control(DecisionRow& row) {
  row.seq = static_cast<std::int64_t>(decisions_++);
  if (options_.record != nullptr) options_.record->append(row);
}

void World::record_request(const Request& request, std::int64_t answered_ns, std::uint8_t result) {
  RequestRow row;
  row.seq = static_cast<std::int64_t>(request.seq);
  row.arrived = request.arrived.time_since_epoch().count();
  row.answered = answered_ns;
  row.work = request.work * 1e-9;
  row.request_bytes = static_cast<double>(request.request_bytes);
  row.response_bytes = static_cast<double>(request.response_bytes);
  row.key = request.key;
  row.request_class = static_cast<std::int32_t>(request.request_class);
  row.gateway = request.gateway;
  row.node = request.last_node == kNoIndex ? -1 : static_cast<std::int32_t>(request.last_node);
  row.attempts = request.attempts;
  row.result = result;
  collector_.record(row);
}

void World::on_sample(bool warmup_ends) {
  if (warmup_ends) return collector_.end_warmup(node_samples());
  take_sample();
  agenda_.push(now_ + scenario_.record.interval, EventKind::kSample, 0);
}

void World::take_sample() {
  std::uint64_t retries = 0;
  for (std::uint32_t g = 0; g < gateways_.size(); ++g) {
    retries += gateways_[g].routing.router().counters().retries;
    for (const RouterNotice& notice : gateways_[g].routing.take_notices()) {
      const std::string subject = notice.node == kNoNode
                                      ? fmt::format("gateway:{}", g)
                                      : fmt::format("node:{} gateway:{}", index(notice.node), g);
      log_decision("routing", action_text(notice.kind), subject, notice.value, notice.why, "done",
                   notice.at);
    }
  }
  collector_.end_interval(now_, node_samples(), retries);
}

WireSummary World::wire_summary() const {
  const WireCounters& from = wire_.counters;
  const auto mean_s = [](double sum_ns, std::uint64_t count) {
    return count == 0 ? 0.0 : sum_ns * 1e-9 / static_cast<double>(count);
  };
  WireSummary to;
  to.is_used = true;
  for (const SimGateway& gateway : gateways_) to.gateway_cpu_s += to_seconds(gateway.cpu.busy());
  to.batches = from.batches;
  to.batched = from.batched;
  to.batch_wait_s = mean_s(from.batch_wait_ns, from.batched);
  to.compressed = from.compressed;
  to.saved_bytes = from.saved_bytes;
  to.connection_waits = from.connection_waits;
  to.connection_wait_s = mean_s(from.connection_wait_ns, from.connection_waits);
  to.connection_refusals = from.connection_refusals;
  to.connection_give_ups = from.connection_give_ups;
  to.buffer_waits = from.buffer_waits;
  to.buffer_wait_s = mean_s(from.buffer_wait_ns, from.buffer_waits);
  to.unsent_late = from.unsent_late;
  to.unsent_full = from.unsent_full;
  to.direct = from.direct;
  to.direct_misses = from.direct_misses;
  to.cold_starts = from.cold_starts;
  to.wakes = from.wakes;
  to.hibernations = from.hibernations;
  return to;
}

RunSummary World::finish() {
  std::vector<std::uint32_t> open;
  requests_.for_each_live([&](std::uint32_t id) { open.push_back(id); });
  for (const std::uint32_t id : open) {
    const Request& request = requests_[id];
    collector_.unanswered(id_at<ClassId>(request.request_class), request.arrived);
    if (collector_.is_recorded(request.seq)) record_request(request, -1, RequestRow::kUnderWay);
  }
  control_.finish();
  RunSummary summary = collector_.summarize(now_, node_samples(), control_.scaling_response_s());
  for (const SimGateway& gateway : gateways_) {
    const RouterCounters& counters = gateway.routing.router().counters();
    summary.attempts += counters.attempts;
    summary.retries += counters.retries;
    summary.retries_denied += counters.retries_denied;
    summary.hedges += counters.hedges;
    summary.hedges_won += counters.hedges_won;
    summary.hedges_denied += counters.hedges_denied;
    summary.wasted_replies += counters.late_results;
    summary.ejections += counters.ejections;
    summary.panic_picks += counters.panic_picks;
  }
  summary.attempts += wire_.counters.direct;
  if (!is_plain_) summary.wire = wire_summary();
  summary.lost_messages = network_.lost_messages() + lost_jobs_;
  summary.faults = faults_.summarize();
  summary.events = events_;
  summary.digest = digest_;
  summary.complete = !interrupted_;
  collector_.write_histograms();
  return summary;
}

}  // namespace phoenix::sim
