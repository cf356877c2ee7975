#include "analysis/compare/cell_result.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/human_text.h"
#include "analysis/statistics/quantile.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "phoenix-cell";
constexpr int kVersion = 1;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double target_of(const RunSummary& summary, std::string_view name) {
  for (const TargetSummary& target : summary.targets) {
    if (target.name == name) return target.target;
  }
  return kUnknown;
}

bool violates(const WindowRow& window, double p95_s, double availability) {
  if (window.p95 > p95_s) return true;
  const auto answered = static_cast<double>(window.completed + window.failed);
  return static_cast<double>(window.failed) > (1 - availability) * answered;
}

std::int64_t to_ns(double seconds) { return std::llround(seconds * 1e9); }

double slo_violating_s(const std::vector<WindowRow>& windows, const RunSummary& summary) {
  const double p95_s = target_of(summary, "response_time_p95");
  const double availability = target_of(summary, "availability");
  if (std::isnan(p95_s) && std::isnan(availability)) return kUnknown;
  // In whole nanoseconds: in seconds the end of the warm-up is rounded past the first interval.
  const std::int64_t warm_up_ns = to_ns(summary.duration_s) - to_ns(summary.measured_s);
  std::int64_t sum_ns = 0;
  std::int64_t begin_ns = 0;
  for (const WindowRow& window : windows) {
    if (begin_ns >= warm_up_ns && violates(window, p95_s, availability)) {
      sum_ns += window.t - begin_ns;
    }
    begin_ns = window.t;
  }
  return static_cast<double>(sum_ns) * 1e-9;
}

Result<double> moves(const RecordReader& record) {
  constexpr std::int64_t kPiece = 10'000;
  double count = 0;
  for (std::int64_t first = 0;; first += kPiece) {
    const auto rows = record.rows<DecisionRow>(first, kPiece);
    if (!rows) return Error{rows.error()};
    if (rows->empty()) return count;
    count += static_cast<double>(std::ranges::count_if(*rows, [](const DecisionRow& row) {
      return row.action.view() == "migrate_agent" && row.outcome.view() == "done";
    }));
  }
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }
double number_from(const Json& json) { return json.is_number() ? json.get<double>() : kUnknown; }

}  // namespace

const std::array<CellMetricInfo, kCellMetrics>& metric_infos() {
  using enum MetricUnit;
  using enum statistics::Better;
  static constexpr std::array<CellMetricInfo, kCellMetrics> kInfos = {{
      {"mean", "mean response time", kSeconds, kLower},
      {"p50", "median response time", kSeconds, kLower},
      {"p90", "90th percentile of response times", kSeconds, kLower},
      {"p95", "95th percentile of response times", kSeconds, kLower},
      {"p99", "99th percentile of response times", kSeconds, kLower},
      {"p999", "99.9th percentile of response times", kSeconds, kLower},
      {"throughput", "requests completed per second", kPerSecond, kHigher},
      {"failures", "failed requests", kCount, kLower},
      {"availability", "share of answered requests that were answered well", kShare, kHigher},
      {"cost", "cost of the nodes", kNumber, kLower},
      {"node_hours", "node-hours", kNumber, kLower},
      {"slo_violating", "time outside the targets", kSeconds, kLower},
      {"moves", "agents moved", kCount, kLower},
  }};
  return kInfos;
}

const char* unit_symbol(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::kSeconds:
      return "s";
    case MetricUnit::kPerSecond:
      return "1/s";
    case MetricUnit::kCount:
    case MetricUnit::kShare:
    case MetricUnit::kNumber:
      return "1";
  }
  return "1";
}

std::optional<CellMetric> find_metric(std::string_view name) {
  for (std::size_t i = 0; i < kCellMetrics; ++i) {
    if (metric_infos()[i].name == name) return static_cast<CellMetric>(i);
  }
  return std::nullopt;
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const CellMetricInfo& metric : metric_infos()) names.emplace_back(metric.name);
  return names;
}

Result<CellResult> CellResult::from_record(const RecordReader& record) {
  const Result<RunSummary> summary = record.summary();
  if (!summary) return Error{summary.error()};
  const auto windows = record.rows<WindowRow>();
  if (!windows) return Error{windows.error()};
  const auto buckets = record.rows<HistogramRow>();
  if (!buckets) return Error{buckets.error()};
  const Result<double> moved = moves(record);
  if (!moved) return Error{moved.error()};

  CellResult result;
  const ClassSummary& total = summary->total;
  const LatencySummary latency =
      total.completed > 0 ? total.latency : LatencySummary{kUnknown, kUnknown, kUnknown, kUnknown,
                                                           kUnknown, kUnknown, kUnknown};
  result.metrics = {latency.mean,
                    latency.p50,
                    latency.p90,
                    latency.p95,
                    latency.p99,
                    latency.p999,
                    total.throughput_per_s,
                    static_cast<double>(total.failed_total()),
                    total.availability,
                    summary->cost,
                    summary->node_hours,
                    slo_violating_s(*windows, *summary),
                    *moved};
  result.offered = total.offered;
  result.completed = total.completed;
  result.digest = summary->digest;
  if (summary->load.fell_behind) {
    result.warning = fmt::format(
        "the load source fell behind: 1 % of the requests left more than {} late, {} never did",
        human_duration(summary->load.late_p99_s), summary->load.not_sent);
  }
  result.is_complete = summary->complete && record.attributes().complete;
  for (const WindowRow& window : *windows) {
    result.window_mean.push_back(static_cast<double>(window.mean));
  }
  for (const HistogramRow& row : *buckets) {
    if (row.scope.view() != "total") continue;
    result.histogram.push_back({to_ns(row.low), to_ns(row.high), row.count});
  }
  std::ranges::sort(result.histogram, {}, &HistogramBucket::low_ns);
  return result;
}

