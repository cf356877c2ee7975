// Two worlds held against each other: verdicts that can be worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/report/fidelity.h"
#include "analysis/report/page.h"
#include "tests/analysis/report_samples.h"

namespace phoenix::report {
namespace {

using statistics::EquivalenceVerdict;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kP99 = 2;  // of kFidelityMetrics

Fidelity of(const ComparisonData& a, const ComparisonData& b, double margin = 0.1) {
  return make_fidelity(a.side(), b.side(), margin).value();
}

TEST(Fidelity, IsEquivalentWhereWorldsDifferByLessThanTheMargin) {
  // 5 % apart, runs within 1 %.
  const Fidelity one = of(sample_data(10), sample_data(10, {"p2c", "random"}, "local", 1.05));
  EXPECT_EQ(one.verdict(), EquivalenceVerdict::kEquivalent);
  EXPECT_NEAR(one.variations[0].metrics[kP99].relative, 0.05 / 1.05, 0.002)
      << "as a share of the real side";
  EXPECT_TRUE(one.is_b_reference);
}

TEST(Fidelity, IsDifferentWhereTheyDifferByMore) {
  const Fidelity one = of(sample_data(10), sample_data(10, {"p2c", "random"}, "local", 1.5));
  EXPECT_EQ(one.verdict(kP99), EquivalenceVerdict::kDifferent);
  EXPECT_EQ(one.verdict(3), EquivalenceVerdict::kEquivalent) << "throughput is not scaled";
  EXPECT_EQ(one.verdict(), EquivalenceVerdict::kDifferent);
}

TEST(Fidelity, IsUndecidedWithOneRunEach) {
  const Fidelity one = of(sample_data(1), sample_data(1, {"p2c", "random"}, "local", 1.02));
  EXPECT_EQ(one.verdict(), EquivalenceVerdict::kUndecided);
  EXPECT_THAT(fidelity_sentences(one), Contains(HasSubstr("Undecided: one run each")));
  EXPECT_NEAR(one.ranks[0].by_means.tau, 1, 1e-12);
}

TEST(Fidelity, MarginDecides) {
  const ComparisonData a = sample_data(10);
  const ComparisonData b = sample_data(10, {"p2c", "random"}, "local", 1.05);
  EXPECT_EQ(of(a, b, 0.01).verdict(kP99), EquivalenceVerdict::kDifferent);
  EXPECT_FALSE(make_fidelity(a.side(), b.side(), 0).ok());
  EXPECT_FALSE(make_fidelity(a.side(), b.side(), INFINITY).ok());
}

TEST(Fidelity, ReferenceIsTheRealSideElseA) {
  const ComparisonData sim = sample_data(3);
  const ComparisonData local = sample_data(3, {"p2c", "random"}, "local");
  EXPECT_TRUE(of(sim, local).is_b_reference);
  EXPECT_FALSE(of(local, sim).is_b_reference);
  EXPECT_FALSE(of(sim, sim).is_b_reference);
}

TEST(Fidelity, RanksTellWhetherTheWinnerIsTheSame) {
  // Three strategies of which B exchanges the first two: 2 of 3 pairs agree, tau = 1/3.
  ComparisonData a = sample_data(8, {"x", "y", "z"});
  ComparisonData b = sample_data(8, {"y", "x", "z"}, "local");
  const Fidelity one = of(a, b);
  const RankFidelity& p99 = one.ranks[kP99];
  EXPECT_EQ(p99.metric, CellMetric::kP99);
  EXPECT_NEAR(p99.agreement.tau, 1.0 / 3, 1e-12);
  EXPECT_FALSE(p99.agreement.has_same_winner());
  EXPECT_THAT(p99.names, ElementsAre("balancer=x", "balancer=y", "balancer=z"));
  EXPECT_TRUE(of(a, a).ranks[kP99].agreement.has_same_winner());
}

TEST(Fidelity, NamesWhatDisagreesMost) {
  const Fidelity one = of(sample_data(5), sample_data(5, {"p2c", "random"}, "local", 2));
  const auto worst = one.worst();
  ASSERT_TRUE(worst);
  EXPECT_NEAR(one.variations[worst->variation].metrics[worst->metric].relative, 0.5, 0.01);
  EXPECT_THAT(fidelity_sentences(one), Contains(HasSubstr("disagrees most")));
}

TEST(Fidelity, TellsVariationsOfOneSideOnly) {
  const Fidelity one = of(sample_data(3, {"x", "y"}), sample_data(3, {"y", "z"}));
  EXPECT_THAT(one.only_a, ElementsAre("balancer=x"));
  EXPECT_THAT(one.only_b, ElementsAre("balancer=z"));
  EXPECT_EQ(one.variations.size(), 1U);
  const ComparisonData x = sample_data(3, {"x", "y"});
  const ComparisonData other = sample_data(3, {"v", "w"});
  EXPECT_FALSE(make_fidelity(x.side(), other.side(), 0.1).ok());
}

TEST(Fidelity, TextAndJsonSayTheSame) {
  const Fidelity one = of(sample_data(10), sample_data(10, {"p2c", "random"}, "local", 1.5));
  const std::string text = fidelity_text(one, false);
  EXPECT_THAT(text, HasSubstr("different"));
  EXPECT_THAT(text, HasSubstr("balancer=random"));
  const nlohmann::ordered_json json = fidelity_json(one);
  EXPECT_EQ(json["verdict"], "different");
  EXPECT_EQ(json["verdicts"]["throughput"], "equivalent");
  EXPECT_EQ(json["margin_of"], "b");
  EXPECT_EQ(json["variations"].size(), 2U);
  EXPECT_EQ(json["rankings"][kP99]["same_winner"], true);
}

TEST(Fidelity, StandsForNumbersThatAreNotKnown) {
  ComparisonData a = sample_data(3);
  for (VariationStudy& one : a.study.variations) {
    for (auto& values : one.values) values.assign(3, std::nan(""));
  }
  const Fidelity one = of(a, sample_data(3, {"p2c", "random"}, "local"));
  EXPECT_EQ(one.verdict(), EquivalenceVerdict::kUndecided);
  EXPECT_FALSE(one.worst());
  EXPECT_EQ(flaw_of(fidelity_html(one)), "");
}

TEST(Fidelity, HasItsPlaceOnThePage) {
  std::vector<ComparisonData> both;
  both.push_back(sample_data(10));
  both.push_back(sample_data(10, {"p2c", "<b>random</b>"}, "local", 1.05));
  const Fidelity one = of(both[0], both[1]);
  const std::string page = page_html(both, one);
  EXPECT_EQ(flaw_of(page), "");
  EXPECT_THAT(page, HasSubstr("do both worlds agree?"));
  EXPECT_THAT(page, HasSubstr("class=\"margin\""));
  EXPECT_THAT(page, HasSubstr("real processes: p2c"));
}

TEST(Fidelity, OtherWarmUpsAreOtherScenarios) {
  const ComparisonData a = sample_data(3);
  ComparisonData b = sample_data(3, {"p2c", "random"}, "local");
  EXPECT_TRUE(of(a, b).is_same_scenario);
  b.plan = b.plan.with_warm_up({0, true});
  EXPECT_TRUE(of(a, b).is_same_scenario) << "nothing is deleted of either";
  b.plan = b.plan.with_warm_up({0.5, false});
  EXPECT_FALSE(of(a, b).is_same_scenario);
  EXPECT_THAT(fidelity_sentences(of(a, b)), Contains(HasSubstr("the warm-up that is deleted")));
}

TEST(FidelityText, KeepsVerdictsWholeHoweverLongNamesAre) {
  const std::string other = "weighted_round_robin[weights=\"" + std::string(80, 'w') + "\"]";
  const Fidelity one =
      of(sample_data(10, {"p2c", other}), sample_data(10, {"p2c", other}, "local", 1.01));
  const std::string text = fidelity_text(one, false);
  EXPECT_THAT(text, HasSubstr("  equivalent\n"));
  EXPECT_THAT(text, HasSubstr("\np2c  "));
  EXPECT_THAT(text, HasSubstr("weighted_round"));
  EXPECT_THAT(text, HasSubstr(" throughput "));
}

}  // namespace
}  // namespace phoenix::report
