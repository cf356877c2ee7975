// What a comparison comes to: pairs by replication, groups, exclusions, warnings, precision and the
// rules under which a pipeline fails.
#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/fail_rule.h"
#include "analysis/compare/study.h"
#include "analysis/compare/study_text.h"
#include "tests/analysis/compare_samples.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Values by variation and replication.
std::vector<CellResult> results_of(const ComparisonPlan& plan,
                                   const std::vector<std::vector<double>>& values) {
  std::vector<CellResult> results;
  for (std::size_t v = 0; v < values.size(); ++v) {
    for (std::uint32_t r = 0; r < values[v].size(); ++r) {
      results.push_back(sample_result(plan.cell_of(v, r), values[v][r]));
    }
  }
  return results;
}

// The numbers of the paired example: pairing decides, an unpaired test sees nothing.
const std::vector<double> kA = {12.1, 11.4, 13.0, 12.6, 11.9, 12.8, 12.2, 11.7, 12.5, 12.0};
const std::vector<double> kB = {11.6, 11.1, 12.7, 12.0, 11.8, 12.2, 11.9, 11.5, 11.9, 11.3};

Study paired_study() {
  const ComparisonPlan plan = sample_plan(10);
  return *make_study(plan, results_of(plan, {kB, kA}), 10, {});
}

TEST(Study, PairsRunsByReplication) {
  const Study study = paired_study();
  ASSERT_THAT(study.blocks, SizeIs(1));
  const BaselineDifference* const one = study.blocks[0].against_baseline(CellMetric::kP99, 1);
  ASSERT_NE(one, nullptr);
  EXPECT_NEAR(one->difference.mean, 0.42, 1e-12);
  EXPECT_NEAR(one->difference.interval.low, 0.273783817, 1e-8);
  EXPECT_NEAR(one->difference.interval.high, 0.566216183, 1e-8);
  EXPECT_TRUE(one->is_separated);
  EXPECT_EQ(study.blocks[0].against_baseline(CellMetric::kP99, 0), nullptr) << "the baseline";
  EXPECT_TRUE(study.blocks[0].metric(CellMetric::kP99).ranking[0].is_among_best);
  EXPECT_FALSE(study.blocks[0].metric(CellMetric::kP99).ranking[1].is_among_best);
}

TEST(Study, DoesNotDependOnTheOrderOfResults) {
  const ComparisonPlan plan = sample_plan(10);
  std::vector<CellResult> results = results_of(plan, {kB, kA});
  const std::string before = study_json(plan, *make_study(plan, results, 10, {}));
  std::shuffle(results.begin(), results.end(), std::mt19937(7));
  EXPECT_EQ(study_json(plan, *make_study(plan, results, 10, {})), before);
}

TEST(Study, TellsEveryRunThatIsLeftOutAndWhy) {
  const ComparisonPlan plan = sample_plan(10);
  std::vector<CellResult> results = results_of(plan, {kB, kA});
  results[3].failure = "killed by signal 11";
  results[4].is_complete = false;
  results.pop_back();
  const auto study = make_study(plan, results, 10, {});
  ASSERT_TRUE(study.ok());
  std::vector<std::string> causes;
  for (const ExcludedRun& run : study->excluded) causes.push_back(run.cause);
  EXPECT_THAT(causes, ElementsAre("killed by signal 11", "not played to its end", "not run"));
  EXPECT_EQ(study->blocks[0].against_baseline(CellMetric::kP99, 1)->difference.n, 7U);
  EXPECT_THAT(study_text(plan, *study), HasSubstr("left out: run 6 (balancer=p2c, replication 3): "
                                                  "killed by signal 11"));
}

TEST(Study, WithoutAnyResultIsNone) {
  const ComparisonPlan plan = sample_plan(2);
  EXPECT_THAT(make_study(plan, {}, 2, {}).error(), HasSubstr("no run has a result"));
}

