#include "runtime/net/reactor.h"

#include <cassert>
#include <cerrno>

#include <sys/epoll.h>

namespace phoenix::net {
namespace {

constexpr int kEventsPerRound = 32;  // so that the first answer of a round need not wait long
constexpr std::size_t kWorthKeeping = 64;
constexpr std::size_t kStringsKept = 256;
constexpr std::size_t kStringCapacityKept = 256 * 1024;

}  // namespace

Reactor::Reactor()
    : set_(epoll_create1(EPOLL_CLOEXEC)),
      received_(std::make_unique_for_overwrite<char[]>(kScratch)),
      decrypted_(std::make_unique_for_overwrite<char[]>(kScratch)) {}

void Reactor::serve(bool may_sleep) {
  const bool has_work = !again_.empty() || !flush_.empty();
  epoll_event events[kEventsPerRound];
  const int ready =
      epoll_wait(set_.get(), events, kEventsPerRound, may_sleep && !has_work ? -1 : 0);
  again_now_.swap(again_);
  for (const PollableRef& who : again_now_) {
    ++event_;
    who->on_ready(0);
  }
  again_now_.clear();
  for (int i = 0; i < ready; ++i) {
    ++event_;
    static_cast<Pollable*>(events[i].data.ptr)->on_ready(events[i].events);
  }
}

void Reactor::flush() {
  flush_now_.swap(flush_);
  for (const PollableRef& who : flush_now_) who->on_round_end();
  flush_now_.clear();
}

bool Reactor::add(int fd, Pollable& who) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &who;
  return epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Reactor::remove(int fd, Pollable& who) {
  // Not left to close(): a child between fork and exec would keep the registration alive.
  epoll_ctl(set_.get(), EPOLL_CTL_DEL, fd, nullptr);
  if (serving_) retired_.emplace_back(&who);
}

void Reactor::again(Pollable& who) { again_.emplace_back(&who); }

void Reactor::flush_later(Pollable& who) { flush_.emplace_back(&who); }

void Reactor::release(Pollable& who) {
  const auto found = kept_.find(&who);
  if (found == kept_.end()) return;
  if (serving_) retired_.push_back(*found);
  kept_.erase(found);
}

void Reactor::clear() {
  again_.clear();
  flush_.clear();
  kept_.clear();
}

void Reactor::lend(std::string& to) {
  if (strings_.empty() || to.capacity() >= kWorthKeeping) return;
  to.swap(strings_.back());
  strings_.pop_back();
}

void Reactor::give_back(std::string& from) {
  from.clear();
  const std::size_t capacity = from.capacity();
  if (capacity < kWorthKeeping) return;
  if (capacity <= kStringCapacityKept && strings_.size() < kStringsKept) {
    strings_.push_back(std::move(from));
  }
  from = std::string();
}

}  // namespace phoenix::net
