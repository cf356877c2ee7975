#include "runtime/http/render.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include "runtime/http/message.h"

namespace phoenix::http {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";

// The characters of names (RFC 9110 section 5.6.2).
constexpr std::array<bool, 256> kIsTokenChar = [] {
  std::array<bool, 256> is_token{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    is_token[static_cast<unsigned>(c)] = true;
  for (unsigned c = '0'; c <= '9'; ++c) is_token[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) is_token[c] = is_token[c - 'a' + 'A'] = true;
  return is_token;
}();

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kIsTokenChar[static_cast<unsigned char>(c)];
  });
}

void append_number(std::string& out, std::uint64_t value, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

void append_length(std::string& out, std::uint64_t length) {
  out.append("Content-Length: ");
  append_number(out, length);
  out.append(kEndOfLine);
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view known) { return equals_ignoring_case(name, known); });
}

bool concerns_the_connection(std::string_view name) {
  switch (name.front() | 0x20) {
    case 'c':
      return is_one_of(name, {"content-length", "connection"});
    case 't':
      return is_one_of(name, {"transfer-encoding", "te", "trailer"});
    case 'k':
      return is_one_of(name, {"keep-alive"});
    case 'p':
      return is_one_of(name, {"proxy-connection"});
    case 'u':
      return is_one_of(name, {"upgrade"});
    default:
      return false;
  }
}

// Copies what may be passed on, in as few pieces as there are; tells whether `wanted` was there.
bool append_block(std::string& out, std::string_view block, std::string_view wanted) {
  bool found = false;
  const char* begin = block.data();
  while (!block.empty()) {
    std::string_view line, name;
    const char* const at = block.data();
    const bool good = take_line(block, line, name) && !concerns_the_connection(name);
    if (good) {
      found = found || equals_ignoring_case(name, wanted);
      continue;
    }
    out.append(begin, at);
    begin = block.data();
  }
  out.append(begin, block.data());
  return found;
}

void append_status_line(std::string& out, int status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(status));
  out.append(" ").append(reason_phrase(status)).append(kEndOfLine);
}

bool expects_a_length(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

bool take_line(std::string_view& block, std::string_view& line, std::string_view& name) {
  const std::size_t end = std::min(block.find('\n'), block.size());
  line = block.substr(0, end);
  block.remove_prefix(std::min(end + 1, block.size()));
  const bool is_ended = line.size() > 1 && line.back() == '\r' && line.data() + end < block.data();
  if (!is_ended) return false;
  line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  name = line.substr(0, colon);
  return colon != std::string_view::npos && is_token(name) &&
         line.find('\r') == std::string_view::npos && line.find('\0') == std::string_view::npos;
}

bool is_sendable(std::string_view method, std::string_view target) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; };
  return is_token(method) && !target.empty() && std::all_of(target.begin(), target.end(), is_plain);
}

void append_request(std::string& out, const RequestForm& form) {
  assert(is_sendable(form.method, form.target));
  out.append(form.method).append(" ").append(form.target).append(" HTTP/1.1\r\n");
  if (!append_block(out, form.headers, "host")) {
    out.append("Host: ").append(form.host).append(kEndOfLine);
  }
  if (form.timeout_ms >= 0) {
    out.append("X-Request-Timeout-Ms: ");
    append_number(out, static_cast<std::uint64_t>(form.timeout_ms));
    out.append(kEndOfLine);
  }
  if (!form.body.empty() || expects_a_length(form.method)) append_length(out, form.body.size());
  out.append(kEndOfLine).append(form.body);
}

void append_response_head(std::string& out, const ResponseForm& form) {
  append_status_line(out, form.status);
  if (!append_block(out, form.headers, "date")) {
    out.append("Date: ").append(form.date).append(kEndOfLine);
  }
  out.append(form.more_headers);
  if (form.framing == Framing::kChunked) out.append("Transfer-Encoding: chunked\r\n");
  if (form.framing == Framing::kLength) {
    append_length(out, static_cast<std::uint64_t>(form.content_length));
  }
  if (!form.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (form.minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append(kEndOfLine);
}

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  append_number(out, piece.size(), 16);
  out.append(kEndOfLine).append(piece).append(kEndOfLine);
}

void append_last_chunk(std::string& out) { out.append("0\r\n\r\n"); }

}  // namespace phoenix::http
