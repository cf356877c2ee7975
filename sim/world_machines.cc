// The machines' side of the simulated world: service, reports and membership.
#include <algorithm>

#include "sim/world.h"

namespace phoenix::sim {
namespace {

constexpr double kReportBytes = 256;

}  // namespace

void World::take_job(std::uint32_t id) {
  const std::uint32_t node = jobs_[id].node;
  Machine& machine = machines_[node];
  if (machine.is_draining() || !serves(node, jobs_[id].service)) {
    return reply(id, AttemptResult::kRefused);
  }
  if (is_frozen(node, jobs_[id].service)) {
    if (!hold_or_refuse(id)) reply(id, AttemptResult::kRefused);
    return;
  }
  if (!is_plain_ && !finds_its_agent(id)) return;
  admit(id);
}

void World::admit(std::uint32_t id) {
  const std::uint32_t node = jobs_[id].node;
  Machine& machine = machines_[node];
  const bool taken = is_flow_fidelity_ ? machine.server.admit_elsewhere(jobs_, id, now_)
                                       : machine.server.admit(jobs_, id, now_);
  if (!taken) {
    ++machine.refused;
    if (uses_reports_) machine.signals.answered(0, Duration{0}, Duration{0}, false);
    return reply(id, AttemptResult::kQueueFull);
  }
  if (is_flow_fidelity_) return start_executions(node);
  reschedule(node);
  if (!is_plain_) fit_speed(node);
}

void World::on_node_service(std::uint32_t node) {
  Machine& machine = machines_[node];
  if (machine.service_due != now_) return;
  machine.service_due = kNever;
  finished_.clear();
  machine.server.collect_finished(jobs_, now_, finished_);
  for (const std::uint32_t job : finished_) finish_job(job);
  reschedule(node);
  leave_if_drained(node);
}

void World::finish_job(std::uint32_t id) {
  const Job& job = jobs_[id];
  Machine& machine = machines_[job.node];
  ++machine.completed;
  if (uses_reports_) machine.signals.answered(job.load, now_ - job.came, now_ - job.began, true);
  reply(id, AttemptResult::kOk);
}

void World::reschedule(std::uint32_t node) {
  if (is_flow_fidelity_) return;  // SimGrid's executions tell
  Machine& machine = machines_[node];
  const Time next = machine.server.next_finish();
  if (next >= machine.service_due) return;  // the earlier event finds out and looks again
  machine.service_due = next;
  agenda_.push(next, EventKind::kNodeService, node);
}

void World::attach_report(std::uint32_t id) {
  Job& job = jobs_[id];
  job.report = read_load(machines_[job.node]);
  job.has_report = true;
  if (!faults_.disturbs_reports()) return;
  Duration delay{0};
  job.has_report = faults_.disturb_report(id_at<NodeId>(job.node), job.message, job.report, delay);
  if (!job.has_report || delay.count() == 0) return;
  job.has_report = false;  // it comes by itself, later
  const std::uint32_t late = reports_.acquire();
  reports_[late] = {job.node, job.gateway, job.message, true, false, job.report};
  agenda_.push(now_ + network_.latency(network_.gateways() + job.node, job.gateway) + delay,
               EventKind::kReportArrive, late);
}

void World::reply(std::uint32_t id, AttemptResult result) {
  Job& job = jobs_[id];
  job.result = result;
  if (!is_plain_) leave_agent(id);
  if (piggyback_) attach_report(id);
  if (!is_plain_ && holds_answer(id)) return;
  if (!network_.send(response_message(id), now_)) jobs_.release(id);
}

// The connection breaks: the gateway learns it after one latency, unless the way is cut.
void World::reset(std::uint32_t id) {
  Job& job = jobs_[id];
  job.result = AttemptResult::kReset;
  agenda_.push(now_ + network_.latency(network_.gateways() + job.node, job.gateway),
               EventKind::kResponse, id);
}

void World::start_executions(std::uint32_t node) {
  Server& server = machines_[node].server;
  for (;;) {
    const std::uint32_t id = server.start_next(jobs_, now_);
    if (id == kNoIndex) return;
    jobs_[id].activity =
        flows_.start_execution(network_.gateways() + node, jobs_[id].work,
                               {Flows::Tag::Kind::kService, id, jobs_[id].incarnation});
  }
}

void World::on_activity_done(std::uint32_t done) {
  const EndedActivity ended = ended_[done];
  ended_.release(done);
  switch (ended.tag.kind) {
    case Flows::Tag::Kind::kMessage: {
      Message message;
      const bool arrives = network_.on_flow_ended(ended.tag.subject, ended.ok, now_, message);
      if (!arrives) lose_flow(message);
      if (message.from >= network_.gateways()) leave_if_drained(message.from - network_.gateways());
      return;
    }
    case Flows::Tag::Kind::kService: {
      const Job& job = jobs_[ended.tag.subject];
      if (!job.in_service || job.incarnation != ended.tag.extra) return;
      const std::uint32_t node = jobs_[ended.tag.subject].node;
      machines_[node].server.finish_elsewhere(jobs_, ended.tag.subject, now_);
      finish_job(ended.tag.subject);
      start_executions(node);
      return leave_if_drained(node);
    }
    case Flows::Tag::Kind::kState:
      return on_state_sent(ended.tag.subject, ended.ok);
    case Flows::Tag::Kind::kTransfer: {
      const Transfer& transfer = scenario_.transfers[ended.tag.subject];
      return log_decision("transfer", "end", transfer.name, transfer.bytes,
                          ended.ok ? "all bytes sent" : "an end went down",
                          ended.ok ? "done" : "failed");
    }
  }
}

void World::start_bulk(std::uint32_t index_of_transfer) {
  const auto& [from, to] = transfer_ends_[index_of_transfer];
  const std::string& name = scenario_.transfers[index_of_transfer].name;
  const double bytes = scenario_.transfers[index_of_transfer].bytes;
  if (!platform_.hosts[from].host->is_on() || !platform_.hosts[to].host->is_on()) {
    return log_decision("transfer", "start", name, bytes, "an end is down", "refused");
  }
  log_decision("transfer", "start", name, bytes, "scheduled", "done");
  flows_.start_transfer(from, to, bytes, {Flows::Tag::Kind::kTransfer, index_of_transfer, 0});
}

void World::leave_if_drained(std::uint32_t node) {
  const Machine& machine = machines_[node];
  if (!machine.is_draining() || !machine.up || machine.pauses > 0) return;
  if (machine.server.waiting() + machine.server.in_service() + machine.away > 0) return;
  if (network_.flows_from(network_.gateways() + node) > 0) return;  // answers on their way out
  if (machine.is_leaving && machine.agents_here > 0) return;        // they move first
  stop_machine(node, true, false);
}

void World::on_drain_limit(std::uint32_t node) {
  const Machine& machine = machines_[node];
  if (machine.drain_limit != now_ || !machine.is_draining() || !machine.up) return;
  stop_machine(node, true, false);
}

void World::announce(MembershipChange change) {
  const auto from = network_.gateways() + static_cast<std::uint32_t>(index(change.node));
  for (std::uint32_t g = 0; g < gateways_.size(); ++g) {
    const std::uint32_t id = changes_.acquire();
    changes_[id] = {change, g};
    agenda_.push(now_ + network_.latency(from, g), EventKind::kMembership, id);
  }
}

void World::on_membership(std::uint32_t id) {
  const ChangeOnWay on_way = changes_[id];
  changes_.release(id);
  gateways_[on_way.gateway].routing.membership(on_way.change, now_);
}

Time World::report_date(std::uint32_t node) const {
  const std::int64_t interval = scenario_.reports.interval.count();
  const auto nodes = static_cast<std::int64_t>(machines_.size());
  return kStart + Duration{interval * static_cast<std::int64_t>(report_cycle_) +
                           interval / nodes * (node + 1)};
}

void World::on_reports_due(std::uint32_t node) {
  send_report(node);
  const bool wraps = node + 1 == machines_.size();
  if (wraps) ++report_cycle_;
  const std::uint32_t next = wraps ? 0 : node + 1;
  agenda_.push(report_date(next), EventKind::kReportsDue, next);
}

LoadReport World::read_load(const Machine& machine) const {
  LoadReport report;
  report.measured_at = now_;
  report.cpu = machine.cpu;
  report.network = machine.network;
  const NodeGroup& group = scenario_.cluster.groups[machine.group];
  report.memory = static_cast<float>(memory_of(machine) / group.memory_bytes);
  report.queue_length = machine.server.waiting() + static_cast<std::uint32_t>(machine.held.size());
  report.in_service = machine.server.in_service();
  if (uses_reports_) machine.signals.tell(report.queue_length + report.in_service, report);
  return report;
}

void World::send_report(std::uint32_t node) {
  Machine& machine = machines_[node];
  if (!machine.up || machine.pauses > 0) return;
  const auto elapsed = static_cast<double>((now_ - machine.reported_at).count());
  if (elapsed <= 0) return;  // came up this instant: nothing to tell yet
  const double busy = machine.server.busy_core_ns(now_);
  const double bytes = network_.busier_bytes(network_.gateways() + node);
  const double bandwidth = scenario_.cluster.groups[machine.group].bandwidth;
  machine.cpu =
      static_cast<float>((busy - machine.busy_at_report) / (elapsed * machine.server.cores()));
  machine.network = static_cast<float>(
      std::min(1.0, (bytes - machine.bytes_at_report) / (elapsed * 1e-9 * bandwidth)));
  machine.busy_at_report = busy;
  machine.bytes_at_report = bytes;
  machine.reported_at = now_;
  machine.signals.sample(now_);
  const LoadReport report = read_load(machine);
  for (std::uint32_t g = 0; g < gateways_.size(); ++g) {
    const std::uint32_t id = reports_.acquire();
    const std::uint64_t number =
        report_number(report_cycle_, node, static_cast<std::uint32_t>(machines_.size()), g,
                      static_cast<std::uint32_t>(gateways_.size()));
    reports_[id] = {node, g, number, false, false, report};
    if (!network_.send(report_message(id), now_)) reports_.release(id);
  }
}

Message World::report_message(std::uint32_t id) const {
  const ReportOnWay& report = reports_[id];
  return {EventKind::kReportArrive, id,           network_.gateways() + report.node,
          report.gateway,           kReportBytes, report.number};
}

void World::on_report_arrive(std::uint32_t id) {
  ReportOnWay on_way = reports_[id];
  if (!on_way.was_delayed) {
    if (!passes(report_message(id))) return;
    Duration delay{0};
    if (faults_.disturbs_reports()) {
      if (!faults_.disturb_report(id_at<NodeId>(on_way.node), on_way.number, reports_[id].report,
                                  delay)) {
        return reports_.release(id);
      }
      on_way = reports_[id];
    }
    if (delay.count() > 0) {
      reports_[id].was_delayed = true;
      agenda_.push(now_ + delay, EventKind::kReportArrive, id);
      return;
    }
  }
  MessageCpu& cpu = gateways_[on_way.gateway].cpu;
  if (on_way.is_probe && !cpu.is_free_of_charge()) {
    return agenda_.push(cpu.handle(now_), EventKind::kProbeRead, id);
  }
  reports_.release(id);
  gateways_[on_way.gateway].routing.report(id_at<NodeId>(on_way.node), on_way.report, now_);
  // The control plane sits beside the first gateway, and hears what that one hears.
  if (on_way.gateway == 0) control_.report(id_at<NodeId>(on_way.node), on_way.report);
}

}  // namespace phoenix::sim
