#include "runtime/gateway/recorder_rows.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include "runtime/gateway/latency_window.h"
#include "scenarios/version.h"

namespace phoenix::gateway {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kGroup = "nodes";

std::int64_t ns(Duration duration) { return duration.count(); }

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string balancer_text(const std::vector<ServiceStatus>& services) {
  std::string each;
  bool is_one = true;
  for (const ServiceStatus& service : services) {
    is_one = is_one && service.balancer == services.front().balancer;
    each += (each.empty() ? "" : ", ") + service.name + "=" + service.balancer;
  }
  return is_one && !services.empty() ? services.front().balancer : each;
}

const ClassConfig* find_class(const GatewayConfig& config, const ClassStatus& wanted) {
  for (const ServiceConfig& service : config.services) {
    for (const ClassConfig& one : service.classes) {
      if (service.name == wanted.service && one.name == wanted.name) return &one;
    }
  }
  return nullptr;
}

// In order of their numbers: a service that a reload gave another class comes twice.
void add_classes(const GatewayConfig& config, const GatewayStatus& status, Scenario& scenario) {
  std::map<std::string, int> times;
  for (const ClassStatus& one : status.classes) ++times[one.name];
  for (const ClassStatus& one : status.classes) {
    RequestClass made;
    made.name = times[one.name] > 1 ? one.service + "." + one.name : one.name;
    if (const ClassConfig* known = find_class(config, one)) {
      made.deadline = known->deadline;
      made.attempt_timeout = known->attempt_timeout;
    }
    std::vector<Service>& services = scenario.services;
    if (services.empty() || services.back().name != one.service) {
      services.emplace_back().name = one.service;
    }
    services.back().classes.push_back(made);
  }
}

const ClassStatus* class_of(const GatewayStatus& status, std::size_t i) {
  return i < status.classes.size() ? &status.classes[i] : nullptr;
}

std::uint64_t answered(const ClassStatus& one) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : one.answers) sum += count;
  return sum;
}

const NodeStatus* find_node(const GatewayStatus& status, const NodeStatus& wanted) {
  for (const NodeStatus& node : status.nodes) {
    if (node.node == wanted.node && node.name == wanted.name) return &node;
  }
  return nullptr;
}

std::uint8_t state_number(NodeState state) {
  switch (state) {
    case NodeState::kUp:
      return 1;
    case NodeState::kDraining:
      return 2;
    case NodeState::kDown:
      break;
  }
  return 0;
}

// Attempts that ended well, as the gateway saw them.
std::uint64_t ended_well(const NodeStatus& node) {
  const std::uint64_t others = node.failures + node.under_way;
  return node.attempts > others ? node.attempts - others : 0;
}

std::int64_t grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? static_cast<std::int64_t>(now - before) : 0;
}

NodeRow node_row(const NodeStatus& node, const NodeStatus* before) {
  const bool reports = node.reported_at != kStart;
  const bool is_same = before != nullptr && before->incarnation == node.incarnation;
  NodeRow row;
  row.node = static_cast<std::int32_t>(index(node.node));
  row.queue = static_cast<std::int32_t>(node.load.queue_length);
  row.in_service = static_cast<std::int32_t>(reports ? node.load.in_service : node.under_way);
  row.completed = node.protocol == Protocol::kHttp
                      ? grown(ended_well(node), before == nullptr ? 0 : ended_well(*before))
                      : grown(node.totals.completed, is_same ? before->totals.completed : 0);
  row.refused = grown(node.totals.refused, is_same ? before->totals.refused : 0);
  row.cpu = node.load.cpu;
  row.memory = node.load.memory;
  row.network = node.load.network;
  row.up = state_number(node.state);
  return row;
}

// Of core time, over nodes that are up and say so.
double cluster_cpu(const GatewayStatus& status) {
  double busy = 0;
  double cores = 0;
  for (const NodeStatus& node : status.nodes) {
    if (node.state == NodeState::kDown || !std::isfinite(node.load.cpu)) continue;
    busy += static_cast<double>(node.load.cpu) * node.cores;
    cores += node.cores;
  }
  return cores > 0 ? busy / cores : kMissing;
}

std::int32_t nodes_up(const GatewayStatus& status) {
  std::int32_t up = 0;
  for (const NodeStatus& node : status.nodes) up += node.state != NodeState::kDown ? 1 : 0;
  return up;
}

void finish_rates(ClassSummary& c, double measured_s) {
  const std::uint64_t total = c.completed + c.failed_total();
  c.throughput_per_s = measured_s > 0 ? static_cast<double>(c.completed) / measured_s : 0;
  c.availability =
      total > 0 ? static_cast<double>(c.completed) / static_cast<double>(total) : kMissing;
}

