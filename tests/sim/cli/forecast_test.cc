// `phoenix forecast` as a user meets it: a file in, a table or JSON out, and clear refusals.
#include <cstdlib>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "tests/analysis/diff_records.h"

namespace phoenix {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class ForecastToolTest : public testing::Test {
 protected:
  ForecastToolTest() {
    std::ofstream load(folder_.file("load.csv"));
    load << "at,count\n";
    for (int i = 0; i < 400; ++i) {
      if (i == 111) continue;
      load << 60 * i << "," << 100 + i % 24 + (i * 7919) % 13 << "\n";
      if (i == 222) load << 60 * i << ",100\n";
    }
  }

  // `arguments` as a shell reads them; LOAD is the file.
  Outcome forecast(const std::string& arguments) const {
    const std::string command = "LOAD=" + folder_.file("load.csv") + "; " + PHOENIX_BINARY +
                                " forecast " + arguments + " >" + folder_.file("out") + " 2>" +
                                folder_.file("err");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(folder_.file("out")),
            contents(folder_.file("err"))};
  }

  const TempFolder folder_;
};

TEST_F(ForecastToolTest, PrintsATableOfAllModelsAndWhatTheFileHeld) {
  const Outcome outcome = forecast("$LOAD --value count --time at --period 24 --horizon 6");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"400 rows, 400 steps of 60", "1 times without a row",
                           "1 rows at a time that had one", "MASE", "sMAPE", "covered", "width",
                           "us a step", "seasonal_naive", "mixture", "period 24"}) {
    EXPECT_THAT(outcome.out, HasSubstr(part));
  }
  EXPECT_THAT(outcome.out, Not(HasSubstr("\033["))) << "no colour where nobody looks";
}

TEST_F(ForecastToolTest, PrintsJson) {
  const Outcome outcome =
      forecast("$LOAD --value count --period 24 --models 'ewma[memory=3],mixture' --json");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(json["models"].size(), 2U);
  EXPECT_EQ(json["models"][0]["model"], "ewma[memory=3]");
  EXPECT_GT(json["models"][1]["mase"], 0);
  EXPECT_LT(json["models"][1]["mase"], 1);
  EXPECT_EQ(json["series"]["rows"], 400);
}

TEST_F(ForecastToolTest, RefusesBadInputWithExitTwo) {
  const struct {
    const char* arguments;
    const char* error;
  } rows[] = {
      {"", "takes one CSV file, found 0"},
      {"$LOAD --period 24", "--value is needed"},
      {"$LOAD --value count", "--period is needed"},
      {"$LOAD --value count --period 0", "--period: found 0; allowed 2 to 1000000"},
      {"$LOAD --value count --period 24 --horizon 0", "--horizon: found 0; allowed 1 to 10000"},
      {"$LOAD --value counts --period 24", "found no column \"counts\"; allowed at, count"},
      {"$LOAD --value count --period 24 --models ewna", "--models: unknown forecaster \"ewna\""},
      {"$LOAD --value count --period 24 --models 'ewma[memory=-1]'", "memory = -1: must be in"},
      {"/nowhere.csv --value count --period 24", "/nowhere.csv"},
      {"$LOAD --value count --period 24 --colour", "colour"}};
  for (const auto& row : rows) {
    const Outcome outcome = forecast(row.arguments);
    EXPECT_EQ(outcome.code, 2) << row.arguments;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("phoenix forecast: "), HasSubstr(row.error)));
  }
}

TEST_F(ForecastToolTest, ListsForecastersWithTheirSettings) {
  const std::string command =
      std::string(PHOENIX_BINARY) + " list forecasters >" + folder_.file("list");
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(contents(folder_.file("list")),
              AllOf(HasSubstr("holt_winters_two_seasons"), HasSubstr("period2 = 2016"),
                    HasSubstr("memory = 4"), Not(HasSubstr("round_robin"))));
}

}  // namespace
}  // namespace phoenix
