#include "strategies/control/cluster_watch.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace phoenix {
namespace {

constexpr double kLeastCpu = 0.05;  // below, throughput over cpu is noise
constexpr double kCapacityMemory_s = 60;

constexpr std::pair<std::string_view, std::string_view> kShortNames[] = {
    {"response_time_p95", "agent_response_time_p95"},
    {"throughput", "message_throughput"},
    {"availability", "cluster_availability"},
    {"utilization", "resource_utilization"}};

std::string_view full_name(std::string_view name) {
  for (const auto& [brief, full] : kShortNames) {
    if (name == brief) return full;
  }
  return name;
}

CapacityModel capacity_of(const ControlSetup& setup) {
  CapacityOptions options;
  const Duration target = setup.targets.response_time_p95;
  if (target > Duration{0}) options.target_s = to_seconds(target);
  if (setup.targets.utilization > 0 && setup.targets.utilization < 1) {
    options.utilization_max = setup.targets.utilization;
  }
  if (!setup.groups.empty()) options.servers_per_node = std::max(1, setup.groups.front().cores);
  options.memory = std::max(1.0, kCapacityMemory_s / to_seconds(setup.settings.collect_interval));
  return CapacityModel(options);
}

Alerts alerts_of(const ControlSetup& setup, const MetricStore& store) {
  Result<Alerts> made = Alerts::make(with_default_alert_rules(setup.alerts), store);
  assert(made.ok());
  return std::move(*made);
}

TargetSet targets_of(const ControlTargets& asked) {
  TargetSet targets;
  const auto set = [&](std::string_view name, double value) {
    // NaN or 0 is a target nobody asked for.
    [[maybe_unused]] const Status done =
        value > 0 ? targets.set(name, value) : targets.remove(name);
    assert(done.ok());
  };
  set("agent_response_time_p95", to_seconds(asked.response_time_p95));
  set("message_throughput", asked.throughput);
  set("cluster_availability", asked.availability);
  set("resource_utilization", asked.utilization);
  set("scaling_response_time", to_seconds(asked.scaling_response_time));
  return targets;
}

}  // namespace

ClusterWatch::ClusterWatch(const ControlSetup& setup)
    : setup_(setup),
      targets_(targets_of(setup.targets)),
      alerts_(alerts_of(setup, store_)),
      capacity_(capacity_of(setup)) {
  for (const int group : setup.node_groups) {
    WatchedNode node;
    node.group = group;
    nodes_.push_back(node);
  }
  totals_.measured_at = kStart;
  totals_.arrived = totals_.answered = totals_.failed = 0;
}

void ClusterWatch::on_node(NodeId id, NodePhase phase, Time now) {
  WatchedNode& node = nodes_[index(id)];
  if (phase == NodePhase::kProvisioning) {
    node.asked_at = now;
    node.ready_since = kNever;
  }
  // One that was to go and stays, or was down and is back, has been there all the time.
  if (phase == NodePhase::kReady && node.ready_since == kNever) node.ready_since = now;
  if (phase == NodePhase::kAbsent) {
    node.asked_at = node.ready_since = kNever;
    node.said = {};
    readings_.forget(id);
    alerts_.forget(id);
  }
  node.phase = phase;
}

void ClusterWatch::on_report(NodeId id, const LoadReport& report) {
  const WatchedNode& node = nodes_[index(id)];
  if (node.phase == NodePhase::kAbsent) return;  // said before it went
  const ControlGroup& group = group_of(node);
  nodes_[index(id)].said = report;
  NodeReading reading;
  reading.node = id;
  reading.measured_at = report.measured_at;
  // An ejected node idles, and would make the cluster look as if there were room.
  reading.is_healthy = node.phase == NodePhase::kReady && !node.is_ejected;
  reading.metrics.cpu_utilization = static_cast<double>(report.cpu);
  reading.metrics.memory_utilization = static_cast<double>(report.memory);
  reading.metrics.network_utilization = static_cast<double>(report.network);
  reading.metrics.message_queue_length = report.queue_length;
  reading.runtime.tasks = report.in_service;
  reading.runtime.run_queue = report.queue_length;
  reading.cores = group.cores * group.speed;
  reading.memory_bytes = std::max(1.0, group.memory_bytes);
  reading.bandwidth = std::max(1.0, group.bandwidth);
  readings_.report(reading);
}

