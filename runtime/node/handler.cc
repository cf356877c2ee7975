#include "runtime/node/handler.h"

#include <cassert>

namespace phoenix::node {
namespace {

CallReply unanswered() {
  return {500, "Content-Type: text/plain\r\n", "the handler gave no answer\n",
          AttemptResult::kError};
}

}  // namespace

Call& Call::operator=(Call&& other) noexcept {
  if (this == &other) return *this;
  if (sink_ != nullptr) answer(unanswered());
  sink_ = std::move(other.sink_);
  return *this;
}

Call::~Call() {
  if (sink_ != nullptr) answer(unanswered());
}

void Call::answer(CallReply reply) {
  assert(sink_ != nullptr);
  const std::unique_ptr<Sink> sink = std::move(sink_);  // first, so that nobody answers again
  sink->answer(std::move(reply));
}

}  // namespace phoenix::node
