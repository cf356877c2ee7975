#include "strategies/routing/flight_table.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;

constexpr Duration kNoTimeout = Duration::max();

RequestInfo with_deadline(RequestToken token, Time deadline) {
  RequestInfo request;
  request.token = token;
  request.deadline = deadline;
  return request;
}

// What comes due at `now`, by either way.
FlightSlot next_overdue(FlightTable& table, Time now) {
  const FlightSlot slot = table.overdue(ClassId{0}, now);
  return slot != kNoSlot ? slot : table.take_due(now);
}

TEST(FlightTableTest, AnAttemptIsFoundUntilItEndsAndNeverAgain) {
  FlightTable table(std::vector{kNoTimeout});
  const FlightSlot slot = table.add(with_deadline(1, kNever));
  const AttemptId first = table.start_attempt(slot, NodeId{3}, 0, kStart);
  EXPECT_EQ(table.find(first), slot);
  table.end_attempt(slot, FailureReason::kError);
  EXPECT_EQ(table.find(first), kNoSlot);
  const AttemptId second = table.start_attempt(slot, NodeId{4}, 0, kStart);
  EXPECT_NE(first, second);
  EXPECT_EQ(table.find(first), kNoSlot);
  EXPECT_EQ(table.find(second), slot);
  EXPECT_EQ(table.find(kNoAttempt), kNoSlot);
}

TEST(FlightTableTest, AnotherRequestInTheSameSlotHasOtherAttempts) {
  FlightTable table(std::vector{kNoTimeout});
  const FlightSlot slot = table.add(with_deadline(1, kNever));
  const AttemptId old = table.start_attempt(slot, NodeId{0}, 0, kStart);
  table.remove(slot);
  ASSERT_EQ(table.add(with_deadline(2, kNever)), slot);
  EXPECT_EQ(table.find(old), kNoSlot);
  table.start_attempt(slot, NodeId{0}, 0, kStart);
  EXPECT_EQ(table.find(old), kNoSlot);
}

TEST(FlightTableTest, ARequestIsHandedBackAsItCame) {
  FlightTable table(std::vector{kNoTimeout, kNoTimeout});
  RequestInfo in = with_deadline(77, kStart + 1s);
  in.request_class = ClassId{1};
  in.key = 0x1234567890abcdefULL;
  in.has_key = true;
  in.repeatable = false;
  in.size = 0.1;
  const RequestInfo out = table.request(table.add(in), ServiceId{5});
  EXPECT_EQ(out.token, in.token);
  EXPECT_EQ(out.service, ServiceId{5});
  EXPECT_EQ(out.request_class, in.request_class);
  EXPECT_EQ(out.key, in.key);
  EXPECT_TRUE(out.has_key);
  EXPECT_FALSE(out.repeatable);
  EXPECT_EQ(out.size, in.size);
  EXPECT_EQ(out.deadline, in.deadline);
}

// Every order of deadlines, also one that defeats the list, must come out on time and once.
TEST(FlightTableTest, DeadlinesInAnyOrderComeDueOnTime) {
  Random random(3);
  for (int round = 0; round < 50; ++round) {
    FlightTable table(std::vector{kNoTimeout});
    std::vector<Time> deadlines;
    for (RequestToken token = 0; token < 300; ++token) {
      deadlines.push_back(kStart + Duration{static_cast<std::int64_t>(1 + random.below(1000))});
      table.add(with_deadline(token, deadlines.back()));
    }
    std::sort(deadlines.begin(), deadlines.end());
    for (const Time deadline : deadlines) {
      table.refresh_next_due();
      ASSERT_EQ(table.next_due(), deadline);
      const FlightSlot slot = next_overdue(table, deadline);
      ASSERT_NE(slot, kNoSlot);
      EXPECT_EQ(table[slot].deadline, deadline);
      table.remove(slot);
    }
    EXPECT_EQ(table.open(), 0U);
  }
}

// A million requests that end long before deadlines far out of order must leave nothing behind that
// comes due.
TEST(FlightTableTest, FinishedRequestsAreNeverDue) {
  FlightTable table(std::vector{kNoTimeout});
  std::vector<FlightSlot> open;
  for (RequestToken token = 0; token < 1'000'000; ++token) {
    const auto falling = Duration{static_cast<std::int64_t>(2'000'000 - token)};
    open.push_back(table.add(with_deadline(token, kStart + falling)));
    if (open.size() < 50) continue;
    for (const FlightSlot slot : open) table.remove(slot);
    open.clear();
  }
  for (const FlightSlot slot : open) table.remove(slot);
  EXPECT_EQ(next_overdue(table, kNever), kNoSlot);
  table.refresh_next_due();
  EXPECT_EQ(table.next_due(), kNever);
}

// What is left behind by finished requests is cleared away now and then; the living must survive
// it.
TEST(FlightTableTest, ClearingAwayTheFinishedKeepsTheOthers) {
  FlightTable table(std::vector{kNoTimeout});
  const FlightSlot backs_off = table.add(with_deadline(0, kNever));
  table.back_off(backs_off, kStart + 3s);
  for (RequestToken token = 1; token <= 40; ++token) table.add(with_deadline(token, kStart + 5s));
  const FlightSlot early = table.add(with_deadline(41, kStart + 1s));
  for (RequestToken token = 100; token < 1100; ++token) {
    table.remove(table.add(with_deadline(token, kStart + 2s)));
  }
  EXPECT_EQ(next_overdue(table, kStart + 1s - 1ns), kNoSlot);
  EXPECT_EQ(next_overdue(table, kStart + 1s), early);
  table.remove(early);
  EXPECT_EQ(next_overdue(table, kStart + 3s), backs_off);
}

TEST(FlightTableTest, AttemptsTimeOutOldestFirstAndOnlyBeforeTheirDeadline) {
  FlightTable table(std::vector<Duration>{100ms});
  const FlightSlot first = table.add(with_deadline(1, kNever));
  const FlightSlot second = table.add(with_deadline(2, kStart + 100ms));
  const FlightSlot third = table.add(with_deadline(3, kStart + 5s));
  table.start_attempt(first, NodeId{0}, 0, kStart);
  table.start_attempt(second, NodeId{0}, 0, kStart);
  table.start_attempt(third, NodeId{0}, 0, kStart + 10ms);
  EXPECT_EQ(table.timed_out(ClassId{0}, kStart + 99ms), kNoSlot);
  EXPECT_EQ(table.timed_out(ClassId{0}, kStart + 100ms), first);
  table.end_attempt(first, FailureReason::kDeadline);
  EXPECT_EQ(table.timed_out(ClassId{0}, kStart + 109ms), kNoSlot);
  EXPECT_EQ(table.timed_out(ClassId{0}, kStart + 110ms), third);
}

TEST(FlightTableTest, TheQueueIsFirstInFirstOutAndCanBeLeftInTheMiddle) {
  FlightTable table(std::vector{kNoTimeout});
  std::vector<FlightSlot> slots;
  for (RequestToken token = 0; token < 4; ++token) {
    slots.push_back(table.add(with_deadline(token, kNever)));
    table.enqueue(slots.back());
  }
  table.remove(slots[1]);
  std::vector<RequestToken> order;
  while (table.first_waiting() != kNoSlot) {
    const FlightSlot slot = table.first_waiting();
    order.push_back(table[slot].token);
    table.start_attempt(slot, NodeId{0}, 0, kStart);
  }
  EXPECT_EQ(order, (std::vector<RequestToken>{0, 2, 3}));
  EXPECT_EQ(table.queued(), 0U);
  EXPECT_EQ(table.open(), 3U);
}

}  // namespace
}  // namespace phoenix
