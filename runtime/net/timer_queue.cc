#include "runtime/net/timer_queue.h"

#include <algorithm>

#include <sys/timerfd.h>

namespace phoenix::net {

// Its ring ends a sleep; timers are looked at after each anyway. Nobody reads the timerfd: setting
// it anew makes its next edge.
class TimerQueue::Bell final : public Pollable {
 public:
  Bell() : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

  int descriptor() const { return timer_.get(); }
  void on_ready(std::uint32_t) override {}

 private:
  Descriptor timer_;
};

TimerQueue::TimerQueue(Epoch epoch, Reactor& reactor) : epoch_(epoch), bell_(new Bell) {
  reactor.add(bell_->descriptor(), *bell_);
}

TimerQueue::~TimerQueue() = default;

void TimerQueue::put(const std::shared_ptr<TimerEntry>& entry) {
  if (entry->at >= entry->place.first) return;
  remove(*entry);
  entry->place = {entry->at, armings_++};
  entries_.emplace(entry->place, entry);
}

void TimerQueue::remove(TimerEntry& entry) {
  if (entry.place.first == kNever) return;
  entries_.erase(entry.place);
  entry.place = {kNever, 0};
}

void TimerQueue::run_due() {
  if (entries_.empty() && alarm_ == kNever) return;
  const Time now = epoch_.time();
  if (alarm_ <= now) alarm_ = kNever;           // it has rung
  const std::uint64_t armed_before = armings_;  // what callbacks arm waits for the next round
  const auto is_due = [now](Time at, const TimerEntry& entry) { return at - entry.early <= now; };
  while (!entries_.empty()) {
    const auto& [place, next] = *entries_.begin();
    if (place.second >= armed_before || !is_due(place.first, *next)) break;
    const std::shared_ptr<TimerEntry> entry = next;  // its callback may destroy its timer
    remove(*entry);
    if (is_due(entry->at, *entry)) {
      entry->at = kNever;
      entry->callback();
    } else {
      put(entry);
    }
  }
}

void TimerQueue::set_alarm() {
  const Time next = entries_.empty() ? kNever : entries_.begin()->first.first;
  if (next == alarm_) return;
  alarm_ = next;
  std::int64_t at_ns = 0;  // disarms
  if (next != kNever) {
    const Time since_boot = add_saturating(next, Duration{epoch_.monotonic_ns});
    at_ns = std::max<std::int64_t>(since_boot.time_since_epoch().count(), 1);
  }
  itimerspec when{};
  when.it_value = {at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  timerfd_settime(bell_->descriptor(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace phoenix::net
