// A bounded queue from one thread to another, for answered requests on their way to the record.
// Neither side ever waits.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <vector>

#include "runtime/gateway/control.h"

namespace phoenix::gateway {

class AnswerRing {
 public:
  // Room for `capacity`, rounded up to a power of two.
  explicit AnswerRing(std::size_t capacity) : slots_(std::bit_ceil(capacity)) {}

  // By the one producer. False: full.
  bool push(const AnsweredRequest& request) {
    const std::size_t at = pushed_.load(std::memory_order_relaxed);
    if (at - popped_.load(std::memory_order_acquire) == slots_.size()) return false;
    slots_[at & (slots_.size() - 1)] = request;
    pushed_.store(at + 1, std::memory_order_release);
    return true;
  }

  // By the one consumer: takes what is there now.
  template <class Take>
  void drain(Take take) {
    const std::size_t end = pushed_.load(std::memory_order_acquire);
    for (std::size_t at = popped_.load(std::memory_order_relaxed); at != end; ++at) {
      take(slots_[at & (slots_.size() - 1)]);
      popped_.store(at + 1, std::memory_order_release);
    }
  }

 private:
  std::vector<AnsweredRequest> slots_;
  alignas(64) std::atomic<std::size_t> pushed_{0};
  alignas(64) std::atomic<std::size_t> popped_{0};
};

}  // namespace phoenix::gateway
