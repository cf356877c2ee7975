// Traces as scenarios map them: times, classes, keys, sizes, work, intervals, repetition.
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"
#include "tests/scenarios/trace_files.h"

namespace phoenix {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::arrivals_of;
using testing::trace_scenario;

std::vector<Time> dates_of(const Scenario& scenario) {
  std::vector<Time> dates;
  for (const Arrival& arrival : arrivals_of(scenario)) dates.push_back(arrival.at);
  return dates;
}

std::vector<Time> at_ms(const std::vector<int>& ms) {
  std::vector<Time> dates;
  for (const int each : ms) dates.push_back(kStart + milliseconds(each));
  return dates;
}

TEST(TraceTimes, NumbersCountFromTheStartOfTheRun) {
  EXPECT_EQ(dates_of(trace_scenario("t.csv", "time\n0.5\n0.5\n2\n99.9999\n")),
            (std::vector<Time>{kStart + milliseconds(500), kStart + milliseconds(500),
                               kStart + seconds(2), kStart + microseconds(99'999'900)}));
}

TEST(TraceTimes, HaveAUnit) {
  Scenario scenario = trace_scenario("t.csv", "time\n0\n1500\n1500.5\n");
  scenario.workload.trace.time_unit = milliseconds(1);
  EXPECT_EQ(dates_of(scenario), (std::vector<Time>{kStart, kStart + milliseconds(1500),
                                                   kStart + microseconds(1'500'500)}));
}

TEST(TraceTimes, DatesCountFromTheFirstRow) {
  const Scenario scenario = trace_scenario(
      "t.csv",
      "time\n2023-12-31 23:59:59.9999999\n2024-01-01T00:00:01\n2024-01-01T01:00:02.25+01:00\n");
  EXPECT_EQ(dates_of(scenario), (std::vector<Time>{kStart, kStart + nanoseconds(1'000'000'100),
                                                   kStart + nanoseconds(2'250'000'100)}));
}

TEST(TraceTimes, AreScaled) {
  Scenario scenario = trace_scenario("t.csv", "time\n1\n2\n199.9\n200.1\n");
  scenario.workload.trace.time_scale = 2;
  EXPECT_EQ(dates_of(scenario), at_ms({500, 1000, 99'950}));
}

TEST(TraceTimes, PastTheEndAreNotDelivered) {
  EXPECT_EQ(dates_of(trace_scenario("t.csv", "time\n1\n99.999\n100\n101\n")),
            at_ms({1000, 99'999}));
}

TEST(TraceRequests, TakeWhatHasNoColumnFromTheScenario) {
  Scenario scenario = trace_scenario("t.csv", "time\n1\n2\n");
  scenario.services[0].classes[0].work = Distribution::constant(0.25);
  scenario.services[0].classes[0].request_bytes = Distribution::constant(700);
  scenario.workload.keys = {KeySettings::Kind::kUniform, 1, 0};
  const Arrival arrival = arrivals_of(scenario).at(1);
  EXPECT_EQ(arrival.work, 0.25);
  EXPECT_EQ(arrival.request_bytes, 700);
  EXPECT_EQ(arrival.size, 700);
  EXPECT_TRUE(arrival.has_key);
  EXPECT_EQ(arrival.key, mix64(0));
}

TEST(TraceRequests, WithoutAClassColumnGetClassesByShare) {
  std::string content = "time\n";
  for (int i = 0; i < 9000; ++i) content += "1\n";
  Scenario scenario = trace_scenario("t.csv", content);
  scenario.services[0].classes = {testing::class_of("a", 1, Distribution::constant(1)),
                                  testing::class_of("b", 2, Distribution::constant(2))};
  std::vector<double> counts(2);
  for (const Arrival& arrival : arrivals_of(scenario)) counts[index(arrival.request_class)] += 1;
  testing::expect_counts(counts, {3000, 6000});
}

TEST(TraceRequests, TakeClassKeySizeAndWorkFromTheirColumns) {
  Scenario scenario = trace_scenario("t.csv",
                                     "in,kind,time,session,out\r\n"
                                     "100,write,1,alice,7\r\n"
                                     "200,read,2,bob,0\r\n"
                                     "50.5,write,3,alice,1e1\r\n");
  scenario.services[0].classes = {testing::class_of("read", 1, Distribution::constant(9)),
                                  testing::class_of("write", 1, Distribution::constant(9))};
  TraceSettings& trace = scenario.workload.trace;
  trace.class_column = "kind";
  trace.key_column = "session";
  trace.size_column = "in";
  trace.work_base = milliseconds(5);
  trace.work_columns = {{"in", microseconds(10)}, {"out", milliseconds(1)}};
  const auto arrivals = arrivals_of(scenario);
  ASSERT_EQ(arrivals.size(), 3U);
  EXPECT_EQ(arrivals[0].request_class, ClassId{1});
  EXPECT_EQ(arrivals[1].request_class, ClassId{0});
  EXPECT_EQ(arrivals[0].key, hash_text("alice"));
  EXPECT_EQ(arrivals[1].key, hash_text("bob"));
  EXPECT_EQ(arrivals[2].key, arrivals[0].key);
  EXPECT_TRUE(arrivals[2].has_key);
  EXPECT_EQ(arrivals[2].size, 50.5);
  EXPECT_NEAR(arrivals[0].work, 0.005 + 0.001 + 0.007, 1e-12);
  EXPECT_NEAR(arrivals[1].work, 0.005 + 0.002, 1e-12);
  EXPECT_NEAR(arrivals[2].work, 0.005 + 0.000505 + 0.010, 1e-12);
}

TEST(TraceRequests, OfJsonLinesReadLikeThoseOfCsv) {
  Scenario scenario = trace_scenario("t.jsonl",
                                     "{\"time\": 1, \"in\": 100, \"key\": [0, 1, 2], \"x\": {}}\n"
                                     "\n"
                                     "{\"key\": \"[0,1,2]\", \"time\": 1.5, \"in\": \"50\"}\r\n"
                                     "{\"key\": [0, 1], \"time\": 2, \"in\": 1}");
  TraceSettings& trace = scenario.workload.trace;
  trace.key_column = "key";
  trace.work_columns = {{"in", milliseconds(1)}};
  const auto arrivals = arrivals_of(scenario);
  ASSERT_EQ(arrivals.size(), 3U);
  EXPECT_EQ(arrivals[1].at, kStart + milliseconds(1500));
  EXPECT_NEAR(arrivals[0].work, 0.1, 1e-12);
  EXPECT_NEAR(arrivals[1].work, 0.05, 1e-12);
  EXPECT_EQ(arrivals[0].key, hash_text("[0,1,2]"));
  EXPECT_EQ(arrivals[1].key, arrivals[0].key);
  EXPECT_EQ(arrivals[2].key, hash_text("[0,1]"));
}

TEST(TraceFormats, QuotedFieldsHoldCommasAndQuotes) {
  Scenario scenario = trace_scenario("t.csv",
                                     "\xEF\xBB\xBF\"time\" , \"the \"\"key\"\"\"\r\n"
                                     "\"1\",\"a, \"\"b\"\"\"\r\n"
                                     " 2 , plain \r\n"
                                     "\r\n"
                                     "3,\"\"");
  scenario.workload.trace.key_column = "the \"key\"";
  const auto arrivals = arrivals_of(scenario);
  ASSERT_EQ(arrivals.size(), 3U);
  EXPECT_EQ(arrivals[0].key, hash_text("a, \"b\""));
  EXPECT_EQ(arrivals[1].key, hash_text("plain"));
  EXPECT_EQ(arrivals[2].key, hash_text(""));
}

TEST(TraceFormats, MayBeNamedWhereTheFileDoesNot) {
  Scenario scenario = trace_scenario("t.log", "{\"time\": 1}\n");
  scenario.workload.trace.format = "jsonl";
  EXPECT_EQ(dates_of(scenario), at_ms({1000}));
}

Scenario intervals(const std::string& content) {
  Scenario scenario = trace_scenario("counts.csv", content);
  scenario.duration = minutes(10);
  TraceSettings& trace = scenario.workload.trace;
  trace.time_unit = minutes(1);
  trace.count_column = "count";
  trace.interval = minutes(1);
  return scenario;
}

TEST(TraceIntervals, HaveExactlyTheirCounts) {
  const auto arrivals = arrivals_of(intervals("time,count\n0,7\n1,0\n2,1000\n5,1\n"));
  EXPECT_EQ(testing::counts_of(arrivals, 60, 6), (std::vector<double>{7, 0, 1000, 0, 0, 1}));
}

// A Poisson process, given its count, is that many uniform times in order.
TEST(TraceIntervals, SpreadArrivalsUniformly) {
  const auto times = testing::times_of(arrivals_of(intervals("time,count\n0,0\n1,100000\n")));
  ASSERT_EQ(times.size(), 100'000U);
  testing::expect_law(times, [](double t) { return (t - 60) / 60; });
  // So the gaps are exponential but for a part in 100,000: mean 0.6 ms.
  std::vector<double> gaps;
  for (std::size_t i = 1; i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  testing::expect_law(gaps, [](double x) { return 1 - std::exp(-x / 0.0006); });
}

// Few in an interval: the smaller of two uniforms has the law 1 - (1 - x)^2.
TEST(TraceIntervals, SpreadFewArrivalsUniformlyToo) {
  std::string content = "time,count\n";
  for (int i = 0; i < 20'000; ++i) content += std::to_string(i) + ",2\n";
  Scenario scenario = intervals(content);
  scenario.duration = minutes(20'000);
  const auto times = testing::times_of(arrivals_of(scenario));
  ASSERT_EQ(times.size(), 40'000U);
  std::vector<double> smaller;
  for (std::size_t i = 0; i < times.size(); i += 2) smaller.push_back(std::fmod(times[i] / 60, 1));
  testing::expect_law(smaller, [](double x) { return 1 - (1 - x) * (1 - x); });
}

TEST(TraceIntervals, WithoutTimesFollowEachOther) {
  Scenario scenario = intervals("count\n3\n0\n5\n");
  scenario.workload.trace.time_column = "";
  EXPECT_EQ(testing::counts_of(arrivals_of(scenario), 60, 4), (std::vector<double>{3, 0, 5, 0}));
}

TEST(TraceIntervals, AreScaled) {
  Scenario scenario = intervals("time,count\n0,30\n1,40\n");
  scenario.workload.trace.time_scale = 60;
  EXPECT_EQ(testing::counts_of(arrivals_of(scenario), 1, 3), (std::vector<double>{30, 40, 0}));
}

TEST(TraceIntervals, AreCutAtTheEnd) {
  Scenario scenario = intervals("time,count\n0,100000\n1,5\n");
  scenario.duration = seconds(30);
  // Binomial with p = 1/2: standard deviation 158.
  EXPECT_NEAR(static_cast<double>(arrivals_of(scenario).size()), 50'000, 5 * 158);
}

TEST(TraceIntervals, DependOnTheSeedOnly) {
  Scenario scenario = intervals("time,count\n0,10\n1,10\n");
  const auto first = dates_of(scenario);
  EXPECT_EQ(first, dates_of(scenario));
  scenario.seed = 2;
  EXPECT_NE(first, dates_of(scenario));
}

// Gaps of 20 s and 10 s: the next round starts 15 s after the last row.
TEST(TraceRepeat, StartsOverOneMeanGapAfterTheLastRow) {
  Scenario scenario = trace_scenario("t.csv", "time\n5\n25\n35\n");
  scenario.workload.trace.repeat = true;
  EXPECT_EQ(dates_of(scenario), at_ms({5000, 25'000, 35'000, 50'000, 70'000, 80'000, 95'000}));
}

TEST(TraceRepeat, StartsOverAtTheEndOfTheLastInterval) {
  Scenario scenario = intervals("time,count\n0,4\n2,6\n");
  scenario.workload.trace.repeat = true;
  EXPECT_EQ(testing::counts_of(arrivals_of(scenario), 60, 10),
            (std::vector<double>{4, 0, 6, 4, 0, 6, 4, 0, 6, 4}));
}

TEST(TraceRepeat, OfIntervalsWithoutTimesStartsOverToo) {
  Scenario scenario = intervals("count\n4\n6\n");
  scenario.workload.trace.time_column = "";
  scenario.workload.trace.repeat = true;
  EXPECT_EQ(testing::counts_of(arrivals_of(scenario), 60, 5), (std::vector<double>{4, 6, 4, 6, 4}));
}

TEST(TraceRepeat, OfEmptyIntervalsEnds) {
  Scenario scenario = intervals("time,count\n0,0\n");
  scenario.workload.trace.repeat = true;
  EXPECT_TRUE(arrivals_of(scenario).empty());
}

TEST(TraceMemory, FilesMayBeLongerThanALineMayBe) {
  std::string content = "time\n";
  for (int i = 0; i < 300'000; ++i) content += "1.5e0\n";
  ASSERT_GT(content.size(), std::size_t{1} << 20);
  EXPECT_EQ(arrivals_of(trace_scenario("t.csv", content)).size(), 300'000U);
}

}  // namespace
}  // namespace phoenix
