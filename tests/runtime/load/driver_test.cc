#include "runtime/load/driver.h"

#include <numeric>
#include <set>

#include "scenarios/parser.h"
#include "tests/runtime/load/load_parties.h"

namespace phoenix::load {
namespace {

using std::chrono::milliseconds;

class LoadDriverTest : public testing::Test {
 protected:
  void make(Scenario scenario, const DriverSettings& settings = {}) {
    scenario_ = std::move(scenario);
    driver_ = std::make_unique<LoadDriver>(
        loop_, scenario_, arrivals_of(scenario_),
        [this](SenderUser& user) {
          auto made = std::make_unique<FakeSender>(user);
          sender_ = made.get();
          return made;
        },
        outcomes_, settings);
  }
  void play() {
    bool is_done = false;
    driver_->run([&] { is_done = true; });
    ASSERT_TRUE(net::drive(loop_, [&] { return is_done; }));
  }

  net::Loop loop_;
  Scenario scenario_;
  KeptOutcomes outcomes_;
  std::unique_ptr<LoadDriver> driver_;
  FakeSender* sender_ = nullptr;
};

TEST_F(LoadDriverTest, SendsEveryRequestWhenItIsDueThoughNoneIsAnswered) {
  make(scenario_at("1000", "200ms"));
  play();
  const std::vector<Time> due = due_dates(scenario_);
  ASSERT_EQ(outcomes_.offered.size(), due.size());
  ASSERT_EQ(sender_->sent.size(), due.size());
  for (std::size_t i = 0; i < due.size(); ++i) {
    EXPECT_EQ(outcomes_.offered[i].number, i);
    EXPECT_EQ(outcomes_.offered[i].intended, due[i]);
    EXPECT_GE(outcomes_.offered[i].sent, due[i]) << "never early";
  }
}

// The server answers nothing from 50 ms to 200 ms. A request due at t of that time has waited for
// 200 ms - t at least, and an evenly paced source has 150 of them: together sum(200 - t) over
// t = 50..199 ms = (1 + ... + 150) ms = 11,325 ms. A source that waits for answers before it sends
// the next would have seen one such wait of 150 ms.
TEST_F(LoadDriverTest, ChargesAStalledServerForAllThatCameMeanwhile) {
  make(scenario_at("1000", "300ms"));
  const Time begin = kStart + milliseconds(50), end = kStart + milliseconds(200);
  std::vector<std::uint64_t> held;
  sender_->on_send = [&](const Outgoing& request) {
    if (loop_.now() < end) {
      held.push_back(request.number);
    } else {
      sender_->answer(request.number);
    }
  };
  net::Timer release(loop_, [&] {
    for (const std::uint64_t number : held) sender_->answer(number);
  });
  release.arm(end);
  play();
  Duration waited{0};
  std::size_t stalled = 0;
  for (const Outcome& outcome : outcomes_.answered) {
    if (outcome.intended < begin || outcome.intended >= end) continue;
    EXPECT_GE(outcome.answered, end);
    waited += outcome.answered - outcome.intended;
    ++stalled;
  }
  EXPECT_EQ(stalled, 150U);
  EXPECT_GE(waited, milliseconds(11'325));
}

TEST_F(LoadDriverTest, CountsWhatAnsweredAndHowOftenItWasTried) {
  make(scenario_at("100", "50ms"));
  sender_->on_send = [&](const Outgoing& request) {
    sender_->user.on_result({request.number, FailureReason::kQueueFull, 7, 3});
  };
  play();
  ASSERT_FALSE(outcomes_.answered.empty());
  EXPECT_EQ(outcomes_.answered[0].node, 7);
  EXPECT_EQ(outcomes_.answered[0].attempts, 3);
  EXPECT_EQ(outcomes_.answered[0].reason, FailureReason::kQueueFull);
  EXPECT_TRUE(outcomes_.unanswered.empty());
}

TEST_F(LoadDriverTest, GivesUpARequestAfterItsDeadlineAndTellsTheSender) {
  Scenario scenario = scenario_at("100", "400ms");
  scenario.services[0].classes[0].deadline = milliseconds(10);
  make(scenario);
  play();
  ASSERT_FALSE(outcomes_.answered.empty());
  const Outcome& first = outcomes_.answered[0];
  EXPECT_EQ(first.number, 0U);
  EXPECT_EQ(first.reason, FailureReason::kDeadline);
  EXPECT_GE(first.answered, first.intended + milliseconds(10) + kAnswerGrace);
  ASSERT_FALSE(sender_->forgotten.empty());
  EXPECT_EQ(sender_->forgotten[0], 0U);
}

TEST_F(LoadDriverTest, CountsAnAnswerAfterTheDeadlineAsAFailure) {
  Scenario scenario = scenario_at("100", "100ms");
  scenario.services[0].classes[0].deadline = milliseconds(10);
  make(scenario);
  net::Timer late(loop_, [&] { sender_->answer(0); });
  late.arm(due_dates(scenario_)[0] + milliseconds(11));
  play();
  ASSERT_FALSE(outcomes_.answered.empty());
  EXPECT_EQ(outcomes_.answered[0].number, 0U);
  EXPECT_EQ(outcomes_.answered[0].reason, FailureReason::kDeadline);
}

TEST_F(LoadDriverTest, PassesOnTheTimeThatIsLeft) {
  Scenario scenario = scenario_at("1000", "20ms");
  scenario.services[0].classes[0].deadline = milliseconds(500);
  make(scenario);
  play();
  for (const Outgoing& request : sender_->sent) {
    EXPECT_GT(request.time_left, Duration{0});
    EXPECT_LE(request.time_left, milliseconds(500));
  }
}

TEST_F(LoadDriverTest, SendsAUsersNextRequestAfterTheAnswer) {
  ParsedScenario parsed = parse_scenario_text(R"toml(
name = "closed"
duration = "200 ms"
[[cluster.group]]
name = "server"
[[service]]
name = "api"
[[service.class]]
name = "page"
[workload]
arrivals = "closed"
users = 3
think_time = "constant(1 ms)"
)toml",
                                              "closed.toml");
  ASSERT_TRUE(parsed.scenario) << parsed.problems.front().text();
  make(*parsed.scenario);
  std::set<std::uint64_t> open;
  std::size_t most = 0;
  sender_->on_send = [&](const Outgoing& request) {
    open.insert(request.number);
    most = std::max(most, open.size());
  };
  net::Timer answer(loop_, [&] {
    if (!open.empty()) sender_->answer(open.extract(open.begin()).value());
    answer.arm(loop_.now() + milliseconds(2));
  });
  answer.arm(kStart);
  play();
  answer.disarm();
  EXPECT_EQ(most, 3U);
  EXPECT_GT(sender_->sent.size(), 10U);
  EXPECT_EQ(outcomes_.offered.size(), outcomes_.answered.size() + outcomes_.unanswered.size());
}

TEST_F(LoadDriverTest, HasOnlySoManyRequestsUnderWay) {
  make(scenario_at("1000", "100ms"), {10});
  play();
  const std::size_t offered = due_dates(scenario_).size();
  EXPECT_EQ(sender_->sent.size(), 10U);
  EXPECT_EQ(outcomes_.offered.size(), offered);
  ASSERT_EQ(outcomes_.answered.size(), offered - 10);
  for (const Outcome& outcome : outcomes_.answered) {
    EXPECT_EQ(outcome.reason, FailureReason::kInFlightLimit);
    EXPECT_EQ(outcome.sent, kNever);
  }
  EXPECT_EQ(driver_->lateness().not_sent, offered - 10);
  EXPECT_TRUE(driver_->lateness().fell_behind());
}

TEST_F(LoadDriverTest, TellsInTheEndWhatIsUnderWay) {
  make(scenario_at("1000", "50ms"));
  sender_->on_send = [&](const Outgoing& request) {
    if (request.number % 2 == 0) sender_->answer(request.number);
  };
  play();
  ASSERT_FALSE(outcomes_.unanswered.empty());
  for (const Outcome& outcome : outcomes_.unanswered) EXPECT_EQ(outcome.number % 2, 1U);
  EXPECT_EQ(outcomes_.offered.size(), outcomes_.answered.size() + outcomes_.unanswered.size());
  EXPECT_EQ(outcomes_.all.back().kind, OutcomeKind::kEnd);
  EXPECT_EQ(driver_->open(), 0U);
}

TEST_F(LoadDriverTest, EndsEarlyWhenTold) {
  make(scenario_at("1000", "60s"));
  bool is_done = false;
  sender_->on_send = [&](const Outgoing& request) {
    if (request.number == 20) loop_.post([this] { driver_->stop(); });
  };
  driver_->run([&] { is_done = true; });
  ASSERT_TRUE(net::drive(loop_, [&] { return is_done; }));
  EXPECT_EQ(outcomes_.offered.size(), outcomes_.unanswered.size());
  EXPECT_EQ(outcomes_.all.back().kind, OutcomeKind::kEnd);
}

// Time zero lay ten seconds back, and the run was over after one: nothing can be made good, but all
// of it is told.
TEST(LoadDriverBehind, AccountsForEverythingThatItCouldNotSend) {
  net::Epoch epoch = net::Epoch::now();
  epoch.monotonic_ns -= 10'000'000'000;
  net::Loop loop(epoch);
  const Scenario scenario = scenario_at("1000", "1s");
  KeptOutcomes outcomes;
  FakeSender* sender = nullptr;
  LoadDriver driver(
      loop, scenario, arrivals_of(scenario),
      [&](SenderUser& user) {
        auto made = std::make_unique<FakeSender>(user);
        sender = made.get();
        return made;
      },
      outcomes);
  bool is_done = false;
  driver.run([&] { is_done = true; });
  ASSERT_TRUE(net::drive(loop, [&] { return is_done; }));
  const std::size_t offered = due_dates(scenario).size();
  EXPECT_EQ(outcomes.offered.size(), offered);
  EXPECT_EQ(outcomes.unanswered.size(), offered);
  EXPECT_LT(sender->sent.size(), offered);
  EXPECT_EQ(sender->sent.size() + driver.lateness().not_sent, offered);
  EXPECT_TRUE(driver.lateness().fell_behind());
}

}  // namespace
}  // namespace phoenix::load
