// Little data, missing data, data without any spread, options that cannot be; and that neither the
// order of runs nor the time of day changes anything.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/comparison.h"
#include "analysis/statistics/equivalence.h"
#include "analysis/statistics/holm.h"
#include "analysis/statistics/power.h"
#include "analysis/statistics/quantile.h"
#include "analysis/statistics/rank_agreement.h"
#include "analysis/statistics/warm_up.h"
#include "strategies/core/random.h"

namespace phoenix::statistics {
namespace {

using Values = std::vector<double>;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? "" : result.error();
}

TEST(Means, OfLittleAreNoGuess) {
  const MeanEstimate none = estimate_mean({});
  EXPECT_EQ(none.n, 0U);
  EXPECT_TRUE(std::isnan(none.mean));
  const MeanEstimate one = estimate_mean(Values{7});
  EXPECT_EQ(one.mean, 7);
  EXPECT_TRUE(std::isnan(one.sd));
  EXPECT_FALSE(one.interval().is_known());
  EXPECT_FALSE(one.interval().contains(7));
  const MeanEstimate same = estimate_mean(Values(10, 0.1));
  EXPECT_EQ(same.mean, 0.1);
  EXPECT_EQ(same.half_width, 0);
  EXPECT_TRUE(same.interval().contains(0.1));
}

TEST(Means, LeaveOutAndCountWhatIsMissing) {
  const MeanEstimate mean = estimate_mean(Values{1, kUnknown, 3, kInfinite, -kInfinite});
  EXPECT_EQ(mean.n, 2U);
  EXPECT_EQ(mean.missing, 3U);
  EXPECT_EQ(mean.mean, 2);
}

TEST(Means, KeepTheirDigitsFarFromZero) {
  const MeanEstimate mean = estimate_mean(Values{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16});
  EXPECT_EQ(mean.mean, 1e9 + 10);
  EXPECT_DOUBLE_EQ(mean.sd, std::sqrt(30));
}

TEST(Pairs, WithAMissingSideAreDroppedAndCounted) {
  const Values a = {1, kUnknown, 3, 4, 5};
  const Values b = {2, 2, kInfinite, 6};
  const PairedDifference d = paired_difference(a, b);
  EXPECT_EQ(d.n, 2U);
  EXPECT_EQ(d.dropped, 3U);
  EXPECT_EQ(d.mean, -1.5);
  EXPECT_EQ(d.mean_a, 2.5);
  EXPECT_EQ(d.wins.below, 2U);
  EXPECT_TRUE(std::isnan(d.hedges_gz)) << "J(1) does not exist";
}

TEST(Pairs, OfLittleAreNoGuess) {
  const PairedDifference none = paired_difference(Values{kUnknown}, Values{1});
  EXPECT_EQ(none.n, 0U);
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_TRUE(std::isnan(none.ranks.p));
  const PairedDifference one = paired_difference(Values{3}, Values{1});
  EXPECT_EQ(one.mean, 2);
  EXPECT_EQ(one.relative, 2);
  EXPECT_TRUE(std::isnan(one.student.p));
  EXPECT_FALSE(one.interval.is_known());
  EXPECT_FALSE(one.relative_interval.is_known());
}

TEST(Pairs, WithoutSpread) {
  const Values ones(6, 1.0);
  const PairedDifference same = paired_difference(ones, ones);
  EXPECT_EQ(same.mean, 0);
  EXPECT_EQ(same.student.p, 1);
  EXPECT_EQ(same.ranks.p, 1);
  EXPECT_EQ(same.cohen_dz, 0);
  EXPECT_EQ(same.wins.equal, 6U);
  EXPECT_TRUE(same.interval.contains(0));
  EXPECT_TRUE(std::isnan(same.correlation));
  EXPECT_TRUE(std::isnan(same.ranks.rank_biserial));
  const PairedDifference shifted = paired_difference(Values(6, 3.0), ones);
  EXPECT_EQ(shifted.student.p, 0);
  EXPECT_EQ(shifted.student.t, kInfinite);
  EXPECT_EQ(shifted.cohen_dz, kInfinite);
  // Six ties: mean 10.5, variance 22.75 - (216 - 6)/48.
  EXPECT_NEAR(shifted.ranks.p, std::erfc(10 / std::sqrt(2 * 18.375)), 1e-12);
}

TEST(RelativeDifferences, AreNotKnownAgainstNothing) {
  EXPECT_TRUE(std::isnan(paired_difference(Values{1, 2}, Values{0, 0}).relative));
  const PairedDifference vague = paired_difference(Values{5, 6, 4}, Values{-1, 1, 0.1});
  EXPECT_FALSE(vague.relative_interval.is_known());
  EXPECT_TRUE(vague.interval.is_known());
}

TEST(RelativeDifferences, ContainZeroWhereDifferencesDo) {
  Random random = Streams(3).named("test/relative");
  int both = 0;
  for (int i = 0; i < 300; ++i) {
    Values a(6), b(6);
    for (double& value : a) value = 10 + random.uniform();
    for (double& value : b) value = 9.7 + random.uniform();
    const PairedDifference d = paired_difference(a, b);
    ASSERT_TRUE(d.relative_interval.is_known());
    EXPECT_EQ(d.relative_interval.contains(0), d.interval.contains(0));
    EXPECT_TRUE(d.relative_interval.contains(d.relative));
    both += d.interval.contains(0);
  }
  EXPECT_GT(both, 30);
  EXPECT_LT(both, 270);
}

TEST(Welch, OfLittleAndWithoutSpread) {
  EXPECT_TRUE(std::isnan(welch_difference(Values{1}, Values{1, 2}).standard_error));
  EXPECT_EQ(welch_difference(Values{1}, Values{1, 3}).mean, -1);
  EXPECT_TRUE(std::isnan(welch_difference({}, Values{1, 3}).mean));
  EXPECT_EQ(welch_difference(Values{2, 2}, Values{1, 1, 1}).student.p, 0);
  EXPECT_EQ(welch_difference(Values{1, 1}, Values{1, 1, 1}).student.p, 1);
}

TEST(Holm, LeavesOutWhatCouldNotBeCompared) {
  EXPECT_TRUE(holm_adjusted({}).empty());
  const Values adjusted = holm_adjusted(Values{0.02, kUnknown, 0.02, 0.9});
  EXPECT_DOUBLE_EQ(adjusted[0], 0.06);
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_DOUBLE_EQ(adjusted[2], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.9);
}

TEST(Comparison, RefusesWhatCannotBe) {
  const Values runs = {1, 2, 3};
  const std::vector<MetricCells> one = {{{runs}}};
  const std::vector<MetricCells> uneven = {{{runs, runs}}, {{runs, runs, runs}}};
  EXPECT_EQ(refusal(compare_cells(one)), "metric 0 is of 1 strategies: a comparison needs 2");
  EXPECT_EQ(refusal(compare_cells(uneven)),
            "metric 1 is of 3 strategies, metric 0 of 2: must be the same");
  for (const double confidence : {0.0, 1.0, -1.0, kUnknown}) {
    EXPECT_NE(refusal(compare_cells({}, {confidence})).find("above 0 and below 1"),
              std::string::npos);
  }
  EXPECT_TRUE(compare_cells({})->empty());
}

TEST(Comparison, AdjustsOverPrimaryMetricsOnly) {
  const Values a = {1.0, 2.1, 3.0, 4.2, 5.0};
  const Values b = {1.2, 2.2, 3.3, 4.3, 5.3};
  const std::vector<MetricCells> metrics = {
      {{a, b}}, {{a, b}, Better::kHigher}, {{a, b}, Better::kLower, false}};
  const auto compared = compare_cells(metrics);
  ASSERT_TRUE(compared);
  const double p = (*compared)[2].pairs[0].p;
  EXPECT_GT(p, 0);
  EXPECT_EQ((*compared)[2].pairs[0].adjusted_p, p);
  EXPECT_FALSE((*compared)[2].is_primary);
  EXPECT_EQ((*compared)[0].pairs[0].adjusted_p, 2 * p);
  EXPECT_EQ((*compared)[0].pairs[0].better, 0U);
  EXPECT_EQ((*compared)[1].pairs[0].better, 1U) << "higher is better there";
  EXPECT_EQ((*compared)[1].ranking[0].cell, 1U);
}

TEST(Comparison, RanksWhatItCanAndSaysWhatItCannot) {
  const Values best = {1, 2, 3, 4, 5, 6};
  const Values near = {1.1, 1.9, 3.2, 3.9, 5.1, 6};
  const Values far = {21, 22.5, 23, 24, 25.5, 26};
  const Values missing(6, kUnknown);
  const Values single = {kUnknown, kUnknown, 90, kUnknown};
  const std::vector<MetricCells> metrics = {{{far, missing, near, best, single}}};
  const auto compared = compare_cells(metrics);
  ASSERT_TRUE(compared);
  const std::vector<RankedCell>& ranking = compared->front().ranking;
  ASSERT_EQ(ranking.size(), 5U);
  EXPECT_EQ(ranking[0].cell, 3U);
  EXPECT_EQ(ranking[1].cell, 2U);
  EXPECT_TRUE(ranking[1].is_among_best);
  EXPECT_EQ(ranking[1].first, 1U);
  EXPECT_EQ(ranking[1].last, 3U) << "of four, better than one for certain";
  EXPECT_EQ(ranking[2].cell, 0U);
  EXPECT_FALSE(ranking[2].is_among_best);
  EXPECT_EQ(ranking[2].first, 3U);
  EXPECT_EQ(ranking[2].last, 4U);
  EXPECT_EQ(ranking[3].cell, 4U);
  EXPECT_EQ(ranking[3].first, 1U) << "one run proves nothing";
  EXPECT_EQ(ranking[4].cell, 1U);
  EXPECT_EQ(ranking[4].last, 0U);
  EXPECT_FALSE(ranking[4].is_among_best);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = i + 1; j < 5; ++j) {
      EXPECT_EQ(compared->front().pair(j, i).a, i);
      EXPECT_EQ(compared->front().pair(i, j).b, j);
    }
  }
}

