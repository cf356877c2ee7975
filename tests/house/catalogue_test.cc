// Walks the table of what the design document asks for: every row names the file that implements it
// and the test that shows it, and both are there.
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

struct Row {
  std::string id, file, test;
};

std::vector<Row> catalogue() {
  std::ifstream in(kRoot / "tests/house/catalogue.csv");
  std::vector<Row> rows;
  std::string line;
  std::getline(in, line);  // header
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    Row row;
    std::getline(cells, row.id, ',');
    std::getline(cells, row.file, ',');
    std::getline(cells, row.test, ',');
    rows.push_back(row);
  }
  return rows;
}

std::set<std::string> tests_there_are() {
  const std::regex kTest(R"(\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))");
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "tests")) {
    if (entry.path().extension() != ".cc") continue;
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (std::sregex_iterator it(text.begin(), text.end(), kTest), end; it != end; ++it) {
      names.insert((*it)[1].str() + "." + (*it)[2].str());
    }
  }
  return names;
}

// The chapters of the document with their rows; numbers that it skips are not there.
std::set<std::string> rows_asked_for() {
  const std::map<std::string, std::vector<std::pair<int, int>>> chapters = {
      {"OV", {{1, 6}, {8, 8}}},
      {"PF", {{1, 8}, {10, 14}, {20, 26}, {30, 43}, {50, 54}}},
      {"LB", {{1, 14}, {20, 35}}},
      {"PL", {{1, 11}, {20, 37}, {40, 48}, {50, 57}}},
      {"MT", {{1, 30}}},
      {"AS", {{1, 11}, {15, 16}, {20, 28}, {30, 37}, {40, 48}}},
      {"MC", {{1, 5}}},
      {"NW", {{1, 7}}},
      {"PR", {{1, 8}}}};
  std::set<std::string> ids;
  for (const auto& [chapter, ranges] : chapters) {
    for (const auto& [first, last] : ranges) {
      for (int i = first; i <= last; ++i) ids.insert(chapter + "-" + std::to_string(i));
    }
  }
  return ids;
}

TEST(Catalogue, HasEveryRowOnce) {
  std::multiset<std::string> ids;
  for (const Row& row : catalogue()) ids.insert(row.id);
  std::vector<std::string> wrong;
  for (const std::string& id : rows_asked_for()) {
    if (ids.count(id) != 1) wrong.push_back(id);
  }
  EXPECT_THAT(wrong, IsEmpty());
  EXPECT_EQ(ids.size(), rows_asked_for().size());
}

TEST(Catalogue, EveryRowIsImplementedAndShown) {
  const std::set<std::string> tests = tests_there_are();
  std::vector<std::string> wrong;
  for (const Row& row : catalogue()) {
    if (!fs::exists(kRoot / row.file)) wrong.push_back(row.id + " has no file " + row.file);
    if (!tests.contains(row.test)) wrong.push_back(row.id + " has no test " + row.test);
  }
  EXPECT_THAT(wrong, IsEmpty());
}

}  // namespace
