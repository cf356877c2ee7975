#include "runtime/net/loop.h"

#include <ctime>

#include "runtime/net/loop_parts.h"
#include "runtime/net/signals.h"

namespace phoenix::net {
namespace {

// Its ring ends a sleep; what was posted is looked at after each anyway.
class Bell final : public Pollable {
 public:
  void on_ready(std::uint32_t) override {}
};

}  // namespace

Epoch Epoch::now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {now.tv_sec * 1'000'000'000 + now.tv_nsec};
}

Time Epoch::time() const { return Time{Duration{now().monotonic_ns - monotonic_ns}}; }

Loop::Parts::Parts(Epoch epoch) : timers(epoch, reactor), mailbox(std::make_shared<Mailbox>()) {
  Bell& bell = *new Bell;
  reactor.keep(bell);
  reactor.add(mailbox->bell(), bell);
}

Loop::Parts::~Parts() {
  mailbox->close();
  reactor.clear();
}

Reactor& reactor_of(Loop& loop) { return loop.parts().reactor; }

Loop::Loop(Epoch epoch) : epoch_(epoch), parts_(std::make_unique<Parts>(epoch)) {}
Loop::~Loop() = default;

Time Loop::event_time() const {
  const std::uint64_t event = parts_->reactor.event();
  if (event == 0 || event != parts_->timed_event) {
    parts_->timed_event = event;
    parts_->event_time = now();
  }
  return parts_->event_time;
}

void Loop::run_round() {
  Mailbox& mailbox = *parts_->mailbox;
  TimerQueue& timers = parts_->timers;
  timers.set_alarm();
  parts_->reactor.round(!mailbox.has_work(), [&] {
    timers.run_due();
    if (mailbox.has_work()) mailbox.run_posted();
    timers.set_alarm();  // before what was written leaves: afterwards an answer is awaited
  });
}

void Loop::run() {
  while (!parts_->is_stopping.exchange(false)) run_round();
}

bool Loop::run_until(Time until) {
  bool is_due = false;
  Timer end(*this, [&] { is_due = true; });
  end.arm(until);
  while (!is_due) {
    if (parts_->is_stopping.exchange(false)) return false;
    run_round();
  }
  return true;
}

void Loop::stop() {
  parts_->is_stopping = true;
  parts_->mailbox->ring();
}

void Loop::post(std::function<void()> work) { parts_->mailbox->post(std::move(work)); }

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  parts_->signals.push_back(
      std::make_unique<SignalPipe>(parts_->reactor, signals, std::move(handler)));
}

Timer::Timer(Loop& loop, std::function<void()> callback)
    : queue_(loop.parts().timers), entry_(std::make_shared<TimerEntry>()) {
  entry_->callback = std::move(callback);
}

Timer::~Timer() { queue_.remove(*entry_); }

void Timer::arm(Time at, Duration early) {
  entry_->at = at;
  entry_->early = early;
  queue_.put(entry_);
}

Time Timer::armed() const { return entry_->at; }

}  // namespace phoenix::net
