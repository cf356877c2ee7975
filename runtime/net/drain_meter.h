// How fast a socket takes bytes while more of them wait than it takes: what tells how long a queue
// before it will last. Who needs this: senders that would rather not send what comes too late.
//
// Plain state; one thread. O(1), and not touched while the socket takes everything at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "strategies/core/time.h"

namespace phoenix::net {

class DrainMeter {
 public:
  // Readings lie at least this far apart, so that a rate is more than one gulp of the kernel's.
  static constexpr Duration kApart = std::chrono::milliseconds(100);
  // A longer stop says nothing of how fast it goes on.
  static constexpr Duration kStopped = std::chrono::seconds(5);

  // The socket is full, `taken` bytes after it was opened; others wait.
  void full(Time now, std::uint64_t taken) {
    if (!is_full_ || (taken > newest_.taken && now - newest_.at >= kStopped)) {
      is_full_ = true;
      has_rate_ = false;
      newest_ = {now, taken};
    } else if (now - newest_.at >= kApart && taken > newest_.taken) {
      earlier_ = newest_;
      newest_ = {now, taken};
      has_rate_ = true;
    }
  }
  // Nothing waits any more.
  void emptied() { is_full_ = has_rate_ = false; }

  // Until `bytes` are taken; 0 where nothing waits. While it is not known how fast that goes, a
  // socket that has been full for a while is expected to stay so for as long again; one that has
  // stopped is expected to take as much as before in the time that it has stood still.
  Duration time_for(double bytes, Time now) const {
    if (!is_full_) return Duration{0};
    const Duration stood = now - newest_.at;
    if (!has_rate_) return stood;
    const auto taken = static_cast<double>(newest_.taken - earlier_.taken);
    const auto time = static_cast<double>(std::max(newest_.at - earlier_.at, stood).count());
    return Duration{static_cast<std::int64_t>(std::min(bytes * time / taken, kLongest_ns))};
  }

 private:
  static constexpr double kLongest_ns = 1e18;
  struct Reading {
    Time at = kStart;
    std::uint64_t taken = 0;
  };
  Reading earlier_, newest_;
  bool is_full_ = false;
  bool has_rate_ = false;
};

}  // namespace phoenix::net
