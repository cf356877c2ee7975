// What one client of the HTTP ingress can make the gateway hold, and how it is told what it cannot
// get.
#include <gtest/gtest.h>

#include "runtime/gateway/http_ingress.h"
#include "tests/runtime/gateway/http_parties.h"

namespace phoenix::gateway {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string times(int count, std::string_view text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(HttpIngressBounds, WhileAnswersWaitForTheirTurnNoMoreRequestsAreTaken) {
  Gateway gateway;
  const auto caller = gateway.call(times(2, kGet));
  gateway.asked(1).answer(std::string(300'000, 'x'));
  caller->say(kGet);
  net::settle(gateway.loop);
  EXPECT_EQ(gateway.sink.asked.size(), 2U);
  gateway.asked(0).answer("first");
  gateway.asked(2).answer("third");
  EXPECT_TRUE(caller->hears("third"));
}

// Six answers of 12 MB behind one that is not there yet: five fit into 64 MiB.
TEST(HttpIngressBounds, WhatWaitsForItsTurnIsBounded) {
  Gateway gateway;
  const auto caller = gateway.call(times(7, kGet));
  const std::string large(12'000'000, 'x');
  gateway.asked(6);
  for (std::size_t i = 1; i < 7; ++i) gateway.asked(i).answer(large);
  gateway.asked(0).answer("first");
  EXPECT_TRUE(caller->hears("too_much_waits\"}"));
  EXPECT_EQ(count(caller->heard, "HTTP/1.1 200 OK"), 6U);
  EXPECT_EQ(count(caller->heard, "HTTP/1.1 502 "), 1U);
  EXPECT_EQ(gateway.sink.counters.refused["too_much_waits"], 1U);
  caller->say(kGet);
  gateway.asked(7).answer("and on");
  EXPECT_TRUE(caller->hears("and on"));
}

// The end of the connection would tell a client of HTTP/1.0 that the body is whole.
TEST(HttpIngressBounds, AStreamToAnOldClientThatBreaksOffEndsWithAReset) {
  Gateway gateway;
  const auto caller = gateway.call("GET / HTTP/1.0\r\n\r\n");
  gateway.asked().begin("half");
  EXPECT_TRUE(caller->hears("half"));
  gateway.asked().client->on_reply_broken(gateway.asked().tag);
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_TRUE(caller->was_reset);
}

// The time for the body begins with the invitation, not with the head.
TEST(HttpIngressBounds, WhoWaitsForTheInvitationIsNotLate) {
  HttpLimits limits;
  limits.body_timeout = milliseconds(400);
  Gateway gateway(limits);
  const auto caller = gateway.call(std::string(kGet) +
                                   "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
                                   "Expect: 100-continue\r\n\r\n");
  gateway.asked();
  gateway.loop.run_until(gateway.loop.now() + milliseconds(500));
  gateway.asked().answer("first");
  EXPECT_TRUE(caller->hears("100 Continue"));
  gateway.loop.run_until(gateway.loop.now() + milliseconds(200));
  caller->say("body");
  EXPECT_EQ(gateway.asked(1).request.body, "body");
  EXPECT_EQ(gateway.sink.counters.timeouts, 0U);
}

}  // namespace
}  // namespace phoenix::gateway
