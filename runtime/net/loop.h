// One thread's event loop and its timers, over epoll.
//
// Not over Boost.Asio: it sleeps in an epoll set of its own, which can only watch ours as one more
// descriptor, and an idle request then paid six waits instead of two.
//
// One Loop per thread: run() occupies the thread that owns everything created on the loop. Only
// post(), stop() and now() may be called from other threads. Callbacks must not throw.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "strategies/core/time.h"

namespace phoenix::net {

// The date of Time zero, in nanoseconds of CLOCK_MONOTONIC, so that all processes of one machine
// can share one time line.
struct Epoch {
  std::int64_t monotonic_ns = 0;
  static Epoch now();
  Time time() const;  // the present, counted from this epoch
};

class TimerQueue;
struct TimerEntry;

class Loop {
 public:
  explicit Loop(Epoch epoch = Epoch::now());
  ~Loop();  // REQUIRES: everything created on the loop is gone
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Time now() const { return epoch_.time(); }
  // When what is being served began to be: one reading of the clock for all frames of a batch, for
  // all timers due, for all work posted. On the loop's thread.
  Time event_time() const;
  Epoch epoch() const { return epoch_; }

  // Serves events until stop(), at once if that came before. May be called again afterwards.
  void run();
  // Serves events until that date; for tests. False when it was stopped before.
  bool run_until(Time until);
  void stop();

  // Runs `work` on the loop's thread, later; in the order posted by one thread.
  void post(std::function<void()> work);

  // Calls `handler` on the loop's thread when the process gets one of the signals, at least once
  // after the last of several that come in a row. A signal belongs to one loop of the process.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

  struct Parts;  // net/loop_parts.h
  Parts& parts() { return *parts_; }

 private:
  void run_round();

  Epoch epoch_;
  std::unique_ptr<Parts> parts_;
};

// Calls back once at a date; may be armed again, also from the callback. Disarmed by its
// destructor: the callback never comes after that.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces an earlier date; kNever disarms. Cheap when the date stays or grows. Where the loop
  // is awake anyway, the callback may come `early` by so much: waking up costs more than most work.
  void arm(Time at, Duration early = Duration{0});
  void disarm() { arm(kNever); }
  Time armed() const;

 private:
  TimerQueue& queue_;
  std::shared_ptr<TimerEntry> entry_;
};

}  // namespace phoenix::net
