// What anybody who reaches the admin server may read: health, metrics, status, the page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/runtime/admin/operator.h"
#include "tests/runtime/certificates.h"

namespace phoenix::admin {
namespace {

using testing::Answer;
using testing::FakeGateway;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Operator;

class Reading : public ::testing::Test {
 protected:
  net::Loop loop_;
  FakeGateway gateway_;
  std::unique_ptr<AdminServer> server_ = testing::open_server(loop_, gateway_);
  Operator operator_{loop_, server_->local()};
};

TEST_F(Reading, HealthIsOkWhileServing) {
  const Answer answer = operator_.ask("GET", "/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "ok\n");
}

TEST_F(Reading, HealthIs503WhileDraining) {
  gateway_.now.draining = true;
  const Answer answer = operator_.ask("GET", "/healthz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "draining\n");
}

TEST_F(Reading, StatusIsJsonOfTheGateway) {
  const Answer answer = operator_.ask("GET", "/status?pretty=1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Content-Type: application/json"));
  EXPECT_TRUE(answer.has("Cache-Control: no-store"));
  const nlohmann::json status = nlohmann::json::parse(answer.body);
  EXPECT_EQ(status["name"], "edge");
  EXPECT_EQ(status["nodes"].size(), 3U);
}

TEST_F(Reading, MetricsArePrometheusText) {
  const Answer answer = operator_.ask("GET", "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  EXPECT_THAT(answer.body, HasSubstr("\nphoenix_gateway_attempts_total 220\n"));
}

TEST_F(Reading, ThePageNeedsNothingElseAndMayRunNothingElse) {
  const Answer answer = operator_.ask("GET", "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Content-Type: text/html; charset=utf-8"));
  EXPECT_THAT(answer.body, Not(HasSubstr("src=")));
  EXPECT_THAT(answer.body, Not(HasSubstr("onclick")));
  EXPECT_THAT(answer.body, HasSubstr("Chart.js v"));
  EXPECT_THAT(answer.head, HasSubstr("Content-Security-Policy: default-src 'none'; script-src "
                                     "'sha256-"));
  EXPECT_THAT(answer.head, Not(HasSubstr("unsafe")));
}

TEST_F(Reading, HeadTellsWhatGetWould) {
  const Answer whole = operator_.ask("GET", "/");
  const Answer head = operator_.ask("HEAD", "/");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.has("Content-Length: " + std::to_string(whole.body.size())));
  EXPECT_EQ(operator_.ask("GET", "/healthz").body, "ok\n") << "no body came after the head";
}

TEST_F(Reading, PipelinedRequestsAreAnsweredInOrder) {
  const std::string host = " HTTP/1.1\r\nHost: x\r\n\r\n";
  operator_.send("GET /healthz" + host + "GET /nowhere" + host + "GET /status" + host);
  EXPECT_EQ(operator_.await().status, 200);
  EXPECT_EQ(operator_.await().status, 404);
  EXPECT_THAT(operator_.await().body, HasSubstr("\"name\":\"edge\""));
}

TEST_F(Reading, ManyReadersAtOnceCostTheGatewayOneQuestion) {
  gateway_.is_silent = true;
  std::vector<std::unique_ptr<Operator>> readers;
  for (int i = 0; i < 20; ++i) {
    readers.push_back(std::make_unique<Operator>(loop_, server_->local()));
    readers.back()->send("GET /status HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  net::settle(loop_);
  EXPECT_EQ(gateway_.asked, 1);
  gateway_.answer_all();
  for (const auto& reader : readers) EXPECT_EQ(reader->await().status, 200);
}

TEST_F(Reading, AReaderWhoLeavesBeforeTheAnswerIsForgotten) {
  gateway_.is_silent = true;
  {
    Operator gone(loop_, server_->local());
    gone.send("GET /status HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(net::drive(loop_, [&] { return gateway_.asked == 1; }));
  }
  net::settle(loop_);
  gateway_.answer_all();
  gateway_.is_silent = false;
  EXPECT_EQ(operator_.ask("GET", "/healthz").status, 200);
}

TEST_F(Reading, AnAnswerAfterTheServersEndReachesNobody) {
  gateway_.is_silent = true;
  operator_.send("GET /status HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(net::drive(loop_, [&] { return gateway_.asked == 1; }));
  server_.reset();
  gateway_.answer_all();
  EXPECT_TRUE(operator_.await_end());
  EXPECT_EQ(operator_.party().received, "");
}

TEST_F(Reading, AClientThatHasSentItsLastStillGetsItsAnswer) {
  gateway_.is_silent = true;
  operator_.send("GET /healthz HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(net::drive(loop_, [&] { return gateway_.asked == 1; }));
  gateway_.answer_all();
  EXPECT_EQ(operator_.await().status, 200);
  EXPECT_TRUE(operator_.await_end());
}

TEST(ReadingOverTls, IsLikeReadingInPlain) {
  const net::Authority authority;
  net::Loop loop;
  FakeGateway gateway;
  const auto server =
      testing::open_server(loop, gateway, {}, *net::make_server_tls(authority.server()));
  net::DialSettings settings;
  settings.tls = *net::make_client_tls(authority.client());
  Operator reader(loop, server->local(), settings);
  EXPECT_EQ(reader.ask("GET", "/healthz").body, "ok\n");
  EXPECT_GT(reader.ask("GET", "/").body.size(), 100'000U);

  Operator plain(loop, server->local());
  plain.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(plain.await_end());
  EXPECT_EQ(plain.party().received.find("HTTP/"), std::string::npos);
}

TEST(MovingTheServer, ServesTheNewAddressAndFinishesWithTheOld) {
  net::Loop loop;
  FakeGateway gateway;
  const auto server = testing::open_server(loop, gateway);
  const net::Address old = server->local();
  Operator kept(loop, old);
  ASSERT_TRUE(server->move_to({"localhost", 0}, nullptr));
  ASSERT_NE(server->local().port, old.port);
  EXPECT_EQ(kept.ask("GET", "/healthz").status, 200);
  Operator fresh(loop, server->local());
  EXPECT_EQ(fresh.ask("GET", "/healthz").status, 200);
  EXPECT_FALSE(net::dial(loop, old).ok());

  const net::Address here = server->local();
  const Status moved = server->move_to({"192.0.2.1", 1}, nullptr);
  EXPECT_FALSE(moved.ok()) << "an address of nobody's";
  EXPECT_EQ(server->local(), here);
}

}  // namespace
}  // namespace phoenix::admin
