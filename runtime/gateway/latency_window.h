// Response times between two states of a growing histogram: only buckets can be subtracted, so
// quantiles and the maximum are middles of buckets (within 1/256), the mean is exact.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "scenarios/record_rows.h"
#include "scenarios/run_summary.h"
#include "strategies/metrics/histogram.h"

namespace phoenix::gateway {

class LatencyWindow {
 public:
  LatencyWindow() : counts_(Histogram::kBuckets, 0) {}

  // What `now` has beyond `before`; null: all of it. May be called for several histograms.
  void add(const Histogram& now, const Histogram* before);

  std::uint64_t count() const { return count_; }
  LatencySummary summary() const;  // zeros where there is nothing
  void append_rows(std::string_view scope, std::string_view name,
                   std::vector<HistogramRow>& rows) const;

 private:
  double quantile_s(double q) const;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_s_ = 0;
};

}  // namespace phoenix::gateway
