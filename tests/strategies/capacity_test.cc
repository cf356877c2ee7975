// Capacity from queueing: the worked examples, the law for one server, large loads, and the model
// that is calibrated by what is measured.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "strategies/forecasting/capacity_model.h"
#include "strategies/forecasting/erlang.h"

namespace phoenix {
namespace {

using ::testing::HasSubstr;

TEST(Erlang, WorkedExamples) {
  const struct {
    int servers;
    double waiting;
    double wait;
  } rows[] = {{9, 0.65333, 0.65333},
              {10, 0.40918, 0.20459},
              {11, 0.24496, 0.08165},
              {12, 0.13984, 0.03496}};
  for (const auto& row : rows) {
    EXPECT_NEAR(erlang_c(row.servers, 8), row.waiting, 5e-6);
    EXPECT_NEAR(mean_wait(row.servers, {8, 1}), row.wait, 5e-6);
  }
  EXPECT_NEAR(wait_tail(10, {80, 10}, 0.1), 0.05538, 5e-6);
  EXPECT_NEAR(wait_tail(11, {80, 10}, 0.1), 0.01220, 5e-6);
  EXPECT_EQ(*servers_for_wait({80, 10}, 0.1, 0.05), 11);
}

TEST(Erlang, SquareRootStaffing) {
  EXPECT_EQ(square_root_staffing(100, 1), 110);
  EXPECT_NEAR(square_root_waiting(0.5), 0.5045, 5e-5);
  EXPECT_NEAR(square_root_waiting(1), 0.2234, 5e-5);
  EXPECT_NEAR(square_root_waiting(1.5), 0.0847, 5e-5);
  EXPECT_NEAR(square_root_waiting(2), 0.0269, 5e-5);
  EXPECT_NEAR(erlang_c(110, 100), 0.2370, 5e-5);
}

TEST(Erlang, OneServerIsMM1) {
  EXPECT_NEAR(erlang_c(1, 0.8), 0.8, 1e-12);
  EXPECT_NEAR(erlang_b(1, 0.8), 0.8 / 1.8, 1e-12);
  // Response times are exponential with rate mu - lambda: 2 a second here.
  const QueueLoad queue{8, 10};
  EXPECT_NEAR(mean_wait(1, queue) + 0.1, 0.5, 1e-12);
  EXPECT_NEAR(response_tail(1, queue, 1.497866), 0.05, 1e-6);
  EXPECT_NEAR(response_tail(1, queue, 2.302585), 0.01, 1e-6);
}

TEST(Erlang, NoLoadAndTooMuch) {
  EXPECT_EQ(erlang_b(0, 5), 1);
  EXPECT_EQ(erlang_c(3, 0), 0);
  EXPECT_EQ(erlang_c(8, 8), 1);
  EXPECT_EQ(erlang_c(5, 8), 1);
  EXPECT_TRUE(std::isinf(mean_wait(8, {8, 1})));
  EXPECT_EQ(wait_tail(8, {8, 1}, 100), 1);
  EXPECT_EQ(response_tail(8, {8, 1}, 100), 1);
  EXPECT_EQ(*servers_for_wait({0, 1}, 0, 0.01), 1);
}

TEST(Erlang, LargeLoadsDoNotOverflow) {
  const double load = 1e5;
  const int servers = square_root_staffing(load, 1);
  EXPECT_NEAR(erlang_c(servers, load), square_root_waiting(1), 0.002);
  EXPECT_GT(erlang_b(100'000, load), 0);
  EXPECT_NEAR(erlang_c(200'000, load), 0, 1e-12);
  const Result<int> enough = servers_for_wait({load, 1}, 0, 0.2234);
  ASSERT_TRUE(enough.ok());
  EXPECT_NEAR(*enough, servers, 3);
  EXPECT_FALSE(servers_for_wait({1e9, 1}, 0, 0.1).ok());
}

TEST(Erlang, MoreServersAreNeverWorse) {
  for (const double load : {0.5, 7.9, 42.0}) {
    const QueueLoad queue{load, 1, 2.5};
    for (int servers = 1; servers < 80; ++servers) {
      EXPECT_LE(erlang_b(servers + 1, load), erlang_b(servers, load));
      EXPECT_LE(erlang_c(servers + 1, load), erlang_c(servers, load));
      EXPECT_LE(wait_tail(servers + 1, queue, 0.3), wait_tail(servers, queue, 0.3));
      EXPECT_LE(response_tail(servers + 1, queue, 2), response_tail(servers, queue, 2) + 1e-12);
    }
  }
}

TEST(Erlang, LeastServersMeetTheTargetAndOneLessDoesNot) {
  for (const double variability : {0.5, 1.0, 4.0}) {
    for (const double arrivals : {3.0, 80.0, 900.0}) {
      const QueueLoad queue{arrivals, 10, variability};
      const Result<int> servers = servers_for_response(queue, 0.35, 0.05);
      ASSERT_TRUE(servers.ok());
      EXPECT_LE(response_tail(*servers, queue, 0.35), 0.05);
      EXPECT_GT(response_tail(*servers - 1, queue, 0.35), 0.05);
    }
  }
}

TEST(Erlang, VariableServiceAndArrivalsWaitLongerInProportion) {
  EXPECT_NEAR(mean_wait(10, {8, 1, 3}), 3 * mean_wait(10, {8, 1, 1}), 1e-12);
  EXPECT_NEAR(mean_wait(10, {8, 1, 0.5}), 0.5 * mean_wait(10, {8, 1, 1}), 1e-12);
}

TEST(Erlang, ATargetThatServiceAloneMissesIsAnError) {
  const Result<int> servers = servers_for_response({80, 10}, 0.1, 0.05);
  ASSERT_FALSE(servers.ok());
  EXPECT_THAT(servers.error(), HasSubstr("found a target of 0.1 s that service alone misses in "
                                         "36.8 % of the requests; allowed 5 %"));
}

CapacityOptions options(double target_s) {
  CapacityOptions capacity;
  capacity.target_s = target_s;
  return capacity;
}

// What a queue of this kind would show.
CapacitySample sample_of(const QueueLoad& queue, int servers) {
  return {queue.arrivals, queue.load(), servers,
          1 / queue.service_rate + mean_wait(servers, queue)};
}

TEST(CapacityModel, LearnsWhatAServerDoesAndHowLongRequestsWait) {
  CapacityModel model(options(0.5));
  EXPECT_TRUE(std::isnan(model.service_rate()));
  EXPECT_EQ(model.variability(), 1);
  EXPECT_EQ(model.rate_for(5), 0);
  ASSERT_FALSE(model.nodes_for(100).ok());
  EXPECT_THAT(model.nodes_for(100).error(), HasSubstr("service rate"));
  for (int i = 0; i < 50; ++i) model.observe(sample_of({80 + i % 7 * 1.0, 10, 2.5}, 10));
  EXPECT_NEAR(model.service_rate(), 10, 1e-9);
  EXPECT_NEAR(model.variability(), 2.5, 1e-6);
  EXPECT_EQ(*model.nodes_for(80), *servers_for_response({80, 10, 2.5}, 0.5, 0.05));
}

TEST(CapacityModel, FollowsAServerThatBecomesSlower) {
  CapacityModel model(options(0.5));
  for (int i = 0; i < 300; ++i) model.observe(sample_of({80, 10}, 12));
  const int before = *model.nodes_for(80);
  for (int i = 0; i < 300; ++i) model.observe(sample_of({80, 7}, 15));
  EXPECT_NEAR(model.service_rate(), 7, 0.3);
  EXPECT_GT(*model.nodes_for(80), before);
}

TEST(CapacityModel, RateAndNodesAreInverse) {
  CapacityOptions capacity = options(0.5);
  capacity.servers_per_node = 4;
  CapacityModel model(capacity);
  for (int i = 0; i < 20; ++i) model.observe(sample_of({80, 10}, 12));
  for (const int nodes : {1, 3, 20}) {
    const double rate = model.rate_for(nodes);
    EXPECT_EQ(*model.nodes_for(0.9999 * rate), nodes);
    EXPECT_EQ(*model.nodes_for(1.0001 * rate), nodes + 1);
  }
}

TEST(CapacityModel, AnImpossibleTargetFallsBackOnUtilizationAndIsCounted) {
  CapacityModel model(options(0.1));
  model.observe(sample_of({80, 10}, 12));
  EXPECT_EQ(*model.nodes_for(75), 10) << "7.5 busy servers at 0.75";
  EXPECT_EQ(model.fallbacks(), 1U);
  EXPECT_NEAR(model.rate_for(10), 75, 1e-6);
}

TEST(CapacityModel, WhatCannotBeTeachesNothingAndIsCounted) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  CapacityModel model(options(0.5));
  for (const double wrong : {kNaN, 0.0, -1.0, std::numeric_limits<double>::infinity()}) {
    model.observe({wrong, 3, 10, 0.1});
    model.observe({100, wrong, 10, 0.1});
  }
  EXPECT_EQ(model.samples_refused(), 8U);
  EXPECT_TRUE(std::isnan(model.service_rate()));
  model.observe({100, 10, 20, kNaN});
  EXPECT_NEAR(model.service_rate(), 10, 1e-12);
  EXPECT_EQ(model.variability(), 1);
  EXPECT_FALSE(model.nodes_for(kNaN).ok());
  EXPECT_FALSE(model.nodes_for(-1).ok());
}

}  // namespace
}  // namespace phoenix
