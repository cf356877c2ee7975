#include "runtime/node/node_frames.h"

namespace phoenix::node {
namespace {

constexpr int kNoStatus = 1;  // none that a frame may carry

FailureReason reason_of(AttemptResult result) {
  switch (result) {
    case AttemptResult::kOk:
      return FailureReason::kNone;
    case AttemptResult::kQueueFull:
      return FailureReason::kQueueFull;
    case AttemptResult::kRefused:
      return FailureReason::kRefused;
    default:
      return FailureReason::kError;
  }
}

}  // namespace

wire::Response to_response(const CallReply& reply) {
  wire::Response response;
  response.result = reply.result;
  response.reason = reason_of(reply.result);
  const bool is_status = reply.status >= 0 && reply.status <= 999;
  response.status = static_cast<std::uint16_t>(is_status ? reply.status : kNoStatus);
  response.headers = reply.headers;
  response.body = reply.body;
  return response;
}

wire::Response failed(std::uint16_t status, std::string_view why) {
  wire::Response response;
  response.result = AttemptResult::kError;
  response.reason = FailureReason::kError;
  response.status = status;
  response.body = why;
  return response;
}

CallRequest to_call(const wire::Request& request, Time now) {
  CallRequest call;
  call.service = request.service;
  call.request_class = request.request_class;
  call.method = request.method;
  call.target = request.target;
  call.headers = request.headers;
  call.body = request.body;
  call.key = request.key;
  call.has_key = request.has_key;
  if (request.time_left_us > 0) {
    call.deadline = now + std::chrono::microseconds(request.time_left_us);
  }
  return call;
}

}  // namespace phoenix::node
