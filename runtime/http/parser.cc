#include "runtime/http/parser.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>
#include <variant>

#include <boost/beast/http/basic_parser.hpp>

#include "runtime/http/message.h"
#include "runtime/http/target.h"

namespace phoenix::http {
namespace {

namespace beast = boost::beast::http;
using ErrorCode = boost::system::error_code;
using Text = boost::beast::string_view;

std::string_view view(Text text) { return {text.data(), text.size()}; }

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Beast joins folded lines; the only trace is that the value does not follow its name directly.
bool is_folded(std::string_view name, std::string_view value, const char* input_end) {
  const char* const after_colon = name.data() + name.size() + 1;
  const char* const begin = value.data();
  if (std::less<>()(begin, after_colon) || std::less<>()(input_end, begin)) return true;
  return std::any_of(after_colon, begin, [](char c) { return c != ' ' && c != '\t'; });
}

// Whether a start line that Beast refused for its version does end with one, of another HTTP.
bool ends_with_version(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
  if (line.size() < 9) return false;
  const std::string_view last = line.substr(line.size() - 9);
  if (last == " HTTP/1.0" || last == " HTTP/1.1") return false;
  return last.starts_with(" HTTP/") && last[7] == '.' && is_number(last.substr(6, 1)) &&
         is_number(last.substr(8, 1));
}

ParseError meaning(const ErrorCode& error) {
  if (error == beast::error::header_limit) return ParseError::kHeadTooLong;
  if (error == beast::error::body_limit) return ParseError::kBodyTooLong;
  if (error == beast::error::partial_message) return ParseError::kEndedEarly;
  return ParseError::kBadMessage;
}

// What both kinds of messages make of Beast's events.
class Message {
 public:
  Message(const ParserLimits& limits, ParserUser& user) : limits_(limits), user_(user) {}

  void clear() {
    head_.method.clear();
    head_.target.clear();
    head_.host.clear();
    head_.headers.clear();
    connection_.clear();
    head_.expects_continue = head_.wants_upgrade = false;
    head_.status = 0;
    hosts_ = 0;
    absolute_ = false;
    head_done_ = done_ = false;
    chunk_left_ = 0;
    error_ = ParseError::kNone;
  }

  // Each sets error_ where it returns false.
  bool on_request_line(std::string_view method, std::string_view target, int version) {
    head_.method = method;
    head_.minor_version = version % 10;
    if (!take_target(method, target, head_)) return fail(ParseError::kBadMessage);
    absolute_ = !head_.host.empty();
    if (absolute_) append_line(head_.headers, "Host", head_.host);
    return true;
  }

  void on_status_line(int status, int version) {
    head_.status = status;
    head_.minor_version = version % 10;
  }

  bool on_field(beast::field field, std::string_view name, std::string_view value,
                const char* input_end) {
    if (head_done_) return true;  // trailers end here
    if (is_folded(name, value, input_end)) return fail(ParseError::kBadMessage);
    switch (field) {
      case beast::field::content_length:
        return is_number(value) || fail(ParseError::kBadMessage);
      case beast::field::transfer_encoding:
        return on_transfer_encoding(value);
      case beast::field::connection:
        connection_.append(",").append(value);
        return true;
      case beast::field::upgrade:
        head_.wants_upgrade |= !equals_ignoring_case(value, "h2c");
        return true;
      case beast::field::keep_alive:
      case beast::field::proxy_connection:
      case beast::field::te:
      case beast::field::trailer:
      case beast::field::http2_settings:
        return true;
      case beast::field::host:
        return on_host(name, value);
      case beast::field::expect:
        if (!equals_ignoring_case(value, "100-continue")) break;
        head_.expects_continue = head_.minor_version > 0;
        return true;
      default:
        break;
    }
    append_line(head_.headers, name, value);
    return true;
  }

  bool on_header(bool is_request, bool keep_alive, bool is_chunked, std::int64_t content_length) {
    if (is_request && hosts_ == 0 && head_.minor_version > 0) return fail(ParseError::kBadMessage);
    head_.keep_alive = keep_alive;
    head_.is_chunked = is_chunked;
    head_.content_length = content_length;
    remove_named(connection_, head_.headers);
    head_done_ = true;
    user_.on_head(head_);
    return true;
  }

