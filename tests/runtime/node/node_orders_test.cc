// What a lab may do to a node, and that nobody else may: faults, statistics, and moving an agent's
// state from one node to another.
#include "runtime/node/node_orders.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/node/kv_handler.h"
#include "runtime/node/node.h"
#include "runtime/node/synthetic_body.h"
#include "tests/runtime/node/peers.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class NodeOrdersTest : public ::testing::Test {
 protected:
  NodeOrdersTest() {
    settings_.lab = true;
    settings_.services = {{"shop", "synthetic"}, {"cache", "kv"}};
    settings_.serving.cores = 1;
  }

  std::unique_ptr<Node> start() {
    Result<std::unique_ptr<Node>> node = Node::make(loop_, settings_);
    EXPECT_TRUE(node.ok()) << node.error();
    EXPECT_TRUE((*node)->start().ok());
    return std::move(*node);
  }
  std::string command(TestClient& lab, const std::string& payload) {
    const std::uint64_t id = next_++;
    lab.control(id, payload);
    EXPECT_TRUE(serve_until(loop_, [&] { return lab.controls.contains(id); })) << payload;
    return lab.controls[id];
  }
  ReceivedResponse ask(TestClient& lab, const std::string& service, const std::string& body) {
    const std::uint64_t id = next_++;
    lab.request(id, service, body);
    EXPECT_TRUE(serve_until(loop_, [&] { return lab.responses.contains(id); }));
    return lab.responses[id];
  }
  static std::string work(double ms) {
    std::string body;
    encode_synthetic({static_cast<std::uint64_t>(ms * 1e6), 0, 0}, 0, body);
    return body;
  }

  net::Loop loop_;
  NodeSettings settings_;
  std::uint64_t next_ = 1;
};

TEST_F(NodeOrdersTest, OnlyALabMayCommandAndOnlyWhereItIsAllowed) {
  const auto node = start();
  TestClient gateway(loop_, node->local(), wire::Role::kGateway);
  gateway.control(1, R"({"stats": true})");
  EXPECT_TRUE(serve_until(loop_, [&] { return gateway.is_closed; }));
  EXPECT_TRUE(gateway.controls.empty());
  settings_.lab = false;
  const auto production = start();
  TestClient lab(loop_, production->local(), wire::Role::kLab);
  EXPECT_TRUE(serve_until(loop_, [&] { return lab.is_closed; }));
  EXPECT_EQ(production->status().peers.wrong_role, 1U);
}

TEST_F(NodeOrdersTest, StatisticsTellWhatWasDone) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  ask(lab, "shop", work(2));
  ask(lab, "unknown", "");
  const json stats = json::parse(command(lab, R"({"stats": true})"));
  EXPECT_EQ(stats["completed"], 1);
  EXPECT_EQ(stats["refused"], 1);
  EXPECT_EQ(stats["waiting"], 0);
  EXPECT_EQ(stats["in_service"], 0);
  EXPECT_EQ(stats["incarnation"], node->status().incarnation);
  EXPECT_GT(stats["available_core_ns"], 0);
  EXPECT_GT(stats["bytes"], 0);
}

// Two effects of a half make a quarter: 2 ms of work take 8.
TEST_F(NodeOrdersTest, SlowDownsMultiplyAndEndOneByOne) {
  settings_.services = {{"shop", "synthetic"}};
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  const auto busy_for_2_ms = [&] {
    const double before = node->status().totals.busy_core_ns;
    ask(lab, "shop", work(2));
    return (node->status().totals.busy_core_ns - before) / 1e6;
  };
  EXPECT_NEAR(busy_for_2_ms(), 2, 1e-3);
  EXPECT_THAT(command(lab, R"({"slow": 1, "factor": 0.5})"), HasSubstr("ok"));
  EXPECT_THAT(command(lab, R"({"slow": {"effect": 2, "factor": 0.5}})"), HasSubstr("ok"));
  EXPECT_NEAR(busy_for_2_ms(), 8, 1e-3);
  command(lab, R"({"end_slow": 1})");
  EXPECT_NEAR(busy_for_2_ms(), 4, 1e-3);
  command(lab, R"({"end_slow": 2})");
  EXPECT_NEAR(busy_for_2_ms(), 2, 1e-3);
}

