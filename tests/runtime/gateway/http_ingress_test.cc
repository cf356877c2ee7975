// HTTP/1.1 as clients see it, over loopback sockets, with a sink that answers when told to.
#include "runtime/gateway/http_ingress.h"

#include <gtest/gtest.h>

#include "runtime/http/message.h"
#include "strategies/core/random.h"
#include "tests/runtime/gateway/http_parties.h"

namespace phoenix::gateway {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string get(std::string_view path, std::string_view lines = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}

std::optional<std::string_view> header(const Asked& asked, std::string_view name) {
  return http::find_header(asked.request.headers, name);
}

TEST(HttpIngress, HandsOverTheRequestAndWritesItsAnswer) {
  Gateway gateway;
  const auto caller = gateway.call("GET /a?b HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n");
  Asked& asked = gateway.asked();
  EXPECT_EQ(asked.request.method, "GET");
  EXPECT_EQ(asked.request.target, "/a?b");
  EXPECT_TRUE(asked.request.headers.starts_with("Host: h\r\nX: y\r\n"));
  EXPECT_TRUE(asked.request.repeatable);
  EXPECT_EQ(asked.request.deadline, asked.request.arrived + std::chrono::seconds(30));
  asked.answer("hello", "Date: today\r\nServer: s\r\n", 201);
  EXPECT_TRUE(caller->hears("hello"));
  EXPECT_EQ(caller->heard,
            "HTTP/1.1 201 Created\r\nDate: today\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(gateway.sink.counters.requests, 1U);
}

TEST(HttpIngress, AddsADateWhereTheNodeGaveNone) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  gateway.asked().answer("x", "");
  EXPECT_TRUE(caller->hears(" GMT\r\nContent-Length: 1\r\n\r\nx"));
}

TEST(HttpIngress, AnswersFromWithinAcceptKeepTheConnectionGoing) {
  Gateway gateway;
  gateway.sink.at_once = [](Asked& asked) { asked.answer(asked.request.target); };
  const auto caller = gateway.call(get("/1") + get("/2") + get("/3", "Connection: close\r\n"));
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_EQ(caller->heard,
            "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\n/1"
            "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\n/2"
            "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/3");
}

TEST(HttpIngress, PipelinedRequestsAreAnsweredInTheirOrder) {
  Gateway gateway;
  const auto caller = gateway.call(get("/0") + get("/1") + get("/2"));
  gateway.asked(2);
  gateway.sink.asked[2].answer("third");
  gateway.sink.asked[1].begin("sec");
  gateway.sink.asked[1].go_on("ond", true);
  net::settle(gateway.loop);
  caller->listen();
  EXPECT_EQ(caller->heard, "");
  gateway.sink.asked[0].answer("first");
  EXPECT_TRUE(caller->hears("third"));
  const std::size_t first = caller->heard.find("first"), second = caller->heard.find("3\r\nsec");
  EXPECT_LT(first, second);
  EXPECT_LT(second, caller->heard.find("third"));
  EXPECT_NE(caller->heard.find("3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n"), std::string::npos);
}

TEST(HttpIngress, TakesNoMoreThanItsShareOfPipelinedRequestsAtOnce) {
  HttpLimits limits;
  limits.pipelined = 2;
  Gateway gateway(limits);
  std::string many;
  for (int i = 0; i < 5; ++i) many += get("/" + std::to_string(i));
  const auto caller = gateway.call(many);
  gateway.asked(1);
  net::settle(gateway.loop);
  EXPECT_EQ(gateway.sink.asked.size(), 2U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(gateway.asked(i).request.target, "/" + std::to_string(i));
    EXPECT_LE(gateway.sink.asked.size(), i + 2);
    gateway.sink.asked[i].answer("body-" + std::to_string(i));
  }
  EXPECT_TRUE(caller->hears("body-4"));
}

TEST(HttpIngress, ChunkedBodiesArriveWhole) {
  Gateway gateway;
  const auto caller =
      gateway.call("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  net::settle(gateway.loop);
  EXPECT_TRUE(gateway.sink.asked.empty());
  caller->say("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(gateway.asked().request.body, "abcde");
  EXPECT_FALSE(gateway.asked().request.repeatable);
}

TEST(HttpIngress, StreamsChunkedWhereTheLengthIsUnknown) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  Asked& asked = gateway.asked();
  asked.begin("one");
  EXPECT_TRUE(caller->hears("Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n"));
  EXPECT_TRUE(asked.go_on(std::string(17, 'x')));
  EXPECT_TRUE(asked.go_on("", true));
  EXPECT_TRUE(caller->hears("11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"));
  EXPECT_FALSE(caller->is_closed);
}

TEST(HttpIngress, StreamsWithTheLengthWhereItIsKnown) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  gateway.asked().begin("one", 6);
  gateway.asked().go_on("two", true);
  EXPECT_TRUE(caller->hears("Content-Length: 6\r\n\r\nonetwo"));
}

TEST(HttpIngress, OldClientsGetTheEndOfTheConnectionAsEndOfTheBody) {
  Gateway gateway;
  const auto caller = gateway.call("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  gateway.asked().begin("one");
  gateway.asked().go_on("two", true);
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_EQ(caller->heard, "HTTP/1.1 200 OK\r\nDate: today\r\nConnection: close\r\n\r\nonetwo");
}

TEST(HttpIngress, OldClientsAreKeptWhereTheyAsk) {
  Gateway gateway;
  const auto caller = gateway.call("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  gateway.asked().answer("x");
  EXPECT_TRUE(caller->hears("Connection: keep-alive\r\n\r\nx"));
  const auto other = gateway.call("GET / HTTP/1.0\r\n\r\n");
  gateway.asked(1).answer("x");
  EXPECT_TRUE(other->hears_the_end());
}

TEST(HttpIngress, HeadGetsTheLengthAndNoBody) {
  Gateway gateway;
  const auto caller = gateway.call("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get("/next"));
  Reply reply = Asked::from_node("Date: today\r\n", 200);
  reply.content_length = 1000;
  gateway.asked().client->on_reply(gateway.asked().tag, reply);
  gateway.asked(1).answer("", "Date: today\r\n", 204);
  EXPECT_TRUE(caller->hears("204 No Content\r\nDate: today\r\n\r\n"));
  EXPECT_TRUE(caller->heard.starts_with(
      "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 1000\r\n\r\nHTTP/1.1 204"));
}

TEST(HttpIngress, InvitesTheBodyOfAClientThatAsksFirst) {
  Gateway gateway;
  const auto caller = gateway.call(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(caller->hears("HTTP/1.1 100 Continue\r\n\r\n"));
  caller->say("ab");
  gateway.asked().answer("done");
  EXPECT_TRUE(caller->hears("done"));
  EXPECT_EQ(gateway.sink.asked[0].request.body, "ab");
  EXPECT_FALSE(header(gateway.sink.asked[0], "expect").has_value());
}

TEST(HttpIngress, InvitesABodyOnlyWhenItsTurnToSpeakHasCome) {
  Gateway gateway;
  const auto caller = gateway.call(
      get("/") + "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  gateway.asked();
  net::settle(gateway.loop);
  caller->listen();
  EXPECT_EQ(caller->heard, "");
  gateway.asked().answer("first");
  EXPECT_TRUE(caller->hears("firstHTTP/1.1 100 Continue\r\n\r\n"));
}

TEST(HttpIngress, RefusesTheBodyOfARequestThatLeadsNowhere) {
  Gateway gateway;
  const auto caller = gateway.call(
      "POST /nowhere HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_TRUE(caller->heard.starts_with("HTTP/1.1 404 Not Found\r\n"));
}

struct RefusedText {
  const char* reason;
  const char* text;
  const char* status;
};

TEST(HttpIngress, SaysWhatItCannotServe) {
  HttpLimits limits;
  limits.head = 200;
  limits.body = 10;
  const std::string too_long = "GET /" + std::string(300, 'a');
  const RefusedText rows[] = {
      {"bad_message", "hello\r\n\r\n", "400 Bad Request"},
      {"head_too_long", too_long.c_str(), "431 Request Header Fields Too Large"},
      {"body_too_long", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n",
       "413 Content Too Large"},
      {"bad_version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 HTTP Version Not Supported"},
      {"bad_encoding", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
       "501 Not Implemented"},
      {"not_implemented", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
       "501 Not Implemented"},
      {"not_implemented",
       "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n",
       "501 Not Implemented"},
      {"no_route", "GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
       "404 Not Found"}};
  for (const RefusedText& row : rows) {
    Gateway gateway(limits);
    const auto caller = gateway.call(row.text);
    EXPECT_TRUE(caller->hears_the_end()) << row.text;
    EXPECT_TRUE(caller->heard.starts_with(std::string("HTTP/1.1 ") + row.status)) << caller->heard;
    EXPECT_TRUE(caller->heard.ends_with(std::string("{\"error\":\"") + row.reason + "\"}\n"));
    EXPECT_EQ(gateway.sink.counters.refused[row.reason], 1U);
    EXPECT_TRUE(gateway.sink.asked.empty());
    EXPECT_EQ(gateway.ingress->connections(), 0U);
  }
}

TEST(HttpIngress, WhatLeadsNowhereDoesNotCostTheConnection) {
  Gateway gateway;
  const auto caller = gateway.call(
      "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + get("/there"));
  gateway.asked().answer("there");
  EXPECT_TRUE(caller->hears("there"));
  EXPECT_TRUE(caller->heard.starts_with("HTTP/1.1 404 "));
}

TEST(HttpIngress, GarbageBehindAGoodRequestIsAnsweredAfterIt) {
  Gateway gateway;
  const auto caller = gateway.call(get("/") + "garbage\r\n\r\n");
  gateway.asked().answer("good");
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_LT(caller->heard.find("good"), caller->heard.find("HTTP/1.1 400 "));
}

TEST(HttpIngress, OwnFailuresSayWhy) {
  const std::pair<FailureReason, const char*> rows[] = {
      {FailureReason::kNoHealthyNodes, "503"}, {FailureReason::kInFlightLimit, "503"},
      {FailureReason::kNodeLimit, "503"},      {FailureReason::kGatewayOverload, "503"},
      {FailureReason::kQueueFull, "503"},      {FailureReason::kRefused, "503"},
      {FailureReason::kError, "502"},          {FailureReason::kReset, "502"},
      {FailureReason::kDeadline, "504"}};
  for (const auto& [reason, status] : rows) {
    Gateway gateway;
    const auto caller = gateway.call(kGet);
    gateway.asked().fail(reason);
    const std::string name(to_text(reason));
    EXPECT_TRUE(caller->hears("{\"error\":\"" + name + "\"}\n"));
    EXPECT_TRUE(caller->heard.starts_with(std::string("HTTP/1.1 ") + status)) << name;
    EXPECT_NE(caller->heard.find("X-Phoenix-Reason: " + name + "\r\n"), std::string::npos);
    EXPECT_EQ(caller->heard.find("Retry-After: 1\r\n") != std::string::npos,
              std::string_view(status) == "503");
  }
}

TEST(HttpIngress, ANodesFailureIsPassedOnAsItIs) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  Reply reply = Asked::from_node("Date: today\r\n", 500);
  reply.reason = FailureReason::kError;
  reply.body = "its own words";
  gateway.asked().client->on_reply(0, reply);
  EXPECT_TRUE(caller->hears("its own words"));
  EXPECT_EQ(caller->heard.find("X-Phoenix-Reason"), std::string::npos);
}

TEST(HttpIngress, ANodesHeadersCannotBreakTheFraming) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  gateway.asked().answer("ok",
                         "Content-Length: 500\r\nTransfer-Encoding: chunked\r\nDate: today\r\n"
                         "\r\nno header\r\nX: y\r\nConnection: close\r\nunfinished: z");
  EXPECT_TRUE(caller->hears("ok"));
  EXPECT_EQ(caller->heard, "HTTP/1.1 200 OK\r\nDate: today\r\nX: y\r\nContent-Length: 2\r\n\r\nok");
}

TEST(HttpIngress, ForwardingHeadersOfStrangersAreReplaced) {
  Gateway gateway;
  const auto caller = gateway.call(get(
      "/", "X-Forwarded-For: 9.9.9.9\r\nx-forwarded-proto: https\r\nForwarded: for=9.9.9.9\r\n"));
  const Asked& asked = gateway.asked();
  EXPECT_EQ(asked.request.headers,
            "Host: h\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: h\r\n");
}

TEST(HttpIngress, ForwardingHeadersOfTrustedClientsAreContinued) {
  Gateway gateway;
  gateway.sink.config_.trust_forwarded = true;
  const auto caller =
      gateway.call(get("/", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nA: b\r\n"));
  EXPECT_EQ(gateway.asked().request.headers,
            "Host: h\r\nX-Forwarded-For: 9.9.9.9, 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
            "A: b\r\nX-Forwarded-Host: h\r\n");
}

TEST(HttpIngress, ForwardingHeadersCanBeLeftOut) {
  Gateway gateway;
  gateway.sink.config_.forwarded_for = false;
  const auto caller = gateway.call(get("/", "X-Forwarded-For: 9.9.9.9\r\n"));
  EXPECT_EQ(gateway.asked().request.headers, "Host: h\r\n");
}

TEST(HttpIngress, ClientsMayShortenTheDeadlineButNotLengthenIt) {
  Gateway gateway;
  const auto caller = gateway.call(get("/", "X-Request-Timeout-Ms: 250\r\n") +
                                   get("/", "X-Request-Timeout-Ms: 99999\r\n") +
                                   get("/", "X-Request-Timeout-Ms: soon\r\n"));
  const auto allowed = [&](std::size_t i) -> Duration {
    const Request& request = gateway.asked(i).request;
    return request.deadline - request.arrived;
  };
  EXPECT_EQ(allowed(0), std::chrono::milliseconds(250));
  EXPECT_EQ(allowed(1), std::chrono::seconds(30));
  EXPECT_EQ(allowed(2), std::chrono::seconds(30));
  EXPECT_FALSE(header(gateway.asked(0), "X-Request-Timeout-Ms").has_value());
}

TEST(HttpIngress, AnIdempotencyKeyMakesAPostRepeatable) {
  Gateway gateway;
  const auto caller =
      gateway.call("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nIdempotency-Key: 1\r\n\r\n");
  EXPECT_TRUE(gateway.asked().request.repeatable);
  EXPECT_EQ(header(gateway.asked(), "Idempotency-Key"), "1");
}

TEST(HttpIngress, KeysComeFromWhatTheServiceSays) {
  const std::pair<const char*, const char*> rows[] = {
      {"path", "/a/b"}, {"client", "127.0.0.1"}, {"header:x-user", "ann"}};
  for (const auto& [setting, text] : rows) {
    Gateway gateway;
    gateway.sink.config_.services[0].key = setting;
    const auto caller = gateway.call(get("/a/b?c", "X-User: ann\r\n"));
    EXPECT_TRUE(gateway.asked().request.has_key);
    EXPECT_EQ(gateway.asked().request.key, hash_text(text)) << setting;
  }
  Gateway gateway;
  gateway.sink.config_.services[0].key = "header:x-user";
  const auto caller = gateway.call(kGet);
  EXPECT_FALSE(gateway.asked().request.has_key);
}

TEST(HttpIngress, StreamsPauseForAClientThatDoesNotRead) {
  Gateway gateway;
  const auto caller = gateway.call(kGet, 4096);
  Asked& asked = gateway.asked();
  const std::string piece(64 * 1024, 'x');
  asked.begin("", -1);
  std::size_t sent = 0;
  int pauses = 0;
  while (asked.resumed == pauses && sent < 100 * 1024 * 1024) {
    if (!asked.go_on(piece)) ++pauses;
    sent += piece.size();
    net::settle(gateway.loop);  // the kernel takes some, until it is full
  }
  ASSERT_EQ(asked.resumed, pauses - 1);
  EXPECT_TRUE(gateway.comes_true([&] { return caller->listen(), asked.resumed == pauses; }));
  asked.go_on("", true);
  EXPECT_TRUE(caller->hears("\r\n0\r\n\r\n"));
  EXPECT_GT(caller->heard.size(), sent);
}

TEST(HttpIngress, AStreamThatBreaksOffIsNotTakenForWhole) {
  Gateway gateway;
  const auto caller = gateway.call(get("/1") + get("/2"));
  gateway.asked(1);
  gateway.sink.asked[0].begin("part");
  gateway.sink.asked[0].client->on_reply_broken(0);
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_TRUE(caller->heard.ends_with("4\r\npart\r\n"));
  EXPECT_TRUE(gateway.sink.asked[1].is_left);
}

TEST(HttpIngress, AClientThatGoesAwayIsLeft) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  const Asked& asked = gateway.asked();
  caller->reset();
  EXPECT_TRUE(gateway.comes_true([&] { return asked.is_left; }));
  EXPECT_TRUE(gateway.comes_true([&] { return gateway.ingress->connections() == 0; }));
}

TEST(HttpIngress, AClientThatOnlySendsNoMoreStillGetsItsAnswers) {
  Gateway gateway;
  const auto caller = gateway.call(get("/1") + get("/2"));
  caller->say_no_more();
  gateway.asked(1);
  net::settle(gateway.loop);
  gateway.sink.asked[1].answer("two");
  gateway.sink.asked[0].answer("one");
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_LT(caller->heard.find("one"), caller->heard.find("two"));
}

TEST(HttpIngress, AStreamToAClientThatIsGoneEnds) {
  Gateway gateway;
  const auto caller = gateway.call(kGet);
  Asked& asked = gateway.asked();
  asked.begin("x");
  caller->end();
  EXPECT_TRUE(gateway.comes_true([&] {
    if (!asked.is_left) asked.go_on("more");
    return asked.is_left;
  }));
}

TEST(HttpIngress, AHalfSentRequestTimesOut) {
  HttpLimits limits;
  limits.head_timeout = std::chrono::milliseconds(20);
  Gateway gateway(limits);
  const auto caller = gateway.call("GET / HT");
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_TRUE(caller->heard.starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(gateway.sink.counters.timeouts, 1U);
}

TEST(HttpIngress, ABodyThatStopsComingTimesOut) {
  HttpLimits limits;
  limits.body_timeout = std::chrono::milliseconds(20);
  Gateway gateway(limits);
  const auto caller = gateway.call("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_TRUE(caller->heard.starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(gateway.sink.asked.empty());
}

TEST(HttpIngress, AConnectionAtRestIsClosedSilently) {
  HttpLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(20);
  Gateway gateway(limits);
  gateway.sink.at_once = [](Asked& asked) { asked.answer("done"); };
  const auto caller = gateway.call(kGet);
  EXPECT_TRUE(caller->hears_the_end());
  EXPECT_TRUE(caller->heard.ends_with("done"));
  EXPECT_EQ(gateway.sink.counters.timeouts, 0U);
}

TEST(HttpIngress, WaitingForAnAnswerIsNoRest) {
  HttpLimits limits;
  limits.idle_timeout = std::chrono::milliseconds(10);
  Gateway gateway(limits);
  const auto caller = gateway.call(kGet);
  gateway.asked();
  const Time later = gateway.loop.now() + std::chrono::milliseconds(60);
  gateway.comes_true([&] { return gateway.loop.now() > later; });
  gateway.asked().answer("late");
  EXPECT_TRUE(caller->hears("late"));
}

TEST(HttpIngress, AClientThatDoesNotReadIsGivenUp) {
  HttpLimits limits;
  limits.write_timeout = std::chrono::milliseconds(40);
  Gateway gateway(limits);
  const auto caller = gateway.call(kGet, 4096);
  Asked& asked = gateway.asked();
  asked.begin(std::string(8 * 1024 * 1024, 'x'));
  EXPECT_TRUE(gateway.comes_true([&] { return asked.is_left; }));
  EXPECT_EQ(gateway.sink.counters.timeouts, 1U);
  EXPECT_TRUE(gateway.comes_true([&] { return gateway.ingress->connections() == 0; }));
}

TEST(HttpIngress, DrainingClosesConnectionsAtRestAndOthersAfterTheirAnswer) {
  Gateway gateway;
  const auto idle = gateway.call();
  const auto busy = gateway.call(kGet);
  gateway.asked();
  EXPECT_TRUE(gateway.comes_true([&] { return gateway.ingress->connections() == 2; }));
  gateway.sink.draining = true;
  gateway.ingress->drain();
  EXPECT_TRUE(idle->hears_the_end());
  EXPECT_EQ(gateway.ingress->connections(), 1U);
  gateway.asked().answer("last");
  EXPECT_TRUE(busy->hears_the_end());
  EXPECT_NE(busy->heard.find("Connection: close\r\n\r\nlast"), std::string::npos);
  EXPECT_EQ(gateway.ingress->connections(), 0U);
}

TEST(HttpIngress, ItsEndLeavesAllThatIsUnderWay) {
  Gateway gateway;
  const auto caller = gateway.call(get("/1") + get("/2"));
  gateway.asked(1);
  gateway.ingress.reset();
  EXPECT_TRUE(gateway.sink.asked[0].is_left);
  EXPECT_TRUE(gateway.sink.asked[1].is_left);
  EXPECT_TRUE(caller->hears_the_end());
}

}  // namespace
}  // namespace phoenix::gateway