ClassSummary class_summary(const std::string& name, const ClassStatus& now,
                           const ClassStatus* base) {
  ClassSummary c;
  c.name = name;
  c.completed = now.answers[0] - (base == nullptr ? 0 : base->answers[0]);
  for (std::size_t i = 1; i < c.failed.size(); ++i) {
    c.failed[i] = now.answers[i] - (base == nullptr ? 0 : base->answers[i]);
  }
  c.in_flight = now.offered - answered(now);
  c.offered = now.offered - (base == nullptr ? 0 : answered(*base));
  LatencyWindow latency;
  latency.add(now.latency, base == nullptr ? nullptr : &base->latency);
  c.latency = latency.summary();
  return c;
}

void add(ClassSummary& sum, const ClassSummary& more) {
  sum.offered += more.offered;
  sum.completed += more.completed;
  sum.in_flight += more.in_flight;
  for (std::size_t i = 0; i < sum.failed.size(); ++i) sum.failed[i] += more.failed[i];
}

LatencyWindow all_latencies(const GatewayStatus& base, const GatewayStatus& now) {
  LatencyWindow all;
  for (std::size_t i = 0; i < now.classes.size(); ++i) {
    const ClassStatus* const before = class_of(base, i);
    all.add(now.classes[i].latency, before == nullptr ? nullptr : &before->latency);
  }
  return all;
}

std::vector<std::string> class_names(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const Service& service : scenario.services) {
    for (const RequestClass& one : service.classes) names.push_back(one.name);
  }
  return names;
}

void count_routing(const RouterCounters& base, const RouterCounters& now, RunSummary& summary) {
  summary.attempts = now.attempts - base.attempts;
  summary.retries = now.retries - base.retries;
  summary.retries_denied = now.retries_denied - base.retries_denied;
  summary.hedges = now.hedges - base.hedges;
  summary.hedges_won = now.hedges_won - base.hedges_won;
  summary.hedges_denied = now.hedges_denied - base.hedges_denied;
  summary.wasted_replies = now.late_results - base.late_results;
  summary.ejections = now.ejections - base.ejections;
  summary.panic_picks = now.panic_picks - base.panic_picks;
}

}  // namespace

Scenario recorded_scenario(const GatewayConfig& config, const GatewayStatus& status,
                           std::uint64_t seed) {
  Scenario scenario;
  scenario.name = config.name;
  scenario.path = config.path;
  scenario.text = contents(config.path);
  scenario.seed = seed;
  scenario.duration = config.record.rotate_after;
  scenario.router = config.router;
  scenario.strategies.balancer = balancer_text(status.services);
  scenario.gateway.cores = status.threads;
  scenario.record.requests = RecordSettings::Requests::kSample;
  scenario.record.sample = config.record.sample;
  scenario.record.interval = config.record.interval;
  NodeGroup& group = scenario.cluster.groups.emplace_back();
  group.name = kGroup;
  group.count = static_cast<int>(status.nodes.size());
  add_classes(config, status, scenario);
  return scenario;
}

RecordOrigin recorded_origin(const GatewayStatus& status) {
  RecordOrigin origin;
  origin.world = "live";
  origin.producer_version = kVersion;
  origin.source_revision = kSourceRevision;
  for (const NodeStatus& node : status.nodes) {
    if (origin.node_names.size() <= index(node.node)) {
      origin.node_names.resize(index(node.node) + 1);
    }
    origin.node_names[index(node.node)] = node.name;
  }
  return origin;
}

RequestRow request_row(const AnsweredRequest& request, Time zero) {
  RequestRow row;
  row.seq = static_cast<std::int64_t>(request.number);
  row.arrived = ns(request.arrived - zero);
  row.answered = ns(request.answered - zero);
  row.work = kMissing;
  row.request_bytes = request.request_bytes;
  row.response_bytes = request.response_bytes;
  row.key = request.key;
  row.request_class = static_cast<std::int32_t>(index(request.request_class));
  row.gateway = request.thread;
  row.node = request.node == kNoNode ? -1 : static_cast<std::int32_t>(index(request.node));
  row.attempts = request.attempts;
  row.result = static_cast<std::uint8_t>(request.reason);
  return row;
}

