#include "strategies/routing/retry_budget.h"

#include <gtest/gtest.h>

namespace phoenix {
namespace {

using namespace std::chrono_literals;

int take_all(RetryBudget& budget, Time now) {
  int taken = 0;
  while (budget.try_take(now)) ++taken;
  return taken;
}

// 0.2 * 500 + 10 /s * 10 s = 200.
TEST(RetryBudgetTest, FiveHundredRequestsInTenSecondsAllowTwoHundredRetries) {
  RetryBudget budget(0.2, 10);
  for (int i = 0; i < 500; ++i) budget.add_request(kStart + i * 20ms);
  EXPECT_EQ(take_all(budget, kStart + 9990ms), 200);
}

TEST(RetryBudgetTest, TheReserveIsThereWithoutAnyRequest) {
  RetryBudget budget(0.2, 10);
  EXPECT_EQ(take_all(budget, kStart), 100);
}

TEST(RetryBudgetTest, WithoutReserveFiveRequestsEarnOneRetry) {
  RetryBudget budget(0.2, 0);
  for (int i = 0; i < 4; ++i) budget.add_request(kStart);
  EXPECT_FALSE(budget.try_take(kStart));
  budget.add_request(kStart);
  EXPECT_TRUE(budget.try_take(kStart));
  EXPECT_FALSE(budget.try_take(kStart));
}

TEST(RetryBudgetTest, RequestsCountForTheWindowAndNoLonger) {
  RetryBudget budget(0.2, 0);
  for (int i = 0; i < 500; ++i) budget.add_request(kStart + 500ms);
  EXPECT_DOUBLE_EQ(budget.balance(kStart + 9999ms), 100);
  EXPECT_DOUBLE_EQ(budget.balance(kStart + 10s), 0);
}

TEST(RetryBudgetTest, RetriesAreForgivenWhenTheyLeaveTheWindow) {
  RetryBudget budget(0, 1);
  EXPECT_EQ(take_all(budget, kStart), 10);
  EXPECT_EQ(take_all(budget, kStart + 9s), 0);
  EXPECT_EQ(take_all(budget, kStart + 10s), 10);
}

TEST(RetryBudgetTest, ALongSilenceEmptiesTheWindow) {
  RetryBudget budget(0.5, 0);
  for (int i = 0; i < 100; ++i) budget.add_request(kStart + i * 100ms);
  EXPECT_DOUBLE_EQ(budget.balance(kStart + std::chrono::hours(24 * 365)), 0);
}

// Everything fails at 1,000 requests a second: over any stretch of T seconds the retries are at
// most 0.2 * requests of the stretch and of the window before it, plus the reserve of both.
TEST(RetryBudgetTest, TotalFailureRaisesTheLoadByTheShareAndTheReserve) {
  RetryBudget budget(0.2, 10);
  int requests = 0;
  int retries = 0;
  for (Time now = kStart; now < kStart + 100s; now += 1ms) {
    budget.add_request(now);
    ++requests;
    retries += budget.try_take(now) ? 1 : 0;
  }
  EXPECT_LE(retries, 0.2 * requests + 10 * 110);
  EXPECT_GE(retries, 0.2 * requests * 0.9);
}

}  // namespace
}  // namespace phoenix
