#include "runtime/gateway/http_link.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "runtime/http/render.h"

namespace phoenix::gateway {
namespace {

constexpr std::size_t kHead = 32 * 1024;
constexpr std::int64_t kHeldBody = 32 * 1024;  // known to be at most this: passed on as a whole

constexpr http::ParserLimits kLimits{kHead, std::numeric_limits<std::uint64_t>::max()};

AttemptResult result_of(int status) {
  return status >= 500 ? AttemptResult::kError : AttemptResult::kOk;
}

std::int64_t timeout_of(Time expires, Time now) {
  if (expires == kNever) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(expires - now).count();
  return std::max<std::int64_t>(left, 1);
}

}  // namespace

std::string_view method_of(const Request& request) {
  if (!request.method.empty()) return request.method;
  return request.body.empty() ? "GET" : "POST";
}

std::string_view target_of(const Request& request) {
  return request.target.empty() ? std::string_view("/") : request.target;
}

HttpLink::HttpLink(LinkOwner& owner, std::unique_ptr<net::Channel> channel)
    : owner_(owner),
      channel_(std::move(channel)),
      parser_(http::Parser::Kind::kResponse, kLimits, *this) {}

void HttpLink::carry(const HttpJob& job, Time now) {
  assert(job_.attempt == kNoAttempt && !is_over_);
  job_ = job;
  const Request& request = *job.request;
  to_head_ = method_of(request) == "HEAD";
  has_begun_ = is_interim_ = has_head_ = is_streaming_ = false;
  first_ = {};
  body_.clear();
  parser_.reset(to_head_);
  sent_before_ = channel_->bytes_out();
  http::RequestForm form;
  form.method = method_of(request);
  form.target = target_of(request);
  form.headers = request.headers;
  form.host = owner_.host();
  form.body = request.body;
  form.timeout_ms = timeout_of(job.expires, now);
  http::append_request(channel_->output(), form);
  channel_->flush_soon();
}

std::size_t HttpLink::on_bytes(std::string_view bytes) {
  if (job_.attempt == kNoAttempt) {  // nobody asked
    end();
    return bytes.size();
  }
  if (bytes.empty()) return 0;
  has_begun_ = true;
  const std::size_t used = parse(bytes);
  if (is_over_) return bytes.size();
  if (job_.attempt != kNoAttempt && has_head_ && !is_streaming_) hold_or_stream();
  return is_over_ ? bytes.size() : used;
}

std::size_t HttpLink::parse(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    used += parser_.feed(bytes.substr(used));
    if (is_over_) break;
    if (parser_.error() != http::ParseError::kNone) {
      fail();
      break;
    }
    if (!parser_.is_done()) break;
    if (!std::exchange(is_interim_, false)) {
      finish(used == bytes.size());
      break;
    }
    parser_.reset(to_head_);
  }
  return used;
}

void HttpLink::on_head(const http::Head& head) {
  if (head.status == 101) return fail();  // never asked for
  is_interim_ = head.status < 200;
  has_head_ = !is_interim_;
}

void HttpLink::on_body(std::string_view piece) {
  if (is_over_) return;
  if (is_streaming_) {
    pass_on(piece);
  } else if (first_.empty() && body_.empty()) {
    first_ = piece;
  } else {
    collect(piece);
  }
}

void HttpLink::collect(std::string_view piece) {
  body_.append(std::exchange(first_, {})).append(piece);
}

void HttpLink::pass_on(std::string_view piece) {
  const bool goes_on = owner_.user().on_attempt_body(job_.attempt, piece, false);
  if (goes_on || is_over_ || is_paused_) return;
  is_paused_ = true;
  channel_->pause_reading();
}

void HttpLink::resume() {
  if (std::exchange(is_paused_, false)) channel_->resume_reading();
}

void HttpLink::hold_or_stream() {
  const std::int64_t length = parser_.head().content_length;
  if (length >= 0 && length <= kHeldBody) return collect({});
  is_streaming_ = true;
  AttemptReply begun = reply();
  begun.more = true;
  owner_.user().on_attempt(job_.attempt, result_of(begun.status), &begun);
  first_ = {};
}

AttemptReply HttpLink::reply() const {
  const http::Head& head = parser_.head();
  AttemptReply reply;
  reply.status = head.status;
  reply.headers = head.headers;
  reply.body = body_.empty() ? first_ : std::string_view(body_);
  reply.content_length = head.content_length;
  return reply;
}

void HttpLink::finish(bool is_clean) {
  const bool keeps = is_clean && parser_.head().keep_alive && channel_->queued_bytes() == 0;
  const HttpJob job = std::exchange(job_, {});
  if (is_streaming_) {
    owner_.user().on_attempt_body(job.attempt, {}, true);
  } else {
    const AttemptReply whole = reply();
    owner_.user().on_attempt(job.attempt, result_of(whole.status), &whole);
  }
  if (is_over_) return;
  if (!keeps) return end();
  was_used_ = true;
  resume();
  owner_.on_link_free(*this);
}

void HttpLink::on_closed(net::CloseReason reason, const std::string&) {
  if (job_.attempt == kNoAttempt) return end();
  if (reason == net::CloseReason::kEnd) {
    parser_.finish();
    if (parser_.is_done() && !is_interim_) return finish(false);
  }
  fail();
}

void HttpLink::fail() {
  if (is_over_) return;
  const HttpJob job = std::exchange(job_, {});
  const bool is_unsent = channel_->bytes_out() == sent_before_;
  end();
  if (job.attempt == kNoAttempt) return;
  if (is_streaming_) {
    owner_.user().on_attempt_broken(job.attempt);
  } else if (was_used_ && !has_begun_ && !job.is_resent && (is_unsent || job.request->repeatable)) {
    owner_.on_stale(job);
  } else {
    const auto result = is_unsent ? AttemptResult::kRefused : AttemptResult::kReset;
    owner_.user().on_attempt(job.attempt, result, nullptr);
  }
}

void HttpLink::end() {
  if (std::exchange(is_over_, true)) return;
  job_ = {};
  channel_.reset();
  owner_.on_link_over(*this);
}

}  // namespace phoenix::gateway