WindowRow window_row(const GatewayStatus& before, const GatewayStatus& now, Time zero) {
  WindowRow row;
  row.t = ns(now.now - zero);
  for (std::size_t i = 0; i < now.classes.size(); ++i) {
    const ClassStatus none;
    const ClassStatus* const known = class_of(before, i);
    const ClassStatus& a = known == nullptr ? none : *known;
    const ClassStatus& b = now.classes[i];
    const std::int64_t completed = grown(b.answers[0], a.answers[0]);
    row.offered += grown(b.offered, a.offered);
    row.completed += completed;
    row.failed += grown(answered(b), answered(a)) - completed;
  }
  row.retries = grown(now.router.retries, before.router.retries);
  row.in_flight = static_cast<std::int64_t>(now.open_requests);
  const LatencyWindow window = all_latencies(before, now);
  const LatencySummary latency = window.summary();
  const auto known = [&window](double value) {
    return static_cast<float>(window.count() > 0 ? value : kMissing);
  };
  row.mean = known(latency.mean);
  row.p50 = known(latency.p50);
  row.p95 = known(latency.p95);
  row.p99 = known(latency.p99);
  row.max = known(latency.max);
  row.cpu = static_cast<float>(cluster_cpu(now));
  row.nodes_up = nodes_up(now);
  return row;
}

std::vector<NodeRow> node_rows(const GatewayStatus& before, const GatewayStatus& now, Time zero) {
  std::vector<NodeRow> rows;
  for (const NodeStatus& node : now.nodes) {
    rows.push_back(node_row(node, find_node(before, node)));
    rows.back().t = ns(now.now - zero);
  }
  return rows;
}

std::vector<DecisionRow> decision_rows(const GatewayStatus& before, const GatewayStatus& now,
                                       Time zero, std::uint64_t& lost) {
  std::uint64_t last = before.decisions.empty() ? 0 : before.decisions.back().number;
  std::vector<DecisionRow> rows;
  for (const Decision& decision : now.decisions) {
    if (decision.number <= last) continue;
    lost += decision.number - last - 1;
    last = decision.number;
    DecisionRow row;
    row.seq = static_cast<std::int64_t>(decision.number);
    row.t = ns(decision.at - zero);
    row.family = std::string_view(decision.family);
    row.action = std::string_view(decision.action);
    row.subject = std::string_view(decision.subject);
    row.value = decision.value;
    row.reason = std::string_view(decision.reason);
    row.outcome = std::string_view(decision.outcome);
    row.from = decision.from;
    row.took = decision.took_s;
    row.seen = std::string_view(decision.seen);
    row.note = std::string_view(decision.note);
    rows.push_back(row);
  }
  return rows;
}

void NodeTime::add(const GatewayStatus& before, const GatewayStatus& now) {
  const double elapsed_s = to_seconds(now.now - before.now);
  for (const NodeStatus& node : now.nodes) {
    if (node.state == NodeState::kDown) continue;
    node_s += elapsed_s;
    if (!std::isfinite(node.load.cpu)) continue;
    core_s += elapsed_s * node.cores;
    busy_core_s += elapsed_s * node.cores * static_cast<double>(node.load.cpu);
  }
}

RunSummary summarize(const Scenario& scenario, const GatewayStatus& base, const GatewayStatus& now,
                     const NodeTime& nodes) {
  RunSummary summary;
  summary.scenario = scenario.name;
  summary.world = "live";
  summary.balancer = scenario.strategies.balancer;
  summary.seed = scenario.seed;
  summary.duration_s = summary.measured_s = to_seconds(now.now - base.now);
  summary.wall_s = summary.duration_s;
  summary.complete = true;
  const std::vector<std::string> names = class_names(scenario);
  for (std::size_t i = 0; i < names.size(); ++i) {
    ClassSummary c = class_summary(names[i], now.classes[i], class_of(base, i));
    finish_rates(c, summary.measured_s);
    add(summary.total, c);
    summary.classes.push_back(std::move(c));
  }
  summary.total.latency = all_latencies(base, now).summary();
  finish_rates(summary.total, summary.measured_s);
  count_routing(base.router, now.router, summary);
  GroupSummary& group = summary.groups.emplace_back();
  group.name = kGroup;
  group.nodes = static_cast<int>(now.nodes.size());
  group.utilization = nodes.core_s > 0 ? nodes.busy_core_s / nodes.core_s : kMissing;
  group.request_share = summary.attempts > 0 ? 1 : 0;
  group.node_hours = summary.node_hours = nodes.node_s / 3600;
  const Targets none{Duration{0}, kMissing, kMissing, kMissing, Duration{0}};
  judge_targets(none, group.utilization, kMissing, summary);
  return summary;
}

std::vector<HistogramRow> histogram_rows(const Scenario& scenario, const GatewayStatus& base,
                                         const GatewayStatus& now) {
  std::vector<HistogramRow> rows;
  const std::vector<std::string> names = class_names(scenario);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ClassStatus* const before = class_of(base, i);
    LatencyWindow latency;
    latency.add(now.classes[i].latency, before == nullptr ? nullptr : &before->latency);
    latency.append_rows("class", names[i], rows);
  }
  all_latencies(base, now).append_rows("total", "", rows);
  return rows;
}

}  // namespace phoenix::gateway
