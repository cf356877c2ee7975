#include "runtime/net/loop.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/net/parties.h"

namespace phoenix::net {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(Loop, TellsTimeFromItsEpoch) {
  const Epoch epoch{Epoch::now().monotonic_ns - 5'000'000'000};
  const Loop loop(epoch);
  EXPECT_GE(loop.now(), kStart + std::chrono::seconds(5));
  EXPECT_LT(loop.now(), kStart + std::chrono::seconds(60));
  EXPECT_EQ(loop.epoch().monotonic_ns, epoch.monotonic_ns);
}

TEST(Loop, ReadsTheClockOnceForAnEvent) {
  Loop loop;
  std::vector<Time> seen;
  const auto look = [&] {
    seen.push_back(loop.event_time());
    while (loop.now() == seen.back()) {
    }
    seen.push_back(loop.event_time());
  };
  Timer one(loop, look);
  Timer other(loop, look);
  const Time start = loop.now();
  one.arm(start);
  other.arm(start);
  ASSERT_TRUE(drive(loop, [&] { return seen.size() == 4; }));
  EXPECT_GE(seen[0], start);
  EXPECT_THAT(seen, testing::Each(seen[0]));
  const Time outside = loop.now();
  EXPECT_GE(loop.event_time(), outside);
}

TEST(Loop, RunUntilEndsAtTheDateOrWhenStopped) {
  Loop loop;
  const Time until = loop.now() + milliseconds(5);
  EXPECT_TRUE(loop.run_until(until));
  EXPECT_GE(loop.now(), until);
  loop.post([&] { loop.stop(); });
  EXPECT_FALSE(loop.run_until(loop.now() + std::chrono::seconds(20)));
  EXPECT_LT(loop.now(), until + std::chrono::seconds(20));
  EXPECT_TRUE(loop.run_until(loop.now()));
}

TEST(Loop, AStopBeforeRunIsNotLost) {
  Loop loop;
  loop.stop();
  loop.run();
  SUCCEED();
}

TEST(Loop, RunsAgainAfterAStop) {
  Loop loop;
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    loop.post([&] {
      ++runs;
      loop.stop();
    });
    loop.run();
  }
  EXPECT_EQ(runs, 3);
}

TEST(Loop, RunsPostedWorkOfEachThreadInItsOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  Loop loop;
  std::vector<std::vector<int>> seen(kThreads);
  int left = kThreads * kPosts;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, t, i] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (--left == 0) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  for (const auto& order : seen) {
    EXPECT_EQ(order.size(), kPosts);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(Loop, PostedWorkRunsLaterNotWithin) {
  Loop loop;
  std::vector<int> order;
  loop.post([&] {
    loop.post([&] {
      order.push_back(2);
      loop.stop();
    });
    order.push_back(1);
  });
  loop.run();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST(Loop, HandsOverSignals) {
  Loop loop;
  std::vector<int> signals;
  loop.on_signals({SIGUSR1, SIGUSR2}, [&](int signal) { signals.push_back(signal); });
  std::raise(SIGUSR1);
  ASSERT_TRUE(drive(loop, [&] { return signals.size() == 1; }));
  std::raise(SIGUSR2);
  ASSERT_TRUE(drive(loop, [&] { return signals.size() == 2; }));
  EXPECT_THAT(signals, ElementsAre(SIGUSR1, SIGUSR2));
}

TEST(Timer, CallsInTheOrderOfDatesAndNeverEarly) {
  Loop loop;
  const Time start = loop.now();
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers;
  for (const int at : {3, 1, 2}) {
    timers.push_back(std::make_unique<Timer>(loop, [&, at] {
      EXPECT_GE(loop.now(), start + milliseconds(at));
      order.push_back(at);
    }));
    timers.back()->arm(start + milliseconds(at));
  }
  ASSERT_TRUE(drive(loop, [&] { return order.size() == 3; }));
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Timer, ComesEarlyAlongWithAnotherIfItMay) {
  Loop loop;
  std::vector<std::string> order;
  Timer punctual(loop, [&] { order.push_back("punctual"); });
  Timer early(loop, [&] { order.push_back("early"); });
  Timer other(loop, [&] { order.push_back("other"); });
  const Time start = loop.now();
  other.arm(start + milliseconds(1));
  early.arm(start + std::chrono::hours(1), std::chrono::hours(1));
  punctual.arm(start + std::chrono::hours(2));
  ASSERT_TRUE(drive(loop, [&] { return order.size() == 2; }));
  EXPECT_THAT(order, ElementsAre("other", "early"));
  EXPECT_EQ(early.armed(), kNever);
}

TEST(Timer, DoesNotWakeTheLoopToBeEarly) {
  Loop loop;
  Time called = kNever;
  Timer timer(loop, [&] { called = loop.now(); });
  const Time due = loop.now() + milliseconds(30);
  timer.arm(due, milliseconds(15));
  EXPECT_EQ(timer.armed(), due);
  ASSERT_TRUE(loop.run_until(due + milliseconds(30)));
  EXPECT_GE(called, due);
  ASSERT_NE(called, kNever);
}

TEST(Timer, MayBeLessEarlyWhenArmedAnew) {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] { ++calls; });
  timer.arm(loop.now() + std::chrono::hours(1), std::chrono::hours(1));
  timer.arm(loop.now() + std::chrono::hours(1));
  settle(loop);
  EXPECT_EQ(calls, 0);
}

TEST(Timer, ThatArmsItselfLetsOthersHaveTheirTurn) {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] {
    ++calls;
    timer.arm(loop.now() + std::chrono::hours(1), std::chrono::hours(1));
  });
  timer.arm(loop.now());
  bool is_posted_run = false;
  loop.post([&] { is_posted_run = true; });
  ASSERT_TRUE(drive(loop, [&] { return is_posted_run && calls > 1; }));
}

