// Log-linear histogram of durations: fixed memory, O(1) record, mergeable, relative error at most
// 2^-8 (0.39 %) with 7 sub-bucket bits. For response times wherever percentiles are wanted.
//
// One thread at a time. Record never allocates. Values are whole nanoseconds; negative ones count
// as 0. Source of the layout: HdrHistogram's idea in the form of "index = (s+1) 2^b + (v >> s) -
// 2^b".
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "strategies/core/time.h"

namespace phoenix {

class Histogram {
 public:
  static constexpr int kSubBucketBits = 7;
  static constexpr std::uint64_t kSubBuckets = 1ULL << kSubBucketBits;
  static constexpr std::size_t kBuckets = (64 - kSubBucketBits + 1) << kSubBucketBits;

  Histogram() : counts_(kBuckets, 0) {}

  void record(Duration value) {
    const auto v = static_cast<std::uint64_t>(value.count() > 0 ? value.count() : 0);
    ++counts_[bucket_of(v)];
    ++count_;
    sum_ += static_cast<double>(v);
    if (v < min_) min_ = v;
    if (v > max_) max_ = v;
  }

  std::uint64_t count() const { return count_; }
  // Zero where nothing was recorded.
  Duration min() const { return Duration{count_ == 0 ? 0 : static_cast<std::int64_t>(min_)}; }
  Duration max() const { return Duration{static_cast<std::int64_t>(max_)}; }
  double mean_seconds() const {
    return count_ == 0 ? 0.0 : sum_ / static_cast<double>(count_) * 1e-9;
  }

  // Nearest rank, ceil(q n) and at least 1; q = 0 and q = 1 are the exact minimum and maximum.
  // Zero where nothing was recorded. REQUIRES: 0 <= q <= 1.
  Duration quantile(double q) const;

  void merge(const Histogram& other);
  // Takes away what was there earlier: leaves what came since, with the mean exact and extremes as
  // good as the buckets. REQUIRES: this grew out of `earlier`.
  void subtract(const Histogram& earlier);
  void clear();

  // Buckets by index, for records: [low, low + width) nanoseconds.
  std::uint64_t bucket_count(std::size_t i) const { return counts_[i]; }
  static std::uint64_t bucket_low(std::size_t i);
  static std::uint64_t bucket_width(std::size_t i);

  static std::size_t bucket_of(std::uint64_t v) {
    if (v < kSubBuckets) return static_cast<std::size_t>(v);
    const int s = 63 - std::countl_zero(v) - kSubBucketBits;
    return static_cast<std::size_t>((static_cast<std::uint64_t>(s) << kSubBucketBits) + (v >> s));
  }

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::uint64_t min_ = ~0ULL;
  std::uint64_t max_ = 0;
};

}  // namespace phoenix
