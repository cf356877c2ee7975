#include "strategies/core/slab.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace phoenix {
namespace {

TEST(Slab, ReusesFreedPlacesAndGrowsOnlyWithWhatIsAlive) {
  Slab<int> slab;
  for (int round = 0; round < 1000; ++round) {
    const std::uint32_t a = slab.acquire();
    const std::uint32_t b = slab.acquire();
    slab.release(a);
    slab.release(b);
  }
  EXPECT_EQ(slab.capacity(), 2U);
  EXPECT_EQ(slab.live(), 0U);
}

TEST(Slab, HandsOutFreshRecordsOnly) {
  Slab<std::string> slab;
  const std::uint32_t first = slab.acquire();
  slab[first] = "left behind";
  slab.release(first);
  EXPECT_EQ(slab.acquire(), first);
  EXPECT_EQ(slab[first], "");
}

TEST(Slab, LeavesOthersAloneWhenOneIsFreed) {
  Slab<int> slab;
  std::vector<std::uint32_t> places;
  for (int i = 0; i < 10; ++i) {
    places.push_back(slab.acquire());
    slab[places.back()] = i;
  }
  slab.release(places[4]);
  for (int i = 0; i < 10; ++i) {
    if (i == 4) continue;
    EXPECT_EQ(slab[places[static_cast<std::size_t>(i)]], i);
  }
  EXPECT_EQ(slab.live(), 9U);
}

TEST(Slab, VisitsTheLivingInRisingOrder) {
  Slab<int> slab;
  for (int i = 0; i < 6; ++i) slab.acquire();
  slab.release(5);
  slab.release(0);
  slab.release(3);
  std::vector<std::uint32_t> seen;
  slab.for_each_live([&](std::uint32_t i) { seen.push_back(i); });
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 2, 4}));
}

}  // namespace
}  // namespace phoenix
