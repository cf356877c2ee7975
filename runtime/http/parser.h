// Incremental HTTP/1.1 parser for requests and responses, over Boost.Beast (only parser.cc includes
// it). Feeds on bytes as they come and reports the head as a forwardable block and the body in
// pieces, chunked coding taken off. Memory: the head, bounded; bodies are passed on, not kept.
//
// Refuses what makes proxies unsafe: both Content-Length and Transfer-Encoding, differing or
// malformed lengths, bad chunk sizes, control characters in names or values, obsolete line folding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace phoenix::http {

struct ParserLimits {
  std::size_t head = 16 * 1024;  // bytes of start line and headers
  std::uint64_t body = 8 * 1024 * 1024;
};

enum class ParseError : std::uint8_t {
  kNone,
  kBadMessage,   // 400
  kHeadTooLong,  // 431
  kBodyTooLong,  // 413
  kBadVersion,   // 505
  kBadEncoding,  // 501: a transfer coding other than chunked
  kEndedEarly,   // the connection ended inside a message
};

struct Head {
  // Requests
  std::string method, target;
  std::string host;  // of the Host header or an absolute target
  bool expects_continue = false;
  bool wants_upgrade = false;  // to anything but h2c, which a server may pass over
  // Responses
  int status = 0;
  // Both
  int minor_version = 1;  // HTTP/1.x
  bool keep_alive = true;
  bool is_chunked = false;
  std::int64_t content_length = -1;  // -1: not given
  std::string headers;               // block; see message.h
};

class ParserUser {
 public:
  virtual ~ParserUser() = default;
  virtual void on_head(const Head& head) = 0;
  virtual void on_body(std::string_view piece) = 0;
  virtual void on_end() = 0;  // of the message
};

class Parser {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse };
  Parser(Kind kind, const ParserLimits& limits, ParserUser& user);
  ~Parser();
  Parser(Parser&&) noexcept;

  // Parses one message at most: stops after its end, so pipelined bytes stay with the caller.
  // Returns the bytes consumed; error() tells what stopped it. After an error nothing more is
  // taken.
  std::size_t feed(std::string_view bytes);
  // The peer has sent its last: completes a response that ends with the connection.
  void finish();
  // For the next message on the connection. Responses: `to_head` says that the request was HEAD.
  void reset(bool to_head = false);

  // Of the message at hand; its strings may be taken away once on_head() has been called.
  Head& head();
  const Head& head() const;
  ParseError error() const;
  bool is_done() const;     // on_end() has been called
  bool is_between() const;  // no byte of the next message yet

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix::http