TEST(Agreement, OfTwoWorlds) {
  const Values low = {1, 2, 3, 4, 5, 6};
  const Values same = {1.1, 1.9, 3.2, 3.9, 5.1, 6};
  const Values high = {21, 22.5, 23, 24, 25.5, 26};
  const std::vector<MetricCells> metrics = {
      {{low, same, high}}, {{low, high, high}}, {{high, same, low}}, {{low, low, low}}};
  const auto compared = compare_cells(metrics);
  ASSERT_TRUE(compared);
  const RankAgreement agreement = rank_agreement((*compared)[0], (*compared)[1]);
  EXPECT_EQ(agreement.concordant, 1U);  // 0 before 2; each world ties another pair
  EXPECT_EQ(agreement.tied_a, 1U);
  EXPECT_EQ(agreement.tied_b, 1U);
  EXPECT_DOUBLE_EQ(agreement.tau, 0.5);
  EXPECT_TRUE(agreement.has_same_winner());
  const RankAgreement reversed = rank_agreement((*compared)[0], (*compared)[2]);
  EXPECT_LT(reversed.tau, 0);
  EXPECT_FALSE(reversed.has_same_winner());
  EXPECT_TRUE(std::isnan(rank_agreement((*compared)[0], (*compared)[3]).tau));
}

