// Which answers of an HTTP server count as being well.
#include "runtime/gateway/http_health.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/net/parties.h"

namespace phoenix::gateway {
namespace {

using testing::HasSubstr;

// What a check makes of a server that says `answer` to every question; "well" where it is.
std::string verdict_on(std::string_view answer) {
  net::Loop loop;
  net::Server server(loop);
  HttpHealthCheck::Question question;
  question.address = server.listener->local();
  question.path = "/health";
  question.timeout = std::chrono::seconds(2);
  std::optional<Status> outcome;
  const HttpHealthCheck check(loop, question, [&](const Status& told) { outcome = told; });
  EXPECT_TRUE(net::drive(loop, [&] { return !server.accepted.empty(); }));
  net::Party asked(server.take());
  EXPECT_TRUE(net::drive(loop, [&] { return asked.received.ends_with("\r\n\r\n"); }));
  EXPECT_TRUE(asked.received.starts_with("GET /health HTTP/1.1\r\n"));
  asked.channel->write(answer);
  EXPECT_TRUE(net::drive(loop, [&] { return outcome.has_value(); }));
  return !outcome ? "none" : outcome->ok() ? "well" : outcome->error();
}

TEST(HttpHealth, AnswersBelow400AreWell) {
  EXPECT_EQ(verdict_on("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "well");
  EXPECT_EQ(verdict_on("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "well");
  EXPECT_THAT(verdict_on("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), HasSubstr("404"));
  EXPECT_THAT(verdict_on("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), HasSubstr("503"));
}

TEST(HttpHealth, WhatIsSaidBeforeTheAnswerIsNone) {
  EXPECT_EQ(verdict_on("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                       "HTTP/1.1 204 No Content\r\n\r\n"),
            "well");
}

TEST(HttpHealth, WhatIsNotHttpIsNotWell) {
  EXPECT_THAT(verdict_on("SSH-2.0-OpenSSH_9.2\r\n"), HasSubstr("not HTTP"));
}

}  // namespace
}  // namespace phoenix::gateway
