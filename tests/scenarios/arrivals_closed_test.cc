// Closed loops, driven by a world of one line: every request is answered after a fixed time.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenarios/laws.h"
#include "tests/scenarios/workloads.h"

namespace phoenix {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::plain_scenario;

Scenario closed(int users, Distribution think_time) {
  Scenario scenario = plain_scenario();
  scenario.workload.arrivals = ArrivalKind::kClosed;
  scenario.workload.users = users;
  scenario.workload.think_time = std::move(think_time);
  return scenario;
}

struct Played {
  std::vector<Arrival> arrivals;
  std::size_t most_outstanding = 0;
};

Played play(const Scenario& scenario, Duration answer_time) {
  Played played;
  const auto source = testing::source_of(scenario);
  EXPECT_TRUE(source->is_closed());
  std::multimap<Time, std::uint32_t> answers;
  while (source->next_at() != kNever || !answers.empty()) {
    if (!answers.empty() && answers.begin()->first <= source->next_at()) {
      const auto [at, user] = *answers.begin();
      answers.erase(answers.begin());
      source->on_answer(user, at);
      continue;
    }
    const Arrival arrival = source->next();
    EXPECT_LT(arrival.at, kStart + scenario.duration);
    answers.emplace(arrival.at + answer_time, arrival.user);
    played.arrivals.push_back(arrival);
    played.most_outstanding = std::max(played.most_outstanding, answers.size());
  }
  return played;
}

TEST(ClosedLoop, AUserThinksSendsAndWaits) {
  const Played played = play(closed(1, Distribution::constant(2)), seconds(1));
  // Thinks 0 to 2, is answered at 3, sends at 5, 8, ... 98.
  ASSERT_EQ(played.arrivals.size(), 33U);
  for (std::size_t i = 0; i < 33; ++i) {
    EXPECT_EQ(played.arrivals[i].at, kStart + seconds(2 + 3 * i));
  }
}

TEST(ClosedLoop, NoUserSendsWhileItWaits) {
  const auto source = testing::source_of(closed(3, Distribution::constant(1)));
  for (std::uint32_t user = 0; user < 3; ++user) EXPECT_EQ(source->next().user, user);
  EXPECT_EQ(source->next_at(), kNever);
  source->on_answer(1, kStart + seconds(5));
  EXPECT_EQ(source->next_at(), kStart + seconds(6));
  source->on_answer(2, kStart + seconds(5));
  EXPECT_EQ(source->next().user, 1U);
  EXPECT_EQ(source->next().user, 2U);
}

TEST(ClosedLoop, AnAnswerMayBringTheNextArrivalForward) {
  const auto source = testing::source_of(closed(2, Distribution::uniform(0.5, 20)));
  int brought_forward = 0;
  while (source->next_at() != kNever) {
    const Arrival arrival = source->next();
    const Time before = source->next_at();
    source->on_answer(arrival.user, arrival.at);
    EXPECT_LE(source->next_at(), before);
    brought_forward += source->next_at() < before;
  }
  EXPECT_GT(brought_forward, 0);
}

TEST(ClosedLoop, NeverHasMoreOutstandingThanUsers) {
  const Played played = play(closed(20, Distribution::exponential(0.05)), milliseconds(400));
  EXPECT_EQ(played.most_outstanding, 20U);
}

// Each user's cycle is think + answer = 1 s + 0.25 s on average: 200 users make 160 /s. Over 100 s
// a renewal process has variance t sd^2 / mean^3 = 100 / 1.953 a user; the first cycle lacks its
// answer time, which is 0.2 requests a user more.
TEST(ClosedLoop, ThroughputFollowsTheResponseTimeLaw) {
  const Played played = play(closed(200, Distribution::exponential(1)), milliseconds(250));
  const double expected = 200 * 100 / 1.25;
  EXPECT_NEAR(static_cast<double>(played.arrivals.size()), expected,
              200 * 0.5 + 5 * std::sqrt(200 * 100 / 1.953));
}

TEST(ClosedLoop, ThinkTimesFollowTheirLaw) {
  Scenario scenario = closed(50, Distribution::exponential(0.1));
  const Played played = play(scenario, milliseconds(30));
  std::map<std::uint32_t, Time> last;
  std::vector<double> thoughts;
  for (const Arrival& arrival : played.arrivals) {
    const auto found = last.find(arrival.user);
    const Time from = found == last.end() ? kStart : found->second + milliseconds(30);
    thoughts.push_back(to_seconds(arrival.at - from));
    last[arrival.user] = arrival.at;
  }
  EXPECT_GT(thoughts.size(), 30'000U);
  testing::expect_law(thoughts, [](double x) { return 1 - std::exp(-x / 0.1); });
}

// A user's thoughts are its own: how fast others are answered does not change them.
TEST(ClosedLoop, ThinkTimesDoNotDependOnOthers) {
  const Played few = play(closed(1, Distribution::exponential(1)), milliseconds(100));
  const Played many = play(closed(50, Distribution::exponential(1)), milliseconds(100));
  std::vector<Time> alone;
  std::vector<Time> among;
  for (const Arrival& arrival : few.arrivals) alone.push_back(arrival.at);
  for (const Arrival& arrival : many.arrivals) {
    if (arrival.user == 0) among.push_back(arrival.at);
  }
  EXPECT_EQ(alone, among);
}

TEST(ClosedLoop, EqualTimesGoByUser) {
  const Played played = play(closed(5, Distribution::constant(1)), seconds(1));
  for (std::size_t i = 0; i < played.arrivals.size(); ++i) {
    ASSERT_EQ(played.arrivals[i].user, i % 5);
  }
}

TEST(ClosedLoop, NothingArrivesAfterTheEnd) {
  Scenario scenario = closed(2, Distribution::constant(60));
  const Played played = play(scenario, seconds(1));
  EXPECT_EQ(played.arrivals.size(), 2U);  // the next would be at 121 s
}

TEST(ClosedLoop, SameSeedSameArrivals) {
  const Scenario scenario = closed(10, Distribution::exponential(0.2));
  const Played one = play(scenario, milliseconds(50));
  const Played two = play(scenario, milliseconds(50));
  ASSERT_EQ(one.arrivals.size(), two.arrivals.size());
  for (std::size_t i = 0; i < one.arrivals.size(); ++i) {
    ASSERT_TRUE(testing::is_same(one.arrivals[i], two.arrivals[i]));
  }
}

}  // namespace
}  // namespace phoenix
