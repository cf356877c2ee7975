// Clients that send garbage, too much, too slowly, or nothing: each is refused or let go, and the
// server serves the next.
#include <gtest/gtest.h>

#include "tests/runtime/admin/operator.h"

namespace phoenix::admin {
namespace {

using testing::Answer;
using testing::FakeGateway;
using testing::Operator;

class HostileClients : public ::testing::Test {
 protected:
  void open(const AdminLimits& limits = {}) {
    server_ = testing::open_server(loop_, gateway_, limits);
  }
  Operator connect() { return Operator(loop_, server_->local()); }
  bool still_serves() { return connect().ask("GET", "/healthz").status == 200; }

  net::Loop loop_;
  FakeGateway gateway_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(HostileClients, WhatIsNotHttpIsAnswered400AndTheConnectionEnds) {
  open();
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x02\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), net::pattern(5'000) + "\r\n\r\n",
        std::string("PUT /knobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n{}")}) {
    Operator client = connect();
    client.send(garbage);
    EXPECT_EQ(client.await().status, 400);
    EXPECT_TRUE(client.await_end());
  }
  EXPECT_TRUE(still_serves());
}

TEST_F(HostileClients, HeadsAndBodiesAreBounded) {
  open();
  Operator long_head = connect();
  long_head.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(long_head.await().status, 431);
  EXPECT_TRUE(long_head.await_end());

  Operator long_body = connect();
  long_body.send("PUT /knobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(long_body.await().status, 413);
  EXPECT_TRUE(long_body.await_end());

  Operator chunks = connect();
  chunks.send("PUT /knobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 80; ++i) chunks.send("400\r\n" + std::string(1024, ' ') + "\r\n");
  EXPECT_EQ(chunks.await().status, 413);
  EXPECT_TRUE(still_serves());
}

TEST_F(HostileClients, WhoDribblesARequestIsLetGo) {
  AdminLimits limits;
  limits.request_time = std::chrono::milliseconds(40);
  open(limits);
  Operator slow = connect();
  slow.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(slow.await().status, 408);
  EXPECT_TRUE(slow.await_end());

  Operator slow_body = connect();
  slow_body.send("PUT /knobs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(slow_body.await().status, 408);
  EXPECT_TRUE(still_serves());
}

TEST_F(HostileClients, WhoSaysNothingIsLetGo) {
  AdminLimits limits;
  limits.idle_time = std::chrono::milliseconds(40);
  open(limits);
  Operator mute = connect();
  EXPECT_TRUE(mute.await_end());
  EXPECT_EQ(mute.party().received, "");
  Operator kept = connect();
  EXPECT_EQ(kept.ask("GET", "/healthz").status, 200);
  EXPECT_TRUE(kept.await_end());
}

TEST_F(HostileClients, WhoTakesNoAnswersIsLetGo) {
  AdminLimits limits;
  limits.idle_time = std::chrono::milliseconds(100);
  open(limits);
  Operator greedy = connect();
  greedy.party().channel->pause_reading();
  for (int i = 0; i < 200; ++i) greedy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");  // 40 MB
  loop_.run_until(loop_.now() + std::chrono::milliseconds(500));
  greedy.party().channel->resume_reading();
  EXPECT_TRUE(greedy.await_end());
  EXPECT_LT(greedy.party().received.size(), 30'000'000U);
  EXPECT_TRUE(still_serves());
}

TEST_F(HostileClients, AGatewayThatDoesNotAnswerIs504) {
  AdminLimits limits;
  limits.answer_time = std::chrono::milliseconds(40);
  open(limits);
  gateway_.is_silent = true;
  Operator client = connect();
  EXPECT_EQ(client.ask("GET", "/healthz").status, 504);
  EXPECT_TRUE(client.await_end());
  gateway_.answer_all();
  gateway_.is_silent = false;
  EXPECT_TRUE(still_serves());
}

TEST_F(HostileClients, ConnectionsBeyondTheLimitAreClosedAndMakeRoomWhenTheyEnd) {
  AdminLimits limits;
  limits.connections = 3;
  open(limits);
  std::vector<std::unique_ptr<Operator>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Operator>(loop_, server_->local()));
    EXPECT_EQ(clients.back()->ask("GET", "/healthz").status, 200);
  }
  Operator one_more = connect();
  one_more.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(one_more.await_end());
  EXPECT_EQ(one_more.party().received, "");
  clients.pop_back();
  net::settle(loop_);
  EXPECT_TRUE(still_serves());
}

TEST_F(HostileClients, AnExpectedContinueComesBeforeTheAnswer) {
  open();
  Operator client = connect();
  client.send(
      "PUT /knobs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.await().status, 100);
  client.send("{}");
  EXPECT_EQ(client.await().status, 401);
}

}  // namespace
}  // namespace phoenix::admin
