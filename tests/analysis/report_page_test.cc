// The report page from comparisons made by hand: complete, well-formed, and safe whatever names and
// numbers it is given.
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/report/page.h"
#include "tests/analysis/report_samples.h"

namespace phoenix::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string page_of(ComparisonData data) {
  std::vector<ComparisonData> all;
  all.push_back(std::move(data));
  return page_html(all, std::nullopt);
}

TEST(Flaw, IsFoundWhereThereIsOne) {  // the reader of pages must be able to fail
  EXPECT_EQ(flaw_of("<p>a</p><meta x=\"1\"><br/>"), "");
  EXPECT_NE(flaw_of("<p>a</b>"), "");
  EXPECT_NE(flaw_of("<p>"), "");
  EXPECT_NE(flaw_of("<p x=\"nan%\"></p>"), "");
}

TEST(ReportPage, TellsTheVerdictFirstAndWhereItComesFromLast) {
  ComparisonData data = sample_data(5);
  data.shown[0] = sample_run();
  const std::string page = page_of(std::move(data));
  EXPECT_EQ(flaw_of(page), "");
  const std::size_t verdict = page.find("p99: balancer=p2c is best");
  const std::size_t chart = page.find("<svg role=\"img\"");
  const std::size_t scenario = page.find("work = &quot;exponential(1 ms)&quot;");
  ASSERT_NE(verdict, std::string::npos);
  ASSERT_NE(scenario, std::string::npos);
  EXPECT_LT(verdict, chart);
  EXPECT_LT(page.rfind("<svg role=\"img\""), scenario);
  for (const char* part :
       {"id=\"distributions\"", "id=\"differences\"", "id=\"time\"", "id=\"nodes\"", "id=\"cost\"",
        "id=\"decisions\"", "id=\"agreement\"", "5 errors in a row", "crash node:1", "web-1"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_EQ(count_of(page, "<figure>"), count_of(page, "<details>")) << "every chart has its data";
  EXPECT_EQ(count_of(page, "<svg role=\"img\""), count_of(page, "<desc>"));
}

TEST(ReportPage, SaysOfHowManyWorldsItIs) {
  std::vector<ComparisonData> all;
  for (const char* world : {"sim", "sim", "sim"}) {
    all.push_back(sample_data(2, {"p2c", "random"}, world));
  }
  EXPECT_THAT(page_html(all, std::nullopt), HasSubstr("All of this is of one world"));
  all[1] = sample_data(2, {"p2c", "random"}, "local");
  const std::string mixed = page_html(all, std::nullopt);
  EXPECT_THAT(mixed, Not(HasSubstr("All of this is of one world")));
  EXPECT_THAT(mixed, HasSubstr("This is of two worlds"));
}

TEST(ReportPage, SaysWhenSeedsDiffer) {
  ComparisonData data = sample_data(2);
  EXPECT_THAT(page_of(sample_data(2)), HasSubstr("met the same arrivals"));
  PlanRequest request = data.plan.request();
  request.axes = {{"seed", {"1", "2"}}};
  request.baseline.clear();
  data.plan = ComparisonPlan::of_played(request).value();
  EXPECT_THAT(page_of(std::move(data)), HasSubstr("The seed was varied"));
}

TEST(ReportPage, LoadsNothingAndRunsNothing) {
  ComparisonData data = sample_data(3);
  data.shown[1] = sample_run();
  const std::string page = page_of(std::move(data));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
}

TEST(ReportPage, StandsForOneTwoAndThirtyRuns) {
  for (const std::uint32_t replications : {1U, 2U, 30U}) {
    const std::string page = page_of(sample_data(replications));
    EXPECT_EQ(flaw_of(page), "") << replications;
    EXPECT_THAT(page, HasSubstr("Compared: balancer (2 values)"));
  }
  EXPECT_THAT(page_of(sample_data(1)), HasSubstr("what differs may be chance"));
  EXPECT_THAT(page_of(sample_data(30)), Not(HasSubstr("what differs may be chance")));
}

TEST(ReportPage, StandsForALoneRun) {
  ComparisonData data = sample_data(1, {"p2c"});
  data.shown[0] = sample_run();
  const std::string page = page_of(std::move(data));
  EXPECT_EQ(flaw_of(page), "");
  EXPECT_THAT(page, HasSubstr("half of the answers took 1.00 s or less"));
  EXPECT_THAT(page, HasSubstr("nothing to take a difference from"));
}

TEST(ReportPage, TakesNamesForTextAndNothingElse) {
  const std::string evil = "<script>alert(1)</script>\"'&\x01\xFF</title></style></svg>";
  ComparisonData data = sample_data(3, {evil, "p2c"});
  data.source = evil;
  ShownRun run = sample_run();
  run.nodes.rows = {evil, evil};
  run.decision_marks[0].first = evil;
  run.decision_marks[0].family = evil;
  run.decisions[0].reason = std::string_view(evil);
  run.faults[0].target = run.faults[1].target = "<script>";
  run.summary.balancer = evil;
  run.attributes.host = evil;
  run.missing = {evil};
  data.shown[0] = run;
  data.unreadable = {evil};
  const std::string page = page_of(std::move(data));
  EXPECT_EQ(flaw_of(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
  EXPECT_EQ(count_of(page, "</style>"), 1U);
}

TEST(ReportPage, StandsForNumbersNobodyExpects) {
  for (const double value : {0.0, -1.0, 1e-300, 1e149, kInfinity, -kInfinity, kNan}) {
    ComparisonData data = sample_data(3);
    std::vector<CellResult> results;
    for (std::uint64_t cell = 0; cell < data.plan.cells_max(); ++cell) {
      results.push_back(sample_result(cell, cell % 2 == 0 ? value : 1.0));
      results.back().histogram = {{0, 1, 1}, {INT64_MAX / 4, INT64_MAX / 4 + 10, INT64_MAX / 4}};
    }
    data.study = make_study(data.plan, results, 3, {}).value();
    ShownRun run = sample_run();
    for (WindowRow& row : run.windows) row.p50 = row.p95 = row.p99 = static_cast<float>(value);
    run.windows[3].offered = INT64_MAX;
    run.nodes.cpu.assign(20, static_cast<float>(value));
    run.decisions[0].value = value;
    run.decision_marks[0].at_s = value;
    data.shown[0] = run;
    const std::string page = page_of(std::move(data));
    EXPECT_EQ(flaw_of(page), "") << value;
    EXPECT_LT(page.size(), 3'000'000U);
  }
}

TEST(ReportPage, SaysWhatARecordLacks) {
  ComparisonData data = sample_data(2);
  ShownRun run;
  run.summary.duration_s = 10;
  run.missing = {"run.h5: there is no table windows"};
  data.shown[0] = run;
  const std::string page = page_of(std::move(data));
  EXPECT_EQ(flaw_of(page), "");
  for (const char* part : {"there is no table windows", "has no windows",
                           "says nothing of its nodes", "nothing was decided"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page_of(sample_data(2)), HasSubstr("No record of a run was kept"));
}

TEST(ReportPage, IsBoundedHoweverManyVariationsThereAre) {
  std::vector<std::string> values;
  for (int i = 0; i < 150; ++i) values.push_back("random[x=" + std::to_string(i) + "]");
  ComparisonData data = sample_data(4, values);
  for (auto& shown : data.shown) shown = sample_run();
  const std::string page = page_of(std::move(data));
  EXPECT_EQ(flaw_of(page), "");
  EXPECT_LT(page.size(), 3'000'000U);
  EXPECT_THAT(page, HasSubstr("The first 100 rows; 50 more are not shown."));
}

TEST(ReportPage, IsTheSameForTheSameInput) {
  EXPECT_EQ(page_of(sample_data(4)), page_of(sample_data(4)));
}

TEST(ReportPage, NamesRunsThatAreMissing) {
  ComparisonData data = sample_data(2);
  std::vector<CellResult> results = {sample_result(0, 1), sample_result(1, 2), sample_result(2, 1)};
  results[2].failure = "killed by signal 11";
  data.study = make_study(data.plan, results, 2, {}).value();
  const std::string page = page_of(std::move(data));
  EXPECT_THAT(page, HasSubstr("killed by signal 11"));
  EXPECT_THAT(page, HasSubstr("not run"));
}

}  // namespace
}  // namespace phoenix::report
