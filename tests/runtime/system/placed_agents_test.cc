// Agents that a gateway places on real nodes: they serve, move with their state when their node
// drains, stay where they are when the gateway is restarted, and live on elsewhere when a node
// dies.
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

constexpr const char* kToken = "open sesame";
constexpr const char* kConfig = R"toml(
token_file = "token"
settle = "4 s"
[control]
collect_interval = "50 ms"
[strategies]
placer = "worst_fit"
[[service]]
name = "cache"
[service.agents]
count = 1
cores = 0.5
memory = "64 MiB"
[[service]]
name = "words"
[service.agents]
count = 2
cores = 0.5
memory = "64 MiB"
one_per_node = true
[[route]]
path = "/cache"
service = "cache"
[[route]]
path = "/words"
service = "words"
)toml";

class PlacedAgents : public testing::Test {
 protected:
  PlacedAgents() : frames_("127.0.0.1:" + std::to_string(free_port())) {
    folder_.write("token", kToken);
    start_gateway();
    for (const char* name : {"a", "b", "c"}) {
      add(name, {"--standby", "cache=kv", "--standby", "words=echo", "--cores", "2"});
    }
  }

  void start_gateway() { gateway_ = std::make_unique<Gateway>(folder_, kConfig, false, frames_); }
  void add(const std::string& name, std::vector<std::string> options) {
    options.insert(options.end(), {"--gateway", frames_, "--token-file", folder_.file("token"),
                                   "--memory", "1GiB"});
    nodes_[name] = std::make_unique<Node>(folder_, name, options);
  }
  // Where a service is offered, in order.
  std::vector<std::string> hosts(const std::string& service) const {
    std::vector<std::string> found;
    const Json status = gateway_->status();
    if (!status.is_object()) return found;
    for (const Json& node : status["nodes"]) {
      const Json& services = node["services"];
      const bool offers = std::find(services.begin(), services.end(), service) != services.end();
      if (offers && node["state"] == "up") found.push_back(node["name"]);
    }
    return found;
  }
  bool await_placed() const {
    return await([&] { return hosts("cache").size() == 1 && hosts("words").size() == 2; });
  }
  std::vector<std::string> reasons(const std::string& action) const {
    std::vector<std::string> found;
    const Json status = gateway_->status();
    for (const Json& decision : status["decisions"]) {
      if (decision["action"] == action && decision["outcome"] == "done") {
        found.push_back(decision["reason"]);
      }
    }
    return found;
  }
  int ask(const net::Address& to, const std::string& method, const std::string& target,
          const std::string& body) {
    const RawAnswer answer =
        RawClient(to).ask(method + " " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" +
                          "Authorization: Bearer " + kToken +
                          "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    said_ = answer.body;
    return answer.status;
  }
  bool await_value(const std::string& value) {
    return await(
        [&] { return ask(gateway_->http(), "GET", "/cache/key", "") == 200 && said_ == value; });
  }

  TempFolder folder_;
  std::string frames_;
  std::string said_;
  std::unique_ptr<Gateway> gateway_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
};

TEST_F(PlacedAgents, KeepTheirStateWhateverHappensButTheDeathOfTheirNode) {
  add("plain", {"--service", "other=echo"});
  ASSERT_TRUE(await_placed()) << gateway_->log();
  ASSERT_TRUE(await([&] { return ask(gateway_->http(), "PUT", "/cache/key", "value") == 201; }));
  EXPECT_TRUE(await([&] { return ask(gateway_->http(), "POST", "/words", "hi") == 200; }));
  EXPECT_THAT(reasons("place_agent"), testing::SizeIs(3));
  const Json placement = gateway_->status()["control"]["placement"];
  EXPECT_EQ(placement["total_agents"], 3);
  EXPECT_EQ(placement["waiting_agents"], 0);
  EXPECT_NEAR(placement["resource_utilization"]["cpu"].get<double>(), 1.5 / 8, 0.2);

  const std::string first = hosts("cache")[0];
  EXPECT_EQ(ask(gateway_->admin(), "PUT", "/nodes/" + first, R"({"state": "draining"})"), 200);
  ASSERT_TRUE(await([&] { return hosts("cache").size() == 1 && hosts("cache")[0] != first; }));
  EXPECT_TRUE(await_value("value")) << said_;
  ASSERT_TRUE(await([&] { return !reasons("migrate_agent").empty(); }));
  EXPECT_THAT(reasons("migrate_agent")[0], testing::HasSubstr("node " + first + " drains"));
  EXPECT_EQ(ask(gateway_->admin(), "PUT", "/nodes/" + first, R"({"state": "up"})"), 200);

  const std::string second = hosts("cache")[0];
  gateway_->process().signal(SIGTERM);
  gateway_->process().await_end();
  start_gateway();
  ASSERT_TRUE(await_placed()) << gateway_->log();
  ASSERT_TRUE(await([&] { return reasons("place_agent").size() == 3; })) << gateway_->log();
  EXPECT_THAT(reasons("place_agent"), testing::Each("runs there already"));
  EXPECT_EQ(hosts("cache")[0], second);
  EXPECT_TRUE(await_value("value")) << said_;

  nodes_[second]->process().kill();
  ASSERT_TRUE(await([&] { return hosts("cache").size() == 1 && hosts("cache")[0] != second; }));
  EXPECT_TRUE(await([&] { return ask(gateway_->http(), "GET", "/cache/key", "") == 404; }));
  EXPECT_TRUE(await([&] { return hosts("words").size() == 2; }));
  for (const char* service : {"cache", "words"}) {
    EXPECT_THAT(hosts(service), testing::Not(testing::Contains("plain")));
  }
}

// What ran on it has been started elsewhere meanwhile: there are not two of it.
TEST_F(PlacedAgents, ANodeThatComesBackHasLostItsAgents) {
  ASSERT_TRUE(await_placed()) << gateway_->log();
  const std::string first = hosts("cache")[0];
  nodes_[first]->restart();
  ASSERT_TRUE(await([&] { return reasons("place_agent").size() >= 4; })) << gateway_->log();
  ASSERT_TRUE(await_placed()) << gateway_->log();
  EXPECT_TRUE(await([&] { return ask(gateway_->http(), "PUT", "/cache/key", "again") == 201; }));
  EXPECT_TRUE(await_value("again"));
}

}  // namespace
}  // namespace phoenix::system_test
