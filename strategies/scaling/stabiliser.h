// Remembers what was wished for, so that a pool shrinks only to the most of a window and grows only
// to the least of another. For the governor and for the HPA baseline, where the rule is from.
#pragma once

#include <algorithm>
#include <deque>

#include "strategies/core/time.h"

namespace phoenix {

class Stabiliser {
 public:
  void record(Time now, int wished, Duration longest) {
    wishes_.push_back({now, wished});
    while (now - wishes_.front().at > longest) wishes_.pop_front();
  }

  // REQUIRES: something was recorded at `now`.
  int least(Time now, Duration window) const {
    int least = wishes_.back().nodes;
    for (const Wish& wish : wishes_) {
      if (now - wish.at <= window) least = std::min(least, wish.nodes);
    }
    return least;
  }
  int most(Time now, Duration window) const {
    int most = wishes_.back().nodes;
    for (const Wish& wish : wishes_) {
      if (now - wish.at <= window) most = std::max(most, wish.nodes);
    }
    return most;
  }

  // `desired` as far as the windows allow it to leave `current`.
  int bounded(int desired, int current, Time now, Duration out, Duration in) const {
    if (desired > current) return std::max(current, std::min(desired, least(now, out)));
    return std::min(current, std::max(desired, most(now, in)));
  }

 private:
  struct Wish {
    Time at;
    int nodes;
  };
  std::deque<Wish> wishes_;
};

}  // namespace phoenix
