// Every kind of arrivals with all of its keys, and the files a scenario names.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "scenarios/parser.h"

namespace phoenix {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Scenario parse(const std::string& text, const std::string& path = "folder/file.toml") {
  const ParsedScenario parsed = parse_scenario_text(text, path);
  std::ostringstream problems;
  print_problems(problems, parsed.problems);
  EXPECT_TRUE(parsed.scenario.has_value()) << problems.str();
  return parsed.scenario.value_or(Scenario{});
}

constexpr const char* kSmall = R"(
[[cluster.group]]
name = "web"
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
)";

Workload workload_of(const std::string& lines) {
  return parse(std::string(kSmall) + lines).workload;
}

TEST(SmallScenario, TakesDefaultsForTheRest) {
  const Scenario s = parse(kSmall, "some/where/small.toml");
  EXPECT_EQ(s.name, "small");
  EXPECT_EQ(s.duration, Scenario{}.duration);
  EXPECT_EQ(s.strategies.balancer, "p2c[choices=2]");
  EXPECT_EQ(s.record.requests, RecordSettings::Requests::kNone);
}

TEST(Arrivals, ConstantTakesOneRate) {
  const Workload w = workload_of("arrivals = \"constant\"\nrate = \"30 /min\"\nkeys = \"none\"");
  EXPECT_EQ(w.arrivals, ArrivalKind::kConstant);
  ASSERT_EQ(w.rate.size(), 1U);
  EXPECT_EQ(w.rate[0].per_second, 0.5);
  EXPECT_EQ(w.keys.kind, KeySettings::Kind::kNone);
}

TEST(Arrivals, DiurnalTakesItsWave) {
  const Workload w = workload_of(
      "arrivals = \"diurnal\"\nperiod = \"12 h\"\namplitude = 0.25\npeak = \"3 h\"\n"
      "keys = \"uniform(1000)\"");
  EXPECT_EQ(w.arrivals, ArrivalKind::kDiurnal);
  EXPECT_EQ(w.period, hours(12));
  EXPECT_EQ(w.amplitude, 0.25);
  EXPECT_EQ(w.peak, hours(3));
  EXPECT_EQ(w.keys.kind, KeySettings::Kind::kUniform);
  EXPECT_EQ(w.keys.count, 1000U);
}

TEST(Arrivals, FlashCrowdTakesItsShape) {
  const Workload w = workload_of(
      "arrivals = \"flash_crowd\"\nstart = \"1 s\"\nramp = \"2 s\"\nhold = \"3 s\"\n"
      "decay = \"4 s\"\nfactor = 6");
  EXPECT_EQ(w.arrivals, ArrivalKind::kFlashCrowd);
  EXPECT_EQ(w.crowd_start, seconds(1));
  EXPECT_EQ(w.crowd_ramp, seconds(2));
  EXPECT_EQ(w.crowd_hold, seconds(3));
  EXPECT_EQ(w.crowd_decay, seconds(4));
  EXPECT_EQ(w.crowd_factor, 6.0);
}

TEST(Arrivals, MmppTakesItsStates) {
  const Workload w = workload_of(
      "arrivals = \"mmpp\"\nburst_factor = 8\nburst_mean = \"2 s\"\ncalm_mean = \"11 s\"");
  EXPECT_EQ(w.arrivals, ArrivalKind::kMmpp);
  EXPECT_EQ(w.burst_factor, 8.0);
  EXPECT_EQ(w.burst_mean, seconds(2));
  EXPECT_EQ(w.calm_mean, seconds(11));
}

TEST(Arrivals, ClosedTakesUsersWhoThink) {
  const Workload w =
      workload_of("arrivals = \"closed\"\nusers = 12\nthink_time = \"constant(2 s)\"");
  EXPECT_EQ(w.arrivals, ArrivalKind::kClosed);
  EXPECT_EQ(w.users, 12);
  EXPECT_EQ(w.think_time.mean(), 2.0);
}

class TraceFile : public testing::Test {
 protected:
  TraceFile() {
    std::filesystem::create_directories(folder_ + "/data");
    std::ofstream(folder_ + "/data/a.csv") << "t,n\n1,2\n";
  }
  Scenario parse_here(const std::string& lines) {
    return parse(std::string(kSmall) + lines, folder_ + "/s.toml");
  }
  std::string folder_ = testing::TempDir() + "phoenix_parser_fields";
};

TEST_F(TraceFile, IsFoundBesideTheScenario) {
  const TraceSettings t = parse_here(R"(
arrivals = "trace"
[workload.trace]
file = "data/../data/a.csv"
format = "csv"
time = "t"
time_unit = "1 ms"
time_scale = 2
class = "c"
key = "k"
size = "s"
work_base = "3 ms"
work = { Prompt = "1 us", Answer = "20 ms" }
repeat = true
)")
                              .workload.trace;
  EXPECT_EQ(t.file, folder_ + "/data/a.csv");
  EXPECT_EQ(t.format, "csv");
  EXPECT_EQ(t.time_column, "t");
  EXPECT_EQ(t.time_unit, milliseconds(1));
  EXPECT_EQ(t.time_scale, 2.0);
  EXPECT_EQ(t.class_column, "c");
  EXPECT_EQ(t.key_column, "k");
  EXPECT_EQ(t.size_column, "s");
  EXPECT_EQ(t.work_base, milliseconds(3));
  using Columns = std::vector<std::pair<std::string, Duration>>;
  EXPECT_EQ(t.work_columns, (Columns{{"Prompt", microseconds(1)}, {"Answer", milliseconds(20)}}));
  EXPECT_TRUE(t.repeat);
}

TEST_F(TraceFile, MayHoldCountsPerInterval) {
  const TraceSettings t = parse_here(
                              "arrivals = \"trace\"\ntrace = { file = \"data/a.csv\", count = "
                              "\"n\", interval = \"1 min\" }")
                              .workload.trace;
  EXPECT_EQ(t.count_column, "n");
  EXPECT_EQ(t.interval, minutes(1));
}

TEST_F(TraceFile, EmpiricalValuesComeFromBesideTheScenarioToo) {
  std::ofstream(folder_ + "/data/work.csv") << "0.25\n0.75\n";
  const Workload w =
      parse_here("arrivals = \"closed\"\nthink_time = \"empirical(data/work.csv)\"").workload;
  EXPECT_EQ(w.think_time.mean(), 0.5);
}

}  // namespace
}  // namespace phoenix