  void on_body(std::string_view piece) { user_.on_body(piece); }
  void on_chunk_body(std::string_view piece, std::uint64_t left) {
    chunk_left_ = left - piece.size();
    on_body(piece);
  }
  void on_end() {
    done_ = true;
    user_.on_end();
  }

  bool fail(ParseError error) {
    error_ = error;
    return false;
  }

  const ParserLimits& limits() const { return limits_; }
  Head& head() { return head_; }
  ParseError error() const { return error_; }
  bool is_done() const { return done_; }
  bool is_head_done() const { return head_done_; }
  bool is_between_chunks() const { return head_.is_chunked && chunk_left_ == 0; }

 private:
  bool on_transfer_encoding(std::string_view value) {
    if (head_.minor_version == 0) return fail(ParseError::kBadMessage);
    return equals_ignoring_case(value, "chunked") ||
           fail(value.empty() ? ParseError::kBadMessage : ParseError::kBadEncoding);
  }

  bool on_host(std::string_view name, std::string_view value) {
    if (head_.status != 0) {
      append_line(head_.headers, name, value);
      return true;
    }
    if (++hosts_ > 1 || !is_authority(value)) return fail(ParseError::kBadMessage);
    if (absolute_) return true;
    head_.host = value;
    append_line(head_.headers, name, value);
    return true;
  }

  ParserLimits limits_;
  ParserUser& user_;
  Head head_;
  std::string connection_;
  int hosts_ = 0;
  bool absolute_ = false;
  bool head_done_ = false;
  bool done_ = false;
  std::uint64_t chunk_left_ = 0;
  ParseError error_ = ParseError::kNone;
};

template <bool kIsRequest>
class Engine final : public beast::basic_parser<kIsRequest> {
 public:
  explicit Engine(Message& message) : message_(message) {
    this->header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(message.limits().head, std::numeric_limits<std::uint32_t>::max())));
    this->body_limit(message.limits().body);
  }

  std::size_t put_bytes(std::string_view bytes, ErrorCode& error) {
    input_end_ = bytes.data() + bytes.size();
    return this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  }

 private:
  void on_request_impl(beast::verb, Text method, Text target, int version,
                       ErrorCode& error) override {
    check(message_.on_request_line(view(method), view(target), version), error);
  }
  void on_response_impl(int status, Text, int version, ErrorCode& error) override {
    message_.on_status_line(status, version);
    check(status >= 100 || message_.fail(ParseError::kBadMessage), error);
  }
  void on_field_impl(beast::field field, Text name, Text value, ErrorCode& error) override {
    check(message_.on_field(field, view(name), view(value), input_end_), error);
  }
  void on_header_impl(ErrorCode& error) override {
    constexpr auto kLongest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto length = this->content_length();
    if (length && *length > kLongest) {
      return check(message_.fail(ParseError::kBodyTooLong), error);
    }
    check(message_.on_header(kIsRequest, this->keep_alive(), this->chunked(),
                             length ? static_cast<std::int64_t>(*length) : -1),
          error);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode& error) override {
    error = {};
  }
  std::size_t on_body_impl(Text piece, ErrorCode& error) override {
    error = {};
    message_.on_body(view(piece));
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, ErrorCode& error) override { error = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t left, Text piece, ErrorCode& error) override {
    error = {};
    message_.on_chunk_body(view(piece), left);
    return piece.size();
  }
  void on_finish_impl(ErrorCode& error) override {
    error = {};
    message_.on_end();
  }

  static void check(bool good, ErrorCode& error) {
    if (!good) error = beast::error::bad_value;
  }

  Message& message_;
  const char* input_end_ = nullptr;
};

}  // namespace

struct Parser::State {
  State(Kind of, const ParserLimits& limits, ParserUser& user) : kind(of), message(limits, user) {
    restart(false);
  }

