#include "runtime/net/timer_queue.h"

#include <algorithm>

namespace phoenix::net {

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
  if (entries_.empty()) return;
  const Time now = epoch_.time();
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

Duration TimerQueue::until_next() const {
  if (entries_.empty()) return kForever;
  return std::max(entries_.begin()->first.first - epoch_.time(), Duration{0});
}

}  // namespace phoenix::net
