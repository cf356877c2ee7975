// The state of an agent that sleeps: taken from its handler, which gives its memory back, and kept
// compressed until the agent is wanted again.
//
// On the thread that owns the handler, while no request is in service there. Taking and giving back
// hold up that thread for as long as the handler's snapshot() and restore() take.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/node/handler.h"

namespace phoenix::node {

class SleepingState {
 public:
  // States longer than this stay awake: they would hold up the node for too long.
  static constexpr std::size_t kMax = 256 * 1024 * 1024;

  // Takes the handler's state, and clears the handler. The error says why it goes on as it was:
  // it has no state, too much of it, or cannot tell.
  static Result<SleepingState> take(Handler& handler);
  // On an error the state is still here.
  Status give_back(Handler& handler) const;

  std::size_t bytes_kept() const { return bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;  // before compression; as that of bytes_ where it did not help
};

}  // namespace phoenix::node
