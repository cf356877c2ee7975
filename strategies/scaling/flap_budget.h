// A budget of reversals of direction. Growing is never refused; shrinking is when the budget could
// not pay for it and for the way back.
//
// A token comes back an hour after it was spent, not evenly over time: so no hour, wherever it
// begins, sees more reversals than the budget. Shrinking needs two, its own and one for growing
// again, so growth never has to overdraw.
#pragma once

#include <chrono>
#include <deque>

#include "strategies/core/time.h"

namespace phoenix {

class FlapBudget {
 public:
  enum class Direction { kNone, kOut, kIn };

  bool allows_shrinking(Time now, int per_hour) const {
    return direction_ != Direction::kOut || spent(now) + 2 <= per_hour;
  }

  // Returns whether it was a reversal.
  bool note(Direction direction, Time now) {
    const bool reversed = direction_ != Direction::kNone && direction_ != direction;
    direction_ = direction;
    if (reversed) reversals_.push_back(now);
    while (!reversals_.empty() && now - reversals_.front() >= kHour) reversals_.pop_front();
    return reversed;
  }

  int spent(Time now) const {
    int count = 0;
    for (const Time at : reversals_) count += now - at < kHour ? 1 : 0;
    return count;
  }

  Direction direction() const { return direction_; }
  const std::deque<Time>& reversals() const { return reversals_; }
  void restore(Direction direction, std::deque<Time> reversals) {
    direction_ = direction;
    reversals_ = std::move(reversals);
  }

 private:
  static constexpr Duration kHour = std::chrono::hours(1);
  Direction direction_ = Direction::kNone;
  std::deque<Time> reversals_;
};

}  // namespace phoenix
