// Series, histograms and summaries as differences between two pictures of a gateway.
#include "runtime/gateway/recorder_rows.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/gateway/latency_window.h"
#include "tests/runtime/admin/fake_gateway.h"

namespace phoenix::gateway {
namespace {

using admin::testing::fake_status;
using ::testing::ElementsAre;

// Growth of known size on top of the fake: 30 good answers of 10 ms, 2 resets, 3 more under way.
GatewayStatus later(GatewayStatus status) {
  status.now += std::chrono::seconds(2);
  ClassStatus& checkout = status.classes[1];
  checkout.offered += 35;
  checkout.answers[0] += 30;
  checkout.answers[static_cast<std::size_t>(FailureReason::kReset)] += 2;
  for (int i = 0; i < 30; ++i) checkout.latency.record(std::chrono::milliseconds(10));
  status.open_requests = 5;
  status.router.retries += 4;
  status.router.attempts += 40;
  status.nodes[0].totals.completed += 25;
  status.nodes[0].totals.refused += 1;
  return status;
}

TEST(LatencyWindow, HasOnlyWhatCameLater) {
  Histogram before;
  for (int i = 0; i < 1'000; ++i) before.record(std::chrono::seconds(5));
  Histogram now = before;
  Histogram only;
  for (int i = 1; i <= 1'000; ++i) {
    now.record(std::chrono::microseconds(i));
    only.record(std::chrono::microseconds(i));
  }
  LatencyWindow window;
  window.add(now, &before);
  EXPECT_EQ(window.count(), 1'000U);
  const LatencySummary summary = window.summary();
  const LatencySummary exact = LatencySummary::of(only);
  EXPECT_DOUBLE_EQ(summary.p50, exact.p50);
  EXPECT_DOUBLE_EQ(summary.p99, exact.p99);
  EXPECT_NEAR(summary.mean, exact.mean, 1e-9);
  EXPECT_NEAR(summary.max, 1e-3, 1e-3 / 256);
}

TEST(LatencyWindow, WithNothingInItIsAllZeros) {
  Histogram same;
  same.record(std::chrono::seconds(1));
  LatencyWindow window;
  window.add(same, &same);
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.summary().max, 0);
}

TEST(RecordRows, AWindowHasTheGrowthBetweenTwoPictures) {
  const GatewayStatus before = fake_status();
  const WindowRow row = window_row(before, later(before), before.now);
  EXPECT_EQ(row.t, 2'000'000'000);
  EXPECT_EQ(row.offered, 35);
  EXPECT_EQ(row.completed, 30);
  EXPECT_EQ(row.failed, 2);
  EXPECT_EQ(row.retries, 4);
  EXPECT_EQ(row.in_flight, 5);
  EXPECT_NEAR(row.p50, 0.010, 0.010 / 128);
  // web-1 at 0.25 and web-2 at 0.375, of four cores each; web-3 is down.
  EXPECT_FLOAT_EQ(row.cpu, 0.3125F);
  EXPECT_EQ(row.nodes_up, 2);
}

TEST(RecordRows, AWindowWithoutAnswersHasNoLatency) {
  const GatewayStatus before = fake_status();
  const WindowRow row = window_row(before, before, kStart);
  EXPECT_EQ(row.completed, 0);
  EXPECT_TRUE(std::isnan(row.p99));
}

TEST(RecordRows, NodesAreCountedFromTheirOwnTotalsAndFromZeroAfterARestart) {
  const GatewayStatus before = fake_status();
  GatewayStatus now = later(before);
  EXPECT_EQ(node_rows(before, now, kStart)[0].completed, 25);
  EXPECT_EQ(node_rows(before, now, kStart)[0].refused, 1);
  EXPECT_EQ(node_rows(before, now, kStart)[2].up, 0);
  EXPECT_TRUE(std::isnan(node_rows(before, now, kStart)[2].cpu));
  now.nodes[0].incarnation = 2;
  now.nodes[0].totals.completed = 11;
  EXPECT_EQ(node_rows(before, now, kStart)[0].completed, 11);
}

TEST(RecordRows, ServersThatReportNothingAreCountedByTheirAttempts) {
  GatewayStatus before = fake_status();
  before.nodes[0].protocol = Protocol::kHttp;
  before.nodes[0].reported_at = kStart;
  GatewayStatus now = before;
  now.nodes[0].attempts += 50;
  now.nodes[0].failures += 5;
  now.nodes[0].under_way += 2;
  const NodeRow row = node_rows(before, now, kStart)[0];
  EXPECT_EQ(row.completed, 43);
  EXPECT_EQ(row.in_service, 5);
}

TEST(RecordRows, DecisionsAreTakenOnceAndTheLostAreCounted) {
  const GatewayStatus before = fake_status();
  GatewayStatus now = before;
  for (const std::uint64_t number : {5, 6}) {
    gateway::Decision decision = before.decisions[0];
    decision.number = number;
    now.decisions.push_back(decision);
  }
  std::uint64_t lost = 0;
  const std::vector<DecisionRow> rows = decision_rows(before, now, kStart, lost);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].action.view(), "eject");
  EXPECT_EQ(rows[0].subject.view(), "web-2");
  EXPECT_EQ(lost, 3U) << "2, 3 and 4";
}

TEST(RecordRows, TheSummaryBalances) {
  const GatewayStatus before = fake_status();  // one of each class is under way
  const GatewayStatus now = later(before);
  const Scenario scenario = recorded_scenario({}, now, 1);
  NodeTime nodes;
  nodes.add(before, now);
  const RunSummary summary = summarize(scenario, before, now, nodes);
  EXPECT_EQ(summary.total.offered, 35U + 2U);
  EXPECT_EQ(summary.total.completed, 30U);
  EXPECT_EQ(summary.total.failed_total(), 2U);
  EXPECT_EQ(summary.total.in_flight, 5U);
  EXPECT_DOUBLE_EQ(summary.total.throughput_per_s, 15);
  EXPECT_DOUBLE_EQ(summary.total.availability, 30.0 / 32);
  EXPECT_EQ(summary.attempts, 40U);
  EXPECT_DOUBLE_EQ(summary.groups[0].utilization, 0.3125);
  EXPECT_DOUBLE_EQ(summary.node_hours, 4.0 / 3600) << "two nodes for two seconds";
  EXPECT_EQ(summary.classes[1].name, "checkout");
  EXPECT_EQ(summary.classes[0].completed, 0U);
}

TEST(RecordRows, AScenarioNamesClassesInTheOrderOfTheirNumbers) {
  GatewayStatus status = fake_status();
  status.services.push_back({"img", "round_robin", false});
  ClassStatus one;
  one.service = "img";
  one.name = "thumb";
  status.classes.push_back(one);
  one.service = "shop";
  one.name = "pay";  // added by a reload
  status.classes.push_back(one);
  const Scenario scenario = recorded_scenario({}, status, 1);
  std::vector<std::string> names;
  for (const Service& service : scenario.services) {
    for (const RequestClass& c : service.classes) names.push_back(c.name);
  }
  EXPECT_THAT(names, ElementsAre("browse", "checkout", "thumb", "pay"));
  EXPECT_EQ(scenario.strategies.balancer, "shop=p2c[choices=2], img=round_robin");
}

TEST(RecordRows, ARequestWithoutANodeHasNone) {
  AnsweredRequest request;
  request.reason = FailureReason::kNoHealthyNodes;
  const RequestRow row = request_row(request, kStart);
  EXPECT_EQ(row.node, -1);
  EXPECT_EQ(row.result, static_cast<std::uint8_t>(FailureReason::kNoHealthyNodes));
  EXPECT_TRUE(std::isnan(row.work));
}

}  // namespace
}  // namespace phoenix::gateway
