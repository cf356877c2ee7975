#include "runtime/gateway/latency_window.h"

#include <algorithm>
#include <cmath>

namespace phoenix::gateway {
namespace {

double sum_s(const Histogram& latency) {
  return latency.mean_seconds() * static_cast<double>(latency.count());
}

}  // namespace

void LatencyWindow::add(const Histogram& now, const Histogram* before) {
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    counts_[i] += now.bucket_count(i) - (before == nullptr ? 0 : before->bucket_count(i));
  }
  count_ += now.count() - (before == nullptr ? 0 : before->count());
  sum_s_ += sum_s(now) - (before == nullptr ? 0 : sum_s(*before));
}

// Nearest rank.
double LatencyWindow::quantile_s(double q) const {
  const double exact = std::ceil(q * static_cast<double>(count_) * (1 - 4e-16));
  const auto rank = std::clamp(static_cast<std::uint64_t>(exact), std::uint64_t{1}, count_);
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while ((seen += counts_[bucket]) < rank) ++bucket;
  return static_cast<double>(Histogram::bucket_low(bucket) + Histogram::bucket_width(bucket) / 2) *
         1e-9;
}

LatencySummary LatencyWindow::summary() const {
  LatencySummary summary;
  if (count_ == 0) return summary;
  summary.mean = sum_s_ / static_cast<double>(count_);
  summary.p50 = quantile_s(0.5);
  summary.p90 = quantile_s(0.9);
  summary.p95 = quantile_s(0.95);
  summary.p99 = quantile_s(0.99);
  summary.p999 = quantile_s(0.999);
  summary.max = quantile_s(1);
  return summary;
}

void LatencyWindow::append_rows(std::string_view scope, std::string_view name,
                                std::vector<HistogramRow>& rows) const {
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    HistogramRow row;
    row.scope = scope;
    row.name = name;
    row.low = static_cast<double>(Histogram::bucket_low(i)) * 1e-9;
    row.high = row.low + static_cast<double>(Histogram::bucket_width(i)) * 1e-9;
    row.count = static_cast<std::int64_t>(counts_[i]);
    rows.push_back(row);
  }
}

}  // namespace phoenix::gateway
