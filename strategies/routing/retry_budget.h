// Keeps retries from multiplying the load when everything fails: they may be a share of the
// requests of the last ten seconds, plus a small reserve so that quiet times can retry at all.
// Source: Finagle's retry budget. Ten one-second buckets, so the window holds 9 to 10 s.
//
// One thread at a time, O(1), no allocation.
#pragma once

#include <array>
#include <cstdint>

#include "strategies/core/time.h"

namespace phoenix {

class RetryBudget {
 public:
  static constexpr int kWindowSeconds = 10;

  // REQUIRES: both >= 0. `reserve_per_s` retries a second are always possible.
  RetryBudget(double share, double reserve_per_s);

  // REQUIRES for all: `now` never goes back.
  void add_request(Time now) {
    if (now >= bucket_end_) advance(now);
    ++buckets_[current_].requests;
    ++total_.requests;
  }

  // Takes one retry, or one second copy; false when the budget is used up.
  bool try_take(Time now);
  bool has_one(Time now);

  // Retries that could be taken now; below 0 after the requests that earned them left the window.
  double balance(Time now);

 private:
  struct Bucket {
    std::int64_t requests = 0;
    std::int64_t retries = 0;
  };

  void advance(Time now);

  double share_;
  double reserve_;
  std::array<Bucket, kWindowSeconds> buckets_{};
  Bucket total_;
  std::size_t current_ = 0;
  Time bucket_end_ = kStart + std::chrono::seconds(1);
};

}  // namespace phoenix
