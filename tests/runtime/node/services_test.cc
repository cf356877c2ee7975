// Services on worker threads: their answers come back to the loop's thread, in whatever number, and
// after the services are gone they are dropped.
#include "runtime/node/services.h"

#include <ctime>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/node/synthetic_body.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

class ServicesTest : public ::testing::Test {
 protected:
  void start(const std::string& handler) {
    settings_.cores = 2;
    auto made = Services::make(loop_, settings_, {{"work", handler}},
                               [this](const ReturnAddress& to, CallReply reply) {
                                 EXPECT_EQ(std::this_thread::get_id(), loop_thread_);
                                 EXPECT_TRUE(replies_.emplace(to.id, std::move(reply)).second);
                               });
    ASSERT_TRUE(made.ok()) << made.error();
    services_ = std::move(*made);
  }
  void submit(std::uint64_t id, double work_ms, Time deadline = kNever) {
    CallRequest request;
    request.service = "work";
    request.deadline = deadline;
    encode_synthetic({static_cast<std::uint64_t>(work_ms * 1e6), 100, 0}, 0, request.body);
    services_->submit({1, id}, std::move(request));
  }
  bool await(std::size_t replies) {
    return serve_until(loop_, [&] { return replies_.size() == replies; });
  }

  net::Loop loop_;
  ServicesSettings settings_;
  std::thread::id loop_thread_ = std::this_thread::get_id();
  std::map<std::uint64_t, CallReply> replies_;
  std::unique_ptr<Services> services_;
};

double process_cpu_ms() {
  return 1e3 * static_cast<double>(std::clock()) / static_cast<double>(CLOCKS_PER_SEC);
}

TEST_F(ServicesTest, BurningTakesAsMuchCpuAsAskedFor) {
  start("synthetic[mode=burn]");
  const double before = process_cpu_ms();
  submit(1, 30);
  ASSERT_TRUE(await(1));
  EXPECT_GE(process_cpu_ms() - before, 29.9);
  EXPECT_EQ(replies_[1].body.size(), 100U);
  EXPECT_GT(services_->busy_thread_ns(), 0);
  EXPECT_FALSE(services_->is_modelled());
}

TEST_F(ServicesTest, ASlowDownMakesBurningLonger) {
  start("synthetic[mode=burn]");
  services_->slow(1, 0.25);
  const double before = process_cpu_ms();
  submit(1, 10);
  ASSERT_TRUE(await(1));
  EXPECT_GE(process_cpu_ms() - before, 39.9);
}

TEST_F(ServicesTest, EveryAnswerComesBackOnceToTheLoop) {
  start("synthetic[mode=burn, queue=1000]");
  for (std::uint64_t id = 0; id < 1000; ++id) submit(id, 0.001);
  ASSERT_TRUE(await(1000));
  EXPECT_EQ(services_->totals().completed, 1000U);
  EXPECT_EQ(services_->under_way(), 0U);
}

TEST_F(ServicesTest, AFullQueueRefusesAtOnce) {
  start("synthetic[mode=burn, at_once=1, queue=2]");
  services_->slow(1, 0);  // nobody gets done
  for (std::uint64_t id = 1; id <= 5; ++id) submit(id, 1);
  EXPECT_EQ(replies_.size(), 2U);
  EXPECT_EQ(replies_[4].result, AttemptResult::kQueueFull);
  EXPECT_EQ(replies_[5].result, AttemptResult::kQueueFull);
  services_->end_slow(1);
  EXPECT_TRUE(await(5));
  EXPECT_EQ(services_->totals().refused, 2U);
}

// A request of submit() has 16 bytes: three fit.
TEST_F(ServicesTest, TheMemoryOfRequestsUnderWayIsBounded) {
  settings_.request_bytes = 50;
  start("synthetic");
  services_->slow(1, 0);
  for (std::uint64_t id = 1; id <= 4; ++id) submit(id, 1);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[4].result, AttemptResult::kQueueFull);
  services_->end_slow(1);
  ASSERT_TRUE(await(4));
  submit(5, 1);
  ASSERT_TRUE(await(5));
  EXPECT_EQ(replies_[5].result, AttemptResult::kOk);
}

TEST_F(ServicesTest, WhatIsTooLateIsNotCarriedOut) {
  start("synthetic[mode=burn]");
  submit(1, 1, kStart);
  ASSERT_TRUE(await(1));
  EXPECT_EQ(replies_[1].result, AttemptResult::kRefused);
  EXPECT_EQ(services_->totals().expired, 1U);
}

TEST_F(ServicesTest, ItsEndDropsWhatIsUnderWay) {
  start("synthetic[mode=burn]");
  for (std::uint64_t id = 1; id <= 20; ++id) submit(id, 1);
  services_.reset();
  loop_.run_until(loop_.now());
  EXPECT_TRUE(replies_.empty());
}

TEST_F(ServicesTest, RequestsItCannotReadAreTheClientsFault) {
  start("synthetic");
  CallRequest request;
  request.service = "work";
  request.body = "short";
  services_->submit({1, 1}, std::move(request));
  EXPECT_EQ(replies_[1].status, 400);
  EXPECT_EQ(replies_[1].result, AttemptResult::kOk);
}

TEST_F(ServicesTest, EmptyBodiesAskForWhatTheSettingsSay) {
  start("synthetic[work=1 ms, response=77]");
  CallRequest request;
  request.service = "work";
  services_->submit({1, 1}, std::move(request));
  ASSERT_TRUE(await(1));
  EXPECT_EQ(replies_[1].body.size(), 77U);
  EXPECT_NEAR(services_->synthetic_cores().busy_core_ns(), 1e6, 2);
}

}  // namespace
}  // namespace phoenix::node
