// Worked messages and attacks, each read in one piece and split at every byte, which must give the
// same events. Texts follow RFC 9110 and 9112; what is refused is what lets two parties of a chain
// see different messages in the same bytes.
#include "runtime/http/parser.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/http/message.h"

namespace phoenix::http {
namespace {

struct Reading : ParserUser {
  void on_head(const Head& at) override {
    head = at;
    ++heads;
  }
  void on_body(std::string_view piece) override { body += piece; }
  void on_end() override { ++ends; }

  Head head;
  std::string body;
  int heads = 0, ends = 0;
  ParseError error = ParseError::kNone;
  std::size_t consumed = 0;
};

// As a channel does: what was not consumed is shown again with what has come since. The bytes move
// each time, so that a sanitizer sees who keeps a view.
Reading read_in(std::string_view text, Parser::Kind kind, std::size_t step,
                ParserLimits limits = {}, bool to_head = false, bool finish = false) {
  Reading reading;
  Parser parser(kind, limits, reading);
  parser.reset(to_head);
  for (std::size_t shown = 0; shown < text.size();) {
    shown = std::min(text.size(), shown + step);
    const auto bytes =
        std::make_unique<std::string>(text.substr(reading.consumed, shown - reading.consumed));
    reading.consumed += parser.feed(*bytes);
  }
  if (finish) parser.finish();
  reading.error = parser.error();
  EXPECT_EQ(parser.is_done(), reading.ends == 1);
  return reading;
}

Reading read(std::string_view text, Parser::Kind kind, ParserLimits limits = {},
             bool to_head = false, bool finish = false) {
  const Reading whole = read_in(text, kind, text.size(), limits, to_head, finish);
  for (const std::size_t step : {1, 2, 3, 7}) {
    const Reading split = read_in(text, kind, step, limits, to_head, finish);
    EXPECT_EQ(split.error, whole.error) << step << ": " << text;
    EXPECT_EQ(split.heads, whole.heads) << step << ": " << text;
    EXPECT_EQ(split.ends, whole.ends) << step << ": " << text;
    EXPECT_EQ(split.head.headers, whole.head.headers) << step;
    EXPECT_EQ(split.head.target, whole.head.target) << step;
    if (whole.error == ParseError::kNone) {
      EXPECT_EQ(split.body, whole.body) << step;
      EXPECT_EQ(split.consumed, whole.consumed) << step;
    }
  }
  return whole;
}

Reading request(std::string_view text, ParserLimits limits = {}) {
  return read(text, Parser::Kind::kRequest, limits);
}
Reading response(std::string_view text, bool to_head = false, bool finish = false) {
  return read(text, Parser::Kind::kResponse, {}, to_head, finish);
}
ParseError error_of(std::string_view text) { return request(text).error; }

std::string with_header(std::string_view lines) {
  return "POST /a HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}

TEST(HttpParserRequest, GetIsReadAsItWasSent) {
  const Reading got = request(
      "GET /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nAccept:  */* \r\nCookie: a=b\r\n\r\n");
  EXPECT_EQ(got.ends, 1);
  EXPECT_EQ(got.head.method, "GET");
  EXPECT_EQ(got.head.target, "/a/b?c=d");
  EXPECT_EQ(got.head.host, "example.org:8080");
  EXPECT_EQ(got.head.headers, "Host: example.org:8080\r\nAccept: */*\r\nCookie: a=b\r\n");
  EXPECT_EQ(got.head.minor_version, 1);
  EXPECT_TRUE(got.head.keep_alive);
  EXPECT_EQ(got.head.content_length, -1);
}

TEST(HttpParserRequest, BodyOfGivenLengthIsTakenOffAndNoByteMore) {
  const std::string text = with_header("Content-Length: 5\r\n") + "hello";
  const Reading got = request(text + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.consumed, text.size());
  EXPECT_EQ(got.head.content_length, 5);
  EXPECT_EQ(got.head.headers, "Host: h\r\n");
}

TEST(HttpParserRequest, ChunksAreJoinedAndExtensionsAndTrailersDropped) {
  const std::string text =
      with_header("Transfer-Encoding: Chunked\r\nTrailer: T\r\n") +
      "5;name=\"a;b\"\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n";
  const Reading got = request(text + "next");
  EXPECT_EQ(got.error, ParseError::kNone);
  EXPECT_EQ(got.body, "hello 0123456789");
  EXPECT_EQ(got.consumed, text.size());
  EXPECT_TRUE(got.head.is_chunked);
  EXPECT_EQ(got.head.headers, "Host: h\r\n");
}

TEST(HttpParserRequest, EmptyLinesBeforeARequestArePassedOver) {
  EXPECT_EQ(request("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").ends, 1);
}

TEST(HttpParserRequest, KeepAliveFollowsVersionAndConnection) {
  EXPECT_FALSE(request(with_header("Connection: close\r\n")).head.keep_alive);
  EXPECT_FALSE(request("GET / HTTP/1.0\r\n\r\n").head.keep_alive);
  const Reading old = request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  EXPECT_TRUE(old.head.keep_alive);
  EXPECT_EQ(old.head.minor_version, 0);
}

TEST(HttpParserRequest, HopByHopHeadersAndThoseConnectionNamesStayHere) {
  const Reading got =
      request(with_header("Connection: close, X-Secret ,te\r\nKeep-Alive: "
                          "timeout=5\r\nProxy-Connection: a\r\nTE: trailers\r\n"
                          "x-secret: 1\r\nX-Open: 2\r\nTrailer: x\r\nX-SECRET: 3\r\n"));
  EXPECT_EQ(got.head.headers, "Host: h\r\nX-Open: 2\r\n");
}

TEST(HttpParserRequest, ConnectionCannotTakeTheHostAway) {
  EXPECT_EQ(request(with_header("Connection: host\r\n")).head.headers, "Host: h\r\n");
}

TEST(HttpParserRequest, AbsoluteTargetsBecomeOriginFormAndRuleTheHost) {
  const Reading got =
      request("GET http://real:80/a?b HTTP/1.1\r\nAccept: x\r\nHost: other\r\n\r\n");
  EXPECT_EQ(got.head.target, "/a?b");
  EXPECT_EQ(got.head.host, "real:80");
  EXPECT_EQ(got.head.headers, "Host: real:80\r\nAccept: x\r\n");
  EXPECT_EQ(request("GET http://real HTTP/1.1\r\nHost: o\r\n\r\n").head.target, "/");
  EXPECT_EQ(request("GET HTTPS://real?q HTTP/1.1\r\nHost: o\r\n\r\n").head.target, "/?q");
  EXPECT_EQ(request("OPTIONS http://real HTTP/1.1\r\nHost: o\r\n\r\n").head.target, "*");
}

TEST(HttpParserRequest, ExpectationIsToldAndTakenOff) {
  const Reading got = request(with_header("Expect: 100-Continue\r\nContent-Length: 0\r\n"));
  EXPECT_TRUE(got.head.expects_continue);
  EXPECT_EQ(got.head.headers, "Host: h\r\n");
}

TEST(HttpParserRequest, UpgradeIsToldButNotForH2c) {
  EXPECT_TRUE(request(with_header("Upgrade: websocket\r\n")).head.wants_upgrade);
  EXPECT_FALSE(request(with_header("Upgrade: h2c\r\n")).head.wants_upgrade);
}

TEST(HttpParserSmuggling, LengthAndCodingTogetherAreRefusedInEitherOrder) {
  const std::string body = "0\r\n\r\n";
  EXPECT_EQ(error_of(with_header("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + body),
            ParseError::kBadMessage);
  EXPECT_EQ(error_of(with_header("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + body),
            ParseError::kBadMessage);
}

TEST(HttpParserSmuggling, LengthsThatAreNotOneNumberAreRefused) {
  for (const char* value : {"+5", "-5", "0x5", "5 5", "5,6", "5, 5", "", "5a", "1e2", "\"5\"",
                            "99999999999999999999999"}) {
    EXPECT_EQ(error_of(with_header(std::string("Content-Length: ") + value + "\r\n") + "hello"),
              ParseError::kBadMessage)
        << value;
  }
  EXPECT_EQ(error_of(with_header("Content-Length: 5\r\nContent-Length: 6\r\n") + "hello"),
            ParseError::kBadMessage);
}

TEST(HttpParserSmuggling, EqualLengthsTwiceAreOneLength) {
  const Reading got = request(with_header("Content-Length: 5\r\nContent-Length: 5\r\n") + "hello");
  EXPECT_EQ(got.body, "hello");
}

TEST(HttpParserSmuggling, CodingsOtherThanChunkedAreRefused) {
  for (const char* value : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked",
                            "chunked, chunked", "\"chunked\"", "chunked;a=b"}) {
    EXPECT_EQ(
        error_of(with_header(std::string("Transfer-Encoding: ") + value + "\r\n") + "0\r\n\r\n"),
        ParseError::kBadEncoding)
        << value;
  }
  EXPECT_NE(error_of(with_header("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n")),
            ParseError::kNone);
  EXPECT_NE(error_of(with_header("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n")),
            ParseError::kNone);
  EXPECT_EQ(error_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ParseError::kBadMessage);
}

TEST(HttpParserSmuggling, BadChunksAreRefused) {
  for (const char* body :
       {"5\r\nhelloX\r\n0\r\n\r\n", "-5\r\nhello\r\n", "0x5\r\nhello\r\n\r\n", "\r\nhello\r\n",
        "5 5\r\nhello\r\n", "g\r\n\r\n", "5\nhello\n0\n\n\r\n\r\n", "fffffffffffffffff\r\n",
        "5;=\r\nhello\r\n", "5\rhello"}) {
    const Reading got = request(with_header("Transfer-Encoding: chunked\r\n") + body);
    EXPECT_TRUE(got.error == ParseError::kBadMessage || got.error == ParseError::kBodyTooLong)
        << body;
    EXPECT_EQ(got.ends, 0);
  }
}

TEST(HttpParserSmuggling, LinesAreNotFoldedNorEndedOtherwise) {
  for (const char* lines :
       {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n b\r\n", "X: a\r\n \r\n", "X: a\nY: b\r\n",
        "X: a\rY: b\r\n", "X : a\r\n", " X: a\r\n", "X\r\n", ": a\r\n", "X: a\x01\r\n",
        "X: a\x7f\r\n", "X\x80: a\r\n", "X(: a\r\n"}) {
    EXPECT_EQ(error_of(with_header(lines)), ParseError::kBadMessage) << lines;
  }
  EXPECT_EQ(error_of(with_header(std::string_view("X: a\0b\r\n", 8))), ParseError::kBadMessage);
  EXPECT_EQ(error_of("GET / HTTP/1.1\nHost: h\n\n\r\n\r\n"), ParseError::kBadMessage);
}

TEST(HttpParserSmuggling, ThereIsExactlyOneHost) {
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\n\r\n"), ParseError::kBadMessage);
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), ParseError::kBadMessage);
  for (const char* host : {"a b", "a/b", "a@b", "a,b", "a?b", "a#b", "a\\b"}) {
    EXPECT_EQ(error_of(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n"),
              ParseError::kBadMessage)
        << host;
  }
  EXPECT_EQ(error_of("GET / HTTP/1.0\r\n\r\n"), ParseError::kNone);
}

TEST(HttpParserRequest, TargetsOfNoKnownFormAreRefused) {
  for (const char* target :
       {"a", "*", "h:80", "ftp://h/", "http://", "http://u@h/", "/a#b", "?a"}) {
    EXPECT_EQ(error_of(std::string("GET ") + target + " HTTP/1.1\r\nHost: h\r\n\r\n"),
              ParseError::kBadMessage)
        << target;
  }
}

TEST(HttpParserRequest, StartLinesMustBeWellFormed) {
  for (const char* line :
       {"GET  / HTTP/1.1", "GET /", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "/", "GET / http/1.1",
        "G(T / HTTP/1.1", "GET /\t HTTP/1.1", "GET / HTTP/11"}) {
    EXPECT_EQ(error_of(std::string(line) + "\r\nHost: h\r\n\r\n"), ParseError::kBadMessage) << line;
  }
}

TEST(HttpParserRequest, OtherVersionsAreToldApart) {
  for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/9.9"}) {
    EXPECT_EQ(error_of(std::string("GET / ") + version + "\r\nHost: h\r\n\r\n"),
              ParseError::kBadVersion)
        << version;
  }
}

TEST(HttpParserLimits, HeadCountsAsAWhole) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string filler = "X: " + std::string(100 - start.size() - 7, 'x') + "\r\n";
  ASSERT_EQ((start + filler + "\r\n").size(), 100U);
  EXPECT_EQ(request(start + filler + "\r\n", {100, 0}).ends, 1);
  EXPECT_EQ(request(start + filler + "\r\n", {99, 0}).error, ParseError::kHeadTooLong);
  EXPECT_EQ(request("GET /" + std::string(200, 'a'), {100, 0}).error, ParseError::kHeadTooLong);
  std::string many = start;
  for (int i = 0; i < 100; ++i) many += "a: b\r\n";
  EXPECT_EQ(request(many, {100, 0}).error, ParseError::kHeadTooLong);
}

TEST(HttpParserLimits, BodyIsRefusedBeforeItComesWhereItsLengthIsKnown) {
  const Reading got = request(with_header("Content-Length: 11\r\n"), {1000, 10});
  EXPECT_EQ(got.error, ParseError::kBodyTooLong);
  EXPECT_EQ(got.heads, 0);
  EXPECT_EQ(request(with_header("Content-Length: 10\r\n") + "0123456789", {1000, 10}).ends, 1);
}

TEST(HttpParserLimits, ChunksCountTogether) {
  const std::string head = with_header("Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(request(head + "5\r\nhello\r\n6\r\n", {1000, 10}).error, ParseError::kBodyTooLong);
  EXPECT_EQ(request(head + "5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", {1000, 10}).ends, 1);
}

TEST(HttpParserLimits, ChunkExtensionsAndTrailersDoNotGrowWithoutEnd) {
  const std::string head = with_header("Transfer-Encoding: chunked\r\n");
  EXPECT_EQ(request(head + "5;" + std::string(500, 'a'), {100, 10}).error, ParseError::kBadMessage);
  EXPECT_EQ(request(head + "0\r\nT: " + std::string(500, 'a'), {100, 10}).error,
            ParseError::kBadMessage);
}

TEST(HttpParserLimits, NothingIsTakenAfterAnError) {
  Reading reading;
  Parser parser(Parser::Kind::kRequest, {}, reading);
  parser.feed("nonsense\r\n\r\n");
  ASSERT_EQ(parser.error(), ParseError::kBadMessage);
  EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0U);
  EXPECT_EQ(reading.heads, 0);
}

TEST(HttpParserResponse, BodyOfGivenLength) {
  const Reading got =
      response("HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\nHost: odd\r\n\r\nhello");
  EXPECT_EQ(got.ends, 1);
  EXPECT_EQ(got.head.status, 200);
  EXPECT_EQ(got.head.headers, "Server: s\r\nHost: odd\r\n");
  EXPECT_EQ(got.body, "hello");
  EXPECT_TRUE(got.head.keep_alive);
}

TEST(HttpParserResponse, BodyThatEndsWithTheConnection) {
  const Reading got = response("HTTP/1.1 200 OK\r\n\r\nhello", false, true);
  EXPECT_EQ(got.ends, 1);
  EXPECT_EQ(got.body, "hello");
  EXPECT_FALSE(got.head.keep_alive);
}

TEST(HttpParserResponse, EndOfConnectionWithinAMessageIsAnError) {
  for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 O",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    EXPECT_EQ(response(text, false, true).error, ParseError::kEndedEarly) << text;
  }
}

TEST(HttpParserResponse, SomeHaveNoBodyWhateverTheySay) {
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true).ends, 1);
  EXPECT_EQ(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true).head.content_length, 5);
  EXPECT_EQ(response("HTTP/1.1 204 No Content\r\n\r\n").ends, 1);
  EXPECT_EQ(response("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").ends, 1);
  EXPECT_EQ(response("HTTP/1.1 100 Continue\r\n\r\n").ends, 1);
}

