// What a node learns from the requests it serves, for its load reports: how long requests take that
// come at the present load, how long service itself takes, and how many are answered a second.
// The simulated node and the real one run exactly this.
//
// The response time by load is Prequal's signal: the median of the last few requests that came when
// about as many others were there. Loads are told apart exactly up to 8, then in steps of a quarter
// of an octave. Fixed memory. One thread. O(1) per request.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "strategies/core/load_report.h"
#include "strategies/core/time.h"

namespace phoenix {

class NodeSignals {
 public:
  // A request that came when `load` others were there was answered. `service`: without its wait.
  void answered(std::uint32_t load, Duration latency, Duration service, bool ok) {
    ++answers_;
    if (!ok) {
      ++errors_;
      return;
    }
    Bucket& bucket = buckets_[bucket_of(load)];
    bucket.seconds[bucket.count++ % kKept] = static_cast<float>(to_seconds(latency));
    const auto seconds = static_cast<float>(to_seconds(service));
    mean_service_ += (seconds - mean_service_) / static_cast<float>(std::min(++served_, kMemory));
  }

  // Ends an interval: the rates are those of the time since the last call.
  void sample(Time now) {
    const auto seconds = static_cast<float>(to_seconds(now - sampled_at_));
    if (seconds <= 0) return;
    rate_ = static_cast<float>(answers_) / seconds;
    error_rate_ = static_cast<float>(errors_) / seconds;
    answers_ = errors_ = 0;
    sampled_at_ = now;
  }

  // `load`: requests there now.
  void tell(std::uint32_t load, LoadReport& report) const {
    report.latency = latency_at(load);
    report.service_time = served_ > 0 ? mean_service_ : LoadReport::kUnknown;
    report.rate = rate_;
    report.error_rate = error_rate_;
  }

  // Seconds; that of the nearest load anything is known of, the lower one of two. NaN before that.
  float latency_at(std::uint32_t load) const {
    const std::size_t here = bucket_of(load);
    for (std::size_t away = 0; away < kBuckets; ++away) {
      if (here >= away && buckets_[here - away].count > 0) return median(buckets_[here - away]);
      if (here + away < kBuckets && buckets_[here + away].count > 0) {
        return median(buckets_[here + away]);
      }
    }
    return LoadReport::kUnknown;
  }

 private:
  static constexpr std::size_t kBuckets = 64;
  static constexpr std::uint32_t kKept = 9;
  static constexpr std::uint32_t kMemory = 32;

  struct Bucket {
    std::array<float, kKept> seconds{};
    std::uint32_t count = 0;
  };

  static std::size_t bucket_of(std::uint32_t load) {
    if (load < 8) return load;
    const auto octave = static_cast<std::uint32_t>(std::bit_width(load)) - 4;  // 8 to 15: 0
    const std::uint32_t quarter = (load >> (octave + 1)) & 3;
    return std::min<std::size_t>(8 + 4 * octave + quarter, kBuckets - 1);
  }

  static float median(const Bucket& bucket) {
    std::array<float, kKept> sorted = bucket.seconds;
    const std::uint32_t count = std::min(bucket.count, kKept);
    const auto middle = sorted.begin() + count / 2;
    std::nth_element(sorted.begin(), middle, sorted.begin() + count);
    return *middle;
  }

  std::array<Bucket, kBuckets> buckets_;
  float mean_service_ = 0;
  std::uint32_t served_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t errors_ = 0;
  Time sampled_at_ = kStart;
  float rate_ = LoadReport::kUnknown;
  float error_rate_ = LoadReport::kUnknown;
};

}  // namespace phoenix
