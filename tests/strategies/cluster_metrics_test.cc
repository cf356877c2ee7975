// From nodes to the cluster: the right rule for each metric, missing and stale ones told, and
// collectors that do not stop each other.
#include "strategies/metrics/cluster_metrics.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "strategies/metrics/cluster_readings.h"
#include "strategies/metrics/collectors.h"

namespace phoenix {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr Time kNow = kStart + seconds(100);

NodeReading node(std::uint32_t id, double cpu, double cores = 1) {
  NodeReading reading;
  reading.node = NodeId{id};
  reading.measured_at = kNow;
  reading.metrics.cpu_utilization = cpu;
  reading.cores = cores;
  return reading;
}

TEST(ClusterMetrics, UtilizationIsWeighedByCapacity) {
  const std::vector<NodeReading> nodes = {node(0, 0.9, 2), node(1, 0.1, 6)};
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_DOUBLE_EQ(cluster.cpu.value, (0.9 * 2 + 0.1 * 6) / 8);  // and not 0.5
  EXPECT_EQ(cluster.cpu.nodes, 2);
}

TEST(ClusterMetrics, MemoryIsWeighedByMemoryAndNetworkByBandwidth) {
  std::vector<NodeReading> nodes = {node(0, 0.5), node(1, 0.5)};
  nodes[0].metrics.memory_utilization = 0.8;
  nodes[0].memory_bytes = 1e9;
  nodes[1].metrics.memory_utilization = 0.4;
  nodes[1].memory_bytes = 3e9;
  nodes[0].metrics.network_utilization = 1;
  nodes[0].bandwidth = 1e8;
  nodes[1].metrics.network_utilization = 0;
  nodes[1].bandwidth = 9e8;
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_DOUBLE_EQ(cluster.memory.value, 0.5);
  EXPECT_DOUBLE_EQ(cluster.network.value, 0.1);
}

TEST(ClusterMetrics, MissingIsSkippedAndCountedAndNeverZero) {
  std::vector<NodeReading> nodes = {node(0, 0.6), node(1, std::nan("")), node(2, 0.8)};
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_DOUBLE_EQ(cluster.cpu.value, 0.7);
  EXPECT_EQ(cluster.cpu.nodes, 2);
  EXPECT_EQ(cluster.cpu.missing, 1);
  EXPECT_TRUE(std::isnan(cluster.memory.value));
  EXPECT_EQ(cluster.memory.missing, 3);
  EXPECT_GE(cluster.missing(), 4);
}

TEST(ClusterMetrics, StaleNodesAreLeftOutAndCounted) {
  std::vector<NodeReading> nodes = {node(0, 0.6), node(1, 1.0), node(2, 1.0)};
  nodes[1].measured_at = kNow - seconds(6);
  nodes[2].measured_at = kNever;
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_DOUBLE_EQ(cluster.cpu.value, 0.6);
  EXPECT_EQ(cluster.active_nodes, 1);
  EXPECT_EQ(cluster.stale_nodes, 2);
  EXPECT_EQ(cluster.oldest, Duration{0});
}

TEST(ClusterMetrics, ActiveNodesAreTheHealthyOnes) {
  std::vector<NodeReading> nodes = {node(0, 0.6), node(1, 0.0)};
  nodes[1].is_healthy = false;
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_EQ(cluster.active_nodes, 1);
  EXPECT_EQ(cluster.unhealthy_nodes, 1);
  EXPECT_DOUBLE_EQ(cluster.cpu.value, 0.6);  // an idle broken node makes nothing less busy
}

TEST(ClusterMetrics, ErrorsAndAvailabilityAreOfRequests) {
  std::vector<NodeReading> nodes;
  for (std::uint32_t i = 0; i < 100; ++i) {
    nodes.push_back(node(i, 0.5));
    nodes.back().requests = 1'000;
    nodes.back().failures = 10;
  }
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_DOUBLE_EQ(cluster.availability.value, 0.99);  // and not 0.99^100 = 0.366
  EXPECT_DOUBLE_EQ(cluster.error_rate.value, 0.01);
  // One busy node weighs as much as its requests.
  nodes.resize(2);
  nodes[0].requests = 9'000;
  nodes[0].failures = 0;
  nodes[1].requests = 1'000;
  nodes[1].failures = 500;
  EXPECT_DOUBLE_EQ(aggregate(nodes, kNow, seconds(5)).error_rate.value, 0.05);  // and not 0.25
}

TEST(ClusterMetrics, WithoutRequestsAvailabilityIsUnknown) {
  std::vector<NodeReading> nodes = {node(0, 0.5)};
  nodes[0].requests = nodes[0].failures = 0;
  EXPECT_TRUE(std::isnan(aggregate(nodes, kNow, seconds(5)).availability.value));
  EXPECT_TRUE(std::isnan(aggregate({}, kNow, seconds(5)).cpu.value));
}

TEST(ClusterMetrics, ThroughputQueuesAndAgentsAddUp) {
  std::vector<NodeReading> nodes = {node(0, 0.5), node(1, 0.5), node(2, 0.5)};
  for (NodeReading& n : nodes) n.metrics.throughput = 1'000;
  nodes[0].metrics.agent_count = 25;
  nodes[1].metrics.agent_count = 5;
  nodes[0].metrics.message_queue_length = 10;
  const ClusterMetrics cluster = aggregate(nodes, kNow, seconds(5));
  EXPECT_DOUBLE_EQ(cluster.throughput.value, 3'000);
  EXPECT_DOUBLE_EQ(cluster.agents.value, 30);
  EXPECT_EQ(cluster.agents.missing, 1);
  EXPECT_DOUBLE_EQ(cluster.queue.value, 10);
}

TEST(Availability, KOfN) {
  EXPECT_NEAR(availability_of(4, 5, 0.99), 0.99902, 5e-6);
  EXPECT_NEAR(availability_of(25, 25, 0.99), 0.778, 5e-4);  // only where all are needed
  EXPECT_NEAR(availability_of(100, 100, 0.99), 0.366, 5e-4);
  EXPECT_EQ(availability_of(0, 3, 0.5), 1);
  EXPECT_EQ(availability_of(4, 3, 0.99), 0);
  EXPECT_DOUBLE_EQ(availability_of(1, 2, 0.9), 0.99);
  EXPECT_TRUE(std::isnan(availability_of(1, 2, 1.5)));
}

TEST(Availability, UnequalNodesAgreeWithCountingAllCases) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> up;
    for (int i = 0; i < 7; ++i) up.push_back(random.uniform());
    for (int k = 0; k <= 7; ++k) {
      double sum = 0;
      for (unsigned cases = 0; cases < 128; ++cases) {
        double chance = 1;
        int count = 0;
        for (unsigned i = 0; i < 7; ++i) {
          const bool is_up = (cases >> i & 1U) != 0;
          chance *= is_up ? up[i] : 1 - up[i];
          count += is_up ? 1 : 0;
        }
        if (count >= k) sum += chance;
      }
      ASSERT_NEAR(availability_of(k, up), sum, 1e-12);
    }
  }
}

