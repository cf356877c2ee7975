#include "scenarios/collector.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace phoenix {
namespace {

std::int64_t ns(Time t) { return t.time_since_epoch().count(); }

// A request is recorded when its number, scattered over 64 bits, is not above this; 0 is none.
std::uint64_t record_threshold(const RecordSettings& settings) {
  switch (settings.requests) {
    case RecordSettings::Requests::kNone:
      return 0;
    case RecordSettings::Requests::kAll:
      return ~0ULL;
    case RecordSettings::Requests::kSample:
      break;
  }
  return settings.sample >= 1 ? ~0ULL : static_cast<std::uint64_t>(settings.sample * 0x1.0p64);
}

}  // namespace

Collector::Collector(const Scenario& scenario, const Streams& streams, std::string_view world,
                     RecordWriter* record)
    : scenario_(scenario),
      world_(world),
      record_(record),
      record_salt_(streams.at("record", 0, 0)),
      record_below_(record_threshold(scenario.record)),
      measured_from_(kStart + scenario.warmup),
      groups_(node_groups(scenario)) {
  for (const Service& service : scenario.services) {
    for (const RequestClass& request_class : service.classes) {
      classes_.emplace_back();
      classes_.back().counts.name = request_class.name;
    }
  }
  const auto nodes = static_cast<std::size_t>(node_count(scenario));
  base_.resize(nodes);
  previous_.resize(nodes);
}

void Collector::offered(ClassId request_class, Time arrived) {
  ++offered_total_;
  ++open_;
  ++counts_.offered;
  ++watched_.offered;
  if (is_measured(arrived)) ++classes_[index(request_class)].counts.offered;
}

void Collector::answered(ClassId request_class, Time arrived, FailureReason reason, Time now) {
  --open_;
  const Duration took = now - arrived;
  if (reason == FailureReason::kNone) {
    ++counts_.completed;
    window_.record(took);
    if (is_watched_) {
      ++watched_.completed;
      watched_latency_.record(took);
    }
  } else {
    ++counts_.failed;
    ++watched_.failed;
  }
  if (!is_measured(arrived)) return;
  ClassData& data = classes_[index(request_class)];
  if (reason == FailureReason::kNone) {
    ++data.counts.completed;
    data.latency.record(took);
  } else {
    ++data.counts.failed[static_cast<std::size_t>(reason)];
  }
}

void Collector::unanswered(ClassId request_class, Time arrived) {
  if (is_measured(arrived)) ++classes_[index(request_class)].counts.in_flight;
}

double Collector::cluster_cpu(const std::vector<NodeSample>& nodes) const {
  double busy = 0;
  double available = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    busy += nodes[i].busy_core_ns - previous_[i].busy_core_ns;
    available += nodes[i].available_core_ns - previous_[i].available_core_ns;
  }
  return available > 0 ? busy / available : std::numeric_limits<double>::quiet_NaN();
}

void Collector::end_interval(Time now, const std::vector<NodeSample>& nodes,
                             std::uint64_t retries) {
  if (now <= previous_at_) return;
  if (record_ != nullptr) {
    WindowRow row = counts_;
    row.t = ns(now);
    row.retries = static_cast<std::int64_t>(retries - retries_before_);
    row.in_flight = static_cast<std::int64_t>(open_);
    const LatencySummary latency = LatencySummary::of(window_);
    const bool any = window_.count() > 0;
    const auto or_missing = [any](double value) {
      return any ? static_cast<float>(value) : std::numeric_limits<float>::quiet_NaN();
    };
    row.mean = or_missing(latency.mean);
    row.p50 = or_missing(latency.p50);
    row.p95 = or_missing(latency.p95);
    row.p99 = or_missing(latency.p99);
    row.max = or_missing(latency.max);
    row.cpu = static_cast<float>(cluster_cpu(nodes));
    row.nodes_up = static_cast<std::int32_t>(std::count_if(
        nodes.begin(), nodes.end(), [](const NodeSample& n) { return n.state % 4 != 0; }));
    record_->append(row);
  }
  const auto elapsed = static_cast<double>((now - previous_at_).count());
  for (std::size_t i = 0; record_ != nullptr && scenario_.record.nodes && i < nodes.size(); ++i) {
    const NodeGroup& group = scenario_.cluster.groups[static_cast<std::size_t>(groups_[i])];
    const NodeSample& a = previous_[i];
    const NodeSample& b = nodes[i];
    NodeRow row;
    row.t = ns(now);
    row.node = static_cast<std::int32_t>(i);
    row.queue = static_cast<std::int32_t>(b.waiting);
    row.in_service = static_cast<std::int32_t>(b.in_service);
    row.completed = static_cast<std::int64_t>(b.completed - a.completed);
    row.refused = static_cast<std::int64_t>(b.refused - a.refused);
    row.cpu = static_cast<float>((b.busy_core_ns - a.busy_core_ns) / (elapsed * group.cores));
    row.memory = static_cast<float>(b.memory_bytes / group.memory_bytes);
    row.network =
        static_cast<float>((b.busier_bytes - a.busier_bytes) / (elapsed * 1e-9 * group.bandwidth));
    row.up = b.state;
    record_->append(row);
  }
  previous_ = nodes;
  previous_at_ = now;
  counts_ = WindowRow{};
  window_.clear();
  retries_before_ = retries;
}

