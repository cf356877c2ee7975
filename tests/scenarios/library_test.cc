// The scenario files people start from: every one is accepted, asks its question first, and is
// bound by what it is about; every refused one is refused for its reason.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/arrivals.h"
#include "scenarios/fault_plan.h"
#include "scenarios/parser.h"

namespace phoenix {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> scenarios_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

const fs::path kLibrary = fs::path(PHOENIX_SOURCE_DIR) / "scenarios" / "library";

std::string problems_text(const ParsedScenario& parsed) {
  std::ostringstream text;
  print_problems(text, parsed.problems);
  return text.str();
}

std::string line_of(const fs::path& file, int number) {
  std::ifstream in(file);
  std::string line;
  for (int i = 0; i < number; ++i) std::getline(in, line);
  return line;
}

std::string test_name(const testing::TestParamInfo<fs::path>& info) {
  return info.param.stem().string();
}

class Library : public testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    const ParsedScenario parsed = parse_scenario_file(GetParam().string());
    ASSERT_TRUE(parsed.scenario.has_value()) << problems_text(parsed);
    scenario_ = *parsed.scenario;
  }

  std::vector<RequestClass> classes() const {
    std::vector<RequestClass> all;
    for (const Service& service : scenario_.services) {
      all.insert(all.end(), service.classes.begin(), service.classes.end());
    }
    return all;
  }

  template <class Value>
  double mean_over_classes(Value value) const {
    double sum = 0;
    double shares = 0;
    for (const RequestClass& one : classes()) {
      sum += one.share * value(one);
      shares += one.share;
    }
    return sum / shares;
  }

  double highest_point() const {
    double highest = 0;
    for (const RatePoint& point : scenario_.workload.rate) {
      highest = std::max(highest, point.per_second);
    }
    return highest;
  }

  double peak_rate() const {
    const Workload& load = scenario_.workload;
    switch (load.arrivals) {
      case ArrivalKind::kDiurnal:
        return highest_point() * (1 + load.amplitude);
      case ArrivalKind::kMmpp:
        return highest_point() * load.burst_factor;
      case ArrivalKind::kFlashCrowd:
        return highest_point() * load.crowd_factor;
      case ArrivalKind::kClosed:
        return load.users / load.think_time.mean();
      case ArrivalKind::kTrace:
        return 10;
      default:
        return highest_point();
    }
  }

  double capacity() const {  // seconds of work a second
    double sum = 0;
    for (const NodeGroup& group : scenario_.cluster.groups) {
      sum += group.places() * group.cores * group.speed;
    }
    return sum;
  }

  Scenario scenario_;
};

TEST_P(Library, OpensWithAQuestionAndIsNamedAsItsFile) {
  EXPECT_THAT(line_of(GetParam(), 1), testing::MatchesRegex("# .*"));
  std::ifstream in(GetParam());
  std::string line;
  std::string comment;
  while (std::getline(in, line) && line.starts_with("#")) comment += line.substr(1);
  EXPECT_THAT(comment, testing::HasSubstr("?"));
  EXPECT_THAT(comment, testing::HasSubstr("Look at"));
  EXPECT_EQ(scenario_.name, GetParam().stem().string());
}

TEST_P(Library, EveryFaultHappensWithinTheRun) {
  const FaultPlan plan = plan_faults(scenario_, Streams(scenario_.seed, scenario_.replication));
  for (const FaultEvent& event : plan.events) {
    EXPECT_NE(event.phase, FaultPhase::kSkipped) << event.target << ": " << event.cause;
    EXPECT_LE(event.at, kStart + scenario_.duration);
  }
  EXPECT_EQ(plan.events.empty(), scenario_.faults.empty());
}

// Gateways and their network cards should not be what limits a run that asks about nodes.
TEST_P(Library, GatewaysAreNotTheBottleneck) {
  if (scenario_.name == "slow_network") return;  // asks about just that
  const Gateway& gateway = scenario_.gateway;
  const double messages = 2 * peak_rate() / gateway.count;
  EXPECT_LT(messages * to_seconds(gateway.cpu_per_message) / gateway.cores, 0.5);
  const double received =
      mean_over_classes([](const RequestClass& one) { return one.response_bytes.mean(); });
  EXPECT_LT(peak_rate() * received / gateway.count / gateway.bandwidth, 0.5);
  EXPECT_LT(peak_rate() * received / scenario_.cluster.rack_bandwidth, 0.5);
}

TEST_P(Library, OnlyScenariosAboutOverloadAskForMoreThanThereIs) {
  if (scenario_.workload.arrivals == ArrivalKind::kTrace) return;  // TraceReplay below
  const double work = mean_over_classes([](const RequestClass& one) { return one.work.mean(); });
  const double load = peak_rate() * work / capacity();
  const bool is_about_overload = scenario_.name == "overload_ramp" || scenario_.name == "bursty";
  // Scenarios about places and wires ask for little work.
  const bool is_placed = std::ranges::any_of(scenario_.services, &Service::is_placed);
  if (!is_placed && scenario_.name != "slow_network") {
    EXPECT_GT(load, 0.4);
  }
  EXPECT_EQ(load > 0.9, is_about_overload) << load;
}

