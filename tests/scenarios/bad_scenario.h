// A table of wrong scenario files and everything the parser says about each, to the letter.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scenarios/parser.h"

namespace phoenix {

// Twelve lines that are a scenario.
inline constexpr const char* kGoodScenario = R"(name = "x"
duration = "10 s"
[[cluster.group]]
name = "web"
count = 4
[[service]]
name = "shop"
[[service.class]]
name = "buy"
[workload]
arrivals = "poisson"
rate = "100 /s"
)";

inline constexpr int kWhole = -1;
inline constexpr int kAppend = 0;

struct BadScenario {
  const char* name;
  int line;  // of the good scenario that `text` replaces; or kAppend, kWhole
  const char* text;
  const char* problems;
};

inline std::string replace_line(int line, const std::string& text) {
  std::istringstream lines(kGoodScenario);
  std::string result, one;
  for (int number = 1; std::getline(lines, one); ++number) {
    result += (number == line ? text : one) + "\n";
  }
  return result;
}

inline std::string file_of(const BadScenario& bad) {
  if (bad.line > 0) return replace_line(bad.line, bad.text);
  if (bad.line == kAppend) return std::string(kGoodScenario) + bad.text + "\n";
  return std::string(bad.text) + "\n";
}

// Where the folder of the scenario shows up in a message, the table says FOLDER.
inline std::string without_folder(std::string text, const std::string& folder) {
  for (std::size_t at = 0; (at = text.find(folder, at)) != std::string::npos;) {
    text.replace(at, folder.size(), "FOLDER");
  }
  return text;
}

inline void expect_problems(const BadScenario& bad) {
  const std::string folder = testing::TempDir() + "phoenix_bad_scenarios";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/arrivals.csv") << "t\n1\n";
  const ParsedScenario parsed = parse_scenario_text(file_of(bad), folder + "/s.toml");
  EXPECT_FALSE(parsed.scenario.has_value());
  std::string found;
  for (const Problem& problem : parsed.problems) {
    EXPECT_EQ(problem.file, folder + "/s.toml");
    const std::string text = problem.text().substr(problem.file.size() + 1);
    found += (found.empty() ? "" : "\n") + without_folder(text, folder);
  }
  EXPECT_EQ(found, bad.problems);
}

inline void PrintTo(const BadScenario& bad, std::ostream* out) { *out << bad.name; }

class BadScenarios : public testing::TestWithParam<BadScenario> {};

inline std::string name_of(const testing::TestParamInfo<BadScenario>& info) {
  return info.param.name;
}

}  // namespace phoenix
