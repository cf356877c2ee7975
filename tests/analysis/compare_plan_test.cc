// What a comparison plays: combinations, conditions, groups, and cells whose numbers never change.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/compare/plan.h"
#include "tests/analysis/compare_samples.h"

namespace phoenix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PlanRequest request() {
  PlanRequest request = sample_request();
  request.axes = {{"balancer", {"p2c", "round_robin", "random"}},
                  {"cluster.group.web.count", {"2", "4"}}};
  return request;
}

std::vector<std::string> names(const ComparisonPlan& plan) {
  std::vector<std::string> all;
  for (const Variation& variation : plan.variations()) all.push_back(variation.name);
  return all;
}

std::string error_of(PlanRequest request) {
  const auto plan = ComparisonPlan::make(std::move(request));
  return plan ? "" : plan.error();
}

TEST(ComparisonPlan, IsEveryCombinationTheLastAxisFastest) {
  const auto plan = ComparisonPlan::make(request());
  ASSERT_TRUE(plan.ok()) << plan.error();
  EXPECT_THAT(names(*plan), ElementsAre("balancer=p2c, cluster.group.web.count=2",
                                        "balancer=p2c, cluster.group.web.count=4",
                                        "balancer=round_robin, cluster.group.web.count=2",
                                        "balancer=round_robin, cluster.group.web.count=4",
                                        "balancer=random, cluster.group.web.count=2",
                                        "balancer=random, cluster.group.web.count=4"));
  EXPECT_EQ(plan->cells_max(), 18U);
}

TEST(ComparisonPlan, ACellIsOneVariationInOneReplication) {
  const auto plan = ComparisonPlan::make(request());
  ASSERT_TRUE(plan.ok());
  std::set<std::pair<std::size_t, std::uint32_t>> seen;
  for (std::uint64_t cell = 0; cell < plan->cells_max(); ++cell) {
    EXPECT_EQ(plan->cell_of(plan->variation_of(cell), plan->replication_of(cell)), cell);
    seen.emplace(plan->variation_of(cell), plan->replication_of(cell));
    const auto scenario = plan->scenario(cell);
    ASSERT_TRUE(scenario.ok());
    EXPECT_EQ(scenario->replication, plan->replication_of(cell));
  }
  EXPECT_EQ(seen.size(), 18U);
}

TEST(ComparisonPlan, MoreReplicationsRenumberNothing) {
  PlanRequest more = request();
  more.replications = 30;
  const auto few = ComparisonPlan::make(request());
  const auto many = ComparisonPlan::make(more);
  ASSERT_TRUE(few.ok() && many.ok());
  for (std::uint64_t cell = 0; cell < few->cells_max(); ++cell) {
    EXPECT_EQ(few->command(cell), many->command(cell));
  }
  EXPECT_TRUE(few->is_same_experiment(*many));
}

TEST(ComparisonPlan, ComparesTheFirstAxisAndGroupsByOthers) {
  const auto plan = ComparisonPlan::make(request());
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->blocks().size(), 2U);
  EXPECT_EQ(plan->blocks()[0].name, "cluster.group.web.count=2");
  EXPECT_THAT(plan->blocks()[0].variations, ElementsAre(0, 2, 4));
  EXPECT_EQ(plan->blocks()[0].baseline, 0U);
  EXPECT_THAT(plan->blocks()[1].variations, ElementsAre(1, 3, 5));
  EXPECT_EQ(plan->blocks()[1].baseline, 1U);
}

TEST(ComparisonPlan, ABaselineOfAllAxesComparesEverything) {
  PlanRequest all = request();
  all.baseline = {{"cluster.group.web.count", "4"}, {"balancer", "random"}};
  const auto plan = ComparisonPlan::make(all);
  ASSERT_TRUE(plan.ok()) << plan.error();
  ASSERT_EQ(plan->blocks().size(), 1U);
  EXPECT_EQ(plan->blocks()[0].name, "");
  EXPECT_EQ(plan->blocks()[0].baseline, 5U);
}

TEST(ComparisonPlan, ConditionsLeaveCombinationsOut) {
  PlanRequest some = request();
  some.exclude = {{{"balancer", "random"}, {"cluster.group.web.count", "2"}}};
  some.only = {{{"cluster.group.web.count", "2"}}, {{"balancer", "random"}}};
  const auto plan = ComparisonPlan::make(some);
  ASSERT_TRUE(plan.ok()) << plan.error();
  EXPECT_THAT(names(*plan), ElementsAre("balancer=p2c, cluster.group.web.count=2",
                                        "balancer=round_robin, cluster.group.web.count=2",
                                        "balancer=random, cluster.group.web.count=4"));
  EXPECT_FALSE(plan->blocks()[1].baseline.has_value()) << "its baseline is left out";
}

