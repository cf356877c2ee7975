// What the parts of one Router count, note and ask for, in one place. Notices are bounded: beyond
// kMost, until somebody takes them, they are only counted.
#pragma once

#include <vector>

#include "strategies/router.h"

namespace phoenix {

class Journal {
 public:
  static constexpr std::size_t kMost = 4096;

  Journal() {
    notices_.reserve(kMost);
    probes.reserve(kProbes);
  }

  void note(const RouterNotice& notice) {
    if (notices_.size() < kMost) {
      notices_.push_back(notice);
    } else {
      ++counters.notices_dropped;
    }
  }
  // A copy, so that the room for the next ones stays.
  std::vector<RouterNotice> take_notices() {
    std::vector<RouterNotice> taken(notices_);
    notices_.clear();
    return taken;
  }

  RouterCounters counters;
  std::vector<RouterAction> probes;  // of the Router's call under way

 private:
  static constexpr std::size_t kProbes = 256;  // more need more room once

  std::vector<RouterNotice> notices_;
};

}  // namespace phoenix
