// Published traces replay whole. They are not part of the project: where they lie beside it, they
// are read; elsewhere these tests are skipped.
#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"
#include "tests/scenarios/workloads.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::arrivals_of;

Scenario replay(const std::string& file) {
  Scenario scenario = testing::plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kTrace;
  scenario.workload.trace.file = std::string(PHOENIX_SOURCE_DIR) + "/../shared/data/" + file;
  return scenario;
}

bool is_there(const Scenario& scenario) {
  return std::filesystem::exists(scenario.workload.trace.file);
}

#define SKIP_WITHOUT(scenario) \
  if (!is_there(scenario)) GTEST_SKIP() << "no " << (scenario).workload.trace.file

// 19,366 requests, on average 1,155 tokens in and 211 out, from 18:15:46.68 to 19:14:08.
TEST(PublishedTrace, AzureConversationsWithWorkLinearInTokens) {
  Scenario scenario = replay("azure-llm-2023/AzureLLMInferenceTrace_conv.csv");
  SKIP_WITHOUT(scenario);
  scenario.duration = hours(1);
  TraceSettings& trace = scenario.workload.trace;
  trace.time_column = "TIMESTAMP";
  trace.size_column = "ContextTokens";
  trace.work_base = milliseconds(20);
  trace.work_columns = {{"ContextTokens", microseconds(100)},
                        {"GeneratedTokens", milliseconds(10)}};
  double in = 0;
  double out = 0;
  const auto arrivals = arrivals_of(scenario);
  for (const Arrival& arrival : arrivals) {
    in += arrival.size;
    out += (arrival.work - 0.020 - 1e-4 * arrival.size) / 0.010;
  }
  ASSERT_EQ(arrivals.size(), 19'366U);
  const double n = 19'366;
  EXPECT_EQ(std::lround(in / n), 1155);
  EXPECT_EQ(std::lround(out / n), 211);
  EXPECT_EQ(arrivals.front().at, kStart);
  EXPECT_EQ(arrivals.front().size, 374);
  EXPECT_NEAR(arrivals.front().work, 0.020 + 0.0374 + 0.44, 1e-12);
  // The second row is at 18:15:50.9951690.
  EXPECT_EQ(arrivals[1].at, kStart + std::chrono::nanoseconds(4'314'579'000));
  EXPECT_NEAR(to_seconds(arrivals.back().at), 3501.5, 1);
}

// 5,719 requests in the first half hour, keyed by the prefix blocks they share.
TEST(PublishedTrace, MooncakeConversationsWithKeys) {
  Scenario scenario = replay("mooncake/conversation_trace_first_half.jsonl");
  SKIP_WITHOUT(scenario);
  scenario.duration = minutes(30);
  TraceSettings& trace = scenario.workload.trace;
  trace.time_column = "timestamp";
  trace.time_unit = milliseconds(1);
  trace.key_column = "hash_ids";
  trace.size_column = "input_length";
  trace.work_columns = {{"input_length", microseconds(100)}, {"output_length", milliseconds(10)}};
  const auto arrivals = arrivals_of(scenario);
  ASSERT_EQ(arrivals.size(), 5'719U);
  EXPECT_EQ(arrivals[0].size, 6758);
  EXPECT_NEAR(arrivals[0].work, 0.6758 + 5.0, 1e-9);
  EXPECT_EQ(arrivals[0].key, hash_text("[0,1,2,3,4,5,6,7,8,9,10,11,12,13]"));
  std::set<std::uint64_t> keys;
  for (const Arrival& arrival : arrivals) {
    ASSERT_TRUE(arrival.has_key);
    keys.insert(arrival.key);
  }
  EXPECT_GT(keys.size(), 1'000U);
}

Scenario per_minute(const std::string& file) {
  Scenario scenario = replay(file);
  TraceSettings& trace = scenario.workload.trace;
  trace.time_column = "minute";
  trace.time_unit = minutes(1);
  trace.count_column = "count";
  trace.interval = minutes(1);
  return scenario;
}

// The month's published total less the minute that the log breaks off in: 1,891,713 - 41.
TEST(PublishedTrace, NasaMonthInAboutSevenMinutes) {
  Scenario scenario = per_minute("nasa-http/nasa_http_1995_07_per_minute.csv");
  SKIP_WITHOUT(scenario);
  scenario.workload.trace.time_scale = 6000;  // a minute in 10 ms
  scenario.duration = milliseconds(10) * 39'692 + milliseconds(1);
  const auto arrivals = arrivals_of(scenario);
  EXPECT_EQ(arrivals.size(), 1'891'672U);
  // The first rows: 42, 61, 57, 71.
  EXPECT_EQ(testing::counts_of(arrivals, 0.01, 4), (std::vector<double>{42, 61, 57, 71}));
}

// The first two days of the World Cup log at 3,600 times their speed.
TEST(PublishedTrace, WorldCupDaysInSeconds) {
  Scenario scenario = per_minute("worldcup98/worldcup98_per_minute.csv");
  SKIP_WITHOUT(scenario);
  scenario.workload.trace.time_scale = 3600;
  scenario.duration = std::chrono::seconds(48);
  const auto arrivals = arrivals_of(scenario);
  EXPECT_EQ(arrivals.size(), 1'934'796U);
  // The first minute has 2 requests, the second 11, the third 16.
  EXPECT_EQ(testing::counts_of(arrivals, 1.0 / 60, 3), (std::vector<double>{2, 11, 16}));
}

}  // namespace
}  // namespace phoenix
