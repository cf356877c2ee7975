#include "strategies/metrics/metric_store.h"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cmath>

#include "strategies/core/nearest_name.h"
#include "strategies/metrics/histogram.h"

namespace phoenix {
namespace {

using enum MetricKind;

constexpr MetricKind kRecorded[] = {kGauge, kHistogram, kSummary};
constexpr MetricKind kIncremented[] = {kCounter};
constexpr MetricKind kTimed[] = {kTimer};
constexpr MetricKind kMerged[] = {kHistogram, kTimer};

bool is_metric_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) ||
           std::isdigit(static_cast<unsigned char>(c)) || c == '_';
  });
}

MetricStats stats_of(const Sketch& values) {
  if (values.count() == 0) return {};
  return {values.count(),       values.min(),          values.max(),         values.mean(),
          values.quantile(0.5), values.quantile(0.95), values.quantile(0.99)};
}

RollUp finest_for(Duration window) {
  for (const RollUp level : {RollUp::kRealTime, RollUp::kShortTerm, RollUp::kMediumTerm}) {
    const auto windows = static_cast<std::int64_t>(MetricSeries::kWindowsKept) - 1;
    if (window <= length_of(level) * windows) return level;
  }
  return RollUp::kLongTerm;
}

}  // namespace

std::span<const MetricInfo> standard_metrics() {
  using enum MetricCategory;
  const auto text = [](std::string_view name) { return std::string(name); };
  static const std::vector<MetricInfo> metrics = {
      {text(metric::kResponseTime), kTimer, kAgentPerformance, "s"},
      {text(metric::kResponseP50), kGauge, kAgentPerformance, "s"},
      {text(metric::kResponseP95), kGauge, kAgentPerformance, "s"},
      {text(metric::kResponseP99), kGauge, kAgentPerformance, "s"},
      {text(metric::kThroughput), kGauge, kAgentPerformance, "/s"},
      {text(metric::kErrorRate), kGauge, kAgentPerformance, "share"},
      {text(metric::kCpu), kGauge, kSystemResources, "share"},
      {text(metric::kMemory), kGauge, kSystemResources, "share"},
      {text(metric::kNetwork), kGauge, kSystemResources, "share"},
      {text(metric::kDisk), kGauge, kSystemResources, "share"},
      {text(metric::kMissingReadings), kGauge, kSystemResources, ""},
      {text(metric::kAvailability), kGauge, kClusterHealth, "share"},
      {text(metric::kActiveNodes), kGauge, kClusterHealth, ""},
      {text(metric::kUnhealthyNodes), kGauge, kClusterHealth, ""},
      {text(metric::kUnreachableNodes), kGauge, kClusterHealth, ""},
      {text(metric::kMembershipAgreement), kGauge, kClusterHealth, "share"},
      {text(metric::kAgents), kGauge, kApplication, ""},
      {text(metric::kArrivalRate), kGauge, kApplication, "/s"},
      {text(metric::kInFlight), kGauge, kApplication, ""},
      {text(metric::kScalingTime), kGauge, kApplication, "s"},
      {text(metric::kQueueLength), kGauge, kInfrastructure, ""},
      {text(metric::kProcessingRate), kGauge, kInfrastructure, "/s"},
      {text(metric::kRejectedRate), kGauge, kInfrastructure, "/s"},
      {text(metric::kRetryRate), kGauge, kInfrastructure, "/s"},
      {text(metric::kEjectedNodes), kGauge, kInfrastructure, ""},
  };
  return metrics;
}

MetricStore::MetricStore(MetricStoreSettings settings) : settings_(settings) {
  for (const MetricInfo& info : standard_metrics()) {
    const Result<MetricId> defined = define(info);
    assert(defined.ok());
    static_cast<void>(defined);
  }
}

Result<MetricId> MetricStore::define(MetricInfo info) {
  if (!is_metric_name(info.name)) {
    return Error{"found the metric name \"" + info.name +
                 "\"; allowed are small letters, digits and _"};
  }
  if (lookup(info.name) != nullptr) return Error{"metric \"" + info.name + "\" is defined twice"};
  if (metrics_.size() >= settings_.metrics_max) {
    return Error{"metric \"" + info.name + "\": there are " + std::to_string(metrics_.size()) +
                 " metrics already, the most allowed"};
  }
  const auto id = id_at<MetricId>(metrics_.size());
  by_name_.emplace(info.name, id);
  metrics_.emplace_back();
  metrics_.back().info = std::move(info);
  metrics_.back().series.advance(now_);
  return id;
}

Result<MetricId> MetricStore::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  std::vector<std::string> known;
  for (const Metric& metric : metrics_) known.push_back(metric.info.name);
  return Error{"unknown metric \"" + std::string(name) + "\"" + did_you_mean(name, known)};
}

const MetricStore::Metric* MetricStore::lookup(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &metrics_[index(found->second)];
}

Result<MetricId> MetricStore::find_kind(std::string_view name, std::span<const MetricKind> kinds,
                                        std::string_view what) const {
  Result<MetricId> id = find(name);
  if (!id) return id;
  const MetricKind kind = info(*id).kind;
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return id;
  return Error{"metric \"" + std::string(name) + "\" is a " + std::string(to_text(kind)) +
               ", which has no " + std::string(what)};
}

void MetricStore::advance(Time now) {
  now_ = std::max(now_, now);
  for (Metric& metric : metrics_) metric.series.advance(now_);
}

void MetricStore::note(Metric& metric, double value, Time at) {
  now_ = std::max(now_, at);
  if (std::isnan(value)) {
    ++counts_.unknown;
  } else if (metric.series.record(now_, value)) {
    ++counts_.recorded;
  } else {
    ++counts_.refused;
  }
}

