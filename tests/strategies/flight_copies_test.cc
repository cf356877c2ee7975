// Second copies in the flight table: their slots, and what becomes due.
#include <vector>

#include <gtest/gtest.h>

#include "strategies/routing/flight_table.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;

constexpr ClassId kClass{0};

RequestInfo with_deadline(RequestToken token, Time deadline) {
  RequestInfo request;
  request.token = token;
  request.deadline = deadline;
  return request;
}

class FlightCopies : public ::testing::Test {
 protected:
  FlightSlot sent(Time deadline = kNever) {
    const FlightSlot slot = table_.add(with_deadline(1, deadline));
    table_.start_attempt(slot, NodeId{0}, 0, kStart);
    return slot;
  }

  FlightTable table_{std::vector{Duration::max()}, /*hedges=*/true};
};

TEST_F(FlightCopies, TwoAttemptsOfOneRequestAreFoundApart) {
  const FlightSlot slot = sent();
  const AttemptId copy = table_.start_copy(slot, NodeId{1}, 3, kStart + 1ms);
  ASSERT_NE(table_.find(copy), kNoSlot);
  EXPECT_NE(table_.find(copy), slot);
  EXPECT_EQ(table_.copy_of(slot), table_.find(copy));
  EXPECT_EQ(table_[table_.find(copy)].in_flight_when_sent, 3U);
  EXPECT_EQ(table_.open(), 1U);
  EXPECT_EQ(table_.end_attempt(table_.find(copy), FailureReason::kError), slot);
  EXPECT_EQ(table_.find(copy), kNoSlot);
  EXPECT_EQ(table_.copy_of(slot), kNoSlot);
  EXPECT_TRUE(table_.is_under_way(slot));
  EXPECT_EQ(table_.end_attempt(slot, FailureReason::kError), slot);
  EXPECT_FALSE(table_.is_under_way(slot));
}

TEST_F(FlightCopies, TheAttemptThatEndsLastHasTheLastWord) {
  const FlightSlot slot = sent();
  const AttemptId copy = table_.start_copy(slot, NodeId{1}, 0, kStart);
  table_.end_attempt(slot, FailureReason::kReset);
  EXPECT_TRUE(table_.is_under_way(slot));
  table_.end_attempt(table_.find(copy), FailureReason::kQueueFull);
  EXPECT_EQ(table_[slot].node, NodeId{1});
  EXPECT_EQ(table_[slot].last_failure, FailureReason::kQueueFull);
}

TEST_F(FlightCopies, AClosedRequestLeavesWhatIsUnderWay) {
  const FlightSlot slot = sent(kStart + 1s);
  const AttemptId copy = table_.start_copy(slot, NodeId{1}, 0, kStart);
  table_.end_attempt(slot, FailureReason::kNone);
  table_.close(slot);
  EXPECT_EQ(table_.open(), 0U);
  const FlightSlot left = table_.find(copy);
  ASSERT_NE(left, kNoSlot);
  EXPECT_EQ(table_.overdue(kClass, kStart + 1s - 1ns), kNoSlot);
  EXPECT_EQ(table_.overdue(kClass, kStart + 1s), left);
  EXPECT_EQ(table_.end_attempt(left, FailureReason::kDeadline), kNoSlot);
  EXPECT_EQ(table_.find(copy), kNoSlot);
  EXPECT_EQ(table_.overdue(kClass, kNever), kNoSlot);
}

// The slot's last user was watched for a deadline out of order; that date says nothing of the copy
// which has the slot now, even though its request's deadline has come by then.
TEST_F(FlightCopies, ACopyIsNotDueForWhoeverHadItsSlotBefore) {
  const FlightSlot slot = sent(kStart + 1s);
  for (int i = 0; i < 20; ++i) table_.add(with_deadline(2, kStart + 10s));
  const FlightSlot early = table_.add(with_deadline(3, kStart + 2s));
  table_.remove(early);
  ASSERT_EQ(table_.find(table_.start_copy(slot, NodeId{1}, 0, kStart)), early);
  EXPECT_EQ(table_.overdue(kClass, kStart + 3s), slot);
  EXPECT_EQ(table_.take_due(kStart + 3s), kNoSlot);
}

TEST_F(FlightCopies, AttemptsAreSlowInTheOrderTheyWereSentAndOnce) {
  const FlightSlot first = sent();
  const FlightSlot second = sent();
  RequestInfo once = with_deadline(9, kNever);
  once.repeatable = false;
  table_.start_attempt(table_.add(once), NodeId{0}, 0, kStart);
  const FlightSlot third = sent();
  EXPECT_EQ(table_.take_slow(kClass, kStart + 1h), kNoSlot);  // no delay is known
  table_.set_hedge_delay(kClass, 10ms);
  EXPECT_EQ(table_.next_due(), kStart + 10ms);
  EXPECT_EQ(table_.take_slow(kClass, kStart + 10ms - 1ns), kNoSlot);
  EXPECT_EQ(table_.take_slow(kClass, kStart + 10ms), first);
  table_.end_attempt(second, FailureReason::kError);
  EXPECT_EQ(table_.take_slow(kClass, kStart + 10ms), third);
  EXPECT_EQ(table_.take_slow(kClass, kStart + 1h), kNoSlot);
  table_.refresh_next_due();
  EXPECT_EQ(table_.next_due(), kNever);
}

}  // namespace
}  // namespace phoenix