TEST(Bootstrap, OfLittleIsNoGuess) {
  EXPECT_TRUE(std::isnan(bootstrap_center({}, Center::kMean).value));
  const RunEstimate one = bootstrap_center(Values{4, kUnknown}, Center::kMedian);
  EXPECT_EQ(one.value, 4);
  EXPECT_EQ(one.missing, 1U);
  EXPECT_FALSE(one.interval.is_known());
  EXPECT_EQ(one.method, IntervalMethod::kNone);
  EXPECT_EQ(estimate_over_runs(Values(19, 1.0)).method, IntervalMethod::kStudent);
  EXPECT_EQ(estimate_over_runs(Values(20, 1.0)).method, IntervalMethod::kBootstrap);
  EXPECT_FALSE(bootstrap_interval(1, [](auto) { return 1.0; }).is_known());
  EXPECT_FALSE(bootstrap_interval(5, [](auto) { return kUnknown; }).is_known());
}

TEST(Bootstrap, IsAsSeedAndStreamSay) {
  Values values;
  for (int i = 0; i < 50; ++i) values.push_back(i * i);
  BootstrapOptions options;
  const Interval first = bootstrap_center(values, Center::kMean, options).interval;
  const Interval again = bootstrap_center(values, Center::kMean, options).interval;
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  options.stream = "bootstrap/other";
  EXPECT_NE(bootstrap_center(values, Center::kMean, options).interval.low, first.low);
  options.stream = "bootstrap";
  options.seed = 2;
  EXPECT_NE(bootstrap_center(values, Center::kMean, options).interval.low, first.low);
}