void MetricStore::record(MetricId id, double value, Time at, NodeId node) {
  note(metrics_[index(id)], value, at);
  if (!std::isnan(value)) metrics_[index(id)].node = node;
}

void MetricStore::increment(MetricId id, double amount, Time at) {
  Metric& metric = metrics_[index(id)];
  assert(metric.info.kind == kCounter);
  note(metric, amount, at);
  if (amount >= 0 && !std::isinf(amount)) metric.total += amount;
}

void MetricStore::time(MetricId id, Duration took, bool ok, Time at) {
  Metric& metric = metrics_[index(id)];
  assert(metric.info.kind == kTimer);
  note(metric, to_seconds(took), at);
  if (!ok) ++metric.failures;
}

void MetricStore::merge(MetricId id, const Histogram& values, Time at) {
  now_ = std::max(now_, at);
  metrics_[index(id)].series.record(now_, values);
  counts_.recorded += values.count();
}

Status MetricStore::record_metric(std::string_view name, double value, Time at, NodeId node) {
  const Result<MetricId> id = find_kind(name, kRecorded, "single values to record");
  if (!id) return Error{id.error()};
  record(*id, value, at, node);
  return success();
}

Status MetricStore::increment(std::string_view name, double amount, Time at) {
  const Result<MetricId> id = find_kind(name, kIncremented, "increment");
  if (!id) return Error{id.error()};
  increment(*id, amount, at);
  return success();
}

Status MetricStore::time(std::string_view name, Duration took, bool ok, Time at) {
  const Result<MetricId> id = find_kind(name, kTimed, "times to record");
  if (!id) return Error{id.error()};
  time(*id, took, ok, at);
  return success();
}

Status MetricStore::merge(std::string_view name, const Histogram& values, Time at) {
  const Result<MetricId> id = find_kind(name, kMerged, "distribution to merge");
  if (!id) return Error{id.error()};
  merge(*id, values, at);
  return success();
}

Result<MetricPoint> MetricStore::get_metric(std::string_view name) const {
  const Result<MetricId> id = find(name);
  if (!id) return Error{id.error()};
  const Metric& metric = metrics_[index(*id)];
  MetricPoint point = metric.series.latest();
  if (metric.info.kind == kCounter && point.is_known()) point.value = metric.total;
  return point;
}

Result<MetricStats> MetricStore::get_metric_stats(std::string_view name,
                                                  MetricWindow window) const {
  const Result<MetricId> id = find(name);
  if (!id) return Error{id.error()};
  return stats_of(metrics_[index(*id)].series.distribution(window));
}

Result<MetricStats> MetricStore::get_metric_stats(std::string_view name,
                                                  std::string_view window) const {
  const Result<MetricWindow> parsed = parse_metric_window(window);
  if (!parsed) return Error{parsed.error()};
  return get_metric_stats(name, *parsed);
}

Result<double> MetricStore::quantile(std::string_view name, MetricWindow window, double q) const {
  const Result<MetricId> id = find(name);
  if (!id) return Error{id.error()};
  return metrics_[index(*id)].series.distribution(window).quantile(q);
}

Result<double> MetricStore::rate(std::string_view name, MetricWindow window) const {
  const Result<MetricId> id = find_kind(name, kIncremented, "rate");
  if (!id) return Error{id.error()};
  const MetricSeries& series = metrics_[index(*id)].series;
  const Time since = std::max(series.first_at(), series.covered_since(window));
  if (since >= now_) return MetricStats::kUnknown;
  return series.distribution(window).sum() / to_seconds(now_ - since);
}

Result<std::uint64_t> MetricStore::failures(std::string_view name) const {
  const Result<MetricId> id = find_kind(name, kTimed, "failures");
  if (!id) return Error{id.error()};
  return metrics_[index(*id)].failures;
}

Result<std::vector<RolledWindow>> MetricStore::roll_up(std::string_view name, RollUp level) const {
  const Result<MetricId> id = find(name);
  if (!id) return Error{id.error()};
  std::vector<RolledWindow> windows;
  metrics_[index(*id)].series.windows(level, false, windows);
  return windows;
}

MetricPoint MetricStore::latest(std::string_view name) const {
  const Metric* metric = lookup(name);
  if (metric == nullptr) return {};
  if (metric->info.kind == kCounter) {
    // Nothing counted is a known 0 once counting has begun.
    const Result<double> per_second = rate(name, MetricWindow::kLastMinute);
    return {now_, *per_second};
  }
  const MetricPoint point = metric->series.latest();
  return now_ - point.at > settings_.current_for ? MetricPoint{} : point;
}

void MetricStore::series(std::string_view name, Duration window,
                         std::vector<MetricPoint>& out) const {
  out.clear();
  const Metric* metric = lookup(name);
  if (metric == nullptr) return;
  const RollUp level = finest_for(window);
  const Duration length = length_of(level);
  const bool is_counter = metric->info.kind == kCounter;
  std::vector<RolledWindow> windows;
  metric->series.windows(level, !is_counter, windows);
  for (const RolledWindow& w : windows) {
    if (w.start + length <= now_ - window) continue;
    if (!is_counter) {
      out.push_back({w.start, w.mean()});
      continue;
    }
    while (!out.empty() && out.back().at + length < w.start) {
      out.push_back({out.back().at + length, 0});
    }
    out.push_back({w.start, w.sum / to_seconds(length)});
  }
}

std::size_t MetricStore::memory_bytes() const {
  std::size_t bytes = sizeof(*this);
  for (const Metric& metric : metrics_) {
    bytes += sizeof(Metric) - sizeof(MetricSeries) + metric.series.memory_bytes();
  }
  return bytes;
}

}  // namespace phoenix
