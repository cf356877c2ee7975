// What a lab may do to a node, and that nobody else may: faults, statistics, and moving an agent's
// state from one node to another.
#include "runtime/node/lab_control.h"

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

class LabControlTest : public ::testing::Test {
 protected:
  LabControlTest() {
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

TEST_F(LabControlTest, OnlyALabMayCommandAndOnlyWhereItIsAllowed) {
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

TEST_F(LabControlTest, StatisticsTellWhatWasDone) {
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
TEST_F(LabControlTest, SlowDownsMultiplyAndEndOneByOne) {
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

TEST_F(LabControlTest, BadCommandsAreErrorsAndChangeNothing) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  for (const char* bad :
       {"", "no json", "[]", "{}", R"({"fast": 1})", R"({"slow": 1})",
        R"({"slow": -1, "factor": 1})", R"({"slow": 1, "factor": -0.5})",
        R"({"slow": {"factor": 1}})", R"({"end_slow": "x"})", R"({"snapshot": "nobody"})",
        R"({"restore": "nobody"})", R"({"resume": "nobody"})",
        "{\"restore\": \"nobody\", \"size\": 1000}\nthe first piece",
        R"({"snapshot": "cache", "offset": 9})", "{\"restore\": \"cache\"}\nrubbish",
        "{\"restore\": \"cache\", \"offset\": 3, \"size\": 9}\nabc"}) {
    EXPECT_TRUE(json::parse(command(lab, bad)).contains("error")) << bad;
  }
  EXPECT_EQ(ask(lab, "cache", encode_kv('P', "a", "1")).status, 201);
}

// Fetches the whole state in pieces and hands it to another node: what was put is there, and while
// the move lasts the old place refuses.
TEST_F(LabControlTest, AnAgentsStateMovesBetweenNodes) {
  const auto from = start(), to = start();
  TestClient old_place(loop_, from->local(), wire::Role::kLab);
  TestClient new_place(loop_, to->local(), wire::Role::kLab);
  const std::string large(5'000'000, 'v');
  ASSERT_EQ(ask(old_place, "cache", encode_kv('P', "large", large)).status, 201);
  ASSERT_EQ(ask(old_place, "cache", encode_kv('P', "small", "s")).status, 201);

  std::string state;
  std::size_t size = 1;
  while (state.size() < size) {
    const std::string piece =
        command(old_place, json{{"snapshot", "cache"}, {"offset", state.size()}}.dump());
    const std::size_t line = piece.find('\n');
    ASSERT_NE(line, std::string::npos) << piece;
    size = json::parse(piece.substr(0, line))["size"];
    state += piece.substr(line + 1);
  }
  ASSERT_EQ(state.size(), size);
  EXPECT_EQ(ask(old_place, "cache", encode_kv('G', "small", "")).result, AttemptResult::kRefused);

  for (std::size_t offset = 0; offset < size; offset += 3'000'000) {
    const std::string head = json{{"restore", "cache"}, {"offset", offset}, {"size", size}}.dump();
    EXPECT_THAT(command(new_place, head + "\n" + state.substr(offset, 3'000'000)), HasSubstr("ok"));
  }
  EXPECT_EQ(ask(new_place, "cache", encode_kv('G', "large", "")).body, large);
  EXPECT_EQ(ask(new_place, "cache", encode_kv('G', "small", "")).body, "s");
}

TEST_F(LabControlTest, AMoveCalledOffServesAgain) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  command(lab, R"({"snapshot": "cache"})");
  EXPECT_EQ(ask(lab, "cache", encode_kv('G', "a", "")).result, AttemptResult::kRefused);
  command(lab, R"({"resume": "cache"})");
  EXPECT_EQ(ask(lab, "cache", encode_kv('G', "a", "")).status, 404);
}

TEST_F(LabControlTest, ASnapshotWaitsForWhatIsUnderWay) {
  const auto node = start();
  TestClient lab(loop_, node->local(), wire::Role::kLab);
  lab.request(500, "shop", work(20));
  lab.control(501, R"({"snapshot": "shop"})");
  ASSERT_TRUE(serve_until(loop_, [&] { return lab.controls.contains(501); }));
  EXPECT_TRUE(lab.responses.contains(500));
  EXPECT_EQ(lab.responses[500].result, AttemptResult::kOk);
}

}  // namespace
}  // namespace phoenix::node
