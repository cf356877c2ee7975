// The house rules a reader of the tree relies on: which folder may know which, what strategies must
// not touch, and that what the README tells people to type exists.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

const fs::path kRoot = PHOENIX_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> sources_in(const std::string& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".h" || ending == ".cc") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex kInclude("#include [<\"]([^>\"]+)[>\"]");
  std::vector<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), kInclude), end; it != end; ++it) {
    names.push_back((*it)[1]);
  }
  return names;
}

std::string without_comments(const std::string& text) {
  return std::regex_replace(text, std::regex("//[^\n]*"), "");
}

// Lines of a text's fenced or indented code blocks.
std::vector<std::string> code_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  bool fenced = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      fenced = !fenced;
    } else if (fenced || line.starts_with("    ")) {
      lines.push_back(line.substr(line.find_first_not_of(' ') == std::string::npos
                                      ? line.size()
                                      : line.find_first_not_of(' ')));
    }
  }
  return lines;
}

TEST(IncludeDirection, FoldersKnowOnlyWhatTheyStandOn) {
  const std::map<std::string, std::set<std::string>> allowed = {
      {"strategies", {"strategies"}},
      {"scenarios", {"strategies", "scenarios"}},
      {"analysis", {"strategies", "scenarios", "analysis"}},
      {"sim", {"strategies", "scenarios", "sim"}},
      {"runtime", {"strategies", "scenarios", "runtime"}},
  };
  const std::set<std::string> folders = {"strategies", "scenarios", "analysis",
                                         "sim",        "runtime",   "tests"};
  std::vector<std::string> wrong;
  for (const auto& [folder, may_know] : allowed) {
    const std::vector<fs::path> files = sources_in(folder);
    ASSERT_FALSE(files.empty()) << folder;
    for (const fs::path& file : files) {
      const bool is_tool = file.string().find("/cli/") != std::string::npos;
      for (const std::string& name : includes_of(read(file))) {
        const std::string top = name.substr(0, name.find('/'));
        const bool known = may_know.contains(top) || (is_tool && top == "analysis");
        if (folders.contains(top) && !known) wrong.push_back(file.string() + " includes " + name);
      }
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(IncludeDirection, StrategiesStandOnStdEigenBoostHeadersAndPcgOnly) {
  std::vector<std::string> wrong;
  for (const fs::path& file : sources_in("strategies")) {
    for (const std::string& name : includes_of(read(file))) {
      const bool is_std =
          name.find('/') == std::string::npos && name.find('.') == std::string::npos;
      const bool is_allowed = is_std || name.starts_with("strategies/") ||
                              name.starts_with("Eigen/") || name.starts_with("boost/random/") ||
                              name.starts_with("boost/math/") || name == "pcg_random.hpp";
      if (!is_allowed) wrong.push_back(file.string() + " includes " + name);
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Strategies, NameNoClockSocketThreadFileOrEngine) {
  const std::regex forbidden(
      "_clock\\b|std::time\\b|gettimeofday|clock_gettime|std::j?thread|std::mutex|std::async|"
      "\\bsocket\\b|\\basio\\b|simgrid|s4u|<iostream>|<fstream>|std::ifstream|std::ofstream|"
      "\\bprintf|std::random_device|std::[a-z_]+_distribution|unordered_",
      std::regex::icase);
  std::vector<std::string> wrong;
  for (const fs::path& file : sources_in("strategies")) {
    const std::string text = without_comments(read(file));
    std::smatch match;
    if (std::regex_search(text, match, forbidden)) {
      wrong.push_back(file.string() + " names " + match.str());
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Strategies, NeverThrow) {
  std::vector<std::string> wrong;
  for (const fs::path& file : sources_in("strategies")) {
    if (std::regex_search(without_comments(read(file)), std::regex("\\bthrow\\b"))) {
      wrong.push_back(file.string());
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

// One source for both worlds: what runs in the simulator is what serves real traffic.
TEST(Worlds, AreToldApartByNoPreprocessor) {
  std::vector<std::string> wrong;
  for (const char* folder : {"strategies", "scenarios"}) {
    for (const fs::path& file : sources_in(folder)) {
      if (std::regex_search(read(file), std::regex("\n *# *(?:el)?if"))) {
        wrong.push_back(file.string());
      }
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Files, StayShortEnoughToHoldInMind) {
  std::vector<std::string> wrong;
  for (const char* folder : {"strategies", "scenarios", "sim", "runtime", "analysis", "tests"}) {
    for (const fs::path& file : sources_in(folder)) {
      const std::string text = read(file);
      if (std::count(text.begin(), text.end(), '\n') > 500) wrong.push_back(file.string());
    }
  }
  EXPECT_THAT(wrong, IsEmpty());
}

TEST(Readme, DevCommandsExist) {
  const std::string dev = read(kRoot / "dev");
  const std::regex call("^\\./dev ([a-z]+)");
  int seen = 0;
  for (const std::string& line : code_lines(read(kRoot / "README.md"))) {
    std::smatch match;
    if (!std::regex_search(line, match, call)) continue;
    ++seen;
    EXPECT_TRUE(std::regex_search(dev, std::regex("\n  " + match.str(1) + "\\)"))) << line;
  }
  EXPECT_GE(seen, 2);
}

TEST(Readme, PhoenixCommandsExist) {
  const std::string tool = read(kRoot / "sim/cli/main.cc");
  const std::regex call("^(?:build/release/)?phoenix ([a-z]+)");
  int seen = 0;
  for (const std::string& line : code_lines(read(kRoot / "README.md"))) {
    std::smatch match;
    if (!std::regex_search(line, match, call)) continue;
    ++seen;
    EXPECT_NE(tool.find("{\"" + match.str(1) + "\", "), std::string::npos) << line;
  }
  EXPECT_GE(seen, 3);
}

TEST(Readme, FilesItPointsAtExist) {
  const std::string readme = read(kRoot / "README.md");
  const std::regex path(
      "(?:scenarios|strategies|sim|runtime|analysis|tests)/[A-Za-z0-9_./-]*[A-Za-z0-9_/]");
  int seen = 0;
  for (std::sregex_iterator it(readme.begin(), readme.end(), path), end; it != end; ++it) {
    ++seen;
    EXPECT_TRUE(fs::exists(kRoot / it->str())) << it->str();
  }
  EXPECT_GE(seen, 5);
}

TEST(Dev, InstallsEveryLibraryTheBuildAsksFor) {
  // A machine that never saw the project has only what `dev` puts on it.
  const std::string dev = read(kRoot / "dev");
  for (const char* package :
       {"libsimgrid-dev", "libhdf5-dev", "libtomlplusplus-dev", "libpcg-cpp-dev", "libeigen3-dev",
        "libboost-program-options-dev", "libfmt-dev", "nlohmann-json3-dev", "libxxhash-dev",
        "libspdlog-dev", "prometheus-cpp-dev", "libssl-dev", "liblz4-dev", "libgtest-dev",
        "libbenchmark-dev", "python3-h5py", "python3-scipy", "python3-simpy"}) {
    EXPECT_NE(dev.find(package), std::string::npos) << package;
  }
}

TEST(Ci, RunsTheReadmesOwnTestCommand) {
  EXPECT_NE(read(kRoot / ".ci/run").find("./dev test"), std::string::npos);
}

}  // namespace
