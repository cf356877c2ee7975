// Cuts a service off for a while when too many of its attempts fail, so that what is ill gets time
// and callers get their answer at once. Closed: the last `window` outcomes are kept, and when the
// share of failures among a full window reaches `failures`, it opens. Open: everything is refused
// for `rest`. Then half-open: `trials` requests are let through, and their outcomes decide. Trials
// that never end count as failed when `rest` has passed again.
//
// Outcomes of attempts that began before the last change of state are ignored: what was sent to a
// service that was ill says nothing of it now. One thread. O(1) per call; allocates when made.
// Source of the states and defaults: resilience4j.
#pragma once

#include <cassert>
#include <cstddef>
#include <vector>

#include "strategies/core/time.h"

namespace phoenix {

struct BreakerSettings {
  double failures = 0.5;  // share; 0 is off
  int window = 100;
  Duration rest = std::chrono::seconds(60);
  int trials = 10;
};

class CircuitBreaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };

  explicit CircuitBreaker(const BreakerSettings& settings) : settings_(settings) {
    if (settings_.failures > 0) outcomes_.resize(static_cast<std::size_t>(settings_.window));
  }

  // Whether a request may go; in half-open state a granted one is a trial.
  bool admits(Time now) {
    if (settings_.failures <= 0) return true;
    if (state_ == State::kOpen && now - since_ >= settings_.rest) change(State::kHalfOpen, now);
    if (state_ == State::kHalfOpen && now - since_ >= settings_.rest && granted_ > 0) {
      change(State::kOpen, now);
    }
    if (state_ == State::kClosed) return true;
    if (state_ == State::kOpen || granted_ == settings_.trials) return false;
    ++granted_;
    return true;
  }

  // An attempt that began at `began` ended.
  void record(bool ok, Time began, Time now) {
    if (settings_.failures <= 0 || began < since_ || state_ == State::kOpen) return;
    if (count_ == size()) failed_ -= outcomes_[next_] ? 0U : 1U;
    count_ = count_ < size() ? count_ + 1 : count_;
    outcomes_[next_] = ok;
    failed_ += ok ? 0U : 1U;
    next_ = next_ + 1 == size() ? 0 : next_ + 1;
    if (count_ < size()) return;
    const bool is_ill =
        static_cast<double>(failed_) >= settings_.failures * static_cast<double>(count_);
    if (is_ill) {
      change(State::kOpen, now);
    } else if (state_ == State::kHalfOpen) {
      change(State::kClosed, now);
    }
  }

  State state() const { return state_; }

 private:
  std::size_t size() const {
    const auto trials = static_cast<std::size_t>(settings_.trials);
    return state_ == State::kHalfOpen && trials < outcomes_.size() ? trials : outcomes_.size();
  }

  void change(State state, Time now) {
    state_ = state;
    since_ = now;
    granted_ = 0;
    count_ = failed_ = next_ = 0;
  }

  BreakerSettings settings_;
  State state_ = State::kClosed;
  Time since_ = kStart;
  int granted_ = 0;
  std::vector<bool> outcomes_;  // a ring; true is good
  std::size_t count_ = 0;
  std::size_t failed_ = 0;
  std::size_t next_ = 0;
};

}  // namespace phoenix