TEST(NodeMetrics, AreElevenAndSixByTheNamesOfTheDesignDocument) {
  const char* expected[] = {"cpu_utilization",      "memory_utilization", "network_utilization",
                            "disk_utilization",     "process_count",      "agent_count",
                            "message_queue_length", "response_time_avg",  "throughput",
                            "error_rate",           "availability"};
  ASSERT_EQ(kNodeMetricFields.size(), std::size(expected));
  const NodeMetrics unknown;
  for (std::size_t i = 0; i < kNodeMetricFields.size(); ++i) {
    EXPECT_EQ(kNodeMetricFields[i].name, expected[i]);
    EXPECT_TRUE(std::isnan(unknown.*kNodeMetricFields[i].field));  // measured, or unknown
  }
  const RuntimeMetrics runtime;
  for (const auto& field : kRuntimeMetricFields) EXPECT_TRUE(std::isnan(runtime.*field.field));
  EXPECT_EQ(find_node_metric("error_rate"), &NodeMetrics::error_rate);
  EXPECT_EQ(find_node_metric("system.cpu"), nullptr);
}

TEST(ClusterReadings, ANodesReadingIsItsOwnWithItsAge) {
  ClusterReadings readings;
  readings.report(node(7, 0.7));
  readings.report(node(3, 0.3));
  ASSERT_NE(readings.node(NodeId{7}), nullptr);
  EXPECT_EQ(readings.node(NodeId{7})->metrics.cpu_utilization, 0.7);
  EXPECT_EQ(readings.node(NodeId{3})->metrics.cpu_utilization, 0.3);
  EXPECT_EQ(readings.node(NodeId{3})->measured_at, kNow);
  EXPECT_EQ(readings.node(NodeId{5}), nullptr);
  NodeReading old = node(3, 0.9);
  old.measured_at = kNow - seconds(1);
  readings.report(old);
  EXPECT_EQ(readings.node(NodeId{3})->metrics.cpu_utilization, 0.3);
  EXPECT_EQ(readings.late(), 1U);
  readings.forget(NodeId{3});
  EXPECT_EQ(readings.node(NodeId{3}), nullptr);
  EXPECT_EQ(readings.nodes().size(), 1U);
}

GatewayReading gateway(std::uint32_t id, Time at, double arrived, double answered, double failed) {
  GatewayReading reading;
  reading.gateway = GatewayId{id};
  reading.measured_at = at;
  reading.arrived = arrived;
  reading.answered = answered;
  reading.failed = failed;
  reading.rejected = reading.retried = 0;
  reading.in_flight = arrived - answered - failed;
  return reading;
}