TEST(Study, OneRunEachIsAValueAndNoVerdict) {
  const ComparisonPlan plan = sample_plan(1);
  const auto study = make_study(plan, results_of(plan, {{1.0}, {2.0}}), 1, {});
  ASSERT_TRUE(study.ok());
  const std::string text = study_text(plan, *study);
  EXPECT_THAT(text, HasSubstr("n=1"));
  EXPECT_THAT(text, HasSubstr("the runs tell no difference"));
}

TEST(Study, NoiseIsNoDifference) {
  // Two strategies that are equal but for noise, compared a thousand times at 95 %.
  std::mt19937_64 random(42);
  std::normal_distribution<double> shared(1, 0.2), own(0, 0.05);
  const ComparisonPlan plan = sample_plan(10);
  int told_apart = 0;
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::vector<double>> values(2);
    for (int r = 0; r < 10; ++r) {
      const double common = shared(random);
      for (auto& one : values) one.push_back(common + own(random));
    }
    const auto study = make_study(plan, results_of(plan, values), 10, {});
    told_apart += study->blocks[0].against_baseline(CellMetric::kP99, 1)->is_separated ? 1 : 0;
  }
  EXPECT_LE(told_apart, 70) << "93 % at least are found alike";
  EXPECT_GE(told_apart, 30) << "a test that never errs at 5 % cannot find anything either";
}

TEST(Study, WarnsOfTailsThatRestOnTooFewRequests) {
  const ComparisonPlan plan = sample_plan(2);
  std::vector<CellResult> results = results_of(plan, {{1, 1}, {2, 2}});
  EXPECT_THAT(make_study(plan, results, 2, {})->warnings, IsEmpty());
  results[1].completed = 5'000;
  results[2].warning = "the load source fell behind";
  const auto study = make_study(plan, results, 2, {});
  EXPECT_THAT(study->warnings,
              ElementsAre(HasSubstr("the load source fell behind"), HasSubstr("takes 10000")));
}

TEST(Study, PrimaryMetricsAreAdjustedTogetherAndOthersAreHints) {
  const ComparisonPlan plan = sample_plan(10);
  StudyOptions both;
  both.primary = {CellMetric::kP99, CellMetric::kMean};
  const auto one = make_study(plan, results_of(plan, {kB, kA}), 10, {});
  const auto two = make_study(plan, results_of(plan, {kB, kA}), 10, both);
  const auto p = [](const Study& study, CellMetric metric) {
    return study.blocks[0].against_baseline(metric, 1)->adjusted_p;
  };
  EXPECT_NEAR(p(*two, CellMetric::kP99), 2 * p(*one, CellMetric::kP99), 1e-12);
  EXPECT_EQ(p(*one, CellMetric::kMean), p(*one, CellMetric::kP99)) << "exploratory: not adjusted";
  EXPECT_TRUE(two->is_primary(CellMetric::kMean));
  EXPECT_FALSE(one->is_primary(CellMetric::kMean));
}

TEST(Precision, IsOfDifferencesToTheBaseline) {
  const Study study = paired_study();
  // Half-width 0.146 of a mean of 11.8: 1.24 %.
  EXPECT_TRUE(is_precise(study, {0.0124, "p99", 100}));
  EXPECT_FALSE(is_precise(study, {0.0123, "p99", 100}));
}

TEST(FailRules, AreReadOrRefusedWithWhatIsAllowed) {
  const auto relative = parse_fail_rule("p99 > +5%");
  ASSERT_TRUE(relative.ok());
  EXPECT_TRUE(relative->is_relative && relative->is_above);
  EXPECT_DOUBLE_EQ(relative->bound, 0.05);
  const auto time = parse_fail_rule("p99>250 ms");
  ASSERT_TRUE(time.ok()) << time.error();
  EXPECT_FALSE(time->is_relative);
  EXPECT_DOUBLE_EQ(time->bound, 0.25);
  const auto share = parse_fail_rule("availability < 99.9%");
  ASSERT_TRUE(share.ok());
  EXPECT_FALSE(share->is_relative) << "a share of its own";
  EXPECT_DOUBLE_EQ(share->bound, 0.999);
  EXPECT_DOUBLE_EQ(parse_fail_rule("throughput < -2%")->bound, -0.02);
  EXPECT_THAT(parse_fail_rule("p98 > 5%").error(), HasSubstr("found metric \"p98\"; allowed mean"));
  for (const char* text : {"", "p99", "> 5%", "p99 > ", "p99 > fast", "p99 > 5 parsecs"}) {
    EXPECT_FALSE(parse_fail_rule(text).ok()) << text;
  }
}

