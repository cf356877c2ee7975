// What the parts of one Router count and note, in one place. Notices are bounded: beyond kMost,
// until somebody takes them, they are only counted.
#pragma once

#include <vector>

#include "strategies/router.h"

namespace phoenix {

class Journal {
 public:
  static constexpr std::size_t kMost = 4096;

  Journal() { notices_.reserve(kMost); }

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

 private:
  std::vector<RouterNotice> notices_;
};

}  // namespace phoenix