std::string CellResult::to_json() const {
  Json values = Json::object();
  for (std::size_t i = 0; i < kCellMetrics; ++i)
    values[metric_infos()[i].name] = number(metrics[i]);
  Json means = Json::array();
  for (const double mean : window_mean) means.push_back(number(mean));
  Json buckets = Json::array();
  for (const HistogramBucket& bucket : histogram) {
    buckets.push_back({bucket.low_ns, bucket.high_ns, bucket.count});
  }
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"cell", cell},
                     {"failure", failure},
                     {"complete", is_complete},
                     {"warning", warning},
                     {"offered", offered},
                     {"completed", completed},
                     {"digest", fmt::format("{:016x}", digest)},
                     {"metrics", std::move(values)},
                     {"window_mean_s", std::move(means)},
                     {"histogram_ns", std::move(buckets)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<CellResult> CellResult::from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  try {
    if (!json.is_object() || json.value("format", "") != kFormat) return Error{"found no result"};
    if (json.value("version", 0) != kVersion) {
      return Error{fmt::format("found version {}; allowed {}", json.value("version", 0), kVersion)};
    }
    CellResult result;
    result.cell = json.at("cell").get<std::uint64_t>();
    result.failure = json.at("failure").get<std::string>();
    result.is_complete = json.at("complete").get<bool>();
    result.warning = json.at("warning").get<std::string>();
    result.offered = json.at("offered").get<std::uint64_t>();
    result.completed = json.at("completed").get<std::uint64_t>();
    result.digest = std::stoull(json.at("digest").get<std::string>(), nullptr, 16);
    for (std::size_t i = 0; i < kCellMetrics; ++i) {
      result.metrics[i] = number_from(json.at("metrics").at(metric_infos()[i].name));
    }
    for (const Json& mean : json.at("window_mean_s")) {
      result.window_mean.push_back(number_from(mean));
    }
    for (const Json& bucket : json.at("histogram_ns")) {
      result.histogram.push_back({bucket.at(0).get<std::int64_t>(),
                                  bucket.at(1).get<std::int64_t>(),
                                  bucket.at(2).get<std::int64_t>()});
    }
    return result;
  } catch (const std::exception& problem) {
    return Error{fmt::format("found a broken result: {}", problem.what())};
  }
}

double histogram_quantile(const std::vector<HistogramBucket>& buckets, double q) {
  std::int64_t total = 0;
  for (const HistogramBucket& bucket : buckets) total += bucket.count;
  if (total == 0) return kUnknown;
  const auto rank = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(q * static_cast<double>(total))));
  std::int64_t seen = 0;
  for (const HistogramBucket& bucket : buckets) {
    seen += bucket.count;
    if (seen >= rank) return 0.5e-9 * static_cast<double>(bucket.low_ns + bucket.high_ns - 1);
  }
  return kUnknown;
}

void merge_histogram(std::vector<HistogramBucket>& into, const std::vector<HistogramBucket>& from) {
  std::vector<HistogramBucket> merged;
  merged.reserve(into.size() + from.size());
  auto a = into.begin();
  auto b = from.begin();
  while (a != into.end() || b != from.end()) {
    if (b == from.end() || (a != into.end() && a->low_ns < b->low_ns)) {
      merged.push_back(*a++);
    } else if (a == into.end() || b->low_ns < a->low_ns) {
      merged.push_back(*b++);
    } else {
      merged.push_back(*a++);
      merged.back().count += (b++)->count;
    }
  }
  into = std::move(merged);
}

bool is_supported(CellMetric metric, std::uint64_t completed) {
  const auto tail = [&](double q) { return completed >= statistics::samples_needed(q); };
  switch (metric) {
    case CellMetric::kP50:
      return tail(0.5);
    case CellMetric::kP90:
      return tail(0.9);
    case CellMetric::kP95:
      return tail(0.95);
    case CellMetric::kP99:
      return tail(0.99);
    case CellMetric::kP999:
      return tail(0.999);
    default:
      return true;
  }
}

}  // namespace phoenix
