// What serves requests on a node: the interface a new kind of agent implements, built in or as a
// shared object.
//
// A node runs one handler per service. handle() is called on one of the node's worker threads, for
// several requests at once where the service is concurrent, one after another where it is fifo. It
// answers its Call exactly once, at once or later, from any thread; a Call that is dropped answers
// 500 by itself. Handlers must not throw; a plug-in that does costs the request a 500.
//
// Shared objects export, with C linkage, `phoenix_handler_abi` (an int, kHandlerAbi) and
// `phoenix_make_handler`; see runtime/plugins/ for an example. They need this header and those it
// includes, and link nothing of Phoenix.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "strategies/core/request.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix::node {

inline constexpr int kHandlerAbi = 4;

// Valid until the Call is answered.
struct CallRequest {
  std::string service, request_class;
  std::string method, target, headers;  // see http/message.h; empty from native clients
  std::string body;
  std::uint64_t key = 0;
  bool has_key = false;
  Time deadline = kNever;
};

struct CallReply {
  int status = 200;
  std::string headers;  // header lines, each ended by CRLF
  std::string body;
  AttemptResult result = AttemptResult::kOk;  // kError counts against the node's health
  Duration service{0};  // without its wait; 0: since it came. Node's own where it keeps a queue
};

// One request under way and the duty to answer it. Movable; any thread.
class Call {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual const CallRequest& request() const = 0;
    virtual void answer(CallReply reply) = 0;  // called once
  };
  explicit Call(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Call(Call&&) noexcept = default;
  Call& operator=(Call&& other) noexcept {
    if (this == &other) return *this;
    answer_if_open();
    sink_ = std::move(other.sink_);
    return *this;
  }
  ~Call() { answer_if_open(); }

  const CallRequest& request() const { return sink_->request(); }
  void answer(CallReply reply) {  // REQUIRES: not answered yet
    assert(sink_ != nullptr);
    const std::unique_ptr<Sink> sink = std::move(sink_);  // first, so that nobody answers again
    sink->answer(std::move(reply));
  }

 private:
  void answer_if_open() {
    if (sink_ == nullptr) return;
    answer({500, "Content-Type: text/plain\r\n", "the handler gave no answer\n",
            AttemptResult::kError});
  }

  std::unique_ptr<Sink> sink_;
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Call call) = 0;

  // The whole state as bytes, and back: for moving an agent to another node. Called while no
  // request is in service. Stateless handlers keep the defaults. An error calls the move off.
  virtual Result<std::string> snapshot() { return std::string(); }
  virtual Status restore(std::string_view state) {
    if (state.empty()) return success();
    return Error{"this handler keeps no state, found a snapshot of " +
                 std::to_string(state.size()) + " bytes"};
  }

  // The same for what has changed since the last snapshot() or changes(), so that an agent serves
  // on while most of its state moves, and pauses for the rest. By default the whole state again.
  virtual Result<std::string> changes() { return snapshot(); }
  virtual Status apply(std::string_view changes) { return restore(changes); }

  // The agent lives elsewhere now: forgets its state.
  virtual void clear() {}
};

// `settings` is what stands in [..] after the handler's name, e.g. "file=app.so".
using MakeHandler = Handler* (*)(const char* settings, char* error, std::size_t error_size);

}  // namespace phoenix::node
