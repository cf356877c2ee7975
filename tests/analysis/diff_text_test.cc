#include "analysis/diff_text.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/analysis/diff_records.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

HistogramRow bucket(double low, double high, std::int64_t count) {
  HistogramRow row;
  row.scope = "total";
  row.low = low;
  row.high = high;
  row.count = count;
  return row;
}

WindowRow window(std::int64_t t_s, std::int64_t completed) {
  WindowRow row;
  row.t = t_s * 1'000'000'000;
  row.completed = completed;
  return row;
}

DecisionRow decision(std::int64_t t_s, const char* action, const char* subject) {
  DecisionRow row;
  row.t = t_s * 1'000'000'000;
  row.family = "routing";
  row.action = action;
  row.subject = subject;
  return row;
}

void fill_a(RecordWriter& writer) {
  writer.append(bucket(0, 0.01, 490));
  writer.append(bucket(0.01, 0.02, 490));
  writer.append(window(1, 100));
  writer.append(window(2, 100));
  writer.append(decision(4, "eject", "node:3 gateway:0"));
}

void fill_b(RecordWriter& writer) {
  writer.append(bucket(0, 0.01, 196));
  writer.append(bucket(0.01, 0.02, 784));
  writer.append(window(1, 100));
  writer.append(window(2, 80));
  writer.append(decision(4, "eject", "node:3 gateway:0"));
  writer.append(decision(6, "readmit", "node:3 gateway:0"));
}

// Of files called a.h5 and b.h5, wherever they were.
RunDiff worked_diff() {
  RunDiff diff = diff_of(run_a(), run_b(), fill_a, fill_b);
  diff.a.path = "a.h5";
  diff.b.path = "b.h5";
  diff.a.overrides = "";
  diff.b.overrides = "seed=9\nbalancer=p2c\n";
  diff.b.world = "local";
  return diff;
}

constexpr const char* kGolden =
    R"(Records      A                     B
file         a.h5                  b.h5
scenario     small                 small
overrides                          seed=9, balancer=p2c  differs
world        simulated             local                 differs
balancer     p2c[choices=2]        p2c[choices=2]
seed         18364758544493064720  18364758544493064720
replication  3                     3
duration     12.0 s                12.0 s
measured     10.0 s                10.0 s
complete     yes                   yes

Requests      offered  completed  failed  in flight  throughput  availability
checkout   A      200        180      20          0     18.0 /s      90.000 %
only in A  B        -          -       -          -           -             -
browse     A      800        800       0          0     80.0 /s     100.000 %
           B      800        731      69          0     73.1 /s      91.375 %
                 same     -8.6 %  from 0       same      -8.6 %        -8.6 %
search     A        -          -       -          -           -             -
only in B  B      200        200       0          0     20.0 /s     100.000 %
total      A    1,000        980      20          0     98.0 /s      98.000 %
           B    1,000        931      69          0     93.1 /s      93.100 %
                 same     -5.0 %  +245 %       same      -5.0 %        -5.0 %

Failures by reason   A   B  difference
deadline            20  69      +245 %

Response time        mean      p50      p90      p95      p99    p99.9      max
checkout       A  20.0 ms  20.0 ms  20.0 ms  80.0 ms  80.0 ms  80.0 ms   160 ms
only in A      B        -        -        -        -        -        -        -
browse         A  8.00 ms  8.00 ms  8.00 ms  20.0 ms  20.0 ms  20.0 ms  40.0 ms
               B  10.0 ms  10.0 ms  10.0 ms  30.0 ms  30.0 ms  30.0 ms  60.0 ms
                  +25.0 %  +25.0 %  +25.0 %  +50.0 %  +50.0 %  +50.0 %  +50.0 %
search         A        -        -        -        -        -        -        -
only in B      B  16.0 ms  16.0 ms  16.0 ms  40.0 ms  40.0 ms  40.0 ms  80.0 ms
total          A  10.0 ms  10.0 ms  10.0 ms  40.0 ms  40.0 ms  40.0 ms  80.0 ms
               B  11.0 ms  11.0 ms  11.0 ms  46.0 ms  46.0 ms  46.0 ms  92.0 ms
                  +10.0 %  +10.0 %  +10.0 %  +15.0 %  +15.0 %  +15.0 %  +15.0 %