TEST(FailRules, OfASharePercentagesWithASignAreOfTheBaseline) {
  const auto relative = parse_fail_rule("availability < -1%");
  ASSERT_TRUE(relative.ok()) << relative.error();
  EXPECT_TRUE(relative->is_relative);
  EXPECT_DOUBLE_EQ(relative->bound, -0.01);
  EXPECT_TRUE(parse_fail_rule("availability > +1%")->is_relative);
  EXPECT_FALSE(parse_fail_rule("availability < 1%")->is_relative);
}

TEST(FailRules, ThatNoRunCanBreakAreRefused) {
  for (const char* text :
       {"availability < -0.01", "availability > 100%", "availability > 99.9", "availability < 0%",
        "p99 < -5", "p99 > -5 ms", "failures < 0", "throughput < -100%", "throughput < -200 %"}) {
    const auto rule = parse_fail_rule(text);
    ASSERT_FALSE(rule.ok()) << text;
    EXPECT_THAT(rule.error(), HasSubstr("; allowed a ")) << text;
  }
  for (const char* text : {"p99 > inf", "p99 > nan", "p99 > +inf%", "p99 > 1e999"}) {
    EXPECT_FALSE(parse_fail_rule(text).ok()) << text;
  }
}

TEST(FailRules, TakeABaselineAndTwoReplicationsToBeRelative) {
  const std::vector<FailRule> relative = {*parse_fail_rule("p99 > +5%")};
  EXPECT_TRUE(check_rules(sample_plan(2), relative).ok());
  EXPECT_THAT(check_rules(sample_plan(1), relative).error(), HasSubstr("with one replication"));
  EXPECT_THAT(check_rules(sample_plan(2, {"p2c"}), relative).error(),
              HasSubstr("found \"p99 > +5%\" and no variation beside the baseline"));
  EXPECT_TRUE(check_rules(sample_plan(1, {"p2c"}), {*parse_fail_rule("p99 > 5 ms")}).ok());
}

std::vector<std::string> broken(const Study& study, const char* rule) {
  return broken_rules(study, {*parse_fail_rule(rule)});
}

TEST(FailRules, HoldAgainstTheBaselineOnlyWhereTheRunsTellADifference) {
  const Study study = paired_study();  // random is 3.56 % above p2c
  EXPECT_THAT(broken(study, "p99 > +3%"), ElementsAre(HasSubstr("balancer=random has +3.56 %")));
  EXPECT_THAT(broken(study, "p99 > +4%"), IsEmpty());
  EXPECT_THAT(broken(study, "throughput < -1%"), IsEmpty());
  EXPECT_THAT(broken(study, "failures > 11.9"), ElementsAre(HasSubstr("balancer=random")));
  const ComparisonPlan plan = sample_plan(3);
  const auto noisy = make_study(plan, results_of(plan, {{1, 2, 3}, {3, 2, 2.2}}), 3, {});
  EXPECT_THAT(broken(*noisy, "p99 > +5%"), IsEmpty()) << "20 % more, but not told from none";
}

TEST(FailRules, WhatIsNotKnownFails) {
  const ComparisonPlan plan = sample_plan(2);
  std::vector<CellResult> results = results_of(plan, {{1, 1}, {2, 2}});
  for (CellResult& result : results) {
    result.metrics[static_cast<std::size_t>(CellMetric::kSloViolating)] = std::nan("");
  }
  const auto study = make_study(plan, results, 2, {});
  EXPECT_THAT(broken(*study, "slo_violating > 1"), SizeIs(2));
  EXPECT_THAT(broken(*study, "slo_violating > +5%"), SizeIs(1));
}

