// What the local world is made of: reserved ports, a look at processes, lines to them.
#include <csignal>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/agents/json_fields.h"
#include "runtime/agents/order_link.h"
#include "runtime/local/port.h"
#include "runtime/local/process_state.h"
#include "runtime/local/timers.h"
#include "tests/runtime/gateway/frame_parties.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::local {
namespace {

using agents::OrderLink;
using std::chrono::milliseconds;
using testing::ElementsAre;
using Json = nlohmann::json;

TEST(ReservedPortTest, RefusesCallersUntilAServerTakesIt) {
  net::Loop loop;
  const auto port = reserve_port();
  ASSERT_TRUE(port.ok()) << port.error();
  const net::Address address = net::Address::parse(port->address).value();
  EXPECT_FALSE(net::dial(loop, address).ok());
  for (int life = 0; life < 2; ++life) {
    const auto listener = net::Listener::open(loop, address, {}, [](auto) {});
    ASSERT_TRUE(listener.ok()) << listener.error();
    EXPECT_TRUE(net::dial(loop, address).ok());
  }
  EXPECT_FALSE(net::dial(loop, address).ok());
}

TEST(ReservedPortTest, IsGivenToNobodyElse) {
  const auto first = reserve_port();
  const auto second = reserve_port();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->address, second->address);
}

TEST(ProcessStateTest, ReadsPastAnyName) {
  const auto state =
      parse_process_state("17 (a) R (b) T 1 17 17 0 -1 4194560 10 0 0 0 7 5 0 0 20 0 1 0 100 0 0");
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->is_stopped());
  EXPECT_EQ(state->cpu_ticks, 12U);
  EXPECT_FALSE(parse_process_state("17 (a"));
  EXPECT_FALSE(parse_process_state(""));
}

TEST(ProcessStateTest, TellsAStoppedProcessFromARunningOne) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  ASSERT_GT(pid, 0);
  EXPECT_FALSE(process_state(pid)->is_stopped());
  ::kill(pid, SIGSTOP);
  ::waitpid(pid, nullptr, WUNTRACED);
  EXPECT_TRUE(process_state(pid)->is_stopped());
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_FALSE(process_state(pid));
}

TEST(JsonFieldsTest, TakesWhatIsThereAndNothingElse) {
  const Json object = {{"n", 3}, {"x", 1.5}, {"s", "text"}, {"a", {1, 2}}, {"minus", -1}};
  EXPECT_EQ(count_in(Json::parse(object.dump()), "n"), 3U);
  EXPECT_EQ(number_in(object, "x"), 1.5);
  EXPECT_EQ(text_in(object, "s"), "text");
  EXPECT_EQ(part_of(object, "a").size(), 2U);
  EXPECT_EQ(count_in(object, "minus"), 0U);
  EXPECT_EQ(count_in(object, "s"), 0U);
  EXPECT_EQ(number_in(object, "s"), 0.0);
  EXPECT_EQ(text_in(object, "n"), "");
  EXPECT_TRUE(part_of(object, "n").is_null());
  EXPECT_EQ(count_in(Json(), "n"), 0U);
  EXPECT_EQ(text_in(Json::array(), "n"), "");
}

TEST(TimersTest, WorkInOrderOfTheirDatesAlsoWhenSetMeanwhile) {
  net::Loop loop;
  Timers timers(loop);
  std::vector<int> done;
  timers.after(milliseconds(4), [&] { done.push_back(2); });
  timers.after(milliseconds(2), [&] {
    done.push_back(1);
    timers.after(milliseconds(4), [&] { done.push_back(3); });
  });
  ASSERT_TRUE(net::drive(loop, [&] { return done.size() == 3; }));
  EXPECT_THAT(done, ElementsAre(1, 2, 3));
}

// A party that takes commands and answers those it is told to.
class LabLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    auto port = reserve_port();
    ASSERT_TRUE(port.ok());
    port_ = std::move(*port);
    OrderLink::Settings settings;
    settings.address = net::Address::parse(port_.address).value();
    settings.role = wire::Role::kLab;
    settings.token = "secret";
    link_ = std::make_unique<OrderLink>(loop_, settings);
  }
  void listen() {
    listener_ = std::move(*net::Listener::open(
        loop_, net::Address::parse(port_.address).value(), {}, [this](auto channel) {
          parties_.push_back(std::make_unique<gateway::testing::Party>(
              loop_, std::move(channel),
              [this](gateway::testing::Party& party, const wire::Frame& frame) {
                if (frame.type != wire::FrameType::kControl) return;
                commands_.emplace_back(frame.payload);
                const std::string answer = answers_ ? std::string(frame.payload) : "";
                if (answers_) party.link().send(wire::FrameType::kControl, frame.id, answer);
              }));
        }));
  }
  void ask(int number) {
    link_->command(number, [this](const Json& answer) {
      got_.push_back(answer.is_number() ? answer.get<int>() : -1);
    });
  }

  net::Loop loop_;
  ReservedPort port_;
  std::unique_ptr<OrderLink> link_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<gateway::testing::Party>> parties_;
  std::vector<std::string> commands_;
  std::vector<int> got_;
  bool answers_ = true;
};

TEST_F(LabLinkTest, KeepsCommandsInOrderUntilSomebodyIsThere) {
  for (int i = 1; i <= 3; ++i) ask(i);
  net::settle(loop_);
  EXPECT_TRUE(got_.empty());
  listen();
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() == 3; }));
  EXPECT_THAT(got_, ElementsAre(1, 2, 3));
}

TEST_F(LabLinkTest, AnswersNothingToWhatABrokenLineSwallowedAndComesBack) {
  answers_ = false;
  listen();
  ask(1);
  ASSERT_TRUE(net::drive(loop_, [&] { return commands_.size() == 1; }));
  parties_.clear();
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() == 1; }));
  EXPECT_THAT(got_, ElementsAre(-1));
  answers_ = true;
  ask(2);
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() == 2; }));
  EXPECT_EQ(got_[1], 2);
}

TEST_F(LabLinkTest, GivesUpWhatWaitsForAPartyThatIsGone) {
  ask(1);
  ask(2);
  link_->give_up();
  EXPECT_THAT(got_, ElementsAre(-1, -1));
  listen();
  ask(3);
  ASSERT_TRUE(net::drive(loop_, [&] { return got_.size() == 3; }));
  EXPECT_THAT(commands_, ElementsAre("3"));
}

TEST_F(LabLinkTest, LetsOnlySoManyCommandsWait) {
  for (int i = 0; i <= static_cast<int>(OrderLink::kWaitingMax); ++i) ask(i);
  EXPECT_THAT(got_, ElementsAre(-1)) << "the oldest makes room";
}

}  // namespace
}  // namespace phoenix::local
