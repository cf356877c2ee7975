// `phoenix diff` as a user meets it: two runs of one scenario, and what comes of comparing them.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "tests/analysis/diff_records.h"

namespace phoenix {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kScenario =
    std::string(PHOENIX_SOURCE_DIR) + "/scenarios/library/quickstart.toml";

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

class DiffToolTest : public testing::Test {
 protected:
  // `arguments` as a shell reads them.
  Outcome phoenix(const std::string& arguments) const {
    const std::string command =
        std::string(PHOENIX_BINARY) + " " + arguments + " >" + file("out") + " 2>" + file("err");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(file("out")),
            contents(file("err"))};
  }

  std::string run(const std::string& name, const std::string& options) const {
    const Outcome outcome =
        phoenix("run " + kScenario + " --set 'duration=20 s' " + options + " -o " + file(name));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return file(name);
  }

  std::string file(const std::string& name) const { return folder_.file(name); }

  const TempFolder folder_;
};

TEST_F(DiffToolTest, TwoBalancersUnderOneLoadAreShownSideBySide) {
  const std::string a = run("a.h5", "--set balancer=p2c");
  const std::string b = run("b.h5", "--set balancer=random");
  const Outcome text = phoenix("diff " + a + " " + b);
  EXPECT_EQ(text.code, 0);
  EXPECT_EQ(text.err, "");
  for (const char* part : {"p2c[choices=2]", "random", "differs", "Response time", "p99.9",
                           "Distributions", "Throughput by interval", "Node groups", "attempts"}) {
    EXPECT_THAT(text.out, HasSubstr(part));
  }
  EXPECT_THAT(text.out, Not(HasSubstr("\033["))) << "no colour where nobody looks";

  const auto json = nlohmann::json::parse(phoenix("diff " + a + " " + b + " --json").out);
  EXPECT_EQ(json["a"]["balancer"], "p2c[choices=2]");
  EXPECT_EQ(json["b"]["balancer"], "random");
  EXPECT_EQ(json["same_scenario_file"], true);
  EXPECT_EQ(json["same_events"], false);
  EXPECT_EQ(json["total"]["offered"]["relative"], 0) << "one seed, one load";
  EXPECT_GT(json["total"]["latency_p95_s"]["relative"], 0.02) << "random is no match";
  EXPECT_GT(json["distributions"][0]["distance"], 0.02);
}

TEST_F(DiffToolTest, ToleranceDecidesTheExitStatus) {
  const std::string files =
      run("a.h5", "--set balancer=p2c") + " " + run("b.h5", "--set balancer=random");
  const Outcome within = phoenix("diff " + files + " --tolerance offered=0%,latency=1000%");
  EXPECT_EQ(within.code, 0) << within.err;
  EXPECT_EQ(within.err, "");
  const Outcome beyond =
      phoenix("diff " + files + " --tolerance p95=0.1% --tolerance=offered=0% --json");
  EXPECT_EQ(beyond.code, 1);
  EXPECT_THAT(beyond.err, AllOf(StartsWith("phoenix diff: p95: "), HasSubstr("0.1 % is allowed")));
  EXPECT_THAT(beyond.err, Not(HasSubstr("offered")));
  const auto tolerances = nlohmann::json::parse(beyond.out)["tolerances"];
  ASSERT_EQ(tolerances.size(), 2U);
  EXPECT_EQ(tolerances[0]["met"], false);
  EXPECT_EQ(tolerances[1]["met"], true);
}

TEST_F(DiffToolTest, TheSameRunTwicePlaysTheSameEvents) {
  const Outcome outcome = phoenix("diff " + run("a.h5", "") + " " + run("b.h5", "") +
                                  " --tolerance latency=0,throughput=0,failures=0,attempts=0");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Both played the same events, one by one."));
}

TEST_F(DiffToolTest, AnIncompleteRecordIsComparedWithAWarning) {
  const std::string whole = write_record(file("a.h5"), run_a());
  {
    const auto writer = make_writer(file("b.h5"));
    RunSummary stopped = run_b();
    stopped.complete = false;
    for (const SummaryRow& row : stopped.to_rows()) writer->append(row);
  }
  const Outcome outcome = phoenix("diff " + whole + " " + file("b.h5.part"));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "phoenix diff: " + file("b.h5.part") + " is not complete\n");
  EXPECT_THAT(outcome.out, HasSubstr("+245 %"));
}

TEST_F(DiffToolTest, RecordsThatCannotBeComparedAreOneErrorAndStatusTwo) {
  const std::string good = write_record(file("good.h5"), run_a());
  const std::string empty = file("empty.h5");
  ASSERT_TRUE(make_writer(empty)->finish().ok());
  write_file(file("text.h5"), "name = \"small\"\n");
  for (const std::string& bad : {file("missing.h5"), file("text.h5"), empty, folder_.path()}) {
    for (const std::string& files : {good + " " + bad, bad + " " + good}) {
      const Outcome outcome = phoenix("diff " + files);
      EXPECT_EQ(outcome.code, 2) << files;
      EXPECT_EQ(outcome.out, "");
      EXPECT_THAT(outcome.err, AllOf(StartsWith("phoenix diff: "), HasSubstr(bad)));
      EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    }
  }
}

TEST_F(DiffToolTest, WrongUsageExitsWithTwoAndPointsAtHelp) {
  const std::string files = write_record(file("a.h5"), run_a()) + " " + file("a.h5");
  for (const std::string& arguments :
       {std::string(), file("a.h5"), files + " " + file("a.h5"), files + " --bogus",
        files + " --tolerance", files + " --tolerance speed=1%", files + " --tolerance p95=-1%",
        files + " --tolerance p95=1% --tolerance p95=2%", files + " --tolerance ''"}) {
    const Outcome outcome = phoenix("diff " + arguments);
    EXPECT_EQ(outcome.code, 2) << arguments;
    EXPECT_THAT(outcome.err, HasSubstr("See `phoenix diff --help`")) << arguments;
  }
}

TEST_F(DiffToolTest, HelpHasExamplesAndNamesWhatCanBeTolerated) {
  const Outcome help = phoenix("diff --help");
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, HasSubstr("examples:\n  phoenix diff "));
  EXPECT_THAT(help.out, HasSubstr("throughput"));
  EXPECT_THAT(phoenix("--help").out, HasSubstr("\n  diff A B "));
}

}  // namespace
}  // namespace phoenix