TEST(ClusterReadings, GatewaysTellRatesByDifferenceAndMayStartOver) {
  ClusterReadings readings;
  readings.report(gateway(0, kStart, 0, 0, 0));
  readings.report(gateway(1, kStart, 500, 500, 0));  // was there before
  readings.take_interval(kStart, seconds(5));
  readings.report(gateway(0, kStart + seconds(1), 100, 90, 5));
  readings.report(gateway(1, kStart + seconds(1), 30, 20, 5));  // started over
  const GatewayInterval interval = readings.take_interval(kStart + seconds(2), seconds(5));
  EXPECT_EQ(interval.gateways, 2);
  EXPECT_DOUBLE_EQ(interval.arrival_rate, 65);
  EXPECT_DOUBLE_EQ(interval.throughput, 55);
  EXPECT_DOUBLE_EQ(interval.error_rate, 10.0 / 120);
  EXPECT_DOUBLE_EQ(interval.availability, 110.0 / 120);
  EXPECT_DOUBLE_EQ(interval.in_flight, 10);
  // Nothing new: known zeros, but no share of nothing.
  const GatewayInterval quiet = readings.take_interval(kStart + seconds(3), seconds(5));
  EXPECT_EQ(quiet.arrival_rate, 0);
  EXPECT_TRUE(std::isnan(quiet.error_rate));
  // And long after, nothing is known.
  const GatewayInterval late = readings.take_interval(kStart + seconds(60), seconds(5));
  EXPECT_EQ(late.stale_gateways, 2);
  EXPECT_TRUE(std::isnan(late.arrival_rate));
}

TEST(Collectors, FillEveryCategory) {
  MetricStore store;
  Collectors collectors;
  ClusterReadings readings;
  NodeReading one = node(0, 0.5);
  one.metrics.memory_utilization = one.metrics.network_utilization = 0.4;
  one.metrics.disk_utilization = 0.3;
  one.metrics.agent_count = 4;
  one.metrics.message_queue_length = 2;
  readings.report(one);
  Histogram responses;
  for (int ms = 1; ms <= 100; ++ms) responses.record(milliseconds(ms));
  GatewayReading before = gateway(0, kNow - seconds(1), 0, 0, 0);
  readings.report(before);
  readings.take_interval(kNow - seconds(1), seconds(5));
  GatewayReading now = gateway(0, kNow, 120, 100, 4);
  now.responses = &responses;
  now.ejected_nodes = 1;
  readings.report(now);
  collect_cluster(readings, collectors, store, kNow, seconds(5), 12);
  EXPECT_NEAR(store.latest(metric::kResponseP95).value, 0.095, 0.0005);
  EXPECT_EQ(store.get_metric_stats("response_time", "last_minute")->count, 100U);
  for (const MetricInfo& info : standard_metrics()) {
    EXPECT_TRUE(store.latest(info.name).is_known()) << info.name;
  }
  EXPECT_EQ(store.latest(metric::kScalingTime).value, 12);
  ASSERT_EQ(collectors.status().size(), kMetricCategories);
  for (std::size_t i = 0; i < kMetricCategories; ++i) {
    EXPECT_EQ(collectors.status()[i].name, to_text(static_cast<MetricCategory>(i)));
    EXPECT_EQ(collectors.status()[i].runs, 1U);
    EXPECT_EQ(collectors.status()[i].failures, 0U);
  }
}

TEST(Collectors, OneThatFailsDoesNotStopTheOthers) {
  MetricStore store;
  Collectors collectors;
  int ran = 0;
  ASSERT_TRUE(collectors.add("broken", MetricCategory::kInfrastructure,
                             [](const CollectView&, MetricStore&) -> Result<CollectState> {
                               return Error{"collection_failed"};
                             }));
  ASSERT_TRUE(collectors.add("after", MetricCategory::kInfrastructure,
                             [&ran](const CollectView&, MetricStore&) -> Result<CollectState> {
                               ++ran;
                               return CollectState::kDone;
                             }));
  EXPECT_THAT(collectors.add("after", MetricCategory::kApplication, {}).error(),
              HasSubstr("there already"));
  CollectView view;
  for (int i = 0; i < 3; ++i) collectors.collect(view, store);
  EXPECT_EQ(ran, 3);
  const CollectorStatus& broken = collectors.status()[kMetricCategories];
  EXPECT_EQ(broken.failures, 3U);
  EXPECT_EQ(broken.last_error, "collection_failed");
}

TEST(Collectors, OneThatIsStillRunningIsSkippedAndCounted) {
  MetricStore store;
  Collectors collectors(seconds(5));
  int started = 0;
  ASSERT_TRUE(collectors.add("slow", MetricCategory::kApplication,
                             [&started](const CollectView&, MetricStore&) -> Result<CollectState> {
                               ++started;
                               return CollectState::kRunning;
                             }));
  const CollectorStatus& slow = collectors.status()[kMetricCategories];
  CollectView view;
  const auto collect_at = [&](int s) {
    view.now = kStart + seconds(s);
    collectors.collect(view, store);
  };
  for (int s = 0; s < 3; ++s) collect_at(s);
  EXPECT_EQ(started, 1);
  EXPECT_EQ(slow.skipped, 2U);
  collectors.finished("slow", success());
  collect_at(3);
  EXPECT_EQ(started, 2);
  for (int s = 4; s <= 8; ++s) collect_at(s);  // its time is over at 8 s
  EXPECT_EQ(slow.timed_out, 1U);
  EXPECT_EQ(started, 3);
  collectors.finished("slow", Error{"collection_failed"});
  EXPECT_EQ(slow.failures, 1U);
}

}  // namespace
}  // namespace phoenix
