// How fast a number of nodes may change: by a share of what was there when the period began, or by
// a number of nodes, per period. For the governor and for the HPA baseline.
//
// Source: Kubernetes' HPA v2, spec.behavior: the period's beginning is now minus the period; what
// was there then is the present number without the changes since.
#pragma once

#include <algorithm>
#include <deque>

#include "strategies/core/time.h"
#include "strategies/scaling/sizing.h"

namespace phoenix {

struct RatePolicy {
  enum Select { kMax, kMin, kDisabled };  // which of share and nodes counts; kDisabled: no change
  int percent = 100;
  int nodes = 4;
  Duration period{0};
  int select = kMax;
};

class ChangeRate {
 public:
  // `delta` nodes were added (or, negative, taken away). REQUIRES: `now` does not go back.
  void record(Time now, int delta) {
    if (delta != 0) changes_.push_back({now, delta});
    while (!changes_.empty() && now - changes_.front().at > kLongest) changes_.pop_front();
  }

  // The most nodes that may be reached now.
  int most(int current, Time now, const RatePolicy& policy) const {
    if (policy.select == RatePolicy::kDisabled) return current;
    const int begin = current - changed(now, policy.period);
    return std::max(current, begin + step(policy, ceil_nodes(begin * percent(policy))));
  }

  // The fewest.
  int fewest(int current, Time now, const RatePolicy& policy) const {
    if (policy.select == RatePolicy::kDisabled) return current;
    const int begin = current - changed(now, policy.period);
    const int share = static_cast<int>(begin * percent(policy) + 1e-9);
    return std::min(current, std::max(0, begin - step(policy, share)));
  }

 private:
  static constexpr Duration kLongest = std::chrono::hours(1);
  struct Change {
    Time at;
    int delta;
  };

  static double percent(const RatePolicy& policy) { return policy.percent / 100.0; }

  static int step(const RatePolicy& policy, int share) {
    return policy.select == RatePolicy::kMin ? std::min(share, policy.nodes)
                                             : std::max(share, policy.nodes);
  }

  int changed(Time now, Duration period) const {
    int sum = 0;
    for (const Change& change : changes_) {
      if (now - change.at < period) sum += change.delta;
    }
    return sum;
  }

  std::deque<Change> changes_;
};

}  // namespace phoenix
