// Things to do later that nobody cancels: each is done once, and forgotten. On the loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "runtime/net/loop.h"

namespace phoenix::local {

class Timers {
 public:
  explicit Timers(net::Loop& loop) : loop_(loop), timer_(loop, [this] { run_due(); }) {}

  void after(Duration delay, std::function<void()> work) {
    at(add_saturating(loop_.now(), delay), std::move(work));
  }
  void at(Time date, std::function<void()> work) {
    due_.emplace(date, std::move(work));
    timer_.arm(due_.begin()->first);
  }

 private:
  void run_due() {
    while (!due_.empty() && due_.begin()->first <= loop_.now()) {
      const std::function<void()> work = std::move(due_.begin()->second);
      due_.erase(due_.begin());
      work();
    }
    timer_.arm(due_.empty() ? kNever : due_.begin()->first);
  }

  net::Loop& loop_;
  std::multimap<Time, std::function<void()>> due_;
  net::Timer timer_;
};

}  // namespace phoenix::local
