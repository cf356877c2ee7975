// What a comparison keeps of one run: a number for each metric, and the whole distribution of its
// response times. Read from the run's record, of either world; stored as a small JSON file.
//
// Pure functions, but for from_record(), which reads HDF5: one thread of the process at a time.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/record_reader.h"
#include "analysis/statistics/comparison.h"
#include "strategies/core/result.h"

namespace phoenix {

enum class MetricUnit : std::uint8_t { kSeconds, kPerSecond, kCount, kShare, kNumber };

struct CellMetricInfo {
  const char* name;  // as users write it
  const char* title;
  MetricUnit unit;
  statistics::Better better;
};

// `slo_violating`: seconds of intervals whose p95 was over the scenario's target, or whose share of
// failures was over what its availability target allows; not known where it has neither target.
// `failures`: requests that failed, for any reason. `moves`: agents moved.
enum class CellMetric : std::uint8_t {
  kMean,
  kP50,
  kP90,
  kP95,
  kP99,
  kP999,
  kThroughput,
  kFailures,
  kAvailability,
  kCost,
  kNodeHours,
  kSloViolating,
  kMoves,
  kCount
};
inline constexpr std::size_t kCellMetrics = static_cast<std::size_t>(CellMetric::kCount);
const std::array<CellMetricInfo, kCellMetrics>& metric_infos();
inline const CellMetricInfo& info(CellMetric metric) {
  return metric_infos()[static_cast<std::size_t>(metric)];
}
const char* unit_symbol(MetricUnit unit);  // "s", "1/s", "1" for all that has none
std::optional<CellMetric> find_metric(std::string_view name);
std::vector<std::string> metric_names();

struct HistogramBucket {
  std::int64_t low_ns = 0, high_ns = 0;
  std::int64_t count = 0;
  bool operator==(const HistogramBucket&) const = default;
};

struct CellResult {
  std::uint64_t cell = 0;
  std::string failure;                         // why there is no result; empty: there is one
  std::array<double, kCellMetrics> metrics{};  // NaN: not known
  std::uint64_t offered = 0, completed = 0;
  std::uint64_t digest = 0;                // of the event sequence
  bool is_complete = true;                 // the run was played to its end
  std::string warning;                     // e.g. the load source fell behind
  std::vector<double> window_mean;         // s, of requests completed in each interval; NaN: none
  std::vector<HistogramBucket> histogram;  // filled buckets of all answered requests, ascending

  double metric(CellMetric which) const { return metrics[static_cast<std::size_t>(which)]; }
  bool is_usable() const { return failure.empty() && is_complete; }

  // The error names the record and what it lacks.
  static Result<CellResult> from_record(const RecordReader& record);
  std::string to_json() const;  // equal results give equal bytes
  static Result<CellResult> from_json(std::string_view text);
};

// Nearest rank over the merged distribution, as a bucket's middle; NaN where it is empty.
double histogram_quantile(const std::vector<HistogramBucket>& buckets, double q);
void merge_histogram(std::vector<HistogramBucket>& into, const std::vector<HistogramBucket>& from);

// Whether so many requests say enough about the metric, if it is a quantile.
bool is_supported(CellMetric metric, std::uint64_t completed);

}  // namespace phoenix
