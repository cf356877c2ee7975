// /status: keys that others rely on, unknowns, and buckets whose differences give windows.
#include "runtime/admin/status_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/admin/fake_gateway.h"

namespace phoenix::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(StatusJson, HasStableKeysInAStableOrder) {
  const Json status = status_json(testing::fake_status());
  EXPECT_THAT(
      keys_of(status),
      ElementsAre("name", "version", "revision", "now_s", "uptime_s", "threads", "draining",
                  "reloads", "reloads_failed", "open_requests", "services", "classes", "nodes",
                  "decisions", "router", "http", "frames", "admin", "knobs", "control", "record"));
  EXPECT_THAT(
      keys_of(status["nodes"][0]),
      ElementsAre("id", "name", "address", "protocol", "state", "ejected", "incarnation", "cores",
                  "zone", "services", "under_way", "attempts", "failures", "connections",
                  "dials_failed", "report_age_s", "cpu", "memory", "network", "queue", "in_service",
                  "completed", "refused", "busy_core_s", "network_bytes", "memory_bytes"));
  EXPECT_THAT(keys_of(status["classes"][0]),
              ElementsAre("service", "class", "offered", "answered_well", "failed", "latency"));
  EXPECT_THAT(keys_of(status["decisions"][0]),
              ElementsAre("number", "age_s", "family", "action", "subject", "value", "reason",
                          "outcome", "from", "took_s", "seen", "note"));
}

TEST(StatusJson, TellsTheNumbersOfTheGateway) {
  const Json status = status_json(testing::fake_status());
  EXPECT_EQ(status["uptime_s"], 59.0);
  EXPECT_EQ(status["classes"][1]["class"], "checkout");
  EXPECT_EQ(status["classes"][1]["answered_well"], 100);
  EXPECT_EQ(status["classes"][1]["failed"]["deadline"], 4);
  EXPECT_NEAR(status["classes"][1]["latency"]["p50_s"].get<double>(), 0.050, 0.001);
  EXPECT_EQ(status["services"][0]["balancer"], "p2c[choices=2]");
  EXPECT_EQ(status["services"][0]["nodes"], 3) << "one of them ejected and one down";
  EXPECT_EQ(status["services"][0]["healthy_nodes"], 1);
  EXPECT_EQ(status["nodes"][2]["state"], "down");
  EXPECT_EQ(status["nodes"][1]["ejected"], true);
  EXPECT_EQ(status["decisions"][0]["age_s"], 30.0);
  EXPECT_EQ(status["http"]["listener"]["open"], 5);
  EXPECT_EQ(status["frames"]["refused"]["wrong_token"], 6);
}

TEST(StatusJson, UnknownIsNull) {
  gateway::GatewayStatus now = testing::fake_status();
  now.nodes[0].reported_at = kStart;
  const Json status = status_json(now);
  EXPECT_TRUE(status["nodes"][2]["cpu"].is_null());
  EXPECT_TRUE(status["nodes"][0]["network"].is_null());
  EXPECT_TRUE(status["nodes"][0]["report_age_s"].is_null());
}

TEST(StatusJson, DifferencesOfBucketsAreTheLatenciesInBetween) {
  gateway::GatewayStatus status = testing::fake_status();
  const auto buckets = [&] {
    std::map<double, std::int64_t> counts;
    const Json json = status_json(status);
    for (const auto& bucket : json["classes"][0]["latency"]["buckets"]) {
      counts[bucket[0].get<double>()] = bucket[1].get<std::int64_t>();
    }
    return counts;
  };
  const auto before = buckets();
  for (int i = 0; i < 50; ++i) status.classes[0].latency.record(std::chrono::milliseconds(30));
  std::map<double, std::int64_t> grown;
  for (const auto& [upper, count] : buckets()) {
    const auto known = before.find(upper);
    const std::int64_t more = count - (known == before.end() ? 0 : known->second);
    if (more > 0) grown[upper] = more;
  }
  ASSERT_EQ(grown.size(), 1U);
  EXPECT_EQ(grown.begin()->second, 50);
  EXPECT_GT(grown.begin()->first, 0.030);
  EXPECT_LE(grown.begin()->first * 8 / 9, 0.030) << "as fine as the page takes them to be";
}

TEST(StatusJson, BytesThatAreNotUtf8BecomeReplacements) {
  gateway::GatewayStatus status = testing::fake_status();
  status.nodes[0].name = "web\xff";
  EXPECT_THAT(json_text(status_json(status)), HasSubstr("web\xEF\xBF\xBD"));
}

}  // namespace
}  // namespace phoenix::admin
