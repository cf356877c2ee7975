#include "runtime/node/node_frames.h"

#include <algorithm>
#include <limits>

namespace phoenix::node {
namespace {

constexpr std::int64_t kTimeLeftMax_us = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kHeadRoom = 1024;  // of a response frame beside its headers and body
constexpr int kNoStatus = 1;             // none that a frame may carry

FailureReason reason_of(AttemptResult result) {
  switch (result) {
    case AttemptResult::kOk:
      return FailureReason::kNone;
    case AttemptResult::kQueueFull:
      return FailureReason::kQueueFull;
    case AttemptResult::kRefused:
      return FailureReason::kRefused;
    case AttemptResult::kLate:
      return FailureReason::kDeadline;
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

wire::Response failed(std::uint16_t status, std::string_view why, AttemptResult result) {
  wire::Response response;
  response.result = result;
  response.reason = reason_of(result);
  response.status = status;
  response.body = why;
  return response;
}

wire::Request to_request(const CallRequest& call, Time now) {
  wire::Request request;
  request.service = call.service;
  request.request_class = call.request_class;
  request.method = call.method;
  request.target = call.target;
  request.headers = call.headers;
  request.body = call.body;
  request.key = call.key;
  request.has_key = call.has_key;
  if (call.deadline == kNever) return request;
  const auto left_us = std::chrono::duration_cast<std::chrono::microseconds>(call.deadline - now);
  // 0 would be no deadline; one that has passed is as good as a very short one.
  request.time_left_us =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(left_us.count(), 1, kTimeLeftMax_us));
  return request;
}

CallReply to_reply(const wire::Response& response) {
  CallReply reply;
  reply.status = response.status;
  reply.headers = response.headers;
  reply.body = response.body;
  reply.result = response.result;
  return reply;
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

std::size_t size_of(const wire::Response& response) {
  return response.headers.size() + response.body.size() + kHeadRoom;
}

wire::Response fitting_response(const CallReply& reply, std::size_t payload_max) {
  const wire::Response response = to_response(reply);
  if (size_of(response) > payload_max) return failed(500, "the answer is too long for a frame\n");
  if (!wire::within_bounds(response)) {
    return failed(500, "the handler gave a status or headers that are not allowed\n");
  }
  return response;
}

}  // namespace phoenix::node
