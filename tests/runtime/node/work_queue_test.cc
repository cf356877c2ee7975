// Bounds, order and fairness of the worker threads' queues. Threads are held at gates the tests
// open, so nothing depends on how fast they are.
#include "runtime/node/work_queue.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/runtime/node/calls.h"

namespace phoenix::node {
namespace {

constexpr auto kLimit = std::chrono::seconds(20);  // only reached by a broken queue

// Remembers who came, and keeps them until the gate is open.
class Gated final : public Handler {
 public:
  void handle(Call call) override {
    std::unique_lock lock(mutex_);
    order_ += call.request().service;
    ++inside_;
    most_inside_ = std::max(most_inside_, inside_);
    changed_.notify_all();
    changed_.wait_for(lock, kLimit, [this] { return open_; });
    --inside_;
    lock.unlock();
    call.answer({});
  }

  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool await_inside(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return inside_ == count; });
  }
  bool await_served(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return order_.size() == count; });
  }
  std::string order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  int most_inside() {
    const std::lock_guard lock(mutex_);
    return most_inside_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0, most_inside_ = 0;
  std::string order_;
};

class WorkQueueTest : public ::testing::Test {
 protected:
  WorkQueue& make(int threads, std::vector<LaneSettings> lanes) {
    queue_ = std::make_unique<WorkQueue>(threads, std::move(lanes),
                                         [this] { return Time{Duration{now_.load()}}; });
    return *queue_;
  }

  // False where the lane is full.
  bool submit(std::size_t lane, const std::string& name, Time deadline = kNever) {
    CallRequest request;
    request.service = name;
    request.deadline = deadline;
    Call call = make_call(std::move(request), [this](CallReply reply) {
      const std::lock_guard lock(mutex_);
      statuses_.push_back(reply.status);
      answered_.notify_all();
    });
    if (queue_->submit(lane, call)) return true;
    call.answer({503, {}, {}, AttemptResult::kQueueFull});
    return false;
  }
  bool await_answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    return answered_.wait_for(lock, kLimit, [&] { return statuses_.size() == count; });
  }
  long answers_with(int status) {
    const std::lock_guard lock(mutex_);
    return std::count(statuses_.begin(), statuses_.end(), status);
  }

  std::atomic<std::int64_t> now_{0};
  std::mutex mutex_;
  std::condition_variable answered_;
  std::vector<int> statuses_;
  Gated gated_;
  std::unique_ptr<WorkQueue> queue_;
};

TEST_F(WorkQueueTest, RefusesBeyondItsBoundAndServesTheRest) {
  make(1, {{&gated_, 1, 2}});
  EXPECT_TRUE(submit(0, "a"));
  ASSERT_TRUE(gated_.await_inside(1));
  EXPECT_TRUE(submit(0, "b"));
  EXPECT_TRUE(submit(0, "c"));
  EXPECT_FALSE(submit(0, "d"));
  const LaneLoad load = queue_->load(0);
  EXPECT_EQ(load.in_service, 1U);
  EXPECT_EQ(load.waiting, 2U);
  gated_.open();
  ASSERT_TRUE(await_answers(4));
  EXPECT_EQ(answers_with(200), 3);
  EXPECT_EQ(gated_.order(), "abc");
}

TEST_F(WorkQueueTest, OneAtOnceIsOneAfterAnotherInOrder) {
  make(4, {{&gated_, 1, 100}});
  std::string expected;
  for (char c = 'a'; c <= 'z'; ++c) {
    ASSERT_TRUE(submit(0, std::string(1, c)));
    expected += c;
  }
  gated_.open();
  ASSERT_TRUE(await_answers(26));
  EXPECT_EQ(gated_.order(), expected);
  EXPECT_EQ(gated_.most_inside(), 1);
}

TEST_F(WorkQueueTest, SeveralAtOnceUpToTheLimit) {
  make(4, {{&gated_, 3, 100}});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(submit(0, "x"));
  ASSERT_TRUE(gated_.await_inside(3));
  EXPECT_EQ(queue_->load(0).in_service, 3U);
  gated_.open();
  ASSERT_TRUE(await_answers(10));
  EXPECT_EQ(gated_.most_inside(), 3);
}

TEST_F(WorkQueueTest, LimitsChangeUnderLoadAndNobodyIsLost) {
  make(2, {{&gated_, 2, 3}});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(submit(0, "x"));
  ASSERT_TRUE(gated_.await_inside(2));
  EXPECT_FALSE(submit(0, "x"));  // the queue is full
  queue_->set_limits(4, 10);
  ASSERT_TRUE(gated_.await_inside(4));  // on threads of their own
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(submit(0, "x"));
  EXPECT_FALSE(submit(0, "x"));
  queue_->set_limits(1, 2);
  EXPECT_FALSE(submit(0, "x"));  // who waits stays
  EXPECT_EQ(queue_->load(0).waiting, 10U);
  EXPECT_EQ(queue_->load(0).in_service, 4U);
  gated_.open();
  ASSERT_TRUE(await_answers(17));
  EXPECT_EQ(answers_with(200), 14);
  EXPECT_EQ(gated_.most_inside(), 4);
}

