// Collectors turn what is known of the cluster into named metrics, one collector for each category
// and as many more as are added. The control plane runs them every second or so.
//
// A collector that fails is counted and its error kept; the others run. One that answers later says
// kRunning and is not started again until finished() is called or its time is over; both skips and
// time-outs are counted. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/result.h"
#include "strategies/core/time.h"
#include "strategies/metrics/cluster_metrics.h"
#include "strategies/metrics/cluster_readings.h"
#include "strategies/metrics/metric_store.h"

namespace phoenix {

// What collectors look at.
struct CollectView {
  Time now = kStart;
  ClusterMetrics nodes;
  GatewayInterval gateways;
  const Histogram* responses = nullptr;                            // of the interval
  double scaling_time = std::numeric_limits<double>::quiet_NaN();  // of the newest scale-out, s
};

enum class CollectState : std::uint8_t { kDone, kRunning };
using CollectFunction = std::function<Result<CollectState>(const CollectView&, MetricStore&)>;

struct CollectorStatus {
  std::string name;
  MetricCategory category = MetricCategory::kApplication;
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  std::uint64_t skipped = 0;    // still running when the next was due
  std::uint64_t timed_out = 0;  // given up
  std::string last_error;
};

class Collectors {
 public:
  // The five standard ones. `timeout` is how long one may stay kRunning.
  explicit Collectors(Duration timeout = std::chrono::seconds(5));

  // Refuses a name that is taken.
  Status add(std::string name, MetricCategory category, CollectFunction collect);

  void collect(const CollectView& view, MetricStore& store);
  // The end of one that said kRunning; ignored where it is not running any more.
  void finished(std::string_view name, const Status& how);

  std::span<const CollectorStatus> status() const { return status_; }

 private:
  struct Work {
    CollectFunction collect;
    Time running_since = kNever;
  };
  void note(std::size_t i, const std::string& error);

  Duration timeout_;
  std::vector<CollectorStatus> status_;
  std::vector<Work> work_;
};

// Takes the interval out of `readings`, runs the collectors on it.
void collect_cluster(ClusterReadings& readings, Collectors& collectors, MetricStore& store,
                     Time now, Duration stale_after, double scaling_time);

}  // namespace phoenix
