// What goes onto the wire whatever header block is given: nothing that another party could read as
// framing, or as a message of its own.
#include "runtime/http/render.h"

#include <string>

#include <gtest/gtest.h>

namespace phoenix::http {
namespace {

std::string response_with(std::string_view headers) {
  ResponseForm form;
  form.headers = headers;
  form.date = "today";
  form.content_length = 5;
  std::string out;
  append_response_head(out, form);
  return out;
}

TEST(Render, ABlockPassesAsItIs) {
  EXPECT_EQ(response_with("Date: then\r\nX-1!#$%&'*+-.^_`|~: a\tb \x80\r\nEmpty:\r\n"),
            "HTTP/1.1 200 OK\r\nDate: then\r\nX-1!#$%&'*+-.^_`|~: a\tb \x80\r\nEmpty:\r\n"
            "Content-Length: 5\r\n\r\n");
}

TEST(Render, LinesAboutFramingAreLeftOut) {
  for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "Keep-Alive", "TE",
                           "Trailer", "Proxy-Connection", "Upgrade"}) {
    const std::string line = std::string(name) + ": 7\r\n";
    EXPECT_EQ(response_with("A: 1\r\n" + line + "B: 2\r\n"), response_with("A: 1\r\nB: 2\r\n"));
  }
}

// Parsers differ in what they trim off a name: "Transfer-Encoding\v" is one header here, another
// there.
TEST(Render, WhatIsNoHeaderLineIsLeftOut) {
  using namespace std::string_literals;
  for (const std::string& line :
       {"Transfer-Encoding\v: chunked\r\n"s, "Content-Length\f: 7\r\n"s, "Content-Length : 7\r\n"s,
        "\0Content-Length: 7\r\n"s, "Content-Length\x7f: 7\r\n"s, "Content-Length\xa0: 7\r\n"s,
        "(X): 1\r\n"s, "X/Y: 1\r\n"s, " folded\r\n"s, ": 1\r\n"s, "no colon\r\n"s, "\r\n"s,
        "X: a\rContent-Length: 7\r\n"s, "X: \0\r\n"s, "X: a\n"s, "X: no end"s}) {
    const std::string sent = response_with("A: 1\r\n" + line);
    EXPECT_EQ(sent, response_with("A: 1\r\n")) << line;
  }
  EXPECT_EQ(response_with("A: 1\r\n: x\r\nB: 2\r\n"), response_with("A: 1\r\nB: 2\r\n"));
}

TEST(Render, RequestsAreFramedByTheirBody) {
  RequestForm form;
  form.method = "POST";
  form.target = "/a";
  form.headers = "Host: h\r\nContent-Length: 99\r\n\r\nGET /smuggled HTTP/1.1\r\n";
  form.host = "other";
  form.body = "12345";
  std::string out;
  append_request(out, form);
  EXPECT_EQ(out, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345");
}

TEST(Render, WhatCannotStandInARequestLineIsNotSendable) {
  EXPECT_TRUE(is_sendable("PURGE", "/a?b=%20\xc3\xa4"));
  for (const char* bad : {"", "a b", "a\r\nX: 1", "a\tb", "a\x7f"}) {
    EXPECT_FALSE(is_sendable("GET", bad)) << bad;
    EXPECT_FALSE(is_sendable(bad, "/")) << bad;
  }
  EXPECT_FALSE(is_sendable("GET:", "/"));
}

}  // namespace
}  // namespace phoenix::http