Distributions  A answered  B answered   within       A       B  distance
total                 980         980  10.0 ms  50.0 %  20.0 %    30.0 %
distance: the largest between the shares answered within a time

Throughput by interval: 2 of 1.00 s, mean difference 10.0 %
largest from 1.00 s to 2.00 s: 100 /s against 80.0 /s, -20.0 %

Node groups       nodes  utilization  share of requests  node-hours     cost
new          A        4       50.0 %             75.0 %      0.0100  0.00200
             B        5       40.0 %            100.0 %      0.0125  0.00250
                +25.0 %      -20.0 %            +33.3 %     +25.0 %  +25.0 %
old          A        2       25.0 %             25.0 %     0.00500        0
only in A    B        -            -                  -           -        -

Routing, whole run        A        B  difference
attempts              1,000    1,000        same
retries                  20       15     -25.0 %
  denied                  0        0        same
second copies            10       12     +20.0 %
  answered first          4        4        same
  denied                  0        0        same
late answers              0        0        same
lost messages             0        0        same
ejections                 0        3      from 0
panic picks               0        0        same
node-hours           0.0150   0.0150        same
cost                0.00200  0.00200        same

Faults              target   begin     end  affected  outcome
crash            A  node:3  4.00 s  6.00 s        30  ended
  crash_restart  B  node:3  4.00 s  6.00 s        33  ended
slow             A  node:1  7.00 s  8.00 s        12  ended
  slow_cpu       B  none
cut              A  none
  partition      B  zone:a  1.00 s  2.00 s         5  ended

Decisions        A  B  difference
routing eject    1  1        same
routing readmit  0  1      from 0

alike up to decision 1; then:
Decision  A     B
       2  none  6.00 s  readmit node:3 gateway:0
)";

std::string without_colour(std::string text) {
  for (std::size_t at = 0; (at = text.find('\x1b')) != std::string::npos;) {
    text.erase(at, text.find('m', at) + 1 - at);
  }
  return text;
}

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

TEST(DiffText, LooksLikeThis) { EXPECT_EQ(diff_text(worked_diff()), kGolden); }

TEST(DiffText, ColourMovesNothing) {
  const std::string coloured = diff_text(worked_diff(), true);
  EXPECT_NE(coloured, kGolden);
  EXPECT_EQ(without_colour(coloured), kGolden);
}

TEST(DiffText, UsualNamesFitEightyColumns) {
  EXPECT_LE(widest_line(diff_text(worked_diff())), 80U);
}

TEST(DiffText, NoLineIsLongerThanAHundredColumns) {
  const std::string long_name(200, 'n');
  RunDiff diff = worked_diff();
  for (RecordIdentity* record : {&diff.a, &diff.b}) {
    record->path = record->scenario = record->world = record->balancer = long_name;
  }
  diff.classes[0].name = diff.groups[0].name = diff.distributions[0].name = long_name;
  diff.faults[0].id = diff.faults[0].a->kind = diff.faults[0].b->target = long_name;
  diff.faults[0].a->outcome = long_name;
  diff.decisions.different[0].b->subject = diff.decisions.counts[0].action = long_name;
  EXPECT_LE(widest_line(diff_text(diff)), 100U);
}

TEST(DiffText, LongPathsKeepTheirEnd) {
  RunDiff diff = worked_diff();
  diff.b.path = "/a/very/long/way/to/the/folder/of/local.h5";
  EXPECT_THAT(diff_text(diff), HasSubstr("../to/the/folder/of/local.h5"));
}

TEST(DiffText, ASingleClassIsTheTotalAndEmptySectionsAreLeftOut) {
  RunSummary run = run_a();
  run.classes.resize(1);
  run.faults.clear();
  run.total.failed = {};
  const std::string text = diff_text(diff_of(run, run));
  EXPECT_THAT(text, Not(HasSubstr("checkout")));
  for (const char* section :
       {"Faults", "Decisions", "Distributions", "Throughput by", "Failures by"}) {
    EXPECT_THAT(text, Not(HasSubstr(section)));
  }
  EXPECT_THAT(text, HasSubstr("Both played the same events"));
}

