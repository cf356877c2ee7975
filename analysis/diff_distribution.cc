#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "analysis/diff_rows.h"

namespace phoenix {
namespace {

struct Bucket {
  double low = 0;
  double high = 0;
  std::int64_t count = 0;
};

// The share of all requests that were answered by a time, asked at times that only grow.
class Cumulative {
 public:
  explicit Cumulative(const std::vector<Bucket>& buckets) : buckets_(buckets) {
    for (const Bucket& bucket : buckets_) total_ += static_cast<double>(bucket.count);
  }

  double total() const { return total_; }

  double at(double time) {
    while (next_ < buckets_.size() && buckets_[next_].high <= time) {
      before_ += static_cast<double>(buckets_[next_++].count);
    }
    double reached = before_;
    for (std::size_t i = next_; i < buckets_.size() && buckets_[i].low < time; ++i) {
      const Bucket& bucket = buckets_[i];
      reached +=
          static_cast<double>(bucket.count) * (time - bucket.low) / (bucket.high - bucket.low);
    }
    return reached / total_;
  }

 private:
  const std::vector<Bucket>& buckets_;
  std::size_t next_ = 0;
  double before_ = 0;
  double total_ = 0;
};

struct Distribution {
  std::string scope, name;
  std::vector<Bucket> a, b;
};

void collect(const std::vector<HistogramRow>& rows, std::vector<Bucket> Distribution::*side,
             std::vector<Distribution>& distributions) {
  for (const HistogramRow& row : rows) {
    const auto is_it = [&row](const Distribution& known) {
      return known.scope == row.scope.view() && known.name == row.name.view();
    };
    auto it = std::find_if(distributions.rbegin(), distributions.rend(), is_it);
    if (it == distributions.rend()) {
      distributions.push_back(
          {std::string(row.scope.view()), std::string(row.name.view()), {}, {}});
      it = distributions.rbegin();
    }
    ((*it).*side).push_back({row.low, row.high, row.count});
  }
}

void sort_by_end(std::vector<Bucket>& buckets) {
  std::stable_sort(buckets.begin(), buckets.end(),
                   [](const Bucket& left, const Bucket& right) { return left.high < right.high; });
}

// Both shares grow linearly between bounds of buckets, so the largest distance is at one of them.
std::vector<double> bounds_of(const Distribution& d) {
  std::vector<double> bounds;
  for (const std::vector<Bucket>* side : {&d.a, &d.b}) {
    for (const Bucket& bucket : *side) {
      bounds.push_back(bucket.low);
      bounds.push_back(bucket.high);
    }
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  return bounds;
}

DistributionDiff compare(Distribution& d) {
  sort_by_end(d.a);
  sort_by_end(d.b);
  Cumulative a(d.a);
  Cumulative b(d.b);
  DistributionDiff diff;
  diff.scope = d.scope;
  diff.name = d.name;
  diff.count_a = static_cast<std::uint64_t>(a.total());
  diff.count_b = static_cast<std::uint64_t>(b.total());
  if (diff.count_a == 0 || diff.count_b == 0) return diff;
  diff.distance = -1;
  for (const double time : bounds_of(d)) {
    const double share_a = a.at(time);
    const double share_b = b.at(time);
    const double distance = std::abs(share_a - share_b);
    if (distance <= diff.distance) continue;
    diff.distance = distance;
    diff.at_s = time;
    diff.share_a = share_a;
    diff.share_b = share_b;
  }
  return diff;
}

}  // namespace

Status check_histogram(const std::vector<HistogramRow>& rows) {
  for (const HistogramRow& row : rows) {
    if (row.count >= 0 && row.low < row.high && std::isfinite(row.low) && std::isfinite(row.high)) {
      continue;
    }
    return Error{fmt::format("its table 'histograms' has a bucket from {} to {} s of {} requests",
                             row.low, row.high, row.count)};
  }
  return success();
}

std::vector<DistributionDiff> diff_distributions(const std::vector<HistogramRow>& a,
                                                 const std::vector<HistogramRow>& b) {
  std::vector<Distribution> distributions;
  collect(a, &Distribution::a, distributions);
  collect(b, &Distribution::b, distributions);
  std::stable_partition(distributions.begin(), distributions.end(),
                        [](const Distribution& d) { return d.scope == "total"; });
  std::vector<DistributionDiff> diffs;
  for (Distribution& distribution : distributions) diffs.push_back(compare(distribution));
  return diffs;
}

}  // namespace phoenix
