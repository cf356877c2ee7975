// What a node says of itself: load reports, totals, its status.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "runtime/node/node_impl.h"

namespace phoenix::node {

void Node::Impl::on_report_due() {
  take_readings();
  services_->signals().sample(reported_at_);
  reported_totals_ = totals();
  const wire::Report report{load_report(), reported_totals_};
  for (const auto& announcer : announcers_) announcer->send(report);
  report_timer_.arm(std::max(loop_.now(), reported_at_ + settings_.report_interval));
}

void Node::Impl::take_readings() {
  const Time now = loop_.now();
  utilisation_ = readings_.sample(now, socket_bytes());
  if (services_->is_modelled()) {
    const double busy = services_->synthetic_cores().busy_core_ns();
    const double room = static_cast<double>((now - reported_at_).count()) * settings_.serving.cores;
    utilisation_.cpu = static_cast<float>(std::min(1.0, (busy - busy_at_report_) / room));
    busy_at_report_ = busy;
  }
  reported_at_ = now;
}

float Node::Impl::memory_share() const {
  if (!services_->is_modelled()) return utilisation_.memory;
  const double memory = settings_.readings.memory_bytes;
  if (!(memory > 0)) return LoadReport::kUnknown;
  return static_cast<float>(services_->synthetic_cores().memory_bytes() / memory);
}

double Node::Impl::socket_bytes() const {
  double in = bytes_in_, out = bytes_out_;
  for (const auto& [id, peer] : peers_) {
    in += static_cast<double>(peer->link->channel().bytes_in());
    out += static_cast<double>(peer->link->channel().bytes_out());
  }
  return std::max(in, out);
}

LoadReport Node::Impl::load_report() const {
  const ServicesLoad load = services_->load();
  LoadReport report;
  report.measured_at = loop_.now();
  report.cpu = utilisation_.cpu;
  report.memory = memory_share();
  report.network = utilisation_.network;
  report.queue_length = load.waiting;
  report.in_service = load.in_service;
  services_->signals().tell(load.waiting + load.in_service, report);
  return report;
}

wire::NodeTotals Node::Impl::totals() const {
  const ServicesTotals served = services_->totals();
  wire::NodeTotals totals;
  totals.completed = served.completed;
  totals.refused = served.refused;
  totals.bytes = socket_bytes();
  if (services_->is_modelled()) {
    totals.busy_core_ns = services_->synthetic_cores().busy_core_ns();
    totals.memory_bytes = services_->synthetic_cores().memory_bytes();
  } else {
    totals.busy_core_ns = readings_.process_cpu_ns().value_or(0);
    totals.memory_bytes = readings_.process_memory_bytes().value_or(0);
  }
  return totals;
}

NodeStatus Node::Impl::status() const {
  NodeStatus status;
  status.load = services_->load();
  status.served = services_->totals();
  status.totals = totals();
  status.available_core_ns =
      static_cast<double>((loop_.now() - started_).count()) * settings_.serving.cores;
  status.busy_thread_ns = services_->busy_thread_ns();
  status.incarnation = incarnation_;
  status.under_way = services_->under_way();
  status.gateways_connected = static_cast<std::size_t>(
      std::count_if(announcers_.begin(), announcers_.end(),
                    [](const auto& announcer) { return announcer->is_connected(); }));
  status.sleep = services_->sleep();
  status.is_draining = on_left_ != nullptr;
  status.listener = listener_->counters();
  status.links = link_counters_;
  status.peers = peer_counters_;
  status.answers = answer_counters_;
  return status;
}

nlohmann::json Node::Impl::stats() const {
  const NodeStatus now = status();
  std::uint64_t bad_frames = 0;
  for (const std::uint64_t count : now.links.errors) bad_frames += count;
  return {{"waiting", now.load.waiting},
          {"in_service", now.load.in_service},
          {"busy_core_ns", now.totals.busy_core_ns},
          {"available_core_ns", now.available_core_ns},
          {"busy_thread_ns", now.busy_thread_ns},
          {"bytes", now.totals.bytes},
          {"memory_bytes", now.totals.memory_bytes},
          {"completed", now.served.completed},
          {"refused", now.served.refused},
          {"expired", now.served.expired},
          {"unsent_late", now.answers.late},
          {"unsent_full", now.answers.full},
          {"under_way", now.under_way},
          {"asleep", now.sleep.asleep},
          {"hibernations", now.sleep.hibernations},
          {"wakes", now.sleep.wakes},
          {"incarnation", now.incarnation},
          {"gateways_connected", now.gateways_connected},
          {"connections", now.listener.open},
          {"connections_refused", now.listener.refused},
          {"bad_frames", bad_frames}};
}

}  // namespace phoenix::node
