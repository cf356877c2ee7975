// Calls whose replies a test can look at.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/node/handler.h"

namespace phoenix::node {

class TestSink final : public Call::Sink {
 public:
  TestSink(CallRequest request, std::function<void(CallReply)> on_answer)
      : request_(std::move(request)), on_answer_(std::move(on_answer)) {}
  const CallRequest& request() const override { return request_; }
  void answer(CallReply reply) override { on_answer_(std::move(reply)); }

 private:
  CallRequest request_;
  std::function<void(CallReply)> on_answer_;
};

inline Call make_call(CallRequest request, std::function<void(CallReply)> on_answer) {
  return Call(std::make_unique<TestSink>(std::move(request), std::move(on_answer)));
}

// For handlers that answer at once.
inline CallReply ask(Handler& handler, CallRequest request) {
  std::optional<CallReply> answer;
  handler.handle(make_call(std::move(request), [&](CallReply reply) { answer = reply; }));
  return answer.value_or(CallReply{0, {}, "no answer", AttemptResult::kReset});
}

inline CallRequest http_request(const std::string& method, const std::string& target,
                                const std::string& body = {}) {
  CallRequest request;
  request.method = method;
  request.target = target;
  request.body = body;
  return request;
}

}  // namespace phoenix::node