void ClusterWatch::on_gateway_report(const GatewayReport& report) {
  for (WatchedNode& node : nodes_) node.is_ejected = false;
  for (const NodeId node : report.ejected) nodes_[index(node)].is_ejected = true;
  totals_.measured_at = report.to;
  totals_.arrived += static_cast<double>(report.offered);
  totals_.answered += static_cast<double>(report.completed);
  totals_.failed += static_cast<double>(report.failed);
  totals_.in_flight = static_cast<double>(report.in_flight);
  totals_.responses = report.latency;
  readings_.report(totals_);
}

const NodeReading* ClusterWatch::reading(NodeId node, Time now) const {
  const NodeReading* reading = readings_.node(node);
  if (reading == nullptr || reading->measured_at == kNever) return nullptr;
  return now - reading->measured_at <= setup_.settings.report_age_max ? reading : nullptr;
}

TuningFacts ClusterWatch::facts(Time now) const {
  TuningFacts facts = setup_.facts;
  double rate = 0;
  double served = 0;
  double held = 0;
  int nodes = 0;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const LoadReport& said = nodes_[n].said;
    const auto weight = static_cast<double>(said.rate);
    if (nodes_[n].phase != NodePhase::kReady || reading(id_at<NodeId>(n), now) == nullptr ||
        !(weight > 0) || std::isnan(said.service_time) || std::isnan(said.latency)) {
      continue;
    }
    ++nodes;
    rate += weight;
    served += weight * static_cast<double>(said.service_time);
    held += weight * static_cast<double>(said.latency);
  }
  if (nodes == 0) return facts;
  facts.node_rate = rate / nodes / setup_.gateways;
  facts.service_time = served / rate;
  facts.connection_hold = held / rate + (std::isnan(facts.round_trip) ? 0.0 : facts.round_trip);
  return facts;
}

int ClusterWatch::ready_nodes() const {
  return static_cast<int>(std::count_if(nodes_.begin(), nodes_.end(), [](const WatchedNode& n) {
    return n.phase == NodePhase::kReady && !n.is_ejected;
  }));
}

int ClusterWatch::present_nodes(Time now) const {
  int present = 0;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    present += nodes_[n].phase == NodePhase::kReady && reading(id_at<NodeId>(n), now) != nullptr;
  }
  return present;
}

void ClusterWatch::learn_capacity() {
  const double cpu = store_.latest(metric::kCpu).value;
  double cores = 0;
  for (const WatchedNode& node : nodes_) {
    if (node.phase == NodePhase::kReady && !node.is_ejected) cores += group_of(node).cores;
  }
  if (!(cpu >= kLeastCpu) || cores < 1) return;
  cores_per_node_ = cores / ready_nodes();
  CapacitySample sample;
  sample.completed_per_s = store_.latest(metric::kThroughput).value;
  sample.busy_servers = cpu * cores;
  capacity_.observe(sample);
}

void ClusterWatch::collect(Time now, std::vector<AlertEvent>& events) {
  store_.advance(now);
  collect_cluster(readings_, collectors_, store_, now, setup_.settings.report_age_max,
                  scaling_time_s_);
  learn_capacity();
  alerts_.evaluate(store_, readings_.nodes(), now, setup_.settings.report_age_max, events);
}

Status ClusterWatch::update_target(std::string_view name, double value) {
  return targets_.set(full_name(name), value);
}

double ClusterWatch::target(std::string_view name) const {
  for (const Target& target : targets_.list()) {
    if (target.name == name) return target.value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace phoenix
