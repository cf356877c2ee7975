// Heads and bodies as they go onto the wire. Framing is decided here, whatever the header block
// says: lines about framing or the connection, and what is no header line, are left out of it, so a
// block from a node or a native client cannot split or smuggle messages. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace phoenix::http {

struct RequestForm {
  std::string_view method, target;
  std::string_view headers;
  std::string_view host;  // where the block has no Host
  std::string_view body;
  std::int64_t timeout_ms = -1;  // sent as X-Request-Timeout-Ms; -1: none
};

// Whether method and target may stand in a request line.
bool is_sendable(std::string_view method, std::string_view target);

// REQUIRES: is_sendable(method, target).
void append_request(std::string& out, const RequestForm& form);

enum class Framing : std::uint8_t {
  kLength,   // Content-Length says it
  kChunked,  // HTTP/1.1 only
  kClose,    // the end of the connection says it
  kNone,     // no body, and no word of it
};

struct ResponseForm {
  int status = 200;
  std::string_view headers;
  std::string_view more_headers;  // whole lines of our own
  std::string_view date;          // where the block has none: "Tue, 24 Nov 2026 03:05:38 GMT"
  Framing framing = Framing::kLength;
  std::int64_t content_length = 0;  // with kLength
  int minor_version = 1;            // of the request
  bool keep_alive = true;
};
void append_response_head(std::string& out, const ResponseForm& form);

void append_chunk(std::string& out, std::string_view piece);  // empty: nothing
void append_last_chunk(std::string& out);

// Removes from `block` the lines that `should_go(name, value)` wants gone.
template <class Predicate>
void remove_lines(std::string& block, Predicate should_go);

// Takes the first line off `block`. False: it is no header line; skip it.
bool take_line(std::string_view& block, std::string_view& line, std::string_view& name);

template <class Predicate>
void remove_lines(std::string& block, Predicate should_go) {
  std::size_t at = 0;
  while (at < block.size()) {
    std::string_view rest = std::string_view(block).substr(at);
    std::string_view line, name;
    take_line(rest, line, name);
    const std::size_t length = block.size() - at - rest.size();
    if (should_go(name, line)) {
      block.erase(at, length);
    } else {
      at += length;
    }
  }
}

}  // namespace phoenix::http
