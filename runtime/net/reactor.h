// Readiness of a loop's sockets, served in rounds, and what connections of one loop share.
//
// One epoll set holds whatever the loop waits for, registered once and edge-triggered: a message
// costs one wait, one read and one write. A round takes what is ready, lets it read, then flushes
// what the round has written, one send per connection.
//
// On the loop's thread.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "runtime/net/loop.h"
#include "runtime/net/socket.h"

namespace phoenix::net {

// Owner of a socket in the set. Stays alive while a round may still name it.
class Pollable : public boost::intrusive_ref_counter<Pollable, boost::thread_unsafe_counter> {
 public:
  virtual ~Pollable() = default;
  // EPOLLIN and so on since the last call; 0 when asked for with again().
  virtual void on_ready(std::uint32_t events) = 0;
  virtual void on_round_end() {}  // after flush_later()
};
using PollableRef = boost::intrusive_ptr<Pollable>;

class Reactor {
 public:
  Reactor();

  // One round: sleeps, if it may and there is nothing to do, until a descriptor is ready; calls who
  // is concerned, then `between`, then flushes.
  template <typename Between>
  void round(bool may_sleep, Between between) {
    assert(!serving_);
    serving_ = true;
    serve(may_sleep);
    ++event_;
    between();
    ++event_;
    flush();
    retired_.clear();
    serving_ = false;
  }

  // A number for each call of a Pollable, of `between` and of all flushes; 0 outside rounds.
  std::uint64_t event() const { return serving_ ? event_ : 0; }

  bool add(int fd, Pollable& who);
  void remove(int fd, Pollable& who);  // no on_ready() afterwards
  void again(Pollable& who);           // on_ready(0) in the next round
  void flush_later(Pollable& who);     // on_round_end() at the end of this round

  // Who lives on without an owner until it says so.
  void keep(Pollable& who) { kept_.insert(&who); }
  void release(Pollable& who);
  void clear();  // before the loop ends

  // Where received and decrypted bytes land before their user sees them: valid within a callback.
  std::span<char> received() { return {received_.get(), kScratch}; }
  std::span<char> decrypted() { return {decrypted_.get(), kScratch}; }

  // Strings with capacity change hands, so that a connection at rest owns none.
  void lend(std::string& to);
  void give_back(std::string& from);  // empties it

  static constexpr std::size_t kScratch = 64 * 1024;

 private:
  void serve(bool may_sleep);
  void flush();

  Descriptor set_;
  bool serving_ = false;
  std::uint64_t event_ = 0;
  std::vector<PollableRef> again_, flush_, again_now_, flush_now_, retired_;
  std::set<PollableRef> kept_;
  std::vector<std::string> strings_;
  std::unique_ptr<char[]> received_, decrypted_;
};

Reactor& reactor_of(Loop& loop);

}  // namespace phoenix::net
