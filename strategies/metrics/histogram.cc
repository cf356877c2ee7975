#include "strategies/metrics/histogram.h"

#include <algorithm>
#include <cassert>

#include "strategies/metrics/rank.h"

namespace phoenix {

Duration Histogram::quantile(double q) const {
  assert(q >= 0 && q <= 1);
  if (count_ == 0) return Duration{0};
  if (q <= 0) return min();
  const std::uint64_t rank = nearest_rank(count_, q);
  if (rank == count_) return max();
  std::uint64_t seen = 0;
  std::size_t bucket = bucket_of(min_);
  while ((seen += counts_[bucket]) < rank) ++bucket;
  // The bucket's middle may lie outside what was recorded; the extremes are known exactly.
  const std::uint64_t middle = bucket_low(bucket) + bucket_width(bucket) / 2;
  return Duration{static_cast<std::int64_t>(std::clamp(middle, min_, max_))};
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::subtract(const Histogram& earlier) {
  const double sum = sum_ - earlier.sum_;
  const std::uint64_t highest = max_;
  min_ = ~0ULL;
  max_ = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    assert(counts_[i] >= earlier.counts_[i]);
    counts_[i] -= earlier.counts_[i];
    if (counts_[i] == 0) continue;
    min_ = std::min(min_, bucket_low(i));
    max_ = std::min(highest, bucket_low(i) + bucket_width(i) - 1);
  }
  count_ -= earlier.count_;
  sum_ = count_ == 0 ? 0 : std::max(0.0, sum);
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  sum_ = 0;
  min_ = ~0ULL;
  max_ = 0;
}

std::uint64_t Histogram::bucket_low(std::size_t i) {
  if (i < kSubBuckets) return i;
  const std::size_t shift = (i >> kSubBucketBits) - 1;
  return (kSubBuckets + (i & (kSubBuckets - 1))) << shift;
}

std::uint64_t Histogram::bucket_width(std::size_t i) {
  return i < kSubBuckets ? 1 : std::uint64_t{1} << ((i >> kSubBucketBits) - 1);
}

}  // namespace phoenix
