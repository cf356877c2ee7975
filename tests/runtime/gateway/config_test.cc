// What a gateway's file may say, and how it is told what it may not.
#include "runtime/gateway/config.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace phoenix::gateway {
namespace {

class Config : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  ParsedConfig parse(const std::string& text) {
    write("gateway.toml", text);
    return parse_gateway_config((folder_ / "gateway.toml").string());
  }
  // The only problem's text from its key on.
  std::string problem(const std::string& text) {
    const ParsedConfig parsed = parse(text);
    EXPECT_FALSE(parsed.config.has_value());
    if (parsed.problems.size() != 1) {
      std::string all;
      for (const Problem& one : parsed.problems) all += one.text() + "\n";
      return std::to_string(parsed.problems.size()) + " problems:\n" + all;
    }
    const Problem& one = parsed.problems[0];
    return std::to_string(one.line) + ": " + one.key + ": " + one.message;
  }

  std::filesystem::path folder_;
};

constexpr const char* kService = "[[service]]\nname = \"api\"\n";

TEST_F(Config, TheExampleThatIsInstalledParses) {
  const ParsedConfig parsed =
      parse_gateway_config(std::string(PHOENIX_SOURCE_DIR) + "/runtime/deploy/gateway.toml");
  for (const Problem& one : parsed.problems) ADD_FAILURE() << one.text();
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_FALSE(parsed.config->services.empty());
  EXPECT_FALSE(parsed.config->routes.empty());
}

TEST_F(Config, AGatewayIsAmongTheZonesOfAll) {
  const std::string service = kService;
  EXPECT_EQ(problem("gateway_zones = [\"a\", \"b\"]\n" + service).substr(0, 50),
            "1: gateway_zones: found a, b without this gateway'");
  EXPECT_NE(problem("zone = \"c\"\ngateway_zones = [\"a\", \"b\"]\n" + service).find("\"c\""),
            std::string::npos);
  EXPECT_TRUE(parse("zone = \"b\"\ngateway_zones = [\"a\", \"b\"]\n" + service).config.has_value());
}

TEST_F(Config, AgentsArePlacedWhereNodesSpeakFrames) {
  const std::string agents = "[service.agents]\ncount = 2\nmemory = \"1 GiB\"\n";
  const ParsedConfig parsed = parse(kService + agents);
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_TRUE(parsed.config->services[0].is_placed);
  EXPECT_EQ(parsed.config->services[0].agents.count, 2);
  EXPECT_EQ(parsed.config->services[0].agents.memory_bytes, 1024.0 * 1024 * 1024);
  const std::string http =
      "[[service]]\nname = \"web\"\nprotocol = \"http\"\n[[service.server]]\n"
      "address = \"127.0.0.1:80\"\n";
  EXPECT_EQ(problem(http + agents).substr(0, 33), "6: service.web.agents: found agen")
      << problem(http + agents);
  EXPECT_NE(problem(kService + agents + "start_time = \"1 s\"\n").find("start_time"),
            std::string::npos);
}

TEST_F(Config, OneServiceIsEnoughAndTheRestHasDefaults) {
  const ParsedConfig parsed = parse(kService);
  ASSERT_TRUE(parsed.config.has_value());
  EXPECT_EQ(parsed.config->http, "127.0.0.1:7080");
  EXPECT_EQ(parsed.config->services[0].classes.size(), 1U);
  EXPECT_EQ(parsed.config->services[0].classes[0].name, "default");
  EXPECT_EQ(parsed.config->router, RouterSettings{});
}

