// What the parts of one Router count and note, in one place. Notices are bounded: beyond kMost,
// until somebody takes them, they are only counted.
#pragma once

#include <utility>
#include <vector>

#include "strategies/router.h"

namespace phoenix {

class Journal {
 public:
  static constexpr std::size_t kMost = 4096;

  void note(const RouterNotice& notice) {
    if (notices_.size() < kMost) {
      notices_.push_back(notice);
    } else {
      ++counters.notices_dropped;
    }
  }
  std::vector<RouterNotice> take_notices() { return std::exchange(notices_, {}); }

  RouterCounters counters;

 private:
  std::vector<RouterNotice> notices_;
};

}  // namespace phoenix
