// The timers of a loop by date, on one timerfd. On the loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "runtime/net/loop.h"
#include "runtime/net/reactor.h"

namespace phoenix::net {

struct TimerEntry;

class TimerQueue {
 public:
  TimerQueue(Epoch epoch, Reactor& reactor);
  ~TimerQueue();

  // Calls `entry` at its date. One that moves to a later date stays where it is until then.
  void put(const std::shared_ptr<TimerEntry>& entry);
  void remove(TimerEntry& entry);

  // Calls those whose date has come, and next ones that need not be punctual and nearly are.
  void run_due();
  // Before the loop sleeps: it shall wake at the next date, and not for one that is past.
  void set_alarm();

 private:
  class Bell;

  Epoch epoch_;
  boost::intrusive_ptr<Bell> bell_;
  // Those of one date in the order in which they were armed.
  std::map<std::pair<Time, std::uint64_t>, std::shared_ptr<TimerEntry>> entries_;
  std::uint64_t armings_ = 0;
  Time alarm_ = kNever;  // what the timerfd is set to
};

struct TimerEntry {
  std::function<void()> callback;
  Time at = kNever;                                    // wanted
  Duration early{0};                                   // so much before, where the loop is awake
  std::pair<Time, std::uint64_t> place = {kNever, 0};  // in the queue; kNever: in none
};

}  // namespace phoenix::net