TEST(ComparisonPlan, RefusesWhatWouldSilentlyDoNothing) {
  PlanRequest wrong = request();
  wrong.exclude = {{{"balancr", "p2c"}}};
  EXPECT_THAT(error_of(wrong), HasSubstr("--exclude: found key \"balancr\"; allowed balancer"));
  wrong = request();
  wrong.only = {{{"balancer", "prequal"}}};
  EXPECT_THAT(error_of(wrong), HasSubstr("--only: found balancer=prequal; allowed p2c"));
  wrong = request();
  wrong.baseline = {{"balancer", "p3c"}};
  EXPECT_THAT(error_of(wrong), HasSubstr("--baseline: found balancer=p3c"));
  wrong.baseline = {{"balancer", "p2c"}, {"balancer", "random"}};
  EXPECT_THAT(error_of(wrong), HasSubstr("--baseline: found key \"balancer\" twice"));
  wrong = request();
  wrong.axes.push_back({"balancer", {"c3"}});
  EXPECT_THAT(error_of(wrong), HasSubstr("found \"balancer\" twice"));
  wrong = request();
  wrong.axes.push_back({"replication", {"1", "2"}});
  EXPECT_THAT(error_of(wrong), HasSubstr("--vary: found \"replication\""));
  wrong = request();
  wrong.overrides = {"replication=3"};
  EXPECT_THAT(error_of(wrong), HasSubstr("--set: found \"replication\""));
  wrong.overrides = {"replication =3"};
  EXPECT_THAT(error_of(wrong), HasSubstr("--set: found \"replication\""));
  for (const char* spelled :
       {"balancer=c3", " balancer = c3", "\"balancer\"=c3", "strategies.balancer=c3"}) {
    wrong.overrides = {spelled};
    EXPECT_THAT(error_of(wrong), HasSubstr("found \"balancer\", which is varied")) << spelled;
  }
  wrong = request();
  wrong.axes.push_back({"strategies.balancer", {"c3"}});
  EXPECT_THAT(error_of(wrong), HasSubstr("found \"strategies.balancer\" twice"));
  wrong = request();
  wrong.exclude = {{{"cluster.group.web.count", "2"}}, {{"cluster.group.web.count", "4"}}};
  EXPECT_THAT(error_of(wrong), HasSubstr("leave nothing to compare"));
}

TEST(ComparisonPlan, BadValuesAreTheParsersAffairBeforeAnythingRuns) {
  PlanRequest wrong = request();
  wrong.axes[0].values.push_back("p3c");
  EXPECT_THAT(error_of(wrong), HasSubstr("--set balancer=p3c: strategies.balancer: "));
  wrong = request();
  wrong.axes[1].values = {"2", "-1"};
  EXPECT_THAT(error_of(wrong), HasSubstr("--set cluster.group.web.count=-1"));
}

TEST(ComparisonPlan, ComesBackFromJsonAsItWas) {
  PlanRequest full = request();
  full.exclude = {{{"balancer", "random"}, {"cluster.group.web.count", "2"}}};
  full.baseline = {{"balancer", "round_robin"}};
  full.overrides = {"seed=7"};
  full.precision = {0.02, "p95", 40};
  const auto plan = ComparisonPlan::make(full);
  ASSERT_TRUE(plan.ok()) << plan.error();
  const auto back = ComparisonPlan::from_json(plan->to_json());
  ASSERT_TRUE(back.ok()) << back.error();
  EXPECT_EQ(back->to_json(), plan->to_json());
  EXPECT_EQ(back->cells_max(), plan->cells_max());
  EXPECT_TRUE(back->is_same_experiment(*plan));
  EXPECT_FALSE(ComparisonPlan::from_json("{}").ok());
  EXPECT_FALSE(ComparisonPlan::from_json("nonsense").ok());
  EXPECT_THAT(ComparisonPlan::from_json(R"({"format":"phoenix-plan","version":9})").error(),
              HasSubstr("found version 9"));
  EXPECT_THAT(ComparisonPlan::from_json(R"({"format":"phoenix-plan","version":1})").error(),
              HasSubstr("found a broken plan"));
}

TEST(ComparisonPlan, CommandsPlayTheSameRunAlone) {
  PlanRequest spaced = request();
  spaced.axes = {{"workload.rate", {"100 /s", "200 /s"}}};
  const auto plan = ComparisonPlan::make(spaced);
  ASSERT_TRUE(plan.ok()) << plan.error();
  EXPECT_EQ(plan->command(3),
            "phoenix run small.toml --set 'workload.rate=200 /s' --set replication=1");
}

TEST(ParseAxis, CutsAtCommasOutsideBracketsAndQuotes) {
  const auto axis = parse_axis(R"(balancer=p2c, peak_ewma[decay=5 s, penalty=2],"a,b")");
  ASSERT_TRUE(axis.ok()) << axis.error();
  EXPECT_EQ(axis->key, "balancer");
  EXPECT_THAT(axis->values, ElementsAre("p2c", "peak_ewma[decay=5 s, penalty=2]", "\"a,b\""));
}

TEST(ParseAxis, RefusesWhatNamesNothing) {
  for (const char* text : {"", "balancer", "=p2c", "balancer=", "balancer=p2c,,random"}) {
    EXPECT_FALSE(parse_axis(text).ok()) << text;
  }
  EXPECT_THAT(parse_axis("balancer=p2c,p2c").error(), HasSubstr("\"p2c\" twice"));
}

TEST(StoredPlan, OfAnyOtherJsonIsAnErrorAndNoException) {
  for (const char* text : {"", "[]", R"({"format":3})", R"({"format":"phoenix-plan","version":[]})",
                           R"({"format":"phoenix-plan","version":1})"}) {
    EXPECT_THAT(ComparisonPlan::from_json(text).error(), HasSubstr("found ")) << text;
  }
}

TEST(StoredPlan, HasAKnownWorldAndMetric) {
  const auto stored = [](auto change) {
    PlanRequest request = sample_request();
    request.precision = PrecisionGoal{};
    change(request);
    const auto plan = ComparisonPlan::from_json(ComparisonPlan::make(request)->to_json());
    return plan ? "" : plan.error();
  };
  EXPECT_EQ(stored([](PlanRequest&) {}), "");
  EXPECT_EQ(stored([](PlanRequest& r) { r.world = "moon"; }),
            "world: found \"moon\"; allowed sim or local");
  EXPECT_THAT(stored([](PlanRequest& r) { r.precision->metric = "p98"; }),
              HasSubstr("precision.metric: found \"p98\"; allowed mean"));
  EXPECT_THAT(stored([](PlanRequest& r) { r.replications = 0; }),
              HasSubstr("replications: found 0"));
}

}  // namespace
}  // namespace phoenix
