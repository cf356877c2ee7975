// Where the control plane keeps its metrics: every metric has one name, one kind and a series in
// fixed memory; scalers, tuners, alerts and targets read it through MetricView.
//
// Names must be defined before use; an unknown name is an error that lists the nearest. Everything
// that is not kept is counted: values that are unknown (NaN), and those that are negative or
// infinite. Values are in base units. Times are the run's and never step; an older time than the
// newest counts as that one. Threads of the data path record into their own instruments, and what
// they report is recorded here by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"
#include "strategies/metrics/metric_series.h"
#include "strategies/metrics/metric_view.h"

namespace phoenix {

enum class MetricId : std::uint32_t {};

// What may be done with a metric follows from its kind.
enum class MetricKind : std::uint8_t {
  kCounter,    // increment; what is read is its rise per second
  kGauge,      // record
  kHistogram,  // record, merge
  kTimer,      // time, merge; seconds
  kSummary,    // record
};
enum class MetricCategory : std::uint8_t {
  kAgentPerformance,  // response times, throughput, errors
  kSystemResources,   // cpu, memory, network, disk
  kClusterHealth,     // availability, partition, agreement
  kApplication,       // agents, load, scaling
  kInfrastructure,    // balancer, queues
};
inline constexpr std::size_t kMetricCategories = 5;

constexpr std::string_view to_text(MetricKind kind) {
  constexpr std::string_view kNames[] = {"counter", "gauge", "histogram", "timer", "summary"};
  return kNames[static_cast<std::size_t>(kind)];
}
constexpr std::string_view to_text(MetricCategory category) {
  constexpr std::string_view kNames[] = {"agent_performance", "system_resources", "cluster_health",
                                         "application", "infrastructure"};
  return kNames[static_cast<std::size_t>(category)];
}

struct MetricInfo {
  std::string name;
  MetricKind kind = MetricKind::kGauge;
  MetricCategory category = MetricCategory::kApplication;
  std::string unit = {};  // "s", "/s", "bytes", "share", "" for a number
};

// The metrics every cluster has, as metric_view.h names them.
std::span<const MetricInfo> standard_metrics();

struct MetricStats {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t count = 0;
  double min = kUnknown, max = kUnknown, average = kUnknown;  // unknown where count is 0
  double p50 = kUnknown, p95 = kUnknown, p99 = kUnknown;
};

struct MetricStoreSettings {
  Duration current_for = std::chrono::seconds(5);  // an older value is not the latest any more
  std::size_t metrics_max = 256;
  bool operator==(const MetricStoreSettings&) const = default;
};

struct MetricStoreCounts {
  std::uint64_t recorded = 0;
  std::uint64_t unknown = 0;  // NaN
  std::uint64_t refused = 0;  // negative or infinite
};

class MetricStore : public MetricView {
 public:
  // Defines the standard metrics.
  explicit MetricStore(MetricStoreSettings settings = {});

  // Refuses a repeated or malformed name, and more than metrics_max.
  Result<MetricId> define(MetricInfo info);
  Result<MetricId> find(std::string_view name) const;
  const MetricInfo& info(MetricId id) const { return metrics_[index(id)].info; }
  std::size_t size() const { return metrics_.size(); }

  // Time passes, though nothing is recorded.
  void advance(Time now);
  Time now() const { return now_; }

  // By name, for code off the data path; the error is an unknown name or a wrong kind.
  Status record_metric(std::string_view name, double value, Time at, NodeId node = kNoNode);
  Status increment(std::string_view name, double amount, Time at);
  Status time(std::string_view name, Duration took, bool ok, Time at);
  Status merge(std::string_view name, const Histogram& values, Time at);

  // By id. REQUIRES: the kind fits.
  void record(MetricId id, double value, Time at, NodeId node = kNoNode);
  void increment(MetricId id, double amount, Time at);
  void time(MetricId id, Duration took, bool ok, Time at);
  void merge(MetricId id, const Histogram& values, Time at);

  // The newest value however old it is, with its time; unknown where there is none. A counter's is
  // its total.
  Result<MetricPoint> get_metric(std::string_view name) const;
  // Who reported the newest value; kNoNode: nobody or the cluster as a whole.
  NodeId reported_by(MetricId id) const { return metrics_[index(id)].node; }
  // Of what was recorded in the window; of a counter, of its increments.
  Result<MetricStats> get_metric_stats(std::string_view name,
                                       MetricWindow window = MetricWindow::kLastHour) const;
  Result<MetricStats> get_metric_stats(std::string_view name, std::string_view window) const;
  // REQUIRES: 0 <= q <= 1.
  Result<double> quantile(std::string_view name, MetricWindow window, double q) const;
  // A counter's rise per second, over the part of the window since its first increment.
  Result<double> rate(std::string_view name, MetricWindow window) const;
  Result<std::uint64_t> failures(std::string_view name) const;  // of a timer
  // Closed windows, oldest first.
  Result<std::vector<RolledWindow>> roll_up(std::string_view name, RollUp level) const;

  // From the finest roll-up that still has the whole window. A point is a window's mean, a
  // counter's its rise per second.
  MetricPoint latest(std::string_view name) const override;
  void series(std::string_view name, Duration window, std::vector<MetricPoint>& out) const override;

  const MetricStoreCounts& counts() const { return counts_; }
  std::size_t memory_bytes() const;

 private:
  struct Metric {
    MetricInfo info;
    MetricSeries series;
    NodeId node = kNoNode;
    double total = 0;            // kCounter
    std::uint64_t failures = 0;  // kTimer
  };

  const Metric* lookup(std::string_view name) const;
  Result<MetricId> find_kind(std::string_view name, std::span<const MetricKind> kinds,
                             std::string_view what) const;
  void note(Metric& metric, double value, Time at);

  MetricStoreSettings settings_;
  std::vector<Metric> metrics_;
  std::map<std::string, MetricId, std::less<>> by_name_;
  MetricStoreCounts counts_;
  Time now_ = kStart;
};

}  // namespace phoenix