TEST(Bootstrap, AnyStatisticIsLikeTheOnesThatAreThere) {
  Values values;
  for (int i = 0; i < 31; ++i) values.push_back(std::sqrt(i));
  const Interval known = bootstrap_center(values, Center::kMean).interval;
  const Interval any = bootstrap_interval(31, [&values](std::span<const std::uint32_t> runs) {
    double sum = 0;
    for (const std::uint32_t run : runs) sum += values[run];
    return sum / 31;
  });
  EXPECT_EQ(any.low, known.low);
  EXPECT_EQ(any.high, known.high);
  const RunEstimate difference = bootstrap_difference(values, Values(31, 1.0), Center::kMedian);
  const RunEstimate median = bootstrap_center(values, Center::kMedian);
  EXPECT_EQ(difference.value, median.value - 1);
  EXPECT_EQ(difference.interval.low, median.interval.low - 1);
}

TEST(Quantiles, OfLittle) {
  EXPECT_TRUE(std::isnan(nearest_rank_quantile({}, 0.5)));
  EXPECT_TRUE(std::isnan(interpolated_quantile({}, 0.5)));
  EXPECT_FALSE(quantile_interval({}, 0.5).is_known());
  const Interval two = quantile_interval(Values{1, 2}, 0.5);
  EXPECT_EQ(two.low, -kInfinite);
  EXPECT_EQ(two.high, kInfinite);
  EXPECT_EQ(tail_warning(0, 0.5), "p50 rests on 0 samples and takes 20");
}

TEST(WarmUp, OfLittleAndOfWindowsWithoutValues) {
  EXPECT_TRUE(mser5({}).is_run_too_short);
  EXPECT_TRUE(mser5(Values(9, 1.0)).is_run_too_short);
  EXPECT_TRUE(mser5(Values(100, kUnknown)).is_run_too_short);
  const WarmUp constant = mser5(Values(100, 0.1));
  EXPECT_EQ(constant.deleted, 0U);
  EXPECT_FALSE(constant.is_run_too_short);
  Values gaps = {9, 9, 9, 9, 9};
  for (int i = 0; i < 10; ++i) gaps.insert(gaps.end(), {1, kUnknown, 1, 1, kUnknown});
  gaps.insert(gaps.end(), 5, kUnknown);
  EXPECT_EQ(mser5(gaps).deleted, 5U);
  EXPECT_EQ(mser5(gaps).mean_after, 1);
  const WarmUp both[] = {constant, mser5(gaps)};
  EXPECT_EQ(common_warm_up(both).deleted, 5U);
  EXPECT_FALSE(common_warm_up(both).is_run_too_short);
  EXPECT_TRUE(common_warm_up({}).is_run_too_short);
}

TEST(Equivalence, RefusesMarginsThatAreNone) {
  const Values runs = {1, 2, 3};
  for (const double margin : {0.0, -1.0, kUnknown, kInfinite}) {
    EXPECT_NE(refusal(equivalence_of_pairs(runs, runs, margin)).find("margin = "),
              std::string::npos);
  }
  EXPECT_EQ(refusal(equivalence_of_samples(runs, runs, 1, 0.5)),
            "level = 0.5: must be above 0 and below 0.5");
}

