#include "runtime/gateway/http_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/gateway/http_request.h"
#include "runtime/http/message.h"

namespace phoenix::gateway {
namespace {

constexpr std::size_t kHighWater = 256 * 1024;       // bytes for the client that wait for it
constexpr std::size_t kHeldMost = 64 * 1024 * 1024;  // for the turns of those who asked before
constexpr std::size_t kBodyReserve = 64 * 1024;      // more only once it is there

http::ParserLimits parser_limits(const HttpLimits& limits) { return {limits.head, limits.body}; }

struct Refusal {
  int status;
  std::string_view reason;
};

Refusal refusal_of(http::ParseError error) {
  switch (error) {
    case http::ParseError::kHeadTooLong:
      return {431, "head_too_long"};
    case http::ParseError::kBodyTooLong:
      return {413, "body_too_long"};
    case http::ParseError::kBadVersion:
      return {505, "bad_version"};
    case http::ParseError::kBadEncoding:
      return {501, "bad_encoding"};
    default:
      return {400, "bad_message"};
  }
}

std::string_view reason_of(int local_status) {
  return local_status == 404 ? "no_route" : "not_implemented";
}

}  // namespace

HttpSession::HttpSession(SessionOwner& owner, std::unique_ptr<net::Channel> channel)
    : owner_(owner),
      sink_(owner.sink()),
      channel_(std::move(channel)),
      peer_(channel_->peer().host),
      parser_(http::Parser::Kind::kRequest, parser_limits(sink_.config().http_limits), *this),
      now_(sink_.loop().event_time()) {}

HttpSession::~HttpSession() { leave_all(); }

// What comes in.

std::size_t HttpSession::on_bytes(std::string_view bytes) {
  if (phase_ != Phase::kOpen) return bytes.size();
  now_ = sink_.loop().event_time();
  const std::size_t used = parse(bytes);
  if (phase_ != Phase::kOpen) return bytes.size();
  if (!may_read()) {
    is_paused_ = true;
    channel_->pause_reading();
  }
  return used;
}

std::size_t HttpSession::parse(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && may_read()) {
    if (parser_.is_between()) head_began_ = now_;
    used += parser_.feed(bytes.substr(used));
    if (phase_ != Phase::kOpen) break;
    if (parser_.error() != http::ParseError::kNone) {
      const Refusal refusal = refusal_of(parser_.error());
      refuse(refusal.status, refusal.reason);
      break;
    }
    if (!parser_.is_done()) break;
    parser_.reset();
  }
  return used;
}

void HttpSession::on_head(const http::Head& head) {
  http::Head& taken = parser_.head();
  request_ = Request{};
  request_.method.swap(taken.method);
  request_.target.swap(taken.target);
  request_.headers.swap(taken.headers);
  request_.arrived = now_;
  request_keeps_ = head.keep_alive;
  minor_version_ = head.minor_version;
  in_body_ = true;
  choose_service(head);
  if (local_status_ == 0 && head.content_length > 0) {
    request_.body.reserve(std::min(static_cast<std::size_t>(head.content_length), kBodyReserve));
  }
  if (!head.expects_continue || (head.content_length <= 0 && !head.is_chunked)) return;
  if (local_status_ != 0) return refuse(local_status_, reason_of(local_status_));
  continue_owed_ = true;
  offer_continue();
}

void HttpSession::choose_service(const http::Head& head) {
  local_status_ = 0;
  const std::string_view path = request_.target == "*" ? "/" : std::string_view(request_.target);
  if (head.wants_upgrade || request_.method == "CONNECT") {
    local_status_ = 501;
  } else if (sink_.route(head.host, path, request_.service, request_.request_class)) {
    prepare(request_, head.host, {peer_, channel_->is_encrypted()}, sink_);
  } else {
    local_status_ = 404;
  }
}

void HttpSession::offer_continue() {
  if (!continue_owed_ || !answers_.empty()) return;
  continue_owed_ = false;
  now_ = sink_.loop().event_time();
  channel_->write("HTTP/1.1 100 Continue\r\n\r\n");
}

void HttpSession::on_body(std::string_view piece) {
  continue_owed_ = false;
  if (phase_ == Phase::kOpen && local_status_ == 0) request_.body.append(piece);
}