TEST_F(WorkQueueTest, WorkersBoundAllLanesTogetherAndFifoStaysOneAfterAnother) {
  make(8, {{&gated_, 4, 10}, {&gated_, 1, 10, true}});
  queue_->set_limits(3, 0);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(submit(0, "A"));
    ASSERT_TRUE(submit(1, "B"));
  }
  ASSERT_TRUE(gated_.await_inside(3));
  EXPECT_EQ(queue_->load(0).in_service + queue_->load(1).in_service, 3U);
  EXPECT_LE(queue_->load(1).in_service, 1U);
  queue_->set_limits(0, 0);
  ASSERT_TRUE(gated_.await_inside(5));  // as at the beginning: four and one
  gated_.open();
  ASSERT_TRUE(await_answers(10));
}

// As on a node with one core, where nobody asked for one after another.
TEST_F(WorkQueueTest, WorkersReachALaneThatServedOneAtATimeForWantOfCores) {
  make(1, {{&gated_, 1, 10}});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(submit(0, "x"));
  ASSERT_TRUE(gated_.await_inside(1));
  queue_->set_limits(3, 0);
  ASSERT_TRUE(gated_.await_inside(3));
  gated_.open();
  ASSERT_TRUE(await_answers(3));
}

// One thread, busy with the first of lane 0 while the others come: B waits for one of A, not for
// all fifty.
TEST_F(WorkQueueTest, AFloodOfOneServiceDoesNotStarveAnother) {
  make(1, {{&gated_, 1, 100}, {&gated_, 1, 100}});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(submit(0, "A"));
  ASSERT_TRUE(gated_.await_inside(1));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(submit(1, "B"));
  gated_.open();
  ASSERT_TRUE(await_answers(53));
  EXPECT_EQ(gated_.order().substr(0, 7), "ABABABA");
}

TEST_F(WorkQueueTest, WhoWaitsBeyondItsDeadlineIsNotCarriedOut) {
  make(1, {{&gated_, 1, 100}});
  ASSERT_TRUE(submit(0, "a", Time{Duration{10}}));
  ASSERT_TRUE(gated_.await_inside(1));
  ASSERT_TRUE(submit(0, "b", Time{Duration{10}}));
  ASSERT_TRUE(submit(0, "c", Time{Duration{30}}));
  now_ = 20;
  gated_.open();
  ASSERT_TRUE(await_answers(3));
  EXPECT_EQ(gated_.order(), "ac");
  EXPECT_EQ(answers_with(504), 1);
  EXPECT_EQ(queue_->load(0).expired, 1U);
}

TEST_F(WorkQueueTest, CountsTheTimeThreadsSpendInHandlers) {
  make(2, {{&gated_, 2, 100}});
  ASSERT_TRUE(submit(0, "a"));
  ASSERT_TRUE(submit(0, "b"));
  ASSERT_TRUE(gated_.await_inside(2));
  now_ = 100;
  EXPECT_EQ(queue_->busy_ns(), 200);
  now_ = 150;
  EXPECT_EQ(queue_->busy_ns(), 300);
  gated_.open();
}

TEST_F(WorkQueueTest, TheEndAnswersWhoStillWaits) {
  make(1, {{&gated_, 1, 100}});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(submit(0, "x"));
  ASSERT_TRUE(gated_.await_inside(1));
  std::thread end([this] { queue_.reset(); });  // waits for the one in service
  gated_.open();
  end.join();
  ASSERT_TRUE(await_answers(5));
  EXPECT_GE(answers_with(200), 1);
  EXPECT_EQ(answers_with(200) + answers_with(500), 5);
}

// Answers later, from elsewhere.
class Keeping final : public Handler {
 public:
  void handle(Call call) override {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(call));
    changed_.notify_all();
  }
  bool await_kept(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return kept_.size() == count; });
  }
  void answer_first() {
    std::unique_lock lock(mutex_);
    Call call = std::move(kept_.front());
    kept_.erase(kept_.begin());
    lock.unlock();
    call.answer({});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> kept_;
};

TEST_F(WorkQueueTest, ARequestIsInServiceUntilItIsAnswered) {
  Keeping keeping;
  make(2, {{&keeping, 1, 1}});
  ASSERT_TRUE(submit(0, "a"));
  ASSERT_TRUE(keeping.await_kept(1));
  ASSERT_TRUE(submit(0, "b"));
  EXPECT_FALSE(submit(0, "c")) << "the first is still in service";
  keeping.answer_first();
  ASSERT_TRUE(keeping.await_kept(1));
  keeping.answer_first();
  ASSERT_TRUE(await_answers(3));
  EXPECT_EQ(queue_->load(0).in_service, 0U);
}

}  // namespace
}  // namespace phoenix::node