GatewayReport Collector::take_watched(Time now) {
  GatewayReport report = watched_;
  report.to = now;
  report.in_flight = open_;
  std::swap(watched_latency_, reported_latency_);
  watched_latency_.clear();
  report.latency = &reported_latency_;
  watched_ = GatewayReport{};
  watched_.from = now;
  return report;
}

void Collector::end_warmup(const std::vector<NodeSample>& nodes) { base_ = nodes; }

double Collector::summarize_groups(Time end, const std::vector<NodeSample>& nodes,
                                   RunSummary& summary) const {
  const double hours = std::max(0.0, to_seconds(end - measured_from_)) / 3600.0;
  double attempts = 0;
  double busy_all = 0;
  double available_all = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    attempts += static_cast<double>(nodes[i].attempts - base_[i].attempts);
  }
  for (std::size_t g = 0; g < scenario_.cluster.groups.size(); ++g) {
    const NodeGroup& group = scenario_.cluster.groups[g];
    GroupSummary out;
    out.name = group.name;
    out.nodes = group.count;
    double busy = 0;
    double available = 0;
    double sent = 0;
    double paid_ns = 0;
    for (std::size_t node = 0; node < nodes.size(); ++node) {
      if (groups_[node] != static_cast<int>(g)) continue;
      paid_ns += nodes[node].paid_ns - base_[node].paid_ns;
      busy += nodes[node].busy_core_ns - base_[node].busy_core_ns;
      available += nodes[node].available_core_ns - base_[node].available_core_ns;
      sent += static_cast<double>(nodes[node].attempts - base_[node].attempts);
    }
    busy_all += busy;
    available_all += available;
    out.utilization = available > 0 ? busy / available : 0;
    out.request_share = attempts > 0 ? sent / attempts : 0;
    // A group that cannot change is paid for all the time, whatever becomes of its nodes.
    out.node_hours = group.is_elastic() ? paid_ns / 3.6e12 : hours * group.count;
    out.cost = out.node_hours * group.cost_per_hour;
    summary.node_hours += out.node_hours;
    summary.cost += out.cost;
    summary.groups.push_back(std::move(out));
  }
  return available_all > 0 ? busy_all / available_all : std::numeric_limits<double>::quiet_NaN();
}

RunSummary Collector::summarize(Time end, const std::vector<NodeSample>& nodes,
                                double scaling_response_s) const {
  RunSummary summary;
  summary.scenario = scenario_.name;
  summary.world = world_;
  summary.balancer = scenario_.strategies.balancer;
  summary.seed = scenario_.seed;
  summary.replication = scenario_.replication;
  summary.duration_s = to_seconds(end);
  summary.measured_s = std::max(0.0, to_seconds(end - measured_from_));
  Histogram all;
  const auto rates = [&](ClassSummary& c) {
    c.throughput_per_s =
        summary.measured_s > 0 ? static_cast<double>(c.completed) / summary.measured_s : 0;
    const std::uint64_t answered = c.completed + c.failed_total();
    c.availability = answered > 0 ? static_cast<double>(c.completed) / static_cast<double>(answered)
                                  : std::numeric_limits<double>::quiet_NaN();
  };
  for (const ClassData& data : classes_) {
    ClassSummary c = data.counts;
    c.latency = LatencySummary::of(data.latency);
    rates(c);
    all.merge(data.latency);
    summary.total.offered += c.offered;
    summary.total.completed += c.completed;
    summary.total.in_flight += c.in_flight;
    for (std::size_t i = 0; i < c.failed.size(); ++i) summary.total.failed[i] += c.failed[i];
    summary.classes.push_back(std::move(c));
  }
  summary.total.latency = LatencySummary::of(all);
  rates(summary.total);
  const double utilization = summarize_groups(end, nodes, summary);
  judge_targets(scenario_.targets, utilization, scaling_response_s, summary);
  return summary;
}

void Collector::write_histograms() const {
  if (record_ == nullptr) return;
  Histogram all;
  const auto write = [this](std::string_view scope, const std::string& name, const Histogram& h) {
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
      if (h.bucket_count(i) == 0) continue;
      HistogramRow row;
      row.scope = scope;
      row.name = std::string_view(name);
      row.low = static_cast<double>(Histogram::bucket_low(i)) * 1e-9;
      row.high = row.low + static_cast<double>(Histogram::bucket_width(i)) * 1e-9;
      row.count = static_cast<std::int64_t>(h.bucket_count(i));
      record_->append(row);
    }
  };
  for (const ClassData& data : classes_) {
    write("class", data.counts.name, data.latency);
    all.merge(data.latency);
  }
  write("total", "", all);
}

}  // namespace phoenix