TEST(Timer, MayArmItselfForTheSameDate) {
  Loop loop;
  const Time due = loop.now() + milliseconds(1);
  int calls = 0;
  Timer timer(loop, [&] {
    if (++calls < 5) timer.arm(due);
  });
  timer.arm(due);
  ASSERT_TRUE(loop.run_until(due + milliseconds(1)));
  settle(loop);
  EXPECT_EQ(calls, 5);
}

TEST(Timer, CallsOncePerArming) {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] { ++calls; });
  EXPECT_EQ(timer.armed(), kNever);
  timer.arm(loop.now());
  settle(loop);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(timer.armed(), kNever);
}

TEST(Timer, MovesToALaterAndToAnEarlierDate) {
  Loop loop;
  const Time start = loop.now();
  Time called = kNever;
  Timer timer(loop, [&] { called = loop.now(); });
  timer.arm(start + milliseconds(1));
  timer.arm(start + milliseconds(30));
  EXPECT_EQ(timer.armed(), start + milliseconds(30));
  ASSERT_TRUE(drive(loop, [&] { return called != kNever; }));
  EXPECT_GE(called, start + milliseconds(30));

  called = kNever;
  timer.arm(loop.now() + std::chrono::hours(1));
  timer.arm(loop.now() + milliseconds(1));
  EXPECT_TRUE(drive(loop, [&] { return called != kNever; }));
}

TEST(Timer, IsSilentOnceDisarmedOrDestroyed) {
  Loop loop;
  int calls = 0;
  Timer disarmed(loop, [&] { ++calls; });
  auto destroyed = std::make_unique<Timer>(loop, [&] { ++calls; });
  disarmed.arm(loop.now());
  destroyed->arm(loop.now());
  disarmed.disarm();
  destroyed.reset();
  settle(loop);
  EXPECT_EQ(calls, 0);
}

TEST(Timer, IsSilentWhenAnotherOfTheSameDateDestroysIt) {
  Loop loop;
  int calls = 0;
  const Time at = loop.now() + milliseconds(1);
  std::unique_ptr<Timer> first, second;
  first = std::make_unique<Timer>(loop, [&] {
    ++calls;
    second.reset();
  });
  second = std::make_unique<Timer>(loop, [&] {
    ++calls;
    first.reset();
  });
  first->arm(at);
  second->arm(at);
  settle(loop);
  EXPECT_EQ(calls, 1);
}

TEST(Timer, MayBeArmedDisarmedAndDestroyedInItsCallback) {
  Loop loop;
  int calls = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++calls < 3) return timer->arm(loop.now() + microseconds(200));
    timer->arm(loop.now());
    timer->disarm();
    timer.reset();
  });
  timer->arm(loop.now());
  ASSERT_TRUE(drive(loop, [&] { return timer == nullptr; }));
  settle(loop);
  EXPECT_EQ(calls, 3);
}

TEST(Timer, DatesBeyondTheClockNeverCome) {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] { ++calls; });
  timer.arm(kNever - std::chrono::nanoseconds(1));
  settle(loop);
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace phoenix::net
