// The plain instruments that code on the data path records into: a counter counts what happened, a
// gauge holds what is, a summary tells size and spread, a timer tells how long and how often it
// failed. Distributions with percentiles are Histogram's.
//
// Recording costs a few nanoseconds and never allocates. One thread at a time: every thread has its
// own instances, and whoever reads asks each thread for a copy and merges the copies. So no count
// is lost to a read-modify-write race, and the data path has no atomics.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

#include "strategies/core/time.h"
#include "strategies/metrics/histogram.h"

namespace phoenix {

class Counter {
 public:
  void add(std::uint64_t amount = 1) { total_ += amount; }
  std::uint64_t total() const { return total_; }
  void merge(const Counter& other) { total_ += other.total_; }

 private:
  std::uint64_t total_ = 0;
};

// Unknown until it is set. Has no merge: whether threads' gauges add up is for the reader to know.
class Gauge {
 public:
  void set(double value) { value_ = value; }
  double value() const { return value_; }

 private:
  double value_ = std::numeric_limits<double>::quiet_NaN();
};

// Count, sum, extremes and spread. NaN is "unknown" and not recorded. The spread is by Welford's
// update, merged by the formula of Chan, Golub and LeVeque.
class Summary {
 public:
  void record(double value) {
    if (std::isnan(value)) return;
    ++count_;
    const double off = value - mean_;
    mean_ += off / static_cast<double>(count_);
    squares_ += off * (value - mean_);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  void merge(const Summary& other) {
    if (other.count_ == 0) return;
    const auto mine = static_cast<double>(count_);
    const auto theirs = static_cast<double>(other.count_);
    const double off = other.mean_ - mean_;
    count_ += other.count_;
    mean_ += off * theirs / (mine + theirs);
    squares_ += other.squares_ + off * off * mine * theirs / (mine + theirs);
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
  }

  std::uint64_t count() const { return count_; }
  double sum() const { return mean_ * static_cast<double>(count_); }
  // NaN where nothing was recorded; the deviation where fewer than two were.
  double mean() const { return known(mean_, 1); }
  double min() const { return known(min_, 1); }
  double max() const { return known(max_, 1); }
  double deviation() const {
    return known(std::sqrt(squares_ / (static_cast<double>(count_) - 1)), 2);
  }

 private:
  double known(double value, std::uint64_t least) const {
    return count_ >= least ? value : std::numeric_limits<double>::quiet_NaN();
  }

  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
};

class LatencyTimer {
 public:
  void record(Duration took, bool ok = true) {
    times_.record(took);
    failures_ += ok ? 0 : 1;
  }
  void merge(const LatencyTimer& other) {
    times_.merge(other.times_);
    failures_ += other.failures_;
  }
  const Histogram& times() const { return times_; }
  std::uint64_t failures() const { return failures_; }

 private:
  Histogram times_;
  std::uint64_t failures_ = 0;
};

// Records how long a scope took, however it is left; one left by an exception, or marked by fail(),
// counts as a failure. Asks `now`, a callable of the caller, for the time at both ends: there is no
// clock here. What the scope returns is not touched. The timer must outlive it.
template <class Now>
class ScopeTimer {
 public:
  ScopeTimer(LatencyTimer& timer, Now now)
      : timer_(timer),
        now_(std::move(now)),
        began_(now_()),
        exceptions_(std::uncaught_exceptions()) {}
  ScopeTimer(const ScopeTimer&) = delete;
  ScopeTimer& operator=(const ScopeTimer&) = delete;
  ~ScopeTimer() {
    timer_.record(now_() - began_, ok_ && std::uncaught_exceptions() == exceptions_);
  }

  void fail() { ok_ = false; }

 private:
  LatencyTimer& timer_;
  Now now_;
  Time began_;
  int exceptions_;
  bool ok_ = true;
};

}  // namespace phoenix
