#include "runtime/net/mailbox.h"

#include <utility>

#include <sys/eventfd.h>

namespace phoenix::net {

Mailbox::Mailbox() : bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Mailbox::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    waiting_.push_back(std::move(work));
    if (has_work_.exchange(true, std::memory_order_acq_rel)) return;  // it has rung
  }
  ring();
}

void Mailbox::ring() { eventfd_write(bell_.get(), 1); }

void Mailbox::close() {
  std::vector<std::function<void()>> dropped;
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  dropped.swap(waiting_);
}

void Mailbox::run_posted() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(waiting_);
    has_work_.store(false, std::memory_order_release);
  }
  for (const std::function<void()>& work : running_) work();
  running_.clear();
}

}  // namespace phoenix::net
