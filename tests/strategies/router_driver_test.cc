// What a world may rely on from the loop around its Router.
#include "strategies/router_driver.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/strategies/router_fixture.h"
#include "tests/strategies/router_recording.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using testing::at;
using ::testing::ElementsAre;
using testing::FirstNode;
using ::testing::IsEmpty;
using testing::LeastCost;
using testing::node;
using testing::request;
using testing::RouterRecording;

// What a port was asked for.
struct Desk {
  std::vector<RouterAction> sent;
  std::vector<RouterAction> answered;
  std::vector<Time> armed;
  std::function<void(const RouterAction&)> on_answer;
};

struct DeskPort {
  Desk* desk;
  void send(const RouterAction& action) { desk->sent.push_back(action); }
  void answer(const RouterAction& action) {
    desk->answered.push_back(action);
    if (desk->on_answer) desk->on_answer(action);
  }
  void probe(const RouterAction&) {}
  void arm(Time date) { desk->armed.push_back(date); }
};

using Driver = RouterDriver<DeskPort>;

// Nothing becomes due by itself.
RouterSettings quiet() {
  RouterSettings settings;
  settings.success_rate_stdevs = 0;
  settings.slow_start = Duration{0};
  settings.retry_backoff = Duration{0};
  return settings;
}

template <class B = FirstNode>
Driver make_driver(Desk& desk, RouterTap* tap = nullptr, const RouterSettings& settings = quiet()) {
  return {testing::make_router<B>(settings, {{ServiceId{0}, Duration::max()}}), {&desk}, tap};
}

void join(Driver& driver, std::size_t nodes) {
  for (std::size_t i = 0; i < nodes; ++i) {
    driver.membership({MembershipChange::Kind::kJoin, node(i), ServiceId{0}, 1.0, true}, kStart);
  }
}

TEST(RouterDriver, CarriesSendsAndAnswersToThePort) {
  Desk desk;
  Driver driver = make_driver(desk);
  driver.request(request(5), at(1ms));
  ASSERT_EQ(desk.answered.size(), 1U) << "no node yet";
  EXPECT_EQ(desk.answered[0].reason, FailureReason::kNoHealthyNodes);
  join(driver, 1);
  driver.request(request(6), at(2ms));
  ASSERT_EQ(desk.sent.size(), 1U);
  EXPECT_EQ(desk.sent[0].request, 6U);
  driver.result(desk.sent[0].attempt, AttemptResult::kOk, at(3ms));
  ASSERT_EQ(desk.answered.size(), 2U);
  EXPECT_EQ(desk.answered[1].request, 6U);
  EXPECT_EQ(desk.answered[1].reason, FailureReason::kNone);
}

TEST(RouterDriver, ArmsOnlyEarlierDatesAndWakesAtThem) {
  Desk desk;
  Driver driver = make_driver(desk);
  join(driver, 1);
  desk.armed.clear();
  driver.request(request(1, at(100ms)), kStart);
  ASSERT_FALSE(desk.armed.empty());
  const Time first = desk.armed.back();
  EXPECT_LE(first, at(100ms));
  driver.request(request(2, at(200ms)), kStart);
  EXPECT_EQ(desk.armed.back(), first) << "something earlier is armed already";
  driver.request(request(3, at(10ms)), kStart);
  EXPECT_LE(desk.armed.back(), at(10ms));

  driver.wake(desk.armed.back() - 1ns);
  EXPECT_THAT(desk.answered, IsEmpty());
  // A wake-up is a lower bound: another may follow before anything is due.
  while (desk.answered.empty()) {
    ASSERT_LE(desk.armed.back(), at(11ms));
    driver.wake(desk.armed.back());
  }
  EXPECT_EQ(desk.answered[0].request, 3U);
  EXPECT_EQ(desk.answered[0].reason, FailureReason::kDeadline);
  EXPECT_LE(desk.armed.back(), at(100ms)) << "armed again for what is left";
  EXPECT_GT(desk.armed.back(), at(10ms));
}

TEST(RouterDriver, NeverArmsADateThatHasPassed) {
  Desk desk;
  Driver driver = make_driver(desk);
  join(driver, 1);
  desk.armed.clear();
  driver.request(request(1, at(1ms)), at(5ms));
  for (const Time date : desk.armed) EXPECT_GE(date, at(5ms));
}

TEST(RouterDriver, AWakeThatComesLateDoesAllThatIsDue) {
  Desk desk;
  Driver driver = make_driver(desk);
  join(driver, 1);
  for (RequestToken i = 0; i < 5; ++i) driver.request(request(i, at(1ms * (i + 1))), kStart);
  driver.wake(at(1s));
  EXPECT_EQ(desk.answered.size(), 5U);
}

