// The index behind the full-minimum strategies, against a plain scan.
#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/balancing/least_index.h"

namespace phoenix {
namespace {

constexpr float kNone = std::numeric_limits<float>::infinity();

TEST(LeastIndex, StartsEmpty) {
  LeastIndex index;
  EXPECT_TRUE(index.empty());
  index.grow(100);
  EXPECT_TRUE(index.empty());
}

TEST(LeastIndex, AgreesWithAScanThroughRandomChanges) {
  // Few different keys, so that ties appear, vanish and move between blocks all the time.
  for (const std::size_t places : {1U, 15U, 16U, 17U, 256U, 257U, 5'000U}) {
    LeastIndex index;
    index.grow(places);
    std::vector<float> keys(places, kNone);
    Random random(places);
    for (int step = 0; step < 20'000; ++step) {
      const std::size_t place = random.below(places);
      if (random.below(4) == 0) {
        keys[place] = kNone;
        index.erase(place);
      } else {
        keys[place] = static_cast<float>(random.below(6));
        index.set(place, keys[place]);
      }
      if (step % 37 != 0) continue;
      const float least = *std::min_element(keys.begin(), keys.end());
      ASSERT_EQ(index.least(), least);
      if (least < kNone) {
        ASSERT_EQ(keys[index.pick(random)], least);
      }
    }
  }
}

TEST(LeastIndex, TiesAreChosenUniformly) {
  // Seven of 1,000 places share the least key, spread unevenly over blocks. 70,000 picks: each has
  // mean 10,000 and standard deviation sqrt(70,000 * 1/7 * 6/7) = 93; five of them are allowed.
  LeastIndex index;
  index.grow(1'000);
  for (std::size_t i = 0; i < 1'000; ++i) index.set(i, 2.0F);
  const std::vector<std::size_t> best = {0, 1, 2, 17, 300, 301, 999};
  for (const std::size_t i : best) index.set(i, 1.0F);
  Random random(11);
  std::vector<int> picks(1'000, 0);
  for (int i = 0; i < 70'000; ++i) ++picks[index.pick(random)];
  for (const std::size_t i : best) EXPECT_NEAR(picks[i], 10'000, 465) << i;
}

TEST(LeastIndex, GrowingKeepsWhatWasThere) {
  LeastIndex index;
  index.grow(3);
  index.set(2, 5.0F);
  index.set(1, 7.0F);
  for (std::size_t n = 4; n < 3'000; n += 5) {
    index.grow(n);
    ASSERT_EQ(index.least(), 5.0F);
  }
  index.erase(2);
  EXPECT_EQ(index.least(), 7.0F);
  index.set(2'900, 1.0F);
  Random random(1);
  EXPECT_EQ(index.pick(random), 2'900U);
}

TEST(LeastIndex, ASingleLeastDrawsNoRandomness) {
  LeastIndex index;
  index.grow(10);
  index.set(3, 1.0F);
  index.set(4, 2.0F);
  Random used(5);
  Random untouched(5);
  EXPECT_EQ(index.pick(used), 3U);
  EXPECT_EQ(used(), untouched());
}

}  // namespace
}  // namespace phoenix
