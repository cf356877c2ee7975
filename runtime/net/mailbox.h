// Work that other threads hand to a loop. Shared with them, so that who comes late, such as a name
// lookup that ends after its loop, finds a closed mailbox instead of a dead loop.
//
// post(), ring() and close() from any thread; the rest on the loop's.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "runtime/net/socket.h"

namespace phoenix::net {

class Mailbox {
 public:
  Mailbox();

  void post(std::function<void()> work);  // dropped once closed
  void ring();                            // wakes the loop
  void close();                           // drops what waits

  bool has_work() const { return has_work_.load(std::memory_order_acquire); }
  // Runs what was posted before the call, in order.
  void run_posted();
  // Readable from ring() on. An eventfd: each ring is a new edge, so nobody needs to read it.
  int bell() const { return bell_.get(); }

 private:
  Descriptor bell_;
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;  // guarded by mutex_
  bool is_closed_ = false;                      // guarded by mutex_
  std::atomic<bool> has_work_ = false;
  std::vector<std::function<void()>> running_;
};

}  // namespace phoenix::net