TEST(RouterDriver, AnAnswerMayBringTheNextRequestEvenOutOfAWake) {
  Desk desk;
  RouterRecording recording;
  Driver driver = make_driver(desk, &recording);
  join(driver, 1);
  for (RequestToken i = 0; i < 20; ++i) driver.request(request(i, at(1ms)), kStart);
  desk.on_answer = [&driver](const RouterAction& action) {
    if (action.request < 100) driver.request(request(100 + action.request), at(2ms));
  };
  driver.wake(at(2ms));
  EXPECT_EQ(desk.answered.size(), 20U);
  EXPECT_EQ(desk.sent.size(), 40U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(desk.sent[20 + i].request, 100 + i);

  Desk other_desk;
  RouterRecording other;
  Driver second = make_driver(other_desk, &other);
  for (const RouterEvent& event : recording.events) second.replay(event);
  EXPECT_EQ(first_difference(recording, other), "");
}

TEST(RouterDriver, TheTapHearsAPiggyBackedReportBeforeItsResult) {
  Desk desk;
  RouterRecording recording;
  Driver driver = make_driver(desk, &recording);
  join(driver, 1);
  driver.request(request(1), kStart);
  LoadReport report;
  report.queue_length = 3;
  driver.result(desk.sent[0].attempt, AttemptResult::kOk, node(0), report, at(1ms));
  using Kind = RouterEvent::Kind;
  std::vector<Kind> kinds;
  for (const RouterEvent& event : recording.events) kinds.push_back(event.kind);
  EXPECT_THAT(kinds, ElementsAre(Kind::kMembership, Kind::kRequest, Kind::kReport, Kind::kResult));
  EXPECT_EQ(recording.events[2].report.queue_length, 3U);
  EXPECT_EQ(recording.events[3].attempt, desk.sent[0].attempt);
  EXPECT_THAT(recording.decisions,
              ElementsAre("event 2: send 1 node 0 attempt " + std::to_string(desk.sent[0].attempt),
                          "event 4: answer 1 node 0 attempt " +
                              std::to_string(desk.sent[0].attempt) + " none"));
}

// Random traffic with failures, deadlines, retries and nodes that come and go: whoever listened can
// have it all again.
TEST(RouterDriver, ARecordedSequenceReplayedLeadsToTheSameDecisions) {
  RouterSettings settings;
  settings.retries = 2;
  settings.max_in_flight = 50;
  settings.queue = 10;
  Desk desk;
  RouterRecording recording;
  Driver driver = make_driver<LeastCost>(desk, &recording, settings);
  join(driver, 5);
  Random random(3);
  Time now = kStart;
  std::size_t settled = 0;
  for (RequestToken token = 0; token < 5000; ++token) {
    now += Duration{static_cast<std::int64_t>(random.below(2'000'000))};
    driver.wake(now);
    driver.request(request(token, now + 30ms), now);
    while (settled < desk.sent.size() && random.below(10) > 1) {
      const AttemptId attempt = desk.sent[settled++].attempt;
      const std::uint64_t fate = random.below(20);
      if (fate == 0) continue;  // never heard of again
      driver.result(attempt, fate < 4 ? AttemptResult::kReset : AttemptResult::kOk, now);
    }
    if (random.below(100) == 0) {
      const auto kind =
          random.below(2) == 0 ? MembershipChange::Kind::kDown : MembershipChange::Kind::kUp;
      driver.membership({kind, node(random.below(5))}, now);
    }
  }
  EXPECT_GT(driver.router().counters().retries, 100U);
  const auto deadline = static_cast<std::size_t>(FailureReason::kDeadline);
  EXPECT_GT(driver.router().counters().answers[deadline], 100U);

  Desk other_desk;
  RouterRecording other;
  Driver second = make_driver<LeastCost>(other_desk, &other, settings);
  for (const RouterEvent& event : recording.events) second.replay(event);
  EXPECT_EQ(first_difference(recording, other), "");
  EXPECT_EQ(other.decisions.size(), recording.decisions.size());

  RouterRecording wrong;
  Driver third = make_driver<FirstNode>(other_desk, &wrong, settings);
  for (const RouterEvent& event : recording.events) third.replay(event);
  EXPECT_NE(first_difference(recording, wrong), "") << "another strategy would be noticed";
}

}  // namespace
}  // namespace phoenix