TEST_F(Config, EveryKeyReachesItsField) {
  write("token", "0123456789abcdef\n");
  const ParsedConfig parsed = parse(R"(
name = "edge"
threads = 3
zone = "east"
gateway_zones = ["east", "west"]
http = "127.0.0.1:0"
frames = ""
admin = "[::1]:7090"
token_file = "token"
forwarded_for = false
trust_forwarded = true
drain_grace = "5 s"
forget_node = "2 min"
max_nodes = 50
settle = "4 s"
lab = true
[http_limits]
head = "8 KiB"
body = "1 MiB"
pipelined = 4
head_timeout = "1 s"
body_timeout = "2 s"
write_timeout = "3 s"
idle_timeout = "4 s"
connections = 100
[router]
retries = 3
[knobs]
batch_size = 16
batch_delay = "100 us"
compress_above = "4 KiB"
pool_size = 4
http_pool_size = 8
socket_buffer = "64 KiB"
direct_routing = true
workers = 5
queue_length = 70
max_in_flight = 900
hibernate_idle = "10 min"
[[service]]
name = "shop"
protocol = "http"
balancer = "least_connections"
key = "header:X-User"
health_path = "/healthz"
health_interval = "500 ms"
upstream_tls = true
[[service.class]]
name = "quick"
deadline = "1 s"
attempt_timeout = "300 ms"
[[service.server]]
address = "10.0.0.1:8080"
weight = 2
zone = "west"
[[route]]
host = "*.example.org"
path = "/shop"
service = "shop"
class = "quick"
[record]
path = "/tmp/x.h5"
sample = 0.5
interval = "2 s"
rotate_after = "10 min"
keep = 3
buffer = 1000
)");
  for (const Problem& one : parsed.problems) ADD_FAILURE() << one.text();
  ASSERT_TRUE(parsed.config.has_value());
  const GatewayConfig& c = *parsed.config;
  EXPECT_EQ(c.name, "edge");
  EXPECT_EQ(c.threads, 3);
  EXPECT_EQ(c.zone, "east");
  EXPECT_EQ(c.gateway_zones, (std::vector<std::string>{"east", "west"}));
  EXPECT_EQ(c.frames, "");
  EXPECT_EQ(c.admin, "[::1]:7090");
  EXPECT_EQ(c.token, "0123456789abcdef");
  EXPECT_FALSE(c.forwarded_for);
  EXPECT_TRUE(c.trust_forwarded);
  EXPECT_EQ(c.drain_grace, std::chrono::seconds(5));
  EXPECT_EQ(c.forget_node, std::chrono::minutes(2));
  EXPECT_EQ(c.max_nodes, 50);
  EXPECT_EQ(c.settle, std::chrono::seconds(4));
  EXPECT_TRUE(c.lab);
  EXPECT_EQ(c.http_limits.head, 8192U);
  EXPECT_EQ(c.http_limits.body, 1U << 20);
  EXPECT_EQ(c.http_limits.pipelined, 4);
  EXPECT_EQ(c.http_limits.idle_timeout, std::chrono::seconds(4));
  EXPECT_EQ(c.http_limits.connections, 100U);
  EXPECT_EQ(c.router.retries, 3);
  const Knobs knobs{16,  std::chrono::microseconds(100), 4096, 4, 8, 65536, true, 5, 70,
                    900, std::chrono::minutes(10)};
  EXPECT_EQ(c.knobs, knobs);
  ASSERT_EQ(c.services.size(), 1U);
  const ServiceConfig& shop = c.services[0];
  EXPECT_EQ(shop.protocol, Protocol::kHttp);
  EXPECT_EQ(shop.balancer, "least_connections");
  EXPECT_EQ(shop.key, "header:X-User");
  EXPECT_EQ(shop.health_path, "/healthz");
  EXPECT_TRUE(shop.upstream_tls);
  EXPECT_EQ(shop.classes[0].attempt_timeout, std::chrono::milliseconds(300));
  EXPECT_EQ(shop.servers[0].address, (net::Address{"10.0.0.1", 8080}));
  EXPECT_EQ(shop.servers[0].weight, 2);
  EXPECT_EQ(c.routes[0].request_class, "quick");
  EXPECT_EQ(c.record.keep, 3);
}

TEST_F(Config, AnUnknownKeyIsToldWithTheNearestKnownOne) {
  EXPECT_EQ(problem(std::string("thread = 2\n") + kService),
            "1: thread: found an unknown key; did you mean \"threads\"?");
}

TEST_F(Config, TheRouterHasTheKeysAndBoundsOfScenarios) {
  EXPECT_EQ(problem(std::string(kService) + "[router]\nretries = 1000\n"),
            "4: router.retries: found 1000; allowed a whole number, 0 to 100");
  EXPECT_EQ(problem(std::string(kService) + "[router]\nejection_time_max = \"1 s\"\n"),
            "4: router.ejection_time_max: found 1 s; allowed at least ejection_time, 30 s");
}

TEST_F(Config, AlertsAreWrittenAsInScenarios) {
  const ParsedConfig parsed = parse(std::string(kService) + R"([[alert]]
metric = "response_time_p95"
critical = "250 ms"
for = "1 min"
)");
  ASSERT_TRUE(parsed.config.has_value());
  ASSERT_EQ(parsed.config->alerts.size(), 1U);
  EXPECT_EQ(parsed.config->alerts[0].critical, 0.25);
  EXPECT_EQ(parsed.config->alerts[0].hold, std::chrono::minutes(1));
  EXPECT_EQ(problem(std::string(kService) + "[[alert]]\nmetric = \"response_time_p95\"\n"),
            "4: alert[0].metric: alert response_time_p95: needs warning, critical or both");
}

TEST_F(Config, ABalancerThatIsNoneIsToldWithThoseThatAre) {
  const std::string told = problem(std::string(kService) + "balancer = \"p2x\"\n");
  EXPECT_TRUE(told.starts_with("3: service.api.balancer: ")) << told;
  EXPECT_NE(told.find("p2c"), std::string::npos) << told;
}

TEST_F(Config, ARouteToNowhereIsToldWithTheServicesThereAre) {
  const std::string told = problem(std::string(kService) + "[[route]]\nservice = \"apo\"\n");
  EXPECT_EQ(told, "4: route[0].service: found \"apo\"; allowed api; did you mean \"api\"?");
}

