// A gateway that scales real nodes: by an operator's word, by its own policies, and when one dies.
#include "tests/runtime/system/cluster.h"

namespace phoenix::system_test {
namespace {

using testing::HasSubstr;

constexpr const char* kToken = "open sesame";

class ControlledGateway : public testing::Test {
 protected:
  std::unique_ptr<Gateway> start(const std::string& more) {
    folder_.write("token", kToken);
    return std::make_unique<Gateway>(folder_, R"toml(
token_file = "token"
[control]
collect_interval = "50 ms"
scaling_interval = "100 ms"
drain_grace = "5 s"
[[service]]
name = "shop"
[[route]]
path = "/"
service = "shop"
)toml" + more);
  }
  static std::string by_process(int minimum, int maximum) {
    return "[provision]\nby = \"process\"\ngroup = \"web\"\nminimum = " + std::to_string(minimum) +
           "\nmaximum = " + std::to_string(maximum) +
           "\narguments = [\"--service\", \"shop=synthetic\", \"--report-interval\", \"50ms\"]\n";
  }
  // The answer's status; its body is kept.
  int call(const Gateway& gateway, const std::string& name, const std::string& body) {
    const RawAnswer answer =
        RawClient(gateway.admin())
            .ask("POST /control/" + name +
                 " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                 "Authorization: Bearer " +
                 kToken + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    said_ = answer.body;
    return answer.status;
  }
  static std::vector<std::string> nodes_up(const Gateway& gateway) {
    std::vector<std::string> up;
    const Json status = gateway.status();
    if (!status.is_object()) return up;
    for (const Json& node : status["nodes"]) {
      if (node["state"] == "up" && node["connections"] > 0) up.push_back(node["name"]);
    }
    return up;
  }
  static bool await_up(const Gateway& gateway, std::size_t count) {
    return await([&] { return nodes_up(gateway).size() == count; });
  }
  static std::vector<Json> decisions(const Gateway& gateway, const std::string& action) {
    std::vector<Json> found;
    const Json status = gateway.status();
    for (const Json& decision : status["decisions"]) {
      if (decision["action"] == action) found.push_back(decision);
    }
    return found;
  }

  TempFolder folder_;
  std::string said_;
};

TEST_F(ControlledGateway, ScalesProcessesAsAnOperatorAsks) {
  const auto gateway = start(by_process(1, 4));
  ASSERT_TRUE(await_up(*gateway, 1)) << gateway->log();
  EXPECT_THAT(nodes_up(*gateway), testing::ElementsAre("web-0"));

  ASSERT_EQ(call(*gateway, "scale_to", R"({"nodes": 3})"), 200) << said_;
  ASSERT_TRUE(await_up(*gateway, 3)) << gateway->log();
  ASSERT_TRUE(await([&] { return decisions(*gateway, "scale_out").size() >= 2; }));
  const Json out = decisions(*gateway, "scale_out").back();
  EXPECT_EQ(out["outcome"], "done");
  EXPECT_EQ(out["from"], 1);
  EXPECT_EQ(out["value"], 3);
  EXPECT_GT(out["took_s"], 0);
  EXPECT_THAT(out["reason"].get<std::string>(), HasSubstr("manual"));

  const Json pool = gateway->status()["control"]["scaling"][0];
  EXPECT_EQ(pool["pool"], "web");
  EXPECT_EQ(pool["current_capacity"], 3);
  EXPECT_EQ(pool["target_capacity"], 3);
  EXPECT_FALSE(pool["recent_scaling_events"].empty());

  ASSERT_EQ(call(*gateway, "scale_to", R"({"nodes": 1, "group": "web"})"), 200) << said_;
  ASSERT_TRUE(await_up(*gateway, 1)) << gateway->log();
  ASSERT_TRUE(await([&] { return decisions(*gateway, "scale_in").size() == 2; }));
  EXPECT_EQ(decisions(*gateway, "scale_in")[0]["outcome"], "done");

  EXPECT_EQ(call(*gateway, "scale_to", R"({"nodes": 9})"), 400);
  EXPECT_THAT(said_, HasSubstr("4"));
  EXPECT_EQ(call(*gateway, "scale_to", R"({"nodes": 2.5})"), 400);
  EXPECT_EQ(call(*gateway, "event", R"({"name": ""})"), 400) << said_;
}

TEST_F(ControlledGateway, TargetsPoliciesAndKnobsChangeWhileItServes) {
  const auto gateway = start(by_process(1, 2));
  ASSERT_TRUE(await_up(*gateway, 1)) << gateway->log();
  ASSERT_EQ(call(*gateway, "update_targets", R"({"response_time_p95": "40 ms"})"), 200) << said_;
  EXPECT_EQ(call(*gateway, "update_targets", R"({"response_time_p95": "30 ms", "beauty": 1})"),
            400);
  EXPECT_THAT(said_, HasSubstr("beauty"));
  const Json targets = gateway->status()["control"]["performance"]["target_compliance"]["targets"];
  double p95 = 0;
  for (const Json& target : targets) {
    if (target["name"].get<std::string>().find("response_time_p95") != std::string::npos) {
      p95 = target["target"];
    }
  }
  EXPECT_DOUBLE_EQ(p95, 0.04) << "nothing of a call that is refused has changed";

  const std::string policy =
      R"({"name": "rush", "policy": "threshold[metric=cluster_memory_avg]"})";
  EXPECT_EQ(call(*gateway, "add_policy", policy), 200) << said_;
  EXPECT_EQ(call(*gateway, "add_policy", policy), 400) << "the name is taken";
  EXPECT_EQ(call(*gateway, "remove_policy", R"({"name": "rush"})"), 200) << said_;
  EXPECT_EQ(call(*gateway, "remove_policy", R"({"name": "nobody's"})"), 400);
  EXPECT_EQ(call(*gateway, "add_policy", R"({"name": "bad", "policy": "wishful"})"), 400);

  EXPECT_EQ(call(*gateway, "set_knob", R"({"knob": "batch_size", "value": 8})"), 200) << said_;
  EXPECT_TRUE(await([&] { return gateway->status("/knobs/batch_size") == 8; }));
  EXPECT_EQ(call(*gateway, "set_knob", R"({"knob": "workers", "value": 3})"), 200) << said_;
  EXPECT_TRUE(await([&] { return gateway->status("/knobs/workers") == 3; }));
  EXPECT_EQ(call(*gateway, "set_knob", R"({"knob": "volume", "value": 11})"), 400);
  EXPECT_EQ(call(*gateway, "optimize_now", ""), 200) << said_;
  EXPECT_EQ(call(*gateway, "evaluate_scaling", ""), 200) << said_;
}

TEST_F(ControlledGateway, ANodeThatDiesIsReplaced) {
  const auto gateway = start(by_process(2, 3));
  ASSERT_TRUE(await_up(*gateway, 2)) << gateway->log();
  const auto incarnation = [&] {
    const Json status = gateway->status();
    for (const Json& node : status["nodes"]) {
      if (node["name"] == "web-1") return node["incarnation"].get<std::uint64_t>();
    }
    return std::uint64_t{0};
  };
  const std::uint64_t before = incarnation();
  const auto names = nodes_up(*gateway);
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string line = contents(entry.path() / "cmdline");
    if (line.find("phoenix-node") == std::string::npos) continue;
    if (line.find(std::string("web-1") + '\0') == std::string::npos) continue;
    if (line.find(gateway->frames().text()) == std::string::npos) continue;
    ::kill(std::stoi(entry.path().filename()), SIGKILL);
  }
  // By another start of it, or by another of the group.
  EXPECT_TRUE(await([&] {
    const auto now = nodes_up(*gateway);
    return now.size() == 2 && (now != names || incarnation() != before);
  })) << gateway->log();
}

// Ends what an engine has started, and the gateway cannot.
struct EnginesNodes {
  const TempFolder& folder;
  ~EnginesNodes() {
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      if (!entry.path().filename().string().starts_with("pid.")) continue;
      ::kill(std::stoi(contents(entry.path())), SIGKILL);
    }
  }
};

// The engine is a script that starts and ends processes of this machine.
TEST_F(ControlledGateway, ACommandOfOnesOwnStartsAndStopsNodes) {
  const EnginesNodes nodes{folder_};
  const std::string engine = folder_.file("engine");
  folder_.write(
      "engine",
      std::string("#!/bin/sh\ncd ") + folder_.path() + R"sh(
echo "$PHOENIX_ACTION $PHOENIX_NODE" >> calls
case $PHOENIX_ACTION in
start)
  [ -e "pid.$PHOENIX_NODE" ] && exit 0
  setsid )sh" +
          PHOENIX_NODE +
          R"sh( --name "$PHOENIX_NODE" --listen 127.0.0.1:0 --gateway "$PHOENIX_GATEWAYS" \
    --token-file "$PHOENIX_TOKEN_FILE" --service shop=synthetic --report-interval 50ms \
    > /dev/null 2> "log.$PHOENIX_NODE" < /dev/null &
  echo $! > "pid.$PHOENIX_NODE" ;;
stop)
  kill "$(cat "pid.$PHOENIX_NODE")" && rm "pid.$PHOENIX_NODE"
  exit 0 ;;
esac
)sh");
  std::filesystem::permissions(engine, std::filesystem::perms::owner_all);
  const auto gateway = start(
      "[provision]\nby = \"command\"\ngroup = \"web\"\nminimum = 1\nmaximum = 3\ncommand = [\"" +
      engine + "\"]\n");
  // Ten seconds pass first, in which nodes of an earlier life of the gateway may announce
  // themselves.
  ASSERT_TRUE(await([&] { return nodes_up(*gateway).size() == 1; }, std::chrono::seconds(30)))
      << gateway->log() << contents(folder_.file("calls"));
  ASSERT_EQ(call(*gateway, "scale_to", R"({"nodes": 3})"), 200) << said_;
  ASSERT_TRUE(await_up(*gateway, 3)) << gateway->log() << contents(folder_.file("calls"));
  ASSERT_EQ(call(*gateway, "scale_to", R"({"nodes": 1})"), 200) << said_;
  ASSERT_TRUE(await_up(*gateway, 1)) << gateway->log() << contents(folder_.file("calls"));
  ASSERT_TRUE(await([&] { return decisions(*gateway, "scale_in").size() == 2; }));
  for (const Json& in : decisions(*gateway, "scale_in")) {
    EXPECT_EQ(in["outcome"], "done");
    EXPECT_THAT(in["subject"].get<std::string>(), testing::StartsWith("web-"));
  }
  const std::string calls = contents(folder_.file("calls"));
  EXPECT_EQ(std::ranges::count(calls, '\n'), 5) << calls;
}

TEST_F(ControlledGateway, WithoutAControlPlaneCallsSaySo) {
  const auto gateway = start("");
  EXPECT_EQ(call(*gateway, "scale_to", R"({"nodes": 2})"), 400);
  EXPECT_THAT(said_, HasSubstr("no control plane"));
  EXPECT_TRUE(gateway->status()["control"].is_null());
}

}  // namespace
}  // namespace phoenix::system_test
