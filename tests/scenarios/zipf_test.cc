#include "scenarios/zipf.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"

namespace phoenix {
namespace {

// Expected shares: (rank + 1)^-exponent over their sum.
std::vector<double> shares_of(std::uint64_t count, double exponent) {
  std::vector<double> shares;
  double sum = 0;
  for (std::uint64_t rank = 0; rank < count; ++rank) {
    shares.push_back(std::pow(static_cast<double>(rank + 1), -exponent));
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

TEST(ZipfLaw, EveryRankHasItsShare) {
  constexpr int kDraws = 400'000;
  for (const double exponent : {0.0, 0.5, 0.99, 1.0, 1.01, 2.0, 3.0}) {
    SCOPED_TRACE(exponent);
    constexpr std::uint64_t kCount = 30;
    const Zipf zipf(kCount, exponent);
    Random random(7);
    std::vector<double> counts(kCount);
    for (int i = 0; i < kDraws; ++i) counts[zipf.draw(random)] += 1;
    std::vector<double> means = shares_of(kCount, exponent);
    for (double& mean : means) mean *= kDraws;
    testing::expect_counts(counts, means);
  }
}

TEST(ZipfLaw, OneKeyIsAlwaysDrawn) {
  for (const double exponent : {0.0, 1.0, 10.0}) {
    const Zipf zipf(1, exponent);
    Random random(7);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(zipf.draw(random), 0U);
  }
}

TEST(ZipfLaw, TwoKeysShareByThePowerOfTwo) {
  constexpr int kDraws = 300'000;
  const Zipf zipf(2, 1);
  Random random(3);
  int first = 0;
  for (int i = 0; i < kDraws; ++i) first += zipf.draw(random) == 0;
  // 1 to 1/2: p = 2/3, standard deviation sqrt(n p (1 - p)) = 258.
  EXPECT_NEAR(first, kDraws * 2.0 / 3, 5 * 258);
}

// A billion keys: the shares of the first ranks and of the first million, by the zeta sum
// (Euler-Maclaurin: H_n = ln n + 0.5772156649 + 1 / 2n for exponent 1).
TEST(ZipfLaw, ABillionKeysAreNoDifferent) {
  constexpr int kDraws = 500'000;
  constexpr double kEuler = 0.57721566490153286;
  const Zipf zipf(1'000'000'000, 1);
  Random random(11);
  std::vector<double> counts(4);
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t rank = zipf.draw(random);
    ASSERT_LT(rank, 1'000'000'000U);
    counts[rank == 0 ? 0 : rank == 1 ? 1 : rank < 1'000'000 ? 2 : 3] += 1;
  }
  const double all = std::log(1e9) + kEuler;
  const double million = std::log(1e6) + kEuler;
  testing::expect_counts(counts, {kDraws / all, kDraws / all / 2, kDraws * (million - 1.5) / all,
                                  kDraws * (all - million) / all});
}

}  // namespace
}  // namespace phoenix
