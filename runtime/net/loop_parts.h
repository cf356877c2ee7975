// What a Loop is made of. Included by the few .cc files of this folder that need more than loop.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/net/mailbox.h"
#include "runtime/net/reactor.h"
#include "runtime/net/timer_queue.h"

namespace phoenix::net {

class SignalPipe;  // signals.h

struct Loop::Parts {
  explicit Parts(Epoch epoch);
  ~Parts();

  Reactor reactor;  // outlives posted work that never ran, which may own channels
  TimerQueue timers;
  std::shared_ptr<Mailbox> mailbox;
  std::vector<std::unique_ptr<SignalPipe>> signals;
  std::atomic<bool> is_stopping = false;
  std::uint64_t timed_event = 0;
  Time event_time = kStart;  // of that event
};

}  // namespace phoenix::net