// At two million simulated requests a second, a few seconds; only `large` may take longer.
TEST_P(Library, TakesSeconds) {
  double requests = 0;
  const auto& points = scenario_.workload.rate;
  const double end = to_seconds(scenario_.duration);
  double base = points.front().per_second * end;
  if (points.size() > 1) {
    base = 0;
    for (std::size_t i = 1; i < points.size(); ++i) {
      base += (points[i].per_second + points[i - 1].per_second) / 2 *
              to_seconds(points[i].at - points[i - 1].at);
    }
  }
  requests = base;
  const Workload& load = scenario_.workload;
  if (load.arrivals == ArrivalKind::kClosed) requests = peak_rate() * end;
  if (load.arrivals == ArrivalKind::kMmpp) {
    const double on = to_seconds(load.burst_mean);
    const double off = to_seconds(load.calm_mean);
    requests = base * (load.burst_factor * on + off) / (on + off);
  }
  EXPECT_LE(requests, 6e6);
}

INSTANTIATE_TEST_SUITE_P(Files, Library, testing::ValuesIn(scenarios_in(kLibrary)), test_name);

TEST(LibraryFolder, HasTheScenariosTheManualPromises) {
  std::vector<std::string> names;
  for (const fs::path& file : scenarios_in(kLibrary)) names.push_back(file.stem().string());
  EXPECT_THAT(names, testing::IsSupersetOf({"quickstart", "flash_crowd", "heterogeneous",
                                            "overload_ramp", "node_failures", "partition",
                                            "diurnal_day", "trace_replay", "large"}));
}

TEST(OverloadRamp, RisesInNineEqualRatiosFromThreeQuartersOfCapacity) {
  const ParsedScenario parsed = parse_scenario_file((kLibrary / "overload_ramp.toml").string());
  ASSERT_TRUE(parsed.scenario.has_value());
  const auto& rate = parsed.scenario->workload.rate;
  ASSERT_EQ(rate.size(), 18U);
  // 100 nodes of 4 cores, 40 ms a request: 10,000 /s. lognormal's mean: 32 ms * exp(ln(1.95)^2 /
  // 2).
  const double work = parsed.scenario->services[0].classes[0].work.mean();
  EXPECT_NEAR(work, 0.04, 0.0001);
  for (std::size_t step = 0; step < 9; ++step) {
    const double load = 0.75 * std::pow(10.0 / 9.0, static_cast<double>(step));
    EXPECT_NEAR(rate[2 * step].per_second, load * 10'000, 0.5);
    EXPECT_EQ(rate[2 * step + 1].per_second, rate[2 * step].per_second);
    EXPECT_EQ(rate[2 * step + 1].at, std::chrono::seconds(20) * (static_cast<int>(step) + 1));
  }
  EXPECT_NEAR(rate.back().per_second, 17'420, 5);
}

TEST(TraceReplay, PlaysEveryRowAndKeepsTheNodesAThirdBusy) {
  const ParsedScenario parsed = parse_scenario_file((kLibrary / "trace_replay.toml").string());
  ASSERT_TRUE(parsed.scenario.has_value());
  const Scenario& scenario = *parsed.scenario;
  auto arrivals = make_arrivals(scenario, Streams(scenario.seed));
  ASSERT_TRUE(arrivals.ok()) << arrivals.error();
  int rows = 0;
  double work = 0;
  for (; (*arrivals)->next_at() != kNever; ++rows) work += (*arrivals)->next().work;
  EXPECT_EQ(rows, 2000);
  // Three nodes of one core for 600 s.
  EXPECT_NEAR(work / (3 * 600), 0.355, 0.001);
}

class Refused : public testing::TestWithParam<fs::path> {};

TEST_P(Refused, IsRefusedForItsReasonAlone) {
  const std::string expected = line_of(GetParam(), 2);
  const std::string marker = "# refused: ";
  ASSERT_TRUE(expected.starts_with(marker)) << "line 2 must say what the refusal says";
  const ParsedScenario parsed = parse_scenario_file(GetParam().string());
  EXPECT_FALSE(parsed.scenario.has_value());
  ASSERT_EQ(parsed.problems.size(), 1U) << problems_text(parsed);
  EXPECT_THAT(parsed.problems[0].text(), testing::HasSubstr(expected.substr(marker.size())));
}

INSTANTIATE_TEST_SUITE_P(Files, Refused, testing::ValuesIn(scenarios_in(kLibrary / "refused")),
                         test_name);

}  // namespace
}  // namespace phoenix
