// Bytes from a pipe or a socket pair of another process of this machine, and waiting for any other
// descriptor. On the loop's thread.
#pragma once

#include <functional>
#include <string_view>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "runtime/net/loop.h"

namespace phoenix::net {

class DescriptorReader {
 public:
  // Takes the descriptor over. `on_bytes` gets what comes, as it comes; `on_end` once at the end or
  // an error. Either may destroy the reader; nothing is called afterwards.
  DescriptorReader(Loop& loop, int descriptor, std::function<void(std::string_view)> on_bytes,
                   std::function<void()> on_end);
  ~DescriptorReader();
  DescriptorReader(const DescriptorReader&) = delete;
  DescriptorReader& operator=(const DescriptorReader&) = delete;

 private:
  class State;
  boost::intrusive_ptr<State> state_;
};

// Waits for what the kernel reports as "readable", such as the end of a process on a pidfd.
class DescriptorWait {
 public:
  // Takes the descriptor over. `on_ready` is called each time the descriptor becomes readable, or
  // may have; it may destroy the wait.
  DescriptorWait(Loop& loop, int descriptor, std::function<void()> on_ready);
  ~DescriptorWait();
  DescriptorWait(const DescriptorWait&) = delete;
  DescriptorWait& operator=(const DescriptorWait&) = delete;

 private:
  class State;
  boost::intrusive_ptr<State> state_;
};

}  // namespace phoenix::net
