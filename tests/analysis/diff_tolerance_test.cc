#include "analysis/diff_tolerance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/diff_text.h"
#include "tests/analysis/diff_records.h"

namespace phoenix {
namespace {

using testing::HasSubstr;

std::vector<Tolerance> parsed(const char* text) {
  const Result<std::vector<Tolerance>> tolerances = parse_tolerances(text);
  EXPECT_TRUE(tolerances.ok()) << text << ": " << (tolerances ? "" : tolerances.error());
  return tolerances ? *tolerances : std::vector<Tolerance>();
}

std::string refusal(const char* text) {
  const Result<std::vector<Tolerance>> tolerances = parse_tolerances(text);
  return tolerances ? "" : tolerances.error();
}

// What is missed of the two runs, by name of the metric.
std::vector<std::string> missed(const RunSummary& a, const RunSummary& b, const char* text) {
  std::vector<std::string> names;
  for (const ToleranceCheck& check : check_tolerances(diff_of(a, b), parsed(text))) {
    if (!check.is_met) names.push_back(check.metric.name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(Tolerances, SharesAreReadAsPercentOrPlain) {
  const std::vector<Tolerance> tolerances = parsed("latency=15%, throughput = 2.5 % ,p99.9=0.3");
  ASSERT_EQ(tolerances.size(), 3U);
  EXPECT_EQ(tolerances[0].name, "latency");
  EXPECT_DOUBLE_EQ(tolerances[0].allowed, 0.15);
  EXPECT_EQ(tolerances[1].name, "throughput");
  EXPECT_DOUBLE_EQ(tolerances[1].allowed, 0.025);
  EXPECT_EQ(tolerances[2].name, "p99.9");
  EXPECT_DOUBLE_EQ(tolerances[2].allowed, 0.3);
}

TEST(Tolerances, BadOnesAreToldWithWhatIsAllowed) {
  EXPECT_THAT(refusal("speed=1%"), HasSubstr("found 'speed', which is none of latency, mean, p50"));
  EXPECT_THAT(refusal("latency"), HasSubstr("found 'latency' where NAME=SHARE belongs"));
  EXPECT_THAT(refusal(""), HasSubstr("found '' where NAME=SHARE belongs"));
  EXPECT_THAT(refusal("p95=1%,"), HasSubstr("found '' where NAME=SHARE belongs"));
  EXPECT_THAT(refusal("p95=1%,p95=2%"), HasSubstr("found 'p95' twice"));
  for (const char* text : {"p95=", "p95=%", "p95=ten", "p95=-1%", "p95=nan", "p95=inf", "p95=1%%",
                           "p95=1 2", "p95=1e999"}) {
    EXPECT_THAT(refusal(text), HasSubstr("where a share of at least 0 belongs")) << text;
  }
}

TEST(Tolerances, EveryNameCanBeChecked) {
  std::string all = tolerance_names();
  for (std::size_t at = 0; (at = all.find(", ", at)) != std::string::npos;) {
    all.replace(at, 2, "=0%,");
  }
  EXPECT_EQ(missed(run_a(), run_a(), (all + "=0%").c_str()), Names());
}

TEST(Tolerances, ADifferenceUpToTheToleranceIsWithin) {
  // p50 is 10 % and p95 15 % higher, throughput 5 % lower.
  EXPECT_EQ(missed(run_a(), run_b(), "latency=15%,throughput=5%"), Names());
  EXPECT_EQ(missed(run_a(), run_b(), "latency=14.9%"), Names{"latency_p95"});
  EXPECT_EQ(missed(run_a(), run_b(), "latency=9%"), (Names{"latency_p50", "latency_p95"}));
  EXPECT_EQ(missed(run_a(), run_b(), "p95=1%,p50=10%,throughput=4.9%"),
            (Names{"latency_p95", "throughput"}));
}

TEST(Tolerances, LessIsAsMuchOfADifferenceAsMore) {
  EXPECT_EQ(missed(run_a(), run_b(), "retries=24%"), Names{"retries"});
  EXPECT_EQ(missed(run_a(), run_b(), "retries=25%"), Names());
}

TEST(Tolerances, FromZeroNothingElseIsWithin) {
  EXPECT_EQ(missed(run_a(), run_b(), "ejections=1000%"), Names{"ejections"});
  EXPECT_EQ(missed(run_a(), run_a(), "ejections=0%"), Names());
}

TEST(Tolerances, WhatOnlyOneKnowsIsAMiss) {
  RunSummary silent = run_a();
  silent.total.latency = LatencySummary::of(Histogram());
  EXPECT_EQ(missed(run_a(), silent, "p99=50%"), Names{"latency_p99"});
  EXPECT_EQ(missed(silent, run_a(), "p99=50%"), Names{"latency_p99"});
  EXPECT_EQ(missed(silent, silent, "p99=0%"), Names());
}

TEST(Tolerances, AMissIsOneLineWithBothNumbers) {
  const auto checks =
      check_tolerances(diff_of(run_a(), run_b()), parsed("p95=2%,failures=50%,ejections=5%"));
  ASSERT_EQ(checks.size(), 3U);
  EXPECT_EQ(miss_text(checks[0]), "p95: 40.0 ms against 46.0 ms, +15.0 % where 2.0 % is allowed");
  EXPECT_EQ(miss_text(checks[1]), "failed: 20 against 69, +245 % where 50.0 % is allowed");
  EXPECT_EQ(miss_text(checks[2]), "ejections: 0 against 3, where 5.0 % is allowed");
}

}  // namespace
}  // namespace phoenix
