#include "runtime/admin/admin_session.h"

#include <ctime>
#include <utility>

#include "runtime/http/message.h"
#include "runtime/http/render.h"

namespace phoenix::admin {
namespace {

constexpr std::size_t kHighWater = 1024 * 1024;  // bytes the client has not taken

std::string date_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

AdminAnswer refusal_of(http::ParseError error) {
  switch (error) {
    case http::ParseError::kHeadTooLong:
      return error_answer(431, "the request's head is too long");
    case http::ParseError::kBodyTooLong:
      return error_answer(413, "the request's body is too long");
    case http::ParseError::kBadVersion:
      return error_answer(505, "found another version than HTTP/1.0 or HTTP/1.1");
    case http::ParseError::kBadEncoding:
      return error_answer(501, "found a transfer coding other than chunked");
    default:
      return error_answer(400, "found something that is not HTTP");
  }
}

}  // namespace

AdminSession::AdminSession(AdminSessionOwner& owner, std::unique_ptr<net::Channel> channel)
    : owner_(owner),
      channel_(std::move(channel)),
      parser_(http::Parser::Kind::kRequest, {owner.limits().head, owner.limits().body}, *this),
      deadline_(owner.loop().now() + owner.limits().idle_time),
      self_(std::make_shared<AdminSession*>(this)) {}

AdminSession::~AdminSession() = default;

// What comes in.

bool AdminSession::may_parse() const {
  return (phase_ == Phase::kIdle || phase_ == Phase::kReceiving) &&
         channel_->queued_bytes() < kHighWater;
}

void AdminSession::enter(Phase phase, Duration limit) {
  phase_ = phase;
  deadline_ = owner_.loop().now() + limit;
}

std::size_t AdminSession::on_bytes(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && may_parse()) {
    if (phase_ == Phase::kIdle) enter(Phase::kReceiving, owner_.limits().request_time);
    used += parser_.feed(bytes.substr(used));
    if (parser_.error() != http::ParseError::kNone) {
      refuse_message();
    } else if (parser_.is_done()) {
      dispatch();
    } else if (used < bytes.size()) {
      break;  // the parser waits for more
    }
  }
  if (phase_ == Phase::kOver) return bytes.size();
  if (!may_parse()) {
    is_paused_ = true;
    channel_->pause_reading();
  }
  return used;
}

void AdminSession::on_head(const http::Head& head) {
  request_ = AdminRequest{};
  request_.method = head.method;
  request_.path = head.target.substr(0, head.target.find('?'));
  request_.authorization = http::find_header(head.headers, "authorization").value_or("");
  minor_version_ = head.minor_version;
  to_head_ = head.method == "HEAD";
  keeps_ = head.keep_alive;
  if (head.expects_continue && (head.content_length > 0 || head.is_chunked)) {
    channel_->write("HTTP/1.1 100 Continue\r\n\r\n");
  }
}

void AdminSession::dispatch() {
  parser_.reset();
  enter(Phase::kAnswering, owner_.limits().answer_time);
  request_.peer = channel_->peer().text();
  owner_.api().handle(request_, [self = std::weak_ptr<AdminSession*>(self_)](AdminAnswer given) {
    if (const auto session = self.lock()) (*session)->answer(given);
  });
}

void AdminSession::refuse_message() {
  phase_ = Phase::kAnswering;
  keeps_ = false;
  to_head_ = false;
  answer(refusal_of(parser_.error()));
}

// What goes out.

void AdminSession::answer(const AdminAnswer& given) {
  if (phase_ != Phase::kAnswering) return;
  const std::string date = date_now();
  const std::string lines = "Content-Type: " + given.type +
                            "\r\nCache-Control: no-store\r\n"
                            "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n" +
                            given.headers;
  http::ResponseForm form;
  form.status = given.status;
  form.more_headers = lines;
  form.date = date;
  form.content_length = static_cast<std::int64_t>(given.body.size());
  form.minor_version = minor_version_;
  form.keep_alive = keeps_ && !has_ended_;
  std::string& out = channel_->output();
  http::append_response_head(out, form);
  if (!to_head_) out.append(given.body);
  channel_->flush_soon();
  if (!form.keep_alive) return end(true);
  enter(Phase::kIdle, owner_.limits().idle_time);
  take_more();
}

void AdminSession::take_more() {
  if (!is_paused_ || phase_ == Phase::kOver || !may_parse()) return;
  is_paused_ = false;
  channel_->resume_reading();
}

// Ends.

void AdminSession::on_closed(net::CloseReason reason, const std::string&) {
  has_ended_ = true;
  const bool is_waiting = reason == net::CloseReason::kEnd && phase_ == Phase::kAnswering;
  if (!is_waiting) end(reason == net::CloseReason::kEnd);
}

void AdminSession::check_time(Time now) {
  if (phase_ == Phase::kOver || now < deadline_) return;
  if (phase_ == Phase::kIdle) return end(channel_->queued_bytes() == 0);
  keeps_ = false;
  const bool is_slow = phase_ == Phase::kReceiving;
  phase_ = Phase::kAnswering;
  answer(is_slow ? error_answer(408, "the request took too long to arrive")
                 : error_answer(504, "the gateway took too long to answer"));
}

void AdminSession::end(bool gracefully) {
  phase_ = Phase::kOver;
  if (gracefully) {
    net::Channel::close_gracefully(std::move(channel_));
  } else {
    channel_.reset();
  }
  owner_.on_over(*this);
}

}  // namespace phoenix::admin
