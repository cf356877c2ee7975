// Refuses at the caller what the service would fail anyway: with probability
// max(0, (requests - k * accepts) / (requests + 1)) over the last two minutes. One thread. O(1), no
// allocation. Source: Site Reliability Engineering, chapter 21 (k = 2).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "strategies/core/time.h"

namespace phoenix {

inline double throttle_probability(double requests, double accepts, double k) {
  return std::max(0.0, (requests - k * accepts) / (requests + 1));
}

class ClientThrottle {
 public:
  explicit ClientThrottle(double k) : k_(k) {}  // 0 is off

  bool is_on() const { return k_ > 0; }
  // Refused ones are requests too.
  void add_request(Time now) {
    at(now).requests += 1;
    requests_ += 1;
  }
  void add_accept(Time now) {
    at(now).accepts += 1;
    accepts_ += 1;
  }
  double probability(Time now) {
    at(now);
    return throttle_probability(requests_, accepts_, k_);
  }

 private:
  static constexpr Duration kSlice = std::chrono::seconds(10);
  static constexpr std::size_t kSlices = 12;
  struct Slice {
    double requests = 0;
    double accepts = 0;
  };

  Slice& at(Time now) {
    const std::int64_t number = now.time_since_epoch() / kSlice;
    for (std::size_t i = 0; i < kSlices && newest_ < number; ++i) {
      Slice& oldest = slices_[static_cast<std::size_t>(++newest_) % kSlices];
      requests_ -= oldest.requests;
      accepts_ -= oldest.accepts;
      oldest = {};
    }
    newest_ = std::max(newest_, number);
    return slices_[static_cast<std::size_t>(number) % kSlices];
  }

  double k_;
  std::int64_t newest_ = 0;  // slice
  std::array<Slice, kSlices> slices_{};
  double requests_ = 0;
  double accepts_ = 0;
};

}  // namespace phoenix