TEST(HttpParserResponse, GarbageIsRefused) {
  for (const char* text : {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 No\r\n\r\n", "hello\r\n\r\n",
                           "HTTP/2.0 200 OK\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n"}) {
    EXPECT_NE(response(text).error, ParseError::kNone) << text;
  }
}

TEST(HttpParser, ReadsOneMessageAfterAnotherOnceReset) {
  Reading reading;
  Parser parser(Parser::Kind::kRequest, {}, reading);
  const std::string_view two =
      "POST /1 HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 2\r\n\r\nab"
      "GET /2 HTTP/1.1\r\nHost: g\r\n\r\n";
  EXPECT_TRUE(parser.is_between());
  const std::size_t first = parser.feed(two);
  EXPECT_FALSE(parser.is_between());
  EXPECT_EQ(reading.head.target, "/1");
  parser.reset();
  EXPECT_TRUE(parser.is_between());
  EXPECT_EQ(first + parser.feed(two.substr(first)), two.size());
  EXPECT_EQ(reading.ends, 2);
  EXPECT_EQ(reading.head.target, "/2");
  EXPECT_EQ(reading.head.headers, "Host: g\r\n");
  EXPECT_EQ(reading.head.content_length, -1);
  EXPECT_EQ(reading.body, "ab");
}

TEST(HttpMessage, HeadersAreFoundWithoutCase) {
  const std::string_view block = "Host: h\r\nX-A:  b \r\nEmpty:\r\n";
  EXPECT_EQ(find_header(block, "x-a"), "b");
  EXPECT_EQ(find_header(block, "EMPTY"), "");
  EXPECT_EQ(find_header(block, "A"), std::nullopt);
}

}  // namespace
}  // namespace phoenix::http
