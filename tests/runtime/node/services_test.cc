// Services on worker threads: their answers come back to the loop's thread, in whatever number, and
// after the services are gone they are dropped.
#include "runtime/node/services.h"

#include <ctime>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/node/synthetic_body.h"
#include "strategies/core/random.h"
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

TEST_F(ServicesTest, ToldIsWhatRequestsSawAndHowLongTheirServiceTook) {
  settings_.discipline = Discipline::kFifo;
  start("synthetic");
  for (std::uint64_t id = 1; id <= 4; ++id) submit(id, 40);
  ASSERT_TRUE(await(4));
  LoadReport report;
  services_->signals().tell(0, report);
  EXPECT_NEAR(report.service_time, 0.04, 1e-6) << "without the wait for one of two cores";
  EXPECT_GE(services_->signals().latency_at(0), 0.04);
  EXPECT_GE(services_->signals().latency_at(3), 0.08) << "it came when three were there";
}

TEST_F(ServicesTest, ServiceOnAThreadBeginsWhenTheThreadDoes) {
  start("synthetic[mode=burn, at_once=1]");
  for (std::uint64_t id = 1; id <= 3; ++id) submit(id, 30);
  ASSERT_TRUE(await(3));
  LoadReport report;
  services_->signals().tell(2, report);
  EXPECT_GE(report.service_time, 0.0299);
  EXPECT_GE(report.latency, 0.0899) << "three after another";
  // The three services fit into what the last of them saw.
  EXPECT_LE(3 * report.service_time, report.latency + 0.001F);
}

TEST_F(ServicesTest, RatesCountWhatWasAnsweredAndWhatWasRefused) {
  start("echo");
  services_->signals().sample(loop_.now());
  const Time began = loop_.now();
  for (std::uint64_t id = 1; id <= 8; ++id) submit(id, 1);
  ASSERT_TRUE(await(8));
  services_->drain();
  for (std::uint64_t id = 9; id <= 10; ++id) submit(id, 1);
  services_->signals().sample(began + std::chrono::seconds(2));
  LoadReport report;
  services_->signals().tell(0, report);
  EXPECT_NEAR(report.rate, 5, 0.1);
  EXPECT_NEAR(report.error_rate, 1, 0.02);
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

TEST_F(ServicesTest, WorkersAndQueueChangeUnderLoadAndEveryRequestIsAnswered) {
  start("synthetic[mode=burn, at_once=2, queue=2]");
  services_->slow(1, 0);  // nobody gets done
  for (std::uint64_t id = 1; id <= 5; ++id) submit(id, 0.01);
  EXPECT_EQ(replies_.size(), 1U);  // two in service, two wait
  Knobs knobs;
  knobs.workers = 3;
  knobs.queue_length = 4;
  services_->set_knobs(knobs);
  ASSERT_TRUE(serve_until(loop_, [&] { return services_->load().in_service == 3; }));
  for (std::uint64_t id = 6; id <= 9; ++id) submit(id, 0.01);
  EXPECT_EQ(replies_.size(), 2U);
  services_->set_knobs({});  // as started: what is there stays
  EXPECT_EQ(services_->load().waiting, 4U);
  services_->end_slow(1);
  ASSERT_TRUE(await(9));
  EXPECT_EQ(services_->totals().completed, 7U);
  EXPECT_EQ(services_->totals().refused, 2U);
}

class HibernationTest : public ServicesTest {
 protected:
  int ask(const std::string& method, const std::string& body = "") {
    CallRequest request;
    request.service = "work";
    request.method = method;
    request.target = "/key";
    request.body = body;
    const std::uint64_t id = ++asked_;
    services_->submit({1, id}, std::move(request));
    EXPECT_TRUE(await(id));
    last_ = replies_[id].body;
    return replies_[id].status;
  }
  void hibernate_after(Duration idle) {
    Knobs knobs;
    knobs.hibernate_idle = idle;
    services_->set_knobs(knobs);
  }
  bool await_asleep() {
    return serve_until(loop_, [&] { return services_->sleep().asleep == 1; });
  }
  const std::string value_ = std::string(100'000, 'v');
  std::uint64_t asked_ = 0;
  std::string last_;
};

TEST_F(HibernationTest, AnIdleAgentIsKeptCompressedAndWokenByTheNextRequest) {
  start("kv");
  ASSERT_EQ(ask("PUT", value_), 201);
  hibernate_after(std::chrono::milliseconds(1));
  for (std::uint64_t round = 1; round <= 3; ++round) {
    ASSERT_TRUE(await_asleep());
    EXPECT_LT(services_->sleep().bytes_kept, value_.size() / 10);
    EXPECT_EQ(ask("GET"), 200);
    EXPECT_EQ(last_, value_);
    EXPECT_EQ(services_->sleep().wakes, round);
  }
  EXPECT_EQ(services_->sleep().wakes_failed, 0U);
}

TEST_F(HibernationTest, WhatDoesNotCompressIsKeptAsItIs) {
  start("kv");
  std::string noise(50'000, ' ');
  Random random(7, 1);
  for (char& c : noise) c = static_cast<char>(random.below(256));
  ASSERT_EQ(ask("PUT", noise), 201);
  hibernate_after(std::chrono::milliseconds(1));
  ASSERT_TRUE(await_asleep());
  EXPECT_EQ(ask("GET"), 200);
  EXPECT_EQ(last_, noise);
}

TEST_F(HibernationTest, ASleepingAgentMovesWithItsState) {
  start("kv");
  ASSERT_EQ(ask("PUT", value_), 201);
  hibernate_after(std::chrono::milliseconds(1));
  ASSERT_TRUE(await_asleep());
  std::string state;
  services_->take("work", Services::What::kState, [&](Result<std::string> taken) {
    ASSERT_TRUE(taken) << taken.error();
    state = std::move(*taken);
  });
  ASSERT_GT(state.size(), value_.size());
  // What has changed since is to be asked for: it stays awake.
  const Time begin = loop_.now();
  ASSERT_TRUE(
      serve_until(loop_, [&] { return loop_.now() - begin > std::chrono::milliseconds(20); }));
  EXPECT_EQ(services_->sleep().asleep, 0U);
  ASSERT_TRUE(services_->put("work", Services::What::kState, state));
  ASSERT_TRUE(await_asleep());
  EXPECT_EQ(ask("GET"), 200);
  EXPECT_EQ(last_, value_);
}

TEST_F(HibernationTest, WhereThereIsNoStateNobodySleeps) {
  start("echo");
  hibernate_after(std::chrono::milliseconds(1));
  const Time begin = loop_.now();
  ASSERT_TRUE(
      serve_until(loop_, [&] { return loop_.now() - begin > std::chrono::milliseconds(20); }));
  EXPECT_EQ(services_->sleep().hibernations, 0U);
  EXPECT_EQ(ask("PUT", "here"), 200);
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