TEST_F(NodeOrdersTest, BadCommandsAreErrorsAndChangeNothing) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  for (const char* bad : {"",
                          "no json",
                          "[]",
                          "{}",
                          R"({"fast": 1})",
                          R"({"slow": 1})",
                          R"({"slow": -1, "factor": 1})",
                          R"({"slow": 1, "factor": -0.5})",
                          R"({"slow": {"factor": 1}})",
                          R"({"end_slow": "x"})",
                          R"({"take": "nobody"})",
                          R"({"put": "nobody"})",
                          R"({"resume": "nobody"})",
                          R"({"hold": "nobody"})",
                          R"({"retire": "nobody"})",
                          R"({"forward": "nobody", "to": "127.0.0.1:1"})",
                          R"({"forward": "cache", "to": "nowhere"})",
                          R"({"forward": "cache", "to": "127.0.0.1:1"})",
                          R"({"prepare": "cache"})",
                          R"({"offer": "cache"})",
                          R"({"offer": "cache", "weight": -1})",
                          "{\"put\": \"nobody\", \"size\": 1000}\nthe first piece",
                          R"({"piece": "cache", "offset": 9})",
                          "{\"put\": \"cache\"}\nrubbish",
                          "{\"put\": \"cache\", \"offset\": 3, \"size\": 9}\nabc"}) {
    EXPECT_TRUE(json::parse(command(lab, bad)).contains("error")) << bad;
  }
  EXPECT_EQ(ask(lab, "cache", encode_kv('P', "a", "1")).status, 201);
}

// Fetches the whole state in pieces and hands it to another node.
TEST_F(NodeOrdersTest, AnAgentsStateMovesBetweenNodes) {
  const auto from = start(), to = start();
  TestClient old_place(loop_, from->local(), wire::Role::kLab);
  TestClient new_place(loop_, to->local(), wire::Role::kLab);
  const std::string large(5'000'000, 'v');
  ASSERT_EQ(ask(old_place, "cache", encode_kv('P', "large", large)).status, 201);
  ASSERT_EQ(ask(old_place, "cache", encode_kv('P', "small", "s")).status, 201);

  const std::size_t size = json::parse(command(old_place, R"({"take": "cache"})"))["size"];
  std::string state;
  while (state.size() < size) {
    const std::string piece =
        command(old_place, json{{"piece", "cache"}, {"offset", state.size()}}.dump());
    const std::size_t line = piece.find('\n');
    ASSERT_NE(line, std::string::npos) << piece;
    state += piece.substr(line + 1);
  }
  ASSERT_EQ(state.size(), size);
  EXPECT_EQ(ask(old_place, "cache", encode_kv('G', "small", "")).body, "s") << "it serves on";

  for (std::size_t offset = 0; offset < size; offset += 3'000'000) {
    const std::string head = json{{"put", "cache"}, {"offset", offset}, {"size", size}}.dump();
    EXPECT_THAT(command(new_place, head + "\n" + state.substr(offset, 3'000'000)), HasSubstr("ok"));
  }
  EXPECT_EQ(ask(new_place, "cache", encode_kv('G', "large", "")).body, large);
  EXPECT_EQ(ask(new_place, "cache", encode_kv('G', "small", "")).body, "s");
}

TEST_F(NodeOrdersTest, RequestsToAHeldServiceWaitAndAreServedInTheirOrder) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  EXPECT_THAT(command(lab, R"({"hold": "cache"})"), HasSubstr("ok"));
  lab.request(500, "cache", encode_kv('P', "a", "1"));
  lab.request(501, "cache", encode_kv('P', "a", "2"));
  EXPECT_EQ(ask(lab, "shop", work(1)).result, AttemptResult::kOk) << "others serve on";
  EXPECT_TRUE(lab.responses.find(500) == lab.responses.end());
  EXPECT_THAT(command(lab, R"({"resume": "cache"})"), HasSubstr("ok"));
  ASSERT_TRUE(serve_until(loop_, [&] { return lab.responses.contains(501); }));
  EXPECT_EQ(lab.responses[500].status, 201);
  EXPECT_EQ(ask(lab, "cache", encode_kv('G', "a", "")).body, "2");
}

