#include "runtime/net/timer_queue.h"

#include <algorithm>

#include <sys/timerfd.h>

namespace phoenix::net {

// Nobody reads the timerfd: setting it anew makes its next edge.
class TimerQueue::Bell final : public Pollable {
 public:
  explicit Bell(TimerQueue& queue)
      : queue_(queue), timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

  int descriptor() const { return timer_.get(); }
  void on_ready(std::uint32_t) override { queue_.run_due(); }

 private:
  TimerQueue& queue_;
  Descriptor timer_;
};

TimerQueue::TimerQueue(Epoch epoch, Reactor& reactor) : epoch_(epoch), bell_(new Bell(*this)) {
  reactor.add(bell_->descriptor(), *bell_);
}

TimerQueue::~TimerQueue() = default;

void TimerQueue::put(const std::shared_ptr<TimerEntry>& entry) {
  if (entry->at >= entry->place.first) return;
  remove(*entry);
  entry->place = {entry->at, armings_++};
  entries_.emplace(entry->place, entry);
  set_alarm();
}

void TimerQueue::remove(TimerEntry& entry) {
  if (entry.place.first == kNever) return;
  entries_.erase(entry.place);
  entry.place = {kNever, 0};
}

void TimerQueue::run_due() {
  alarm_ = kNever;
  const Time now = epoch_.time();
  while (!entries_.empty() && entries_.begin()->first.first <= now) {
    const std::shared_ptr<TimerEntry> entry = entries_.begin()->second;  // may destroy its timer
    remove(*entry);
    if (entry->at > now) {
      put(entry);
    } else {
      entry->at = kNever;
      entry->callback();
    }
  }
  set_alarm();
}

void TimerQueue::set_alarm() {
  if (entries_.empty() || entries_.begin()->first.first >= alarm_) return;
  alarm_ = entries_.begin()->first.first;
  const Time::duration since_boot =
      add_saturating(alarm_, Duration{epoch_.monotonic_ns}).time_since_epoch();
  const std::int64_t at_ns = std::max<std::int64_t>(since_boot.count(), 1);  // 0 would disarm
  itimerspec when{};
  when.it_value = {at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  timerfd_settime(bell_->descriptor(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace phoenix::net
