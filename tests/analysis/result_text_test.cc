#include "analysis/result_text.h"

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/scenarios/fixed_summary.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

constexpr const char* kGolden =
    R"(flash_crowd  simulated  seed 7  120 s, measured the last 110 s
balancer p2c[choices=2]

Requests        offered  completed  failed  in flight  throughput  availability
checkout        248,000    246,093   1,900          7    2,237 /s      99.234 %
  queue_full                           300
  deadline                           1,600
browse          992,000    991,993       0          7    9,018 /s     100.000 %
total         1,240,000  1,238,086   1,900         14   11,255 /s      99.847 %
  queue_full                           300
  deadline                           1,600

Response time     mean      p50      p90      p95     p99   p99.9     max
checkout       12.4 ms  9.87 ms  25.1 ms  43.3 ms  110 ms  1.00 s  1.25 s
browse         12.4 ms  9.87 ms  25.1 ms  43.3 ms  110 ms  1.00 s  1.25 s
total          12.4 ms  9.87 ms  25.1 ms  43.3 ms  110 ms  1.00 s  1.25 s

Node groups  nodes  utilization  share of requests  node-hours    cost
new              8       74.2 %             80.1 %       0.267  0.0453
old              4       30.0 %             19.9 %       0.133       0
total           12                                       0.400  0.0453

Routing, whole run   attempts  retries  denied  late answers  lost  ejections  panic picks
                    1,241,000    1,000      12             3     4          5            6

Targets                  current     target  compliance
response_time_p95        43.3 ms    50.0 ms     100.0 %  met
throughput             11,255 /s  10,000 /s     100.0 %  met
availability            99.847 %   99.900 %      99.9 %  short
utilization               52.0 %     75.0 %      69.3 %  spare capacity
scaling_response_time          -     30.0 s           -  not known
mean compliance 99.9 %, lowest 99.9 % in availability

Faults  kind           target   begin     end  affected  outcome
crash   crash_restart  node:3  70.0 s  80.0 s     1,234  ended
zone    zone_outage    zone:a   100 s       -         0  under way

wall time 812 ms, 1,526,530 simulated requests per second
events 9,876,543, digest fedcba9876543210
)";

std::string without_colour(std::string text) {
  for (std::size_t at = 0; (at = text.find('\x1b')) != std::string::npos;) {
    text.erase(at, text.find('m', at) + 1 - at);
  }
  return text;
}

TEST(ResultText, LooksLikeThis) { EXPECT_EQ(result_text(fixed_summary()), kGolden); }

TEST(ResultText, ColourMovesNothing) {
  const std::string coloured = result_text(fixed_summary(), true);
  EXPECT_NE(coloured, kGolden);
  EXPECT_EQ(without_colour(coloured), kGolden);
}

TEST(ResultText, NoLineIsLongerThanAHundredColumns) {
  RunSummary run = fixed_summary();
  const std::string long_name(200, 'n');
  run.scenario = run.balancer = long_name;
  run.classes[0].name = run.groups[0].name = run.targets[0].name = long_name;
  run.faults[0] = {long_name, long_name, long_name, long_name, 1e9, 2e9, 1ULL << 60};
  run.seed = ~0ULL;
  run.replication = ~0U;
  run.attempts = run.retries = run.total.offered = run.total.completed = 1ULL << 40;
  std::istringstream lines(result_text(run));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST(ResultText, AnInterruptedRunSaysSoFirst) {
  RunSummary run = fixed_summary();
  run.complete = false;
  EXPECT_THAT(result_text(run), HasSubstr("\nINCOMPLETE: the run was stopped early"));
  EXPECT_THAT(result_text(fixed_summary()), Not(HasSubstr("INCOMPLETE")));
}

TEST(ResultText, SecondCopiesAreShownWhereThereWereAny) {
  EXPECT_THAT(result_text(fixed_summary()), Not(HasSubstr("second copies")));
  RunSummary run = fixed_summary();
  run.hedges = 62'050;
  run.hedges_won = 40'001;
  run.hedges_denied = 17;
  EXPECT_THAT(result_text(run), HasSubstr("\nsecond copies 62,050 (5.0 % of attempts), answered "
                                          "first 40,001, denied 17\n"));
}

TEST(ResultText, WhatIsNotKnownIsADashAndEmptySectionsAreLeftOut) {
  RunSummary run;
  run.complete = true;
  run.total.latency = LatencySummary::of(Histogram());
  run.total.availability = std::numeric_limits<double>::quiet_NaN();
  const std::string text = result_text(run);
  EXPECT_THAT(text, HasSubstr("total             -    -    -    -    -      -    -\n"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, Not(HasSubstr("Faults")));
  EXPECT_THAT(text, Not(HasSubstr("Targets")));
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

TEST(ResultJson, KeysAreStable) {
  const Json json = Json::parse(result_json(fixed_summary()));
  EXPECT_THAT(
      keys(json),
      ElementsAre("scenario", "world", "balancer", "seed", "replication", "complete", "duration_s",
                  "measured_s", "total", "classes", "groups", "targets", "compliance_mean",
                  "compliance_minimum", "worst_target", "faults", "attempts", "retries",
                  "retries_denied", "hedges", "hedges_won", "hedges_denied", "wasted_replies",
                  "lost_messages", "ejections", "panic_picks", "node_hours", "cost", "events",
                  "digest", "wall_s", "simulated_requests_per_second"));
  EXPECT_THAT(keys(json["total"]),
              ElementsAre("offered", "completed", "failed", "failed_by_reason", "in_flight",
                          "throughput_per_s", "availability", "response_time"));
  EXPECT_THAT(keys(json["total"]["response_time"]),
              ElementsAre("mean_s", "p50_s", "p90_s", "p95_s", "p99_s", "p999_s", "max_s"));
  EXPECT_THAT(keys(json["targets"][0]),
              ElementsAre("name", "target", "current", "compliance", "deviation", "side"));
  EXPECT_THAT(keys(json["faults"][0]),
              ElementsAre("id", "kind", "target", "begin_s", "end_s", "affected", "outcome"));
}

TEST(ResultJson, ValuesAreExactAndUnknownIsNull) {
  const Json json = Json::parse(result_json(fixed_summary()));
  EXPECT_EQ(json["simulated_requests_per_second"], 1'526'529.6);
  EXPECT_EQ(json["total"]["failed_by_reason"]["deadline"], 1'600);
  EXPECT_EQ(json["total"]["offered"], json["total"]["completed"].get<int>() +
                                          json["total"]["failed"].get<int>() +
                                          json["total"]["in_flight"].get<int>());
  EXPECT_EQ(json["digest"], "fedcba9876543210");
  EXPECT_TRUE(json["faults"][1]["end_s"].is_null());
  EXPECT_TRUE(json["targets"][4]["current"].is_null());
}

TEST(ResultJson, NamesThatAreNotUtf8AreReplaced) {
  RunSummary run = fixed_summary();
  run.scenario = "caf\xE9";
  EXPECT_EQ(Json::parse(result_json(run))["scenario"], "caf\xEF\xBF\xBD");
}

}  // namespace
}  // namespace phoenix