TEST_F(NodeOrdersTest, OnlySoManyRequestsWait) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  command(lab, R"({"hold": "cache"})");
  for (std::uint64_t i = 0; i <= Services::kHeldMax; ++i) {
    lab.request(10'000 + i, "cache", encode_kv('P', std::to_string(i), "v"));
  }
  ASSERT_TRUE(serve_until(loop_, [&] { return !lab.responses.empty(); }));
  EXPECT_EQ(lab.responses.begin()->first, 10'000 + Services::kHeldMax);
  EXPECT_EQ(lab.responses.begin()->second.result, AttemptResult::kQueueFull);
  command(lab, R"({"retire": "cache"})");
  ASSERT_TRUE(serve_until(loop_, [&] { return lab.responses.size() == Services::kHeldMax + 1; }));
  EXPECT_EQ(lab.responses[10'000].result, AttemptResult::kRefused);
  EXPECT_EQ(node->status().under_way, 0U);
}

TEST_F(NodeOrdersTest, AStateIsTakenWhenNothingIsInService) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  lab.request(500, "shop", work(20));
  lab.control(501, R"({"take": "shop"})");
  ASSERT_TRUE(serve_until(loop_, [&] { return lab.controls.contains(501); }));
  EXPECT_TRUE(lab.responses.contains(500));
  EXPECT_EQ(lab.responses[500].result, AttemptResult::kOk);
}

TEST_F(NodeOrdersTest, AnOperatorOrdersServicesOnStandbyAndNothingElse) {
  settings_.lab = false;
  settings_.token = "secret";
  settings_.services[1].is_standby = true;
  const auto node = start();
  TestClient stranger(loop_, node->local(), wire::Role::kOperator, "guessed");
  EXPECT_TRUE(serve_until(loop_, [&] { return stranger.is_closed; }));
  TestClient operates(loop_, node->local(), wire::Role::kOperator, "secret");
  EXPECT_THAT(command(operates, R"({"resume": "cache"})"), HasSubstr("ok"));
  EXPECT_THAT(command(operates, R"({"offer": "cache", "weight": 2})"), HasSubstr("ok"));
  EXPECT_THAT(command(operates, R"({"take": "cache", "of": "state"})"), HasSubstr("size"));
  EXPECT_THAT(command(operates, R"({"hold": "shop"})"), HasSubstr("not hosted here on standby"));
  EXPECT_THAT(command(operates, R"({"offer": "shop", "weight": 0})"), HasSubstr("on standby"));
  EXPECT_THAT(command(operates, R"({"stats": true})"), HasSubstr("unknown command"));
  EXPECT_THAT(command(operates, R"({"slow": 1, "factor": 0})"), HasSubstr("unknown command"));
  EXPECT_THAT(command(operates, "no json"), HasSubstr("unknown command"));
}

TEST_F(NodeOrdersTest, GatewaysAreToldWhatIsOffered) {
  TestGateway gateway(loop_);
  settings_.gateways = {gateway.address()};
  settings_.services[1].is_standby = true;
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  ASSERT_TRUE(serve_until(loop_, [&] { return gateway.hellos.size() == 1; }));
  const std::pair<std::string, double> shop{"shop", 1.0}, cache{"cache", 2.0};
  EXPECT_THAT(gateway.hellos[0].offers, testing::ElementsAre(shop));
  command(lab, R"({"offer": "cache", "weight": 2})");
  ASSERT_TRUE(serve_until(loop_, [&] { return gateway.hellos.size() == 2; }));
  EXPECT_THAT(gateway.hellos[1].offers, testing::ElementsAre(shop, cache));
  command(lab, R"({"offer": "shop", "weight": 0})");
  ASSERT_TRUE(serve_until(loop_, [&] { return gateway.hellos.size() == 3; }));
  EXPECT_THAT(gateway.hellos[2].offers, testing::ElementsAre(cache));
}

TEST_F(NodeOrdersTest, WhatItOffersIsToldAlsoBeforeTheGatewayHasAnswered) {
  TestGateway gateway(loop_);
  gateway.greets = false;
  settings_.gateways = {gateway.address()};
  const std::unique_ptr<Node> node = start();
  ASSERT_TRUE(serve_until(loop_, [&] { return gateway.hellos.size() == 1; }));
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  command(lab, R"({"offer": "cache", "weight": 2})");
  ASSERT_TRUE(serve_until(loop_, [&] { return gateway.hellos.size() == 2; }));
  EXPECT_THAT(gateway.hellos[1].offers, testing::Contains(std::pair("cache", 2.0)));
  gateway.greet();
  ASSERT_TRUE(serve_until(loop_, [&] { return node->status().gateways_connected == 1; }));
  EXPECT_EQ(gateway.closed, 0);
}

}  // namespace
}  // namespace phoenix::node
