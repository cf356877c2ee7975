// One thread's event loop and its timers, over Boost.Asio. Only the .cc files of net/ include Asio;
// everything else in the runtime is written against the headers of this folder.
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

class Loop {
 public:
  explicit Loop(Epoch epoch = Epoch::now());
  ~Loop();  // REQUIRES: everything created on the loop is gone
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Time now() const { return epoch_.time(); }
  Epoch epoch() const { return epoch_; }

  // Serves events until stop(), at once if that came before. May be called again afterwards.
  void run();
  // Serves events until that date; for tests. False when it was stopped before.
  bool run_until(Time until);
  void stop();

  // Runs `work` on the loop's thread, later; in the order posted by one thread.
  void post(std::function<void()> work);

  // Calls `handler` on the loop's thread when the process gets one of the signals.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

  struct Native;  // net/native.h
  Native& native() { return *native_; }

 private:
  Epoch epoch_;
  std::unique_ptr<Native> native_;
};

// Calls back once at a date; may be armed again, also from the callback. Disarmed by its
// destructor: the callback never comes after that.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(
      Time at);  // replaces an earlier date; kNever disarms. Cheap when the date stays or grows
  void disarm() { arm(kNever); }
  Time armed() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace phoenix::net