TEST(FailRules, ADifferenceWithoutAnIntervalFails) {
  const ComparisonPlan plan = sample_plan(2);
  std::vector<CellResult> results = results_of(plan, {{1, 1}, {2, 2}});
  results.back().failure = "killed by signal 9";
  const auto study = make_study(plan, results, 2, {});
  EXPECT_THAT(broken(*study, "p99 > +5%"),
              ElementsAre(HasSubstr("balancer=random is from the baseline's is not known")));
}

TEST(StudyText, FitsATerminalAndMarksTheBest) {
  const ComparisonPlan plan = sample_plan(10);
  const Study study = paired_study();
  const std::string text = study_text(plan, study);
  EXPECT_THAT(text, HasSubstr("p99: balancer=p2c is best with 11.8 s"));
  EXPECT_THAT(text, HasSubstr("p2c     *"));
  EXPECT_THAT(text, HasSubstr("baseline"));
  EXPECT_THAT(text, Not(HasSubstr("\033[")));
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 100U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
  EXPECT_THAT(study_text(plan, study, true), HasSubstr("\033["));
}

TEST(StudyText, AVerdictDoesNotRepeatTheNameOfItsBlock) {
  PlanRequest request = sample_request();
  request.axes.push_back({"cluster.group.web.count", {"4", "8"}});
  request.replications = 3;
  const auto plan = ComparisonPlan::make(request);
  ASSERT_TRUE(plan.ok()) << plan.error();
  const auto study = make_study(
      *plan, results_of(*plan, {{1, 1.1, 1}, {2, 2.1, 2}, {3, 3.2, 3}, {4, 4.1, 4}}), 3, {});
  ASSERT_EQ(study->blocks.size(), 2U);
  EXPECT_EQ(study->blocks[1].name, "cluster.group.web.count=8");
  const std::string verdict = verdict_text(*study, study->blocks[1], CellMetric::kP99);
  EXPECT_THAT(verdict, HasSubstr("balancer=p2c is best"));
  EXPECT_THAT(verdict, Not(HasSubstr("cluster.group")));
}

TEST(StudyText, ClaimsCommonRandomNumbersOnlyOfOneSeed) {
  PlanRequest request = sample_request();
  request.replications = 2;
  const auto plan = ComparisonPlan::make(request);
  request.axes = {{"seed", {"1", "2"}}};
  const auto seeds = ComparisonPlan::make(request);
  const auto text = [](const ComparisonPlan& of) {
    return study_text(of, *make_study(of, results_of(of, {{1, 2}, {2, 3}}), 2, {}));
  };
  EXPECT_THAT(text(*plan), HasSubstr("paired by common random numbers"));
  EXPECT_THAT(text(*seeds), HasSubstr("paired by replication, seeds differ"));
}

TEST(StudyJson, TellsCausesThatAreNoText) {
  const ComparisonPlan plan = sample_plan(1);
  std::vector<CellResult> results = results_of(plan, {{1}, {2}});
  results[1].failure = "said \xff";
  const auto json = nlohmann::json::parse(study_json(plan, *make_study(plan, results, 1, {})));
  EXPECT_THAT(json.at("excluded").at(0).at("cause").get<std::string>(), HasSubstr("said "));
}

TEST(StudyJson, HasEveryNumberUnderAStableKey) {
  const ComparisonPlan plan = sample_plan(10);
  const auto json = nlohmann::json::parse(study_json(plan, paired_study()));
  const auto& p99 = json.at("blocks").at(0).at("metrics").at(4);
  EXPECT_EQ(p99.at("metric"), "p99");
  EXPECT_TRUE(p99.at("primary"));
  EXPECT_EQ(p99.at("better"), "lower");
  const auto& against = p99.at("variations").at(1).at("against_baseline");
  EXPECT_NEAR(against.at("mean").get<double>(), 0.42, 1e-12);
  EXPECT_NEAR(against.at("p").get<double>(), 1.11716336e-4, 1e-11);
  EXPECT_EQ(against.at("above"), 10);
  EXPECT_EQ(p99.at("ranking").at(0).at("variation"), "balancer=p2c");
  EXPECT_EQ(p99.at("variations").at(0).at("values").size(), 10U);
}

}  // namespace
}  // namespace phoenix