void HttpSession::on_end() {
  in_body_ = false;
  continue_owed_ = false;
  if (phase_ == Phase::kOpen) submit();
}

void HttpSession::submit() {
  const std::uint64_t tag = first_tag_ + answers_.size();
  HttpAnswer& answer = answers_.emplace_back();
  answer.keeps = request_keeps_ && !ends_when_idle_ && !sink_.is_draining();
  answer.minor_version = minor_version_;
  answer.to_head = request_.method == "HEAD";
  if (!answer.keeps) end_after(answer);
  if (local_status_ != 0) return answer_locally(answer, local_status_, reason_of(local_status_));
  answer.size = request_.method.size() + request_.target.size() + request_.headers.size() +
                request_.body.size();
  bytes_under_way_ += answer.size;
  request_.size = static_cast<double>(answer.size);
  set_key(request_, {peer_, channel_->is_encrypted()}, sink_);
  ++sink_.http_counters().requests;
  const ExchangeId exchange = sink_.accept(std::move(request_), *this, tag);
  if (phase_ == Phase::kOver) return sink_.leave(exchange);
  if (tag < first_tag_) return;
  answer_of(tag).exchange = exchange;
  answer_of(tag).is_known = true;
}

void HttpSession::end_after(HttpAnswer& answer) {
  answer.keeps = false;
  if (phase_ == Phase::kOpen) phase_ = Phase::kRefusing;
}

void HttpSession::refuse(int status, std::string_view reason) {
  HttpAnswer& answer = answers_.emplace_back();
  end_after(answer);
  answer_locally(answer, status, reason);
}

void HttpSession::answer_locally(HttpAnswer& answer, int status, std::string_view reason) {
  ++sink_.http_counters().refused[std::string(reason)];
  render_error(answer, status, reason, owner_.date(), answer.waiting);
  held_ += answer.waiting.size();
  advance();
}

// What goes out.

HttpAnswer& HttpSession::answer_of(std::uint64_t tag) {
  assert(tag >= first_tag_ && tag - first_tag_ < answers_.size());
  return answers_[tag - first_tag_];
}

bool HttpSession::is_turn_of(const HttpAnswer& answer) const {
  return &answer == &answers_.front() && answer.waiting.empty() && has_room();
}

void HttpSession::on_reply(std::uint64_t tag, const Reply& reply) {
  HttpAnswer& answer = answer_of(tag);
  if (ends_when_idle_ && &answer == &answers_.back() && parser_.is_between()) end_after(answer);
  const bool is_turn = is_turn_of(answer);
  if (!is_turn && is_too_much(reply)) return answer_locally(answer, 502, "too_much_waits");
  render_reply(answer, reply, owner_.date(), is_turn ? channel_->output() : answer.waiting);
  if (is_turn) {
    flush();
  } else {
    held_ += answer.waiting.size();
  }
  advance();
}

// Streams pause by themselves.
bool HttpSession::is_too_much(const Reply& reply) const {
  return !reply.more && held_ + reply.body.size() > kHeldMost;
}

bool HttpSession::on_reply_body(std::uint64_t tag, std::string_view piece, bool last) {
  HttpAnswer& answer = answer_of(tag);
  const bool is_turn = is_turn_of(answer);
  std::string& out = is_turn ? channel_->output() : answer.waiting;
  const std::size_t before = out.size();
  render_piece(answer, piece, last, out);
  answer.is_complete = last;
  if (!is_turn) held_ += out.size() - before;
  const bool goes_on = last || (is_turn ? has_room() : out.size() < kHighWater);
  answer.is_paused = !goes_on;
  if (is_turn && out.size() > before) flush();
  if (last) advance();
  return goes_on;
}

void HttpSession::on_reply_broken(std::uint64_t tag) {
  HttpAnswer& answer = answer_of(tag);
  answer.is_complete = answer.is_broken = true;
  answer.keeps = false;
  advance();
}

// A client that sends no more may be gone altogether; the channel takes nothing then.
void HttpSession::flush() {
  channel_->flush_soon();
  if (phase_ == Phase::kHalfClosed && channel_->queued_bytes() == 0) abandon();
}

void HttpSession::advance() {
  while (phase_ != Phase::kOver && !answers_.empty()) {
    if (!write_waiting(answers_.front())) return;
    if (phase_ == Phase::kOver || answers_.empty() || !answers_.front().is_complete) break;
    finish_front();
  }
  resume_if_possible();
}