  void restart(bool to_head) {
    message.clear();
    head_used = 0;
    between = true;
    if (kind == Kind::kRequest) {
      engine.emplace<Engine<true>>(message);
    } else {
      engine.emplace<Engine<false>>(message).skip(to_head);
    }
  }

  std::size_t put(std::string_view bytes, ErrorCode& error) {
    if (kind == Kind::kRequest) return std::get<Engine<true>>(engine).put_bytes(bytes, error);
    return std::get<Engine<false>>(engine).put_bytes(bytes, error);
  }

  std::size_t feed(std::string_view bytes);
  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void fail_with(const ErrorCode& error, std::string_view rest);

  Kind kind;
  Message message;
  std::variant<std::monostate, Engine<true>, Engine<false>> engine;
  std::size_t head_used = 0;
  bool between = true;
};

void Parser::State::fail_with(const ErrorCode& error, std::string_view rest) {
  if (message.error() != ParseError::kNone) return;
  const bool other_version = error == beast::error::bad_version && kind == Kind::kRequest &&
                             head_used == 0 && ends_with_version(rest);
  message.fail(other_version ? ParseError::kBadVersion : meaning(error));
}

// Beast takes the head line by line and leaves an unfinished line with the caller; its own limit
// counts from there, so the whole head is counted here.
std::size_t Parser::State::feed_head(std::string_view bytes) {
  const std::size_t room = message.limits().head - head_used;
  const std::string_view allowed = bytes.substr(0, room);
  ErrorCode error;
  const std::size_t used = allowed.empty() ? 0 : put(allowed, error);
  if (error == beast::error::need_more || allowed.empty()) {
    if (allowed.size() == room) message.fail(ParseError::kHeadTooLong);
  } else if (error) {
    fail_with(error, bytes.substr(used));
  }
  head_used += used;
  return used;
}

// Beast takes an unfinished last chunk for a broken promise, so it sees none that is too short to
// be whole; every chunk is followed by at least that much.
std::size_t Parser::State::feed_body(std::string_view bytes) {
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  if (message.is_between_chunks() && bytes.size() < kLastChunk.size()) return 0;
  ErrorCode error;
  const std::size_t used = put(bytes, error);
  if (error == beast::error::need_more) {  // within the line of a chunk's size, or trailers
    if (bytes.size() - used > message.limits().head) message.fail(ParseError::kBadMessage);
  } else if (error) {
    fail_with(error, {});
  }
  return used;
}

std::size_t Parser::State::feed(std::string_view bytes) {
  std::size_t used = 0;
  if (between && kind == Kind::kRequest) {  // RFC 9112 section 2.2: empty lines before a request
    while (bytes.substr(used).starts_with("\r\n")) used += 2;
    if (bytes.substr(used) == "\r") return used;
  }
  while (used < bytes.size() && !message.is_done() && message.error() == ParseError::kNone) {
    between = false;
    const std::string_view rest = bytes.substr(used);
    const bool in_head = !message.is_head_done();
    const std::size_t step = in_head ? feed_head(rest) : feed_body(rest);
    used += step;
    if (step == 0 || (in_head && !message.is_head_done())) break;
  }
  return used;
}

Parser::Parser(Kind kind, const ParserLimits& limits, ParserUser& user)
    : state_(std::make_unique<State>(kind, limits, user)) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;

std::size_t Parser::feed(std::string_view bytes) { return state_->feed(bytes); }

void Parser::finish() {
  if (state_->between || is_done() || error() != ParseError::kNone) return;
  ErrorCode failed;
  if (state_->kind == Kind::kRequest) {
    std::get<Engine<true>>(state_->engine).put_eof(failed);
  } else {
    std::get<Engine<false>>(state_->engine).put_eof(failed);
  }
  if (failed) state_->message.fail(ParseError::kEndedEarly);
}

void Parser::reset(bool to_head) { state_->restart(to_head); }

Head& Parser::head() { return state_->message.head(); }
const Head& Parser::head() const { return state_->message.head(); }
ParseError Parser::error() const { return state_->message.error(); }
bool Parser::is_done() const { return state_->message.is_done(); }
bool Parser::is_between() const { return state_->between; }

}  // namespace phoenix::http
