// Operators of a gateway that really serves: what they see of its traffic, what their changes do,
// and what health says while it drains.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/gateway/gateway.h"
#include "tests/runtime/admin/operator.h"
#include "tests/runtime/gateway/frame_parties.h"

namespace phoenix::admin {
namespace {

using gateway::testing::FakeClient;
using gateway::testing::FakeNode;
using testing::Operator;

const std::string kToken = "Authorization: Bearer open sesame\r\n";

class Serving : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway::GatewayConfig config;
    config.threads = 2;
    config.http = "";
    config.frames = "127.0.0.1:0";
    config.token = "open sesame";
    gateway::ServiceConfig service;
    service.name = "api";
    service.classes.emplace_back();
    config.services.push_back(service);
    auto started = gateway::Gateway::start(loop_, std::move(config), {});
    ASSERT_TRUE(started) << started.error();
    gateway_ = std::move(*started);
    server_ = testing::open_server(loop_, *gateway_);
    node_.announce(*gateway_->frames());
    operator_ = std::make_unique<Operator>(loop_, server_->local());
    ASSERT_TRUE(net::drive(loop_, [&] { return status()["nodes"][0]["connections"] == 4; }));
  }
  nlohmann::json status() {
    return nlohmann::json::parse(operator_->ask("GET", "/status").body, nullptr, false);
  }

  net::Loop loop_;
  FakeNode node_{loop_, "web-1", "open sesame"};
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<AdminServer> server_;
  std::unique_ptr<Operator> operator_;
};

TEST_F(Serving, StatusCountsWhatWasServed) {
  FakeClient client(loop_, *gateway_->frames(), "open sesame");
  for (std::uint64_t i = 1; i <= 20; ++i) client.ask(i, "hello");
  ASSERT_TRUE(net::drive(loop_, [&] { return client.answers.size() == 20; }));
  const nlohmann::json now = status();
  EXPECT_EQ(now["classes"][0]["answered_well"], 20);
  EXPECT_EQ(now["nodes"][0]["name"], "web-1");
  EXPECT_EQ(now["nodes"][0]["attempts"], 20);
  EXPECT_EQ(now["frames"]["listener"]["open"], 2) << "the client's and the node's";
}

TEST_F(Serving, ADrainedNodeGetsNoMoreUntilItIsUpAgain) {
  EXPECT_EQ(operator_->ask("PUT", "/nodes/web-1", kToken, R"({"state": "draining"})").status, 200);
  EXPECT_EQ(status()["nodes"][0]["state"], "draining");
  FakeClient client(loop_, *gateway_->frames(), "open sesame");
  client.ask(1, "");
  ASSERT_TRUE(net::drive(loop_, [&] { return client.answers.contains(1); }));
  EXPECT_EQ(client.answers[1].reason, FailureReason::kNoHealthyNodes);
  EXPECT_EQ(operator_->ask("PUT", "/nodes/web-1", kToken, R"({"state": "up"})").status, 200);
  client.ask(2, "");
  ASSERT_TRUE(net::drive(loop_, [&] { return client.answers.contains(2); }));
  EXPECT_EQ(client.answers[2].reason, FailureReason::kNone);
  EXPECT_EQ(status()["decisions"].size(), 2U);
}

TEST_F(Serving, ChangesShowInTheStatus) {
  EXPECT_EQ(
      operator_->ask("PUT", "/strategy", kToken, R"({"service": "api", "balancer": "round_robin"})")
          .status,
      200);
  EXPECT_EQ(operator_->ask("PUT", "/knobs", kToken, R"({"batch_size": 8})").status, 200);
  const nlohmann::json now = status();
  EXPECT_EQ(now["services"][0]["balancer"].get<std::string>().rfind("round_robin", 0), 0U);
  EXPECT_EQ(now["knobs"]["batch_size"], 8);
  const testing::Answer refused =
      operator_->ask("PUT", "/strategy", kToken, R"({"service": "api", "balancer": "magic"})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("magic"), std::string::npos);
}

TEST_F(Serving, HealthSaysDrainingWhileTheLastRequestsAreAnswered) {
  std::vector<FakeNode::Got> kept;
  node_.serve = [&](const FakeNode::Got& got) { kept.push_back(got); };
  FakeClient client(loop_, *gateway_->frames(), "open sesame");
  client.ask(1, "slow");
  ASSERT_TRUE(net::drive(loop_, [&] { return kept.size() == 1; }));
  EXPECT_EQ(operator_->ask("GET", "/healthz").status, 200);
  std::optional<std::size_t> left;
  gateway_->drain([&](std::size_t requests) { left = requests; });
  EXPECT_EQ(operator_->ask("GET", "/healthz").status, 503);
  EXPECT_FALSE(left);
  node_.answer(kept[0]);
  ASSERT_TRUE(net::drive(loop_, [&] { return client.answers.contains(1); }));
  EXPECT_EQ(client.answers[1].reason, FailureReason::kNone);
  client.party().close();
  ASSERT_TRUE(net::drive(loop_, [&] { return left.has_value(); }));
  EXPECT_EQ(*left, 0U);
}

}  // namespace
}  // namespace phoenix::admin
