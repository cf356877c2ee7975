// A gateway that reads its configuration again while it serves.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "runtime/gateway/gateway.h"
#include "tests/runtime/gateway/frame_parties.h"

namespace phoenix::gateway {
namespace {

using testing::FakeClient;
using testing::FakeNode;
using testing::serve_until;

class Reload : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& more) {
    const std::string path = (folder_ / "gateway.toml").string();
    std::ofstream(path) << "threads = 2\nhttp = \"\"\nadmin = \"\"\n" << more;
    return path;
  }
  void open(const std::string& more) {
    ParsedConfig parsed = parse_gateway_config(write(more));
    for (const Problem& one : parsed.problems) ADD_FAILURE() << one.text();
    ASSERT_TRUE(parsed.config.has_value());
    auto started = Gateway::start(loop_, std::move(*parsed.config), {});
    ASSERT_TRUE(started) << started.error();
    gateway_ = std::move(*started);
  }
  GatewayStatus status() {
    std::optional<GatewayStatus> got;
    gateway_->status([&](const GatewayStatus& now) { got = now; });
    EXPECT_TRUE(serve_until(loop_, [&] { return got.has_value(); }));
    return std::move(*got);
  }

  std::filesystem::path folder_;
  net::Loop loop_;
  std::unique_ptr<Gateway> gateway_;
};

constexpr const char* kFree = "frames = \"127.0.0.1:0\"\n";
const std::string kApi = "[[service]]\nname = \"api\"\n";

TEST_F(Reload, NoRequestIsLostWhileServicesLimitsBalancersAndKnobsChange) {
  open(kFree + kApi);
  FakeNode first(loop_, "web-1");
  FakeNode second(loop_, "web-2");
  first.announce(*gateway_->frames());
  second.announce(*gateway_->frames());
  ASSERT_TRUE(serve_until(loop_, [&] {
    std::uint64_t connections = 0;
    for (const NodeStatus& node : status().nodes) connections += node.connections;
    return connections == 8;
  }));
  FakeClient one(loop_, *gateway_->frames());
  FakeClient other(loop_, *gateway_->frames());
  const std::vector<std::string> configs = {
      kFree + kApi + "balancer = \"least_connections\"\n",
      kFree + kApi + "[router]\nmax_in_flight = 5000\n",
      kFree + std::string("[knobs]\npool_size = 1\nbatch_size = 8\n") + kApi,
      kFree + kApi + "[[service]]\nname = \"more\"\n",
      kFree + std::string("[knobs]\ncompress_above = \"1 B\"\n") + kApi};
  std::uint64_t asked = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) {
      one.ask(++asked, "a");
      other.ask(asked, "b");
    }
    write(configs[static_cast<std::size_t>(round) % configs.size()]);
    ASSERT_TRUE(gateway_->reload());
    loop_.run_until(loop_.now() + std::chrono::milliseconds(3));
  }
  ASSERT_TRUE(serve_until(
      loop_, [&] { return one.answers.size() == asked && other.answers.size() == asked; }));
  for (const auto* client : {&one, &other}) {
    for (const auto& [id, answer] : client->answers) {
      EXPECT_EQ(answer.reason, FailureReason::kNone);
      EXPECT_EQ(answer.times, 1);
    }
  }
  const GatewayStatus now = status();
  EXPECT_EQ(now.reloads, 20U);
  EXPECT_EQ(now.router.requests, 2 * asked);
  EXPECT_EQ(now.services.at(1).name, "more");
}

TEST_F(Reload, AWrongFileChangesNothingAndIsCounted) {
  open(kFree + kApi);
  const net::Address before = *gateway_->frames();
  write("frames = \"127.0.0.1:0\"\nthread = 1\n" + kApi);
  const Status reloaded = gateway_->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_NE(reloaded.error().find("thread"), std::string::npos);
  EXPECT_EQ(*gateway_->frames(), before);
  EXPECT_EQ(status().reloads_failed, 1U);
  FakeClient client(loop_, before);
  EXPECT_TRUE(client.is_welcome);
}

TEST_F(Reload, AListenerThatMovesIsOpenedBeforeTheOldOneClosesAndConnectionsStay) {
  open(kFree + kApi);
  const net::Address before = *gateway_->frames();
  FakeNode node(loop_, "web-1");
  node.announce(before);
  FakeClient old_client(loop_, before);
  write("frames = \"localhost:0\"\n" + kApi);
  ASSERT_TRUE(gateway_->reload());
  status();
  EXPECT_NE(gateway_->frames()->port, before.port);
  EXPECT_EQ(testing::dial_party(loop_, before, [](auto&, const auto&) {}), nullptr);
  FakeClient new_client(loop_, *gateway_->frames());
  EXPECT_TRUE(new_client.is_welcome);
  ASSERT_TRUE(serve_until(
      loop_, [&] { return !status().nodes.empty() && status().nodes[0].connections == 4; }));
  old_client.ask(1, "still here");
  ASSERT_TRUE(serve_until(loop_, [&] { return old_client.answers.contains(1); }));
  EXPECT_EQ(old_client.answers[1].body, "still here");
}

TEST_F(Reload, AnAddressThatIsTakenLeavesEverythingAsItWas) {
  open(kFree + kApi);
  const auto taken = net::Listener::open(loop_, {"127.0.0.1", 0}, {}, [](auto) {});
  ASSERT_TRUE(taken);
  const net::Address before = *gateway_->frames();
  write("frames = \"" + (*taken)->local().text() + "\"\n" + kApi);
  EXPECT_FALSE(gateway_->reload());
  FakeClient client(loop_, before);
  EXPECT_TRUE(client.is_welcome);
}

TEST_F(Reload, AGatewayThatDrainsReadsNothingAgain) {
  open(kFree + kApi);
  gateway_->drain([](std::size_t) {});
  write("frames = \"localhost:0\"\n" + kApi);
  const net::Address before = *gateway_->frames();
  const Status reloaded = gateway_->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error(), "found a gateway that drains; allowed before it leaves");
  EXPECT_EQ(*gateway_->frames(), before);
}

}  // namespace
}  // namespace phoenix::gateway
