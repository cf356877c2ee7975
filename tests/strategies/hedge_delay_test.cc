#include "strategies/routing/hedge_delay.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;

constexpr Duration kUnknown = Duration::max();

void record(HedgeDelay& delay, int count, Duration latency) {
  for (int i = 0; i < count; ++i) delay.record(latency);
}

// Of n attempts n (1 - q) lie beyond the quantile: five of 100 at 0.95, five of 10 at 0.5.
TEST(HedgeDelayTest, IsUnknownUntilFiveAttemptsLieBeyondIt) {
  for (const auto& [quantile, needed] : {std::pair{0.95, 100}, {0.5, 10}, {0.99, 500}}) {
    HedgeDelay delay(quantile);
    record(delay, needed - 1, 5ms);
    EXPECT_EQ(delay.refresh(kStart + 1s), kUnknown) << quantile;
    record(delay, 1, 5ms);
    EXPECT_NE(delay.refresh(kStart + 1s), kUnknown) << quantile;
  }
}

TEST(HedgeDelayTest, IsWhatAllButTheSlowestShareStayedBelow) {
  HedgeDelay delay(0.95);
  record(delay, 95, 10ms);
  record(delay, 5, 100ms);
  EXPECT_GT(delay.refresh(kStart + 1s), 10ms);
  EXPECT_LE(delay.refresh(kStart + 1s), 10.625ms);
  delay.record(100ms);  // 96 of 101 are now needed: one of the slow ones is among them
  EXPECT_GT(delay.refresh(kStart + 1s), 100ms);
  EXPECT_LE(delay.refresh(kStart + 1s), 106.25ms);
}

TEST(HedgeDelayTest, LiesAboveTheQuantileByASixteenthAtMost) {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    const double quantile = 0.01 + 0.98 * random.uniform();
    HedgeDelay delay(quantile);
    std::vector<std::int64_t> all;
    const std::size_t n = 600 + random.below(1000);
    const double octaves = 1 + 40 * random.uniform();
    for (std::size_t i = 0; i < n; ++i) {
      all.push_back(static_cast<std::int64_t>(std::exp2(octaves * random.uniform())));
      delay.record(Duration{all.back()});
    }
    std::sort(all.begin(), all.end());
    const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(n)));
    const std::int64_t exact = all[rank - 1];
    const Duration found = delay.refresh(kStart + 1s);
    ASSERT_GT(found.count(), exact);
    ASSERT_LE(found.count(), exact + exact / 16 + 1);
  }
}

TEST(HedgeDelayTest, ForgetsWhatIsTwentySecondsOld) {
  HedgeDelay delay(0.5);
  record(delay, 10, 1s);
  EXPECT_GT(delay.refresh(kStart + 9s), 1s);
  EXPECT_GT(delay.refresh(kStart + 10s), 1s);
  record(delay, 20, 1ms);
  EXPECT_LT(delay.refresh(kStart + 19s), 2ms);
  record(delay, 30, 1ms);
  EXPECT_LT(delay.refresh(kStart + 20s), 2ms);  // the slow ones have left
  record(delay, 51, 3s);
  EXPECT_GT(delay.refresh(kStart + 25s), 3s);
}

TEST(HedgeDelayTest, IsUnknownAgainAfterALongSilence) {
  HedgeDelay delay(0.5);
  record(delay, 100, 1ms);
  EXPECT_NE(delay.refresh(kStart + 19s), kUnknown);
  EXPECT_EQ(delay.refresh(kStart + 20s), kUnknown);
  record(delay, 100, 1ms);
  EXPECT_EQ(delay.refresh(kStart + 1000s), kUnknown);
}

TEST(HedgeDelayTest, TakesAnyDuration) {
  HedgeDelay delay(0.5);
  record(delay, 10, -1s);
  EXPECT_EQ(delay.refresh(kStart), 1ns);
  HedgeDelay longest(0.5);
  record(longest, 10, Duration::max());
  EXPECT_GT(longest.refresh(kStart), 1h);
  EXPECT_LT(longest.refresh(kStart), 2h);
}

}  // namespace
}  // namespace phoenix
