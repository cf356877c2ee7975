// Scenario files as they come: good ones, cut ones, huge ones, and ones that are no text at all.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "scenarios/parser.h"

namespace phoenix {
namespace {

using std::chrono::seconds;

constexpr const char* kFlashCrowd = R"toml(
# Does least-connections survive a flash crowd on mixed machines?
name     = "flash_crowd"
duration = "120 s"
seed     = 7

[targets]
response_time_p95 = "50 ms"
throughput        = "10000 /s"

[[cluster.group]]
name = "new"
count = 8
cores = 4
speed = 1.0                     # seconds of work a core does in a second
memory = "16 GiB"
network = "10 Gbps"
latency = "50 us"
zone = "a"
boot_time = "lognormal(20 s, 1.3)"
cost = "0.17 /h"

[[cluster.group]]
name = "old"
count = 4
speed = 0.5

[[service]]
name = "shop"
discipline = "ps"               # or "fifo"
queue = 512

[[service.class]]
name = "checkout"
share = 0.2
work = "lognormal(8 ms, 2.0)"
request = "2 KiB"
response = "12 KiB"
deadline = "1 s"

[workload]
arrivals = "poisson"
rate = [["0 s", "2000 /s"], ["60 s", "2000 /s"], ["65 s", "6500 /s"], ["120 s", "3000 /s"]]

[strategies]
balancer = "p2c"

[[fault]]
kind = "crash_restart"
target = "random:1"
start = "70 s"
duration = "10 s"

[record]
requests = "sample(0.01)"
interval = "1 s"
)toml";

std::string printed(const ParsedScenario& parsed) {
  std::ostringstream out;
  print_problems(out, parsed.problems);
  return out.str();
}

std::string file_in_temp(const std::string& name, const std::string& text) {
  const std::string folder = testing::TempDir() + "phoenix_parser_files/";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + name, std::ios::binary) << text;
  return folder + name;
}

TEST(ScenarioFile, IsReadWhole) {
  const std::string path = file_in_temp("crowd.toml", kFlashCrowd);
  const ParsedScenario parsed = parse_scenario_file(path);
  ASSERT_TRUE(parsed.scenario.has_value()) << printed(parsed);
  const Scenario& s = *parsed.scenario;
  EXPECT_EQ(s.name, "flash_crowd");
  EXPECT_EQ(s.duration, seconds(120));
  EXPECT_EQ(node_count(s), 12);
  EXPECT_EQ(s.cluster.groups.at(1).speed, 0.5);
  EXPECT_EQ(s.workload.rate.size(), 4U);
  EXPECT_EQ(s.workload.rate[2].at, seconds(65));
  EXPECT_EQ(s.workload.rate[2].per_second, 6500.0);
  EXPECT_EQ(s.faults.at(0).id, "crash_restart-1");
  EXPECT_EQ(s.text, kFlashCrowd);
  EXPECT_EQ(s.path, path);
}

TEST(ScenarioFile, ThatIsNotThereIsOneProblem) {
  EXPECT_EQ(printed(parse_scenario_file("/nowhere/s.toml")),
            "/nowhere/s.toml: cannot be read: No such file or directory\n");
}

TEST(ScenarioFile, ThatIsAFolderIsOneProblem) {
  const std::string folder = std::filesystem::path(file_in_temp("x", "")).parent_path().string();
  EXPECT_EQ(printed(parse_scenario_file(folder)), folder + ": cannot be read: it is a folder\n");
}

TEST(ScenarioFile, ThatMayNotBeReadIsOneProblem) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = file_in_temp("locked.toml", kFlashCrowd);
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_EQ(printed(parse_scenario_file(path)), path + ": cannot be read: Permission denied\n");
  std::filesystem::remove(path);
}

TEST(ScenarioFile, AboveEightMebibytesIsRefused) {
  const std::string largest(kScenarioBytesMax - std::string(kFlashCrowd).size(), '\n');
  EXPECT_TRUE(parse_scenario_text(largest + kFlashCrowd, "s.toml").scenario.has_value());
  const std::string path = file_in_temp("big.toml", largest + kFlashCrowd + "\n");
  EXPECT_EQ(printed(parse_scenario_file(path)),
            path + ": found more than 8 MiB; allowed at most 8 MiB\n");
  std::filesystem::remove(path);
}

TEST(ScenarioFile, ThatIsEmptySaysWhatIsMissing) {
  EXPECT_EQ(
      printed(parse_scenario_file(file_in_temp("empty.toml", ""))),
      printed(parse_scenario_text("", testing::TempDir() + "phoenix_parser_files/empty.toml")));
  EXPECT_EQ(printed(parse_scenario_text("", "s.toml")),
            "s.toml:1:1: cluster.group: found none; allowed at least one [[cluster.group]]\n"
            "s.toml:1:1: service: found none; allowed at least one [[service]]\n");
}

