// Load reports that Routers ask for: a question to the node and its answer, two messages with the
// network's latency and faults. The node answers at once and at no cost; reading the answer costs
// the gateway one message. A node that is down says nothing, and one that is paused answers none of
// the questions it slept through.
#include "sim/world.h"

namespace phoenix::sim {
namespace {

constexpr double kProbeBytes = 64;

}  // namespace

void World::send_probe(std::uint32_t gateway, NodeId node) {
  const std::uint32_t id = reports_.acquire();
  reports_[id].node = static_cast<std::uint32_t>(index(node));
  reports_[id].gateway = gateway;
  reports_[id].number = probe_number(probes_++);
  reports_[id].is_probe = true;
  if (!network_.send(probe_message(id), now_)) reports_.release(id);
}

Message World::probe_message(std::uint32_t id) const {
  const ReportOnWay& report = reports_[id];
  return {EventKind::kProbeArrive,           id,          report.gateway,
          network_.gateways() + report.node, kProbeBytes, report.number};
}

void World::on_probe_arrive(std::uint32_t id) {
  if (!passes(probe_message(id))) return;
  ReportOnWay& asked = reports_[id];
  const Machine& machine = machines_[asked.node];
  if (!machine.up || machine.pauses > 0) return reports_.release(id);
  asked.report = read_load(machine);
  asked.number = answer_number(asked.number);
  if (!network_.send(report_message(id), now_)) reports_.release(id);
}

void World::on_probe_read(std::uint32_t id) {
  const ReportOnWay answer = reports_[id];
  reports_.release(id);
  gateways_[answer.gateway].routing.report(id_at<NodeId>(answer.node), answer.report, now_);
}

}  // namespace phoenix::sim
