// When an attempt of one request class is slow enough to be hedged: after a quantile of what
// attempts of the last ten to twenty seconds took. Unknown until five of them lie beyond it.
//
// Attempts that were given up count with the time they held. Second copies must not be recorded:
// those that are seen to the end are not a fair sample. A log-linear histogram of each half of the
// window, 16 buckets to the doubling: the delay is at most 6.25 % above the quantile, never below.
//
// One thread at a time. record() is O(1), refresh() O(buckets). Never allocates.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "strategies/core/time.h"

namespace phoenix {

class HedgeDelay {
 public:
  static constexpr Duration kHalfWindow = std::chrono::seconds(10);
  static constexpr double kSamplesBeyond = 5;

  // REQUIRES: 0 < quantile < 1.
  explicit HedgeDelay(double quantile) : quantile_(quantile) {}

  void record(Duration latency) {
    ++current_.counts[bucket_of(latency)];
    ++current_.total;
  }

  // The delay from now on; Duration::max() while it is unknown. REQUIRES: `now` never goes back.
  Duration refresh(Time now);

 private:
  static constexpr int kSubBits = 4;
  static constexpr int kLongestBits = 42;  // 73 minutes; what takes longer counts as that
  static constexpr std::size_t kBuckets = (kLongestBits - kSubBits + 1) << kSubBits;

  struct Half {
    std::array<std::uint32_t, kBuckets> counts{};
    std::uint32_t total = 0;
  };

  static std::size_t bucket_of(Duration latency) {
    constexpr std::int64_t kLongest = (std::int64_t{1} << kLongestBits) - 1;
    const std::int64_t ns = latency.count() < kLongest ? latency.count() : kLongest;
    const auto v = static_cast<std::uint64_t>(ns > 0 ? ns : 0);
    if (v >> kSubBits == 0) return static_cast<std::size_t>(v);
    const int shift = 63 - std::countl_zero(v) - kSubBits;
    return (static_cast<std::size_t>(shift) << kSubBits) + static_cast<std::size_t>(v >> shift);
  }
  static Duration end_of(std::size_t bucket);

  double quantile_;
  Half current_;
  Half before_;
  Time half_ends_ = kStart + kHalfWindow;
};

}  // namespace phoenix
