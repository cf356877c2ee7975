// What a sender knows of how long its queue will last: from the bytes taken while it was full.
#include "runtime/net/drain_meter.h"

#include <gtest/gtest.h>

namespace phoenix::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Time at(Duration since_start) { return kStart + since_start; }

// A socket that has been taking `step` bytes every `pause` for ten seconds, since `began`.
DrainMeter draining(std::uint64_t step, Duration pause, Duration began = seconds(1)) {
  DrainMeter meter;
  std::uint64_t taken = 5'000;
  for (Duration t = began; t <= began + seconds(10); t += pause) {
    meter.full(at(t), taken);
    taken += step;
  }
  return meter;
}

TEST(DrainMeter, WhereNothingWaitsThereIsNoWait) {
  DrainMeter meter;
  EXPECT_EQ(meter.time_for(1e6, at(seconds(1))), Duration{0});
  meter = draining(1000, milliseconds(1));
  meter.emptied();
  EXPECT_EQ(meter.time_for(1e6, at(seconds(11))), Duration{0});
}

TEST(DrainMeter, AQueueLastsAsLongAsItsBytesTakeAtTheRateSeen) {
  // 1 MB/s in crumbs, in pieces, in gulps.
  for (const auto& [step, pause] :
       {std::pair{1'000U, milliseconds(1)}, std::pair{50'000U, milliseconds(50)},
        std::pair{1'000'000U, milliseconds(1000)}}) {
    const DrainMeter meter = draining(step, pause);
    EXPECT_NEAR(to_seconds(meter.time_for(2e6, at(seconds(11)))), 2, 0.01) << step;
    EXPECT_NEAR(to_seconds(meter.time_for(2e6, at(seconds(11) + pause / 2))), 2, 0.01) << step;
  }
}

TEST(DrainMeter, FollowsARateThatChanges) {
  DrainMeter meter = draining(1'000, milliseconds(1));  // 1 MB/s until 11 s
  std::uint64_t taken = 10'006'000;
  for (int i = 0; i < 300; ++i) {  // then 4 MB/s
    taken += 4'000;
    meter.full(at(seconds(11) + milliseconds(i)), taken);
  }
  EXPECT_NEAR(to_seconds(meter.time_for(2e6, at(seconds(11) + milliseconds(300)))), 0.5, 0.01);
}

TEST(DrainMeter, OneThatHasStoppedIsExpectedToGoOnAsSlowly) {
  const DrainMeter meter = draining(100'000, milliseconds(100));  // 1 MB/s until 11 s
  // 100 kB in the 5 s since.
  EXPECT_NEAR(to_seconds(meter.time_for(1e6, at(seconds(16)))), 50, 0.1);
}

TEST(DrainMeter, AfterALongStopItBeginsAnew) {
  DrainMeter meter = draining(100'000, milliseconds(100));  // 1 MB/s until 11 s
  const std::uint64_t taken = 5'000 + 100 * 100'000;
  meter.full(at(seconds(21)), taken + 100'000);
  EXPECT_EQ(meter.time_for(2e6, at(seconds(21))), Duration{0}) << "nothing is known yet";
  meter.full(at(seconds(21) + milliseconds(100)), taken + 300'000);  // 2 MB/s
  EXPECT_NEAR(to_seconds(meter.time_for(2e6, at(seconds(21) + milliseconds(100)))), 1, 0.01);
}

TEST(DrainMeter, OneThatNeverTookAnythingIsExpectedToStandAsLongAgain) {
  DrainMeter meter;
  meter.full(at(seconds(1)), 4'000);
  EXPECT_EQ(meter.time_for(1, at(seconds(1))), Duration{0});
  EXPECT_EQ(meter.time_for(1, at(seconds(4))), seconds(3));
  meter.full(at(seconds(5)), 4'000);
  EXPECT_EQ(meter.time_for(1, at(seconds(6))), seconds(5));
  // What another queue took before this one began says nothing.
  meter.emptied();
  meter.full(at(seconds(7)), 900'000);
  EXPECT_EQ(meter.time_for(1, at(seconds(9))), seconds(2));
}

TEST(DrainMeter, NoQueueOverflowsTheAnswer) {
  const DrainMeter meter = draining(1, seconds(1));
  EXPECT_GT(meter.time_for(1e300, at(seconds(11))), std::chrono::hours(24 * 365));
}

}  // namespace
}  // namespace phoenix::net