TEST(Equivalence, OfLittleAndWithoutSpread) {
  const Values ones(4, 1.0);
  const Values twos(4, 2.0);
  EXPECT_EQ(equivalence_of_pairs(Values{1}, Values{1}, 1)->verdict, EquivalenceVerdict::kUndecided);
  EXPECT_EQ(equivalence_of_pairs(ones, ones, 0.1)->verdict, EquivalenceVerdict::kEquivalent);
  EXPECT_EQ(equivalence_of_pairs(ones, twos, 0.1)->verdict, EquivalenceVerdict::kDifferent);
  EXPECT_EQ(equivalence_of_samples(ones, twos, 1.5)->verdict, EquivalenceVerdict::kEquivalent);
  EXPECT_EQ(equivalence_of_pairs(ones, twos, 1)->verdict, EquivalenceVerdict::kDifferent)
      << "at the margin is not within it";
}

TEST(Kendall, OfLittleAndAllTied) {
  EXPECT_TRUE(std::isnan(kendall_tau(Values{1}, Values{1}).tau));
  EXPECT_TRUE(std::isnan(kendall_tau(Values{1, 1, 1}, Values{1, 2, 3}).p));
  EXPECT_EQ(kendall_tau(Values{1, 2, kUnknown}, Values{1, 2, 3}).dropped, 1U);
  EXPECT_EQ(kendall_tau(Values{1, 2}, Values{2, 1}).p, 1);
}

TEST(Power, AtTheEdges) {
  EXPECT_EQ(paired_power(1, 1, 1), 0);
  EXPECT_EQ(paired_power(10, 0, 1), 0.05);
  for (const std::size_t n : {2U, 3U, 10U, 100'000U}) {
    EXPECT_NEAR(paired_power(n, 1e-12, 1), 0.05, 1e-10) << n << ": the integral meets the t law";
  }
  EXPECT_EQ(paired_power(10, 1, 0), 1);
  EXPECT_NEAR(paired_power(1000, 50, 1), 1, 1e-12);
  EXPECT_NEAR(paired_power(2, 1e9, 1), 1, 1e-6);
  EXPECT_EQ(replications_needed(1, 0), 2U);
  EXPECT_EQ(replications_needed(0, 1), std::nullopt);
  EXPECT_EQ(replications_needed(1e-6, 1), std::nullopt);
  const std::optional<std::size_t> many = replications_needed(0.005, 1, 0.9);
  ASSERT_TRUE(many);
  // (1.959964 + 1.281552)^2 / 0.005^2 = 420,297 by the normal law.
  EXPECT_NEAR(static_cast<double>(*many), 420'297, 5);
}

// All numbers of a difference, to hold against those of another to the last bit.
Values numbers(const PairedDifference& d) {
  return {d.mean_a,
          d.mean_b,
          d.mean,
          d.sd,
          d.interval.low,
          d.interval.high,
          d.student.t,
          d.student.p,
          d.relative,
          d.relative_interval.low,
          d.relative_interval.high,
          d.cohen_dz,
          d.hedges_gz,
          d.correlation,
          d.variance_ratio,
          d.ranks.p};
}

TEST(Order, OfRunsChangesNoBit) {
  Random random = Streams(5).named("test/order");
  Values a(40), b(40);
  for (double& value : a) value = random.uniform() * 1e3;
  for (double& value : b) value = random.uniform() * 1e3;
  const Values before = numbers(paired_difference(a, b));
  const RunEstimate mean = bootstrap_center(a, Center::kMean);
  const RunEstimate median = bootstrap_difference(a, b, Center::kMedian);
  for (std::size_t i = a.size(); i > 1; --i) {
    const std::uint64_t j = random.below(i);
    std::swap(a[i - 1], a[j]);
    std::swap(b[i - 1], b[j]);
  }
  EXPECT_EQ(numbers(paired_difference(a, b)), before);
  EXPECT_EQ(bootstrap_center(a, Center::kMean).interval.low, mean.interval.low);
  EXPECT_EQ(bootstrap_difference(a, b, Center::kMedian).interval.high, median.interval.high);
}

}  // namespace
}  // namespace phoenix::statistics
