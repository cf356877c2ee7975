#include "tests/runtime/load/load_parties.h"

namespace phoenix::load {
namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpSenderTest : public testing::Test {
 protected:
  void make(HttpSenderSettings settings = {}) {
    settings.server = server_.address();
    settings.host = "example.test";
    sender_ = make_http_sender(loop_, settings, results_);
    ASSERT_TRUE(net::drive(loop_, [&] { return sender_->is_ready(); })) << sender_->problem();
  }
  void send(std::uint64_t number) {
    Outgoing request;
    request.number = number;
    sender_->send(request);
  }
  void await_results(std::size_t count) {
    ASSERT_TRUE(net::drive(loop_, [&] { return results_.all.size() >= count; }));
  }
  FailureReason reason_of(const std::string& answer) {
    script_ = [answer](net::Party& party, const std::string&) { party.channel->write(answer); };
    const std::size_t before = results_.all.size();
    send(100 + before);
    net::drive(loop_, [&] { return results_.all.size() > before; });
    return results_.all.back().reason;
  }

  net::Loop loop_;
  ScriptedServer::OnRequest script_ = [](net::Party& party, const std::string&) {
    party.channel->write(kOk);
  };
  std::vector<std::string> requests_;
  ScriptedServer server_{loop_, [this](net::Party& party, const std::string& request) {
                           requests_.push_back(request);
                           script_(party, request);
                         }};
  KeptResults results_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(HttpSenderTest, SaysWhatItIsToldToSay) {
  HttpSenderSettings settings;
  settings.method = "POST";
  settings.target = "/cart?x=1";
  settings.headers = "Accept: text/plain\r\n";
  settings.body = "abc";
  make(settings);
  send(1);
  await_results(1);
  EXPECT_EQ(requests_.at(0),
            "POST /cart?x=1 HTTP/1.1\r\nHost: example.test\r\nAccept: text/plain\r\n"
            "Content-Length: 3\r\n\r\n");
}

TEST_F(HttpSenderTest, KeepsAConnectionForTheNextRequest) {
  make();
  for (std::uint64_t i = 0; i < 3; ++i) {
    send(i);
    await_results(i + 1);
    EXPECT_EQ(results_.all.back().reason, FailureReason::kNone);
  }
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(HttpSenderTest, NeverSendsARequestBeforeTheAnswerToTheOneBefore) {
  HttpSenderSettings settings;
  settings.connections = 1;
  std::vector<net::Party*> asked;
  script_ = [&](net::Party& party, const std::string&) { asked.push_back(&party); };
  make(settings);
  for (std::uint64_t i = 0; i < 3; ++i) send(i);
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(net::drive(loop_, [&] { return asked.size() == i; }));
    net::settle(loop_);
    EXPECT_EQ(asked.size(), i);
    asked.back()->channel->write(kOk);
  }
  await_results(3);
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(HttpSenderTest, OpensConnectionsAsRequestsNeedThemUpToItsBound) {
  HttpSenderSettings settings;
  settings.connections = 4;
  std::vector<net::Party*> asked;
  script_ = [&](net::Party& party, const std::string&) { asked.push_back(&party); };
  make(settings);
  for (std::uint64_t i = 0; i < 9; ++i) send(i);
  ASSERT_TRUE(net::drive(loop_, [&] { return asked.size() == 4; }));
  net::settle(loop_);
  EXPECT_EQ(asked.size(), 4U);
  EXPECT_EQ(server_.connections(), 4U);
}

TEST_F(HttpSenderTest, TakesANewConnectionWhereTheServerClosesTheOld) {
  make();
  EXPECT_EQ(reason_of("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            FailureReason::kNone);
  EXPECT_EQ(reason_of(kOk), FailureReason::kNone);
  EXPECT_EQ(server_.connections(), 2U);
}

TEST_F(HttpSenderTest, ReadsABodyThatEndsWithTheConnection) {
  make();
  script_ = [this](net::Party& party, const std::string&) {
    party.channel->write("HTTP/1.1 200 OK\r\n\r\nto the end");
    net::Channel::close_gracefully(std::move(party.channel));
  };
  send(1);
  await_results(1);
  EXPECT_EQ(results_.all[0].reason, FailureReason::kNone);
}

TEST_F(HttpSenderTest, ReadsChunkedBodies) {
  make();
  EXPECT_EQ(reason_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            FailureReason::kNone);
  EXPECT_EQ(reason_of(kOk), FailureReason::kNone);
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(HttpSenderTest, ExpectsNoBodyInAnswerToHead) {
  HttpSenderSettings settings;
  settings.method = "HEAD";
  make(settings);
  EXPECT_EQ(reason_of("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), FailureReason::kNone);
  EXPECT_EQ(reason_of("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), FailureReason::kNone);
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(HttpSenderTest, CallsAnswersByTheirStatusAndAGatewaysReason) {
  make();
  EXPECT_EQ(reason_of("HTTP/1.1 304 Not Modified\r\n\r\n"), FailureReason::kNone);
  EXPECT_EQ(reason_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            FailureReason::kError);
  EXPECT_EQ(reason_of("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"),
            FailureReason::kDeadline);
  EXPECT_EQ(reason_of("HTTP/1.1 503 Service Unavailable\r\nX-Phoenix-Reason: " +
                      std::string(to_text(FailureReason::kNoHealthyNodes)) +
                      "\r\nContent-Length: 0\r\n\r\n"),
            FailureReason::kNoHealthyNodes);
}

TEST_F(HttpSenderTest, FailsTheRequestUnderGarbageAndGoesOnElsewhere) {
  make();
  EXPECT_EQ(reason_of("no http at all\r\n\r\n"), FailureReason::kReset);
  EXPECT_EQ(reason_of(kOk), FailureReason::kNone);
  EXPECT_EQ(server_.connections(), 2U);
}

TEST_F(HttpSenderTest, FailsTheRequestWhoseConnectionBreaks) {
  make();
  script_ = [](net::Party& party, const std::string&) {
    party.channel->write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    net::Channel::close_gracefully(std::move(party.channel));
  };
  send(1);
  await_results(1);
  EXPECT_EQ(results_.all[0].reason, FailureReason::kReset);
}

TEST_F(HttpSenderTest, TrustsNoConnectionThatSaysMoreThanItWasAsked) {
  make();
  EXPECT_EQ(reason_of(std::string(kOk) + kOk), FailureReason::kNone);
  EXPECT_EQ(reason_of(kOk), FailureReason::kNone);
  EXPECT_EQ(server_.connections(), 2U);
}

TEST_F(HttpSenderTest, FailsWhatWaitsWhereNobodyListens) {
  make();
  server_.parties.clear();
  server_.stop_listening();
  net::settle(loop_);
  for (std::uint64_t i = 0; i < 5; ++i) send(i);
  await_results(5);
  for (const SendResult& result : results_.all) EXPECT_EQ(result.reason, FailureReason::kReset);
  EXPECT_FALSE(sender_->is_ready());
  EXPECT_NE(sender_->problem().find("127.0.0.1"), std::string::npos) << sender_->problem();
}

TEST_F(HttpSenderTest, LetsOnlySoManyRequestsWait) {
  HttpSenderSettings settings;
  settings.connections = 1;
  settings.waiting = 2;
  script_ = [](net::Party&, const std::string&) {};
  make(settings);
  for (std::uint64_t i = 0; i < 4; ++i) send(i);
  ASSERT_EQ(results_.all.size(), 1U);
  EXPECT_EQ(results_.all[0].number, 3U);
  EXPECT_EQ(results_.all[0].reason, FailureReason::kInFlightLimit);
}

TEST_F(HttpSenderTest, WalksAwayFromAServerThatHangs) {
  HttpSenderSettings settings;
  settings.connections = 1;
  script_ = [](net::Party&, const std::string&) {};
  make(settings);
  send(0);
  ASSERT_TRUE(net::drive(loop_, [&] { return requests_.size() == 1; }));
  script_ = [](net::Party& party, const std::string&) { party.channel->write(kOk); };
  send(1);
  send(2);
  sender_->forget(1);
  sender_->forget(0);
  await_results(1);
  net::settle(loop_);
  ASSERT_EQ(results_.all.size(), 1U) << "what was forgotten is not told";
  EXPECT_EQ(results_.all[0].number, 2U);
  EXPECT_EQ(results_.all[0].reason, FailureReason::kNone);
  EXPECT_EQ(requests_.size(), 2U) << "request 1 was not sent";
  EXPECT_TRUE(server_.parties[0]->closed);
}

}  // namespace
}  // namespace phoenix::load