// False where the channel is full; on_drained() comes then.
bool HttpSession::write_waiting(HttpAnswer& answer) {
  if (!answer.waiting.empty()) {
    if (!has_room()) return false;
    channel_->output().append(answer.waiting);
    held_ -= answer.waiting.size();
    answer.waiting = std::string();
    flush();
    if (phase_ == Phase::kOver) return true;
  }
  if (answer.is_paused && has_room()) {
    answer.is_paused = false;
    sink_.resume_reply(answer.exchange);
  }
  return true;
}

void HttpSession::finish_front() {
  const bool keeps = answers_.front().keeps;
  if (answers_.front().is_broken && answers_.front().framing == http::Framing::kClose) {
    return break_off();
  }
  bytes_under_way_ -= answers_.front().size;
  answers_.erase(answers_.begin());
  ++first_tag_;
  const bool is_last = answers_.empty();
  const bool is_at_rest = is_last && parser_.is_between();
  if (!keeps || (is_last && phase_ != Phase::kOpen) || (is_at_rest && ends_when_idle_)) {
    end_gracefully();
  } else {
    offer_continue();
  }
}

bool HttpSession::has_room() const { return channel_->queued_bytes() < kHighWater; }

bool HttpSession::may_read() const {
  const HttpLimits& limits = sink_.config().http_limits;
  return phase_ == Phase::kOpen && answers_.size() < static_cast<std::size_t>(limits.pipelined) &&
         bytes_under_way_ <= limits.body && held_ < kHighWater && has_room();
}

void HttpSession::resume_if_possible() {
  if (!is_paused_ || !may_read()) return;
  is_paused_ = false;
  now_ = head_began_ = sink_.loop().event_time();
  channel_->resume_reading();
}

// Ends.

void HttpSession::on_closed(net::CloseReason reason, const std::string&) {
  if (reason == net::CloseReason::kEnd && !answers_.empty()) {
    phase_ = Phase::kHalfClosed;
  } else {
    abandon();
  }
}

void HttpSession::close_when_idle() {
  ends_when_idle_ = true;
  if (phase_ == Phase::kOpen && answers_.empty() && parser_.is_between()) end_gracefully();
}

void HttpSession::abandon() {
  channel_.reset();
  leave_all();
  owner_.on_over(*this);
}

// To a client that takes the end of the connection for the end of the body. What a channel has not
// sent when it is destroyed makes that a reset.
void HttpSession::break_off() {
  channel_->write("\n");
  abandon();
}

void HttpSession::end_gracefully() {
  net::Channel::close_gracefully(std::move(channel_));
  leave_all();
  owner_.on_over(*this);
}

void HttpSession::leave_all() {
  phase_ = Phase::kOver;
  for (const HttpAnswer& answer : answers_) {
    if (answer.is_known && !answer.is_complete) sink_.leave(answer.exchange);
  }
  answers_.clear();
}

void HttpSession::check_times(Time now) {
  if (phase_ == Phase::kOver) return;
  if (is_stalled(now)) {
    ++sink_.http_counters().timeouts;
    return abandon();
  }
  if (phase_ == Phase::kHalfClosed) return advance();
  if (phase_ != Phase::kOpen || is_paused_) return;
  if (!parser_.is_between()) {
    if (!is_late(now)) return;
    ++sink_.http_counters().timeouts;
    return refuse(408, "request_timeout");
  }
  if (!answers_.empty()) {
    now_ = now;
  } else if (now - now_ > sink_.config().http_limits.idle_timeout) {
    end_gracefully();
  }
}

bool HttpSession::is_late(Time now) const {
  const HttpLimits& limits = sink_.config().http_limits;
  if (continue_owed_) return false;
  return in_body_ ? now - now_ > limits.body_timeout : now - head_began_ > limits.head_timeout;
}

bool HttpSession::is_stalled(Time now) {
  if (channel_->queued_bytes() == 0 || channel_->bytes_out() != bytes_written_) {
    bytes_written_ = channel_->bytes_out();
    write_moved_ = now;
  }
  return now - write_moved_ > sink_.config().http_limits.write_timeout;
}

}  // namespace phoenix::gateway
