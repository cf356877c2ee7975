// Numbers worked out elsewhere, one small sample each.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/difference.h"
#include "analysis/statistics/distributions.h"
#include "analysis/statistics/equivalence.h"
#include "analysis/statistics/holm.h"
#include "analysis/statistics/mean.h"
#include "analysis/statistics/power.h"
#include "analysis/statistics/quantile.h"
#include "analysis/statistics/rank_agreement.h"
#include "analysis/statistics/warm_up.h"

namespace phoenix::statistics {
namespace {

using Values = std::vector<double>;

// Within a millionth of it.
void expect_close(double found, double expected) {
  EXPECT_NEAR(found, expected, 1e-6 * std::abs(expected));
}

const Values kA = {12.1, 11.4, 13.0, 12.6, 11.9, 12.8, 12.2, 11.7, 12.5, 12.0};
const Values kB = {11.6, 11.1, 12.7, 12.0, 11.8, 12.2, 11.9, 11.5, 11.9, 11.3};

TEST(StudentQuantiles, AreThoseOfTheTables) {
  const std::vector<std::array<double, 3>> rows = {
      {0.95, 4, 2.776445},  {0.95, 5, 2.570582},  {0.95, 9, 2.262157},
      {0.95, 19, 2.093024}, {0.95, 29, 2.045230}, {0.9, 4, 2.131847},
      {0.9, 9, 1.833113},   {0.9, 19, 1.729133},  {0.9, 29, 1.699127},
  };
  for (const auto& [confidence, nu, t] : rows) expect_close(student_critical(confidence, nu), t);
}

TEST(Mean, OfFiveRuns) {
  const MeanEstimate mean = estimate_mean(Values{10.2, 9.7, 10.5, 10.1, 9.9});
  EXPECT_EQ(mean.n, 5U);
  expect_close(mean.mean, 10.08);
  expect_close(mean.sd, 0.303315018);
  expect_close(mean.half_width, 0.376615338);
  expect_close(mean.interval().low, 9.703384662);
  expect_close(mean.interval().high, 10.456615338);
}

TEST(Paired, DecidesWhereUnpairedDoesNot) {
  const PairedDifference paired = paired_difference(kA, kB);
  EXPECT_EQ(paired.n, 10U);
  expect_close(paired.mean, 0.42);
  expect_close(paired.sd, 0.204396130);
  expect_close(paired.student.t, 6.497953851);
  expect_close(paired.student.p, 1.11716336e-4);
  EXPECT_EQ(paired.student.nu, 9);
  expect_close(paired.interval.low, 0.273783817);
  expect_close(paired.interval.high, 0.566216183);
  expect_close(paired.correlation, 0.913672748);
  expect_close(paired.variance_ratio, 11.10638298);
  expect_close(paired.relative, 0.42 / 11.8);
  EXPECT_EQ(paired.wins.above, 10U);

  const WelchDifference welch = welch_difference(kA, kB);
  expect_close(welch.standard_error, 0.215406592);
  expect_close(welch.student.nu, 17.855249);
  expect_close((welch.interval.high - welch.interval.low) / 2, 0.452815578);
  EXPECT_TRUE(welch.interval.contains(0));
  EXPECT_FALSE(paired.interval.contains(0));
}

TEST(Paired, EffectSizes) {
  const PairedDifference paired = paired_difference(kA, kB);
  expect_close(paired.cohen_dz, 0.42 / 0.204396130);
  // J(9) = G(4.5) / (sqrt(4.5) G(4)) = 11.6317284 / (2.12132034 * 6).
  expect_close(paired.hedges_gz / paired.cohen_dz, 0.913874892);
}

TEST(SignedRanks, ExactOfEight) {
  const Values d = {1.2, -0.3, 0.8, 2.1, 0.5, -0.1, 1.7, 0.9};
  const SignedRanks ranks = signed_ranks(d);
  EXPECT_EQ(ranks.n, 8U);
  EXPECT_EQ(ranks.w_plus, 33);
  EXPECT_EQ(ranks.w_minus, 3);
  EXPECT_TRUE(ranks.is_exact);
  EXPECT_EQ(ranks.p, 0.0390625);  // 2 * 5 of 256 patterns
  expect_close(ranks.rank_biserial, 30.0 / 36);
}

TEST(SignedRanks, NormalWithTiesAndZeros) {
  // Ranks of 1 1 2 3: 1.5 1.5 3 4; W- = 1.5; mean 5, variance 7.5 - (8 - 2)/48 = 7.375.
  const SignedRanks ranks = signed_ranks(Values{1, -1, 0, 2, 3, 0});
  EXPECT_EQ(ranks.n, 4U);
  EXPECT_EQ(ranks.zeros, 2U);
  EXPECT_EQ(ranks.w_minus, 1.5);
  EXPECT_FALSE(ranks.is_exact);
  expect_close(ranks.p, std::erfc(3 / std::sqrt(7.375) / std::sqrt(2.0)));
}

TEST(SignedRanks, FiveRunsNeverReachTheLevel) {
  EXPECT_EQ(least_signed_rank_p(5), 0.0625);
  EXPECT_EQ(least_signed_rank_p(6), 0.03125);
  EXPECT_EQ(signed_ranks(Values{1, 2, 3, 4, 5}).p, 0.0625);
  EXPECT_EQ(signed_ranks(Values{1, 2, 3, 4, 5, 6}).p, 0.03125);
}

TEST(Holm, WorkedExample) {
  const Values adjusted = holm_adjusted(Values{0.012, 0.004, 0.030, 0.200});
  expect_close(adjusted[0], 0.036);
  expect_close(adjusted[1], 0.016);
  expect_close(adjusted[2], 0.060);
  expect_close(adjusted[3], 0.200);
}

TEST(WarmUp, WorkedExample) {
  const Values batches = {20, 14, 9, 6, 5.2, 4.8, 5.1, 4.9, 5.0, 5.2, 4.7, 5.1};
  const WarmUp found = mser(batches);
  EXPECT_EQ(found.batches, 12U);
  EXPECT_EQ(found.deleted_batches, 4U);
  EXPECT_FALSE(found.is_run_too_short);
  expect_close(found.mean_after, 5.0);

  Values windows;
  for (const double batch : batches) {
    for (const double offset : {-0.2, 0.1, 0.0, -0.1, 0.2}) windows.push_back(batch + offset);
  }
  windows.push_back(1000);  // no full batch
  EXPECT_EQ(mser5(windows).deleted, 20U);
}

TEST(WarmUp, OfARunThatOnlyFallsIsTooShort) {
  EXPECT_TRUE(mser(Values{64, 32, 16, 8, 4, 2, 1, 0.5}).is_run_too_short);
}

TEST(Bootstrap, AllResamplesOfFiveRuns) {
  const Values runs = {101, 97, 110, 104, 99};
  Values means;
  Values medians;
  for (int code = 0; code < 3125; ++code) {
    Values drawn;
    for (int i = 0, rest = code; i < 5; ++i, rest /= 5) {
      drawn.push_back(runs[static_cast<std::size_t>(rest % 5)]);
    }
    std::sort(drawn.begin(), drawn.end());
    means.push_back((drawn[0] + drawn[1] + drawn[2] + drawn[3] + drawn[4]) / 5);
    medians.push_back(drawn[2]);
  }
  const Interval mean = percentile_interval(means, 0.95);
  expect_close(mean.low, 98.6);
  expect_close(mean.high, 106.4);
  const Interval median = percentile_interval(medians, 0.95);
  EXPECT_EQ(median.low, 97);
  EXPECT_EQ(median.high, 110);

  // Drawn at random: bounds are neighbours of those, in steps of the statistic.
  const RunEstimate drawn = bootstrap_center(runs, Center::kMean);
  expect_close(drawn.value, 102.2);
  EXPECT_NEAR(drawn.interval.low, 98.6, 0.4);
  EXPECT_NEAR(drawn.interval.high, 106.4, 0.4);
  EXPECT_EQ(bootstrap_center(runs, Center::kMedian).interval.low, 97);
  EXPECT_EQ(bootstrap_center(runs, Center::kMedian).interval.high, 110);
}

TEST(Quantiles, OfFive) {
  const Values sorted = {15, 20, 35, 40, 50};
  EXPECT_EQ(nearest_rank_quantile(sorted, 0.4), 20);
  expect_close(interpolated_quantile(sorted, 0.4), 29);
}

TEST(Quantiles, RanksAreThoseOfTheNormalLawForManySamples) {
  // n p -+ 1.96 sqrt(n p (1 - p)) = 9880.5 .. 9919.5; the binomial is discrete and a little skew.
  const RankInterval ranks = quantile_ranks(10'000, 0.99);
  EXPECT_NEAR(static_cast<double>(ranks.low), 9880.5, 1);
  EXPECT_NEAR(static_cast<double>(ranks.high), 9919.5, 1);
}

TEST(Quantiles, TellHowManySamplesTheyTake) {
  EXPECT_EQ(samples_needed(0.5), 20U);
  EXPECT_EQ(samples_needed(0.99), 1'000U);
  EXPECT_EQ(samples_needed(0.01), 1'000U);
  EXPECT_EQ(samples_needed(0.999), 10'000U);
  EXPECT_EQ(samples_needed(1), 0U);
  EXPECT_EQ(tail_warning(10'000, 0.999), std::nullopt);
  EXPECT_EQ(tail_warning(9'999, 0.999), "p99.9 rests on 9999 samples and takes 10000");
}

TEST(Equivalence, WorkedExample) {
  const Values d = {0.8, -0.4, 1.1, 0.3, -0.2, 0.6, 0.1, 0.9, -0.5, 0.4};
  const Values zeros(d.size(), 0.0);
  const Result<Equivalence> found = equivalence_of_pairs(d, zeros, 1);
  ASSERT_TRUE(found);
  expect_close(found->mean, 0.31);
  expect_close(found->standard_error, 0.175404295);
  expect_close(found->t1, 7.468460227);
  expect_close(found->t2, -3.933769127);
  expect_close(found->p, 0.001719158);
  expect_close(found->interval.low, -0.011535881);
  expect_close(found->interval.high, 0.631535881);
  EXPECT_EQ(found->verdict, EquivalenceVerdict::kEquivalent);
  expect_close(paired_difference(d, zeros).student.t, 1.767346);
  EXPECT_EQ(equivalence_of_pairs(d, zeros, 0.5)->verdict, EquivalenceVerdict::kUndecided);
}

TEST(Equivalence, VerdictsOfTwoSamples) {
  EXPECT_EQ(equivalence_of_samples(kA, kB, 1.18)->verdict, EquivalenceVerdict::kEquivalent);
  EXPECT_EQ(equivalence_of_samples(kA, kB, 0.5)->verdict, EquivalenceVerdict::kUndecided);
  EXPECT_EQ(equivalence_of_pairs(kA, kB, 0.45)->verdict, EquivalenceVerdict::kDifferent);
}

TEST(Kendall, WorkedExamples) {
  const KendallTau five = kendall_tau(Values{1, 2, 3, 4, 5}, Values{2, 1, 3, 5, 4});
  EXPECT_EQ(five.concordant, 8U);
  EXPECT_EQ(five.discordant, 2U);
  expect_close(five.tau, 0.6);
  expect_close(five.p, 2 * 14.0 / 120);  // 1, 4 and 9 permutations have 0, 1 and 2 inversions
  const KendallTau tied = kendall_tau(Values{1, 2, 2, 4}, Values{1, 3, 2, 4});
  EXPECT_EQ(tied.concordant, 5U);
  EXPECT_EQ(tied.discordant, 0U);
  EXPECT_EQ(tied.tied_a, 1U);
  expect_close(tied.tau, 0.912870929);
  EXPECT_FALSE(tied.is_exact);
  const KendallTau four = kendall_tau(Values{1, 2, 3, 4}, Values{1, 2, 3, 4});
  EXPECT_EQ(four.tau, 1);
  expect_close(four.p, 2.0 / 24);
}

TEST(Power, OfTables) {
  // Cohen: 34 pairs for d_z = 0.5 at 0.05 with a power of 0.8; 15 for 0.8.
  EXPECT_EQ(replications_needed(0.5, 1), 34U);
  EXPECT_EQ(replications_needed(0.8, 1), 15U);
  EXPECT_EQ(replications_needed(-8, 10), 15U);
  EXPECT_GE(paired_power(34, 0.5, 1), 0.8);
  EXPECT_LT(paired_power(33, 0.5, 1), 0.8);
}

}  // namespace
}  // namespace phoenix::statistics
