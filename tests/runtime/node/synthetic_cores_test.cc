// Modelled cores on a real loop: what the CPU model says comes true, never early, and the model's
// own reckoning is exact however late the process is woken.
#include "runtime/node/synthetic_cores.h"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

#include "tests/runtime/node/calls.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

using std::chrono::milliseconds;

constexpr Discipline kPs = Discipline::kProcessorSharing;
constexpr double kMs = 1e6;

struct Answered {
  char name;
  AttemptResult result;
  Time at;
};

class SyntheticCoresTest : public ::testing::Test {
 protected:
  SyntheticCores& make(Discipline discipline, int queue = 100, double speed = 1) {
    cores_ = std::make_unique<SyntheticCores>(loop_, 1, speed, discipline);
    cores_->add_service(queue, 0);
    return *cores_;
  }
  void submit(char name, double work_ns, std::uint32_t response_bytes = 0) {
    cores_->submit(0, work_ns, 0, response_bytes, make_call({}, [this, name](CallReply reply) {
                     answers_.push_back({name, reply.result, loop_.now()});
                     last_ = std::move(reply);
                   }));
  }
  std::string order() const {
    std::string names;
    for (const Answered& answer : answers_) names += answer.name;
    return names;
  }
  bool await(std::size_t answers) {
    return serve_until(loop_, [&] { return answers_.size() == answers; });
  }

  net::Loop loop_;
  std::unique_ptr<SyntheticCores> cores_;
  std::vector<Answered> answers_;
  CallReply last_;
};

// One core, A of 20 ms and B of 10 ms at once: sharing, B is done at 20 ms and A at 30 ms.
TEST_F(SyntheticCoresTest, SharesTheCoreBetweenThoseInService) {
  make(kPs);
  const Time begin = loop_.now();
  submit('A', 20 * kMs);
  submit('B', 10 * kMs);
  EXPECT_EQ(cores_->in_service(), 2U);
  ASSERT_TRUE(await(2));
  EXPECT_EQ(order(), "BA");
  EXPECT_GE(answers_[0].at - begin, milliseconds(20) - milliseconds(1));
  EXPECT_GE(answers_[1].at - begin, milliseconds(30));
  EXPECT_NEAR(cores_->busy_core_ns(), 30 * kMs, 2);
}

// The same in order: A at 20 ms, B at 30 ms.
TEST_F(SyntheticCoresTest, ServesInOrderAsFifo) {
  make(Discipline::kFifo);
  const Time begin = loop_.now();
  submit('A', 20 * kMs);
  submit('B', 10 * kMs);
  EXPECT_EQ(cores_->in_service(), 1U);
  EXPECT_EQ(cores_->waiting(), 1U);
  ASSERT_TRUE(await(2));
  EXPECT_EQ(order(), "AB");
  EXPECT_GE(answers_[0].at - begin, milliseconds(20));
  EXPECT_GE(answers_[1].at - begin, milliseconds(30));
  EXPECT_NEAR(cores_->busy_core_ns(), 30 * kMs, 2);
}

// 200 jobs of 0.1 ms one after another: every wake-up may be late, yet the core was busy for
// exactly 20 ms, for each began when the one before was done.
TEST_F(SyntheticCoresTest, LateWakeUpsDoNotAddUp) {
  make(Discipline::kFifo, 200);
  for (int i = 0; i < 200; ++i) submit('x', 0.1 * kMs);
  ASSERT_TRUE(await(200));
  EXPECT_NEAR(cores_->busy_core_ns(), 20 * kMs, 200);
}

// The process is held up beyond the end of a job, and asked how busy it was before it has seen
// that.
TEST_F(SyntheticCoresTest, WhoIsWokenLateWasNotBusyAfterTheEnd) {
  make(kPs);
  submit('A', 5 * kMs);
  const auto late = std::chrono::steady_clock::now() + milliseconds(20);
  net::Timer holds_up(loop_, [&] {
    while (std::chrono::steady_clock::now() < late) continue;
  });
  double busy = -1;
  net::Timer asks(loop_, [&] {
    if (order().empty()) busy = cores_->busy_core_ns();
  });
  holds_up.arm(loop_.now() + milliseconds(1));
  asks.arm(loop_.now() + milliseconds(2));
  ASSERT_TRUE(await(1));
  EXPECT_GE(busy, 0) << "asked before the answer";
  EXPECT_LE(busy, 5 * kMs);
  EXPECT_NEAR(cores_->busy_core_ns(), 5 * kMs, 2);
}

TEST_F(SyntheticCoresTest, SpeedAndSlowDownsStretchTheWork) {
  make(kPs, 100, 2.0);
  cores_->set_factor(0.25);
  const Time begin = loop_.now();
  submit('A', 10 * kMs);
  ASSERT_TRUE(await(1));
  EXPECT_GE(answers_[0].at - begin, milliseconds(20));
  EXPECT_NEAR(cores_->busy_core_ns(), 20 * kMs, 2);
}

TEST_F(SyntheticCoresTest, AStallHoldsEverythingUntilItEnds) {
  make(kPs);
  cores_->set_factor(0);
  submit('A', 1 * kMs);
  loop_.run_until(loop_.now() + milliseconds(20));
  EXPECT_EQ(order(), "");
  cores_->set_factor(1);
  EXPECT_TRUE(await(1));
}

TEST_F(SyntheticCoresTest, AFullRoomRefusesAtOnce) {
  make(Discipline::kFifo, 1);
  submit('A', 5 * kMs);
  submit('B', 5 * kMs);
  submit('C', 5 * kMs);
  ASSERT_EQ(order(), "C");
  EXPECT_EQ(answers_[0].result, AttemptResult::kQueueFull);
  ASSERT_TRUE(await(3));
  EXPECT_EQ(order(), "CAB");
}

TEST_F(SyntheticCoresTest, LimitsChangeUnderLoad) {
  make(Discipline::kFifo, 1);
  submit('A', 5 * kMs);
  submit('B', 5 * kMs);
  cores_->set_limits(2, 2);
  EXPECT_EQ(cores_->in_service(), 2U);
  submit('C', 5 * kMs);
  submit('D', 5 * kMs);
  EXPECT_EQ(order(), "D");  // the core and two places
  cores_->set_limits(0, 0);
  ASSERT_TRUE(await(4));
  EXPECT_EQ(order(), "DABC");
}

TEST_F(SyntheticCoresTest, AnswersWithAsManyBytesAsAskedFor) {
  make(kPs);
  submit('A', 0, 200'000);
  ASSERT_TRUE(await(1));
  EXPECT_EQ(last_.body.size(), 200'000U);
}

TEST_F(SyntheticCoresTest, CountsMemoryOfWhoIsThere) {
  SyntheticCores& cores = make(kPs);
  cores.add_service(10, 5000);
  cores.submit(1, 1 * kMs, 700, 0, make_call({}, [this](CallReply reply) {
                 answers_.push_back({'A', reply.result, loop_.now()});
               }));
  EXPECT_EQ(cores.memory_bytes(), 5700);
  ASSERT_TRUE(await(1));
  EXPECT_EQ(cores.memory_bytes(), 5000);
}

}  // namespace
}  // namespace phoenix::node
