// What must hold for any bytes that reach the HTTP parser: it does not matter how they were split,
// bounds hold, events come in order, and what is passed on is safe to pass on. Used by the fuzz
// target and, with inputs mutated from a fixed seed, by an ordinary test. A broken property aborts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/http/message.h"
#include "runtime/http/parser.h"
#include "strategies/core/random.h"

namespace phoenix::http::property {

// How deep inputs got, so that a test can tell that it tests something.
struct Depth {
  std::uint64_t heads = 0;
  std::uint64_t ends = 0;
  std::uint64_t refused = 0;
};

inline constexpr ParserLimits kLimits{.head = 1024, .body = 4096};

inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

// Writes down what a parser says, in a form that does not depend on the pieces of a body.
class Transcript final : public ParserUser {
 public:
  explicit Transcript(Depth& depth) : depth_(depth) {}

  void on_head(const Head& head) override {
    require(stage_ == Stage::kHead, "one head a message, before all else");
    stage_ = Stage::kBody;
    ++depth_.heads;
    check_head(head);
    text += head.method + ' ' + head.target + ' ' + head.host + ' ' + std::to_string(head.status) +
            ' ' + std::to_string(head.minor_version) + (head.keep_alive ? " keep" : " close") +
            (head.expects_continue ? " expects" : "") + (head.wants_upgrade ? " upgrade" : "") +
            (head.is_chunked ? " chunked " : " ") + std::to_string(head.content_length) + '\n' +
            head.headers + '\n';
  }
  void on_body(std::string_view piece) override {
    require(stage_ == Stage::kBody, "a body follows its head");
    body_ += piece.size();
    require(body_ <= kLimits.body, "bodies stay within the limit");
    text += piece;
  }
  void on_end() override {
    require(stage_ == Stage::kBody, "a message ends once, after its head");
    stage_ = Stage::kDone;
    ++depth_.ends;
    text += "\nend\n";
  }
  void next() {
    require(stage_ == Stage::kDone, "what is done has ended");
    stage_ = Stage::kHead;
    body_ = 0;
  }

  std::string text;

 private:
  enum class Stage { kHead, kBody, kDone };

  static void check_head(const Head& head) {
    require(!head.is_chunked || head.content_length < 0, "one framing at most");
    require(head.content_length >= -1, "a length is a length");
    for (std::string_view left = head.headers; !left.empty();) {
      const std::size_t end = left.find("\r\n");
      require(end != std::string_view::npos, "header lines end");
      const std::string_view line = left.substr(0, end);
      left.remove_prefix(end + 2);
      const std::size_t colon = line.find(": ");
      require(colon != std::string_view::npos && colon > 0, "header lines have a name");
      require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
              "no line hides in another");
    }
    for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                             "Proxy-Connection", "TE", "Trailer", "Upgrade"}) {
      require(!find_header(head.headers, name), "what belongs to one connection is taken off");
    }
  }

  Depth& depth_;
  Stage stage_ = Stage::kHead;
  std::size_t body_ = 0;
};

// One connection's bytes, in pieces of up to `longest`, message after message. The transcript ends
// with whether all was well; which error it was may depend on the pieces, since of an unfinished
// line only the whole is judged.
inline std::string play(Parser::Kind kind, bool to_head, std::string_view bytes,
                        std::uint64_t longest, Random& random, Depth& depth) {
  Transcript transcript(depth);
  Parser parser(kind, kLimits, transcript);
  parser.reset(to_head);
  std::string buffer;
  while (!bytes.empty() && parser.error() == ParseError::kNone) {
    const std::size_t piece = std::min<std::size_t>(1 + random.below(longest), bytes.size());
    buffer += bytes.substr(0, piece);
    bytes.remove_prefix(piece);
    while (true) {
      const std::size_t used = parser.feed(buffer);
      require(used <= buffer.size(), "no more is consumed than there is");
      buffer.erase(0, used);
      if (!parser.is_done()) break;
      transcript.next();
      parser.reset(to_head);
    }
  }
  if (parser.error() != ParseError::kNone) {
    ++depth.refused;
    require(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == 0,
            "nothing is taken after an error");
  } else {
    parser.finish();
  }
  return transcript.text + (parser.error() == ParseError::kNone ? "\nwell" : "\nrefused");
}

// Both tell of the same messages, one perhaps of more of them.
inline bool agree(std::string_view a, std::string_view b) {
  a = a.substr(0, a.rfind('\n'));
  b = b.substr(0, b.rfind('\n'));
  return a.starts_with(b) || b.starts_with(a);
}

inline void check_input(std::string_view input, Depth& depth) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input[0]);
  const Parser::Kind kind = choice & 1 ? Parser::Kind::kRequest : Parser::Kind::kResponse;
  const bool to_head = kind == Parser::Kind::kResponse && (choice & 2) != 0;
  const std::string_view bytes = input.substr(1);
  Random random(choice);
  const std::string whole = play(kind, to_head, bytes, bytes.size() + 1, random, depth);
  for (const std::uint64_t longest : {1ULL, 2ULL, 3ULL, 17ULL, 300ULL}) {
    const std::string pieces = play(kind, to_head, bytes, longest, random, depth);
    if (bytes.size() <= kLimits.head) {
      require(pieces == whole, "it does not matter how the bytes were split");
    } else {  // how much of what is over a bound was passed on before does depend on it
      require(agree(pieces, whole), "pieces may end it elsewhere, but not change it");
    }
  }
}

}  // namespace phoenix::http::property