TEST_F(Config, ARouteNamesAClassOfItsService) {
  const std::string told =
      problem(std::string(kService) + "[[route]]\nservice = \"api\"\nclass = \"slow\"\n");
  EXPECT_EQ(told, "5: route[0].class: found \"slow\"; allowed default");
}

TEST_F(Config, APathIsOneThatARequestCanName) {
  for (const char* bad : {"/a b", "a", "", "/a\\r\\nX: 1"}) {
    const std::string told =
        problem("[[service]]\nname = \"api\"\nprotocol = \"http\"\nhealth_path = \"" +
                std::string(bad) + "\"\n[[service.server]]\naddress = \"127.0.0.1:80\"\n");
    EXPECT_NE(told.find("health_path: found \""), std::string::npos) << told;
    EXPECT_NE(told.find("allowed a path that begins with /"), std::string::npos) << told;
  }
}

TEST_F(Config, TwoRoutesMayNotMatchTheSame) {
  const std::string route = "[[route]]\nservice = \"api\"\npath = \"/a\"\n";
  const std::string told = problem(std::string(kService) + route + route);
  EXPECT_NE(told.find("the same host and path as route[0]"), std::string::npos) << told;
}

TEST_F(Config, AListenerThatOthersCanReachNeedsTlsAndATokenOrAnExplicitWord) {
  const std::string open = "http = \"0.0.0.0:7080\"\n";
  const std::string told = problem(open + kService);
  EXPECT_TRUE(told.starts_with("1: http: found \"0.0.0.0:7080\", which others can reach")) << told;
  EXPECT_TRUE(parse(open + "allow_public = true\n" + kService).config.has_value());
  write("token", "0123456789abcdef");
  EXPECT_FALSE(parse(open + "token_file = \"token\"\n" + kService).config.has_value());
  write("cert.pem", "x");
  const std::string guarded = open + "token_file = \"token\"\n" + kService +
                              "[tls]\ncertificate = \"cert.pem\"\nkey = \"cert.pem\"\n";
  EXPECT_TRUE(parse(guarded).config.has_value());
}

TEST_F(Config, ATokenIsReadWithoutTheLineEndAndMustBeLongEnough) {
  write("token", "short\n");
  EXPECT_EQ(problem(std::string("token_file = \"token\"\n") + kService),
            "1: token_file: found a token of 5 characters; allowed 8 to 255");
  EXPECT_NE(problem(std::string("token_file = \"nothing\"\n") + kService).find("no readable file"),
            std::string::npos);
}

TEST_F(Config, HttpServicesNeedServersAndOthersHaveNone) {
  EXPECT_NE(problem(std::string(kService) + "protocol = \"http\"\n").find("at least one"),
            std::string::npos);
  EXPECT_NE(problem(std::string(kService) + "[[service.server]]\naddress = \"127.0.0.1:1\"\n")
                .find("announce themselves"),
            std::string::npos);
}

TEST_F(Config, ALabNeedsAToken) {
  EXPECT_TRUE(problem(std::string("lab = true\n") + kService).starts_with("1: lab: found true"));
}

TEST_F(Config, AnAddressThatIsNoneIsRefused) {
  EXPECT_TRUE(
      problem(std::string("http = \"127.0.0.1:port\"\n") + kService).starts_with("1: http: found"));
}

TEST_F(Config, EverythingWrongIsToldAtOnceInTheOrderOfTheFile) {
  const ParsedConfig parsed = parse("threads = -1\nmax_nodes = 0\n[knobs]\npool_size = 0\n");
  ASSERT_EQ(parsed.problems.size(), 4U);
  EXPECT_EQ(parsed.problems[0].key, "service");
  EXPECT_EQ(parsed.problems[1].key, "threads");
  EXPECT_EQ(parsed.problems[2].key, "max_nodes");
  EXPECT_EQ(parsed.problems[3].key, "knobs.pool_size");
  EXPECT_EQ(parsed.problems[3].line, 4);
  EXPECT_EQ(parsed.problems[3].column, 13);
}

TEST_F(Config, WhatIsNoTomlIsToldWithItsPlace) {
  const ParsedConfig parsed = parse("name = \n");
  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_EQ(parsed.problems[0].line, 1);
}

TEST_F(Config, AFileThatIsNotThereIsToldByName) {
  const ParsedConfig parsed = parse_gateway_config((folder_ / "none.toml").string());
  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_NE(parsed.problems[0].text().find("none.toml"), std::string::npos);
  EXPECT_NE(parsed.problems[0].text().find("No such file"), std::string::npos);
}

TEST_F(Config, KnobsSetAtRunTimeHaveTheBoundsOfTheFile) {
  EXPECT_TRUE(check_knobs(Knobs{}));
  Knobs knobs;
  knobs.batch_size = 0;
  const Status checked = check_knobs(knobs);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error(), "batch_size: found 0; allowed 1 to 4096");
}

}  // namespace
}  // namespace phoenix::gateway