TEST(DiffText, ASecondScenarioTextOfOneNameIsNoticed) {
  RunDiff diff = worked_diff();
  diff.b.scenario_xxh64 = "another";
  EXPECT_THAT(diff_text(diff), HasSubstr("text differs"));
  diff.b.scenario = "big";
  EXPECT_THAT(diff_text(diff), HasSubstr("big                   differs\n"));
}

TEST(DiffText, DecisionsThatAreAlikeSaySo) {
  const std::string text = diff_text(diff_of(run_a(), run_a(), fill_a, fill_a));
  EXPECT_THAT(text, HasSubstr("alike in kind, subject and order\n"));
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;
}

TEST(DiffJson, KeysAreStable) {
  const Json json = Json::parse(diff_json(worked_diff(), {}));
  EXPECT_THAT(keys(json),
              ElementsAre("a", "b", "same_scenario_file", "same_events", "total", "classes",
                          "groups", "counters", "distributions", "throughput_by_interval", "faults",
                          "decisions", "tolerances"));
  EXPECT_THAT(keys(json["a"]),
              ElementsAre("file", "scenario", "scenario_xxh64", "overrides", "world", "balancer",
                          "seed", "replication", "duration_s", "measured_s", "digest", "complete"));
  EXPECT_THAT(keys(json["total"]["latency_p95_s"]), ElementsAre("a", "b", "relative"));
  EXPECT_THAT(keys(json["classes"][0]), ElementsAre("name", "only_in", "metrics"));
  EXPECT_THAT(
      keys(json["distributions"][0]),
      ElementsAre("scope", "name", "count_a", "count_b", "distance", "at_s", "share_a", "share_b"));
}

TEST(DiffJson, NumbersAreThoseOfTheDiff) {
  const Json json = Json::parse(diff_json(worked_diff(), {}));
  EXPECT_EQ(json["total"]["completed"].dump(), R"({"a":980,"b":931,"relative":-0.05})");
  EXPECT_EQ(json["total"]["failed.deadline"]["b"], 69);
  EXPECT_DOUBLE_EQ(json["total"]["throughput_per_s"]["a"].get<double>(), 98);
  EXPECT_EQ(json["classes"][0]["only_in"], "a");
  EXPECT_EQ(json["classes"][1]["only_in"], nullptr);
  EXPECT_EQ(json["classes"][2]["metrics"]["offered"].dump(),
            R"({"a":null,"b":200,"relative":null})");
  EXPECT_EQ(json["counters"]["ejections"].dump(), R"({"a":0,"b":3,"relative":null})");
  EXPECT_NEAR(json["distributions"][0]["distance"].get<double>(), 0.3, 1e-12);
  EXPECT_NEAR(
      json["throughput_by_interval"]["largest"]["throughput_per_s"]["relative"].get<double>(), -0.2,
      1e-9);
  EXPECT_EQ(json["faults"][1]["b"], nullptr);
  EXPECT_EQ(json["decisions"]["different"][0]["a"], nullptr);
  EXPECT_EQ(json["decisions"]["different"][0]["b"]["action"], "readmit");
}

TEST(DiffJson, ChecksSayWhatWasAllowed) {
  const RunDiff diff = worked_diff();
  const auto checks = check_tolerances(diff, {{"latency", 0.12}});
  const Json json = Json::parse(diff_json(diff, checks))["tolerances"];
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["metric"], "latency_p50_s");
  EXPECT_EQ(json[0]["met"], true);
  EXPECT_EQ(json[1]["metric"], "latency_p95_s");
  EXPECT_EQ(json[1]["allowed"], 0.12);
  EXPECT_EQ(json[1]["met"], false);
}

TEST(DiffJson, NamesThatAreNoUtf8AreReplaced) {
  RunDiff diff = worked_diff();
  diff.classes[0].name = "\xFF\xFE";
  EXPECT_TRUE(Json::accept(diff_json(diff, {})));
}

}  // namespace
}  // namespace phoenix