TEST(ScenarioFile, OfUnicodeTextKeepsIt) {
  const std::string text = "description = \"größte Überraschung ✓\"\n" + std::string(kFlashCrowd);
  const ParsedScenario parsed = parse_scenario_text(text, "s.toml");
  ASSERT_TRUE(parsed.scenario.has_value()) << printed(parsed);
  EXPECT_EQ(parsed.scenario->description, "größte Überraschung ✓");
}

TEST(ScenarioFile, WithWindowsLineEndsReadsTheSame) {
  std::string text = kFlashCrowd;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
    text.replace(at, 1, "\r\n");
  }
  const ParsedScenario parsed = parse_scenario_text(text, "s.toml");
  ASSERT_TRUE(parsed.scenario.has_value()) << printed(parsed);
  EXPECT_EQ(parsed.scenario->services.at(0).classes.at(0).name, "checkout");
}

// A cut file either still is a scenario or is refused with problems that point into it.
TEST(CutScenario, IsAcceptedOrRefusedAtEveryByte) {
  const std::string whole = kFlashCrowd;
  const auto lines = std::count(whole.begin(), whole.end(), '\n');
  int accepted = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const ParsedScenario parsed = parse_scenario_text(whole.substr(0, size), "s.toml");
    ASSERT_NE(parsed.scenario.has_value(), !parsed.problems.empty()) << "cut at " << size;
    accepted += parsed.scenario.has_value() ? 1 : 0;
    for (const Problem& problem : parsed.problems) {
      ASSERT_GE(problem.line, 1) << problem.text();
      ASSERT_LE(problem.line, lines + 1) << problem.text();
      ASSERT_GE(problem.column, 1) << problem.text();
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST(DamagedScenario, IsAcceptedOrRefusedWithAnyByteChanged) {
  std::uint32_t noise = 2463534242U;  // xorshift32
  for (int i = 0; i < 3000; ++i) {
    std::string text = kFlashCrowd;
    for (int changes = 0; changes < 3; ++changes) {
      noise ^= noise << 13;
      noise ^= noise >> 17;
      noise ^= noise << 5;
      text[(noise >> 8) % text.size()] = static_cast<char>(noise & 0xffU);
    }
    const ParsedScenario parsed = parse_scenario_text(text, "s.toml");
    ASSERT_NE(parsed.scenario.has_value(), !parsed.problems.empty());
  }
}

TEST(DeepScenario, IsRefusedBeforeItFillsTheStack) {
  std::string key = "a";
  for (int i = 0; i < 200'000; ++i) key += ".a";
  const std::string refused = ": found a key of more than 8 parts; allowed at most 8\n";
  EXPECT_EQ(printed(parse_scenario_text(key + " = 1", "s.toml")), "s.toml:1:16" + refused);
  EXPECT_EQ(printed(parse_scenario_text("[" + key + "]", "s.toml")), "s.toml:1:17" + refused);
  EXPECT_FALSE(parse_scenario_text("a = " + std::string(200'000, '['), "s.toml").scenario);
}

TEST(DeepScenario, PointsInTextsCommentsAndNumbersAreNoKeys) {
  std::string numbers, dots;
  for (int i = 0; i < 20; ++i) {
    numbers += "\"1.5 s\", 2.5, ";
    dots += "a.";
  }
  const std::string text = "description = \"" + dots + "\" # " + dots + "\n" + kFlashCrowd;
  EXPECT_TRUE(parse_scenario_text(text, "s.toml").scenario.has_value());
  EXPECT_EQ(printed(parse_scenario_text("name = [" + numbers + "]\n" + kFlashCrowd, "s.toml"))
                .find("parts"),
            std::string::npos);
}

TEST(Problems, StayOnTheirLine) {
  const ParsedScenario parsed =
      parse_scenario_text(std::string("\"a\\nb\\u001b\" = 1\n") + kFlashCrowd, "s.toml");
  EXPECT_EQ(printed(parsed).substr(0, 46), R"(s.toml:1:1: "a\x0ab\x1b": found an unknown key)");
}

TEST(Problems, LeaveOutWhatIsEmpty) {
  EXPECT_EQ((Problem{"f.toml", 3, 4, "a.b", "found 1; allowed 2"}.text()),
            "f.toml:3:4: a.b: found 1; allowed 2");
  EXPECT_EQ((Problem{"f.toml", 3, 4, "", "bad"}.text()), "f.toml:3:4: bad");
  EXPECT_EQ((Problem{"f.toml", 0, 0, "", "bad"}.text()), "f.toml: bad");
}

}  // namespace
}  // namespace phoenix
