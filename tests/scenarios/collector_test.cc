// What a collector makes of requests and nodes whose every number is known. The run lasts 20 s, of
// which the first 5 s are warm-up.
#include "scenarios/collector.h"

#include <cmath>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/scenarios/record_fixtures.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;

constexpr ClassId kCheckout{0};
constexpr ClassId kBrowse{1};

Time at(Duration since_start) { return kStart + since_start; }

// Two nodes of four cores.
Scenario two_nodes() {
  Scenario scenario = small_scenario();
  scenario.cluster.groups[0].count = 2;
  scenario.cluster.groups[0].cores = 4;
  scenario.cluster.groups[0].cost_per_hour = 3.6;
  return scenario;
}

NodeSample sample(double busy_core_s, double available_core_s, std::uint64_t attempts) {
  NodeSample node;
  node.busy_core_ns = busy_core_s * 1e9;
  node.available_core_ns = available_core_s * 1e9;
  node.attempts = attempts;
  node.state = 1;
  return node;
}

class CollectorTest : public ::testing::Test {
 protected:
  void done(ClassId request_class, Duration arrived, Duration took,
            FailureReason reason = FailureReason::kNone) {
    collector_.offered(request_class, at(arrived));
    collector_.answered(request_class, at(arrived), reason, at(arrived + took));
  }
  RunSummary summary() const { return collector_.summarize(at(20s), nodes_); }

  Scenario scenario_ = two_nodes();
  Streams streams_{scenario_.seed, scenario_.replication};
  Collector collector_{scenario_, streams_, "local", nullptr};
  std::vector<NodeSample> nodes_ = {NodeSample{}, NodeSample{}};
};

TEST_F(CollectorTest, NamesTheWorldItWasMadeFor) {
  EXPECT_EQ(summary().world, "local");
  EXPECT_EQ(summary().scenario, "small");
  EXPECT_EQ(summary().duration_s, 20);
  EXPECT_EQ(summary().measured_s, 15);
}

TEST_F(CollectorTest, CountsAnswersByClassAndReason) {
  for (int i = 0; i < 30; ++i) done(kCheckout, 6s, 10ms);
  done(kBrowse, 7s, 20ms);
  done(kBrowse, 7s, 1s, FailureReason::kDeadline);
  collector_.offered(kBrowse, at(19s));
  EXPECT_EQ(collector_.open(), 1U);
  collector_.unanswered(kBrowse, at(19s));

  const RunSummary result = summary();
  EXPECT_EQ(result.total.offered, 33U);
  EXPECT_EQ(result.total.completed, 31U);
  EXPECT_EQ(result.total.failed_total(), 1U);
  EXPECT_EQ(result.total.in_flight, 1U);
  EXPECT_DOUBLE_EQ(result.total.throughput_per_s, 31.0 / 15);
  EXPECT_DOUBLE_EQ(result.total.availability, 31.0 / 32);
  ASSERT_EQ(result.classes.size(), 2U);
  EXPECT_EQ(result.classes[0].name, "checkout");
  EXPECT_NEAR(result.classes[0].latency.p50, 10e-3, 0.1e-3);
  EXPECT_EQ(result.classes[1].failed[static_cast<std::size_t>(FailureReason::kDeadline)], 1U);
  EXPECT_NEAR(result.classes[1].latency.max, 20e-3, 0.2e-3) << "failures take no time";
}

// By arrival: what came in the warm-up and was answered after it belongs to the warm-up.
TEST_F(CollectorTest, LeavesOutWhatArrivedInTheWarmUp) {
  done(kCheckout, 4999ms, 10s);
  done(kCheckout, 5s, 10ms);
  EXPECT_EQ(summary().total.offered, 1U);
  EXPECT_EQ(summary().total.completed, 1U);
  EXPECT_NEAR(summary().total.latency.max, 10e-3, 0.1e-3);
  EXPECT_EQ(collector_.offered_total(), 2U);
  EXPECT_EQ(collector_.open(), 0U);
}

// From 10 of 40 core-seconds at the end of the warm-up to 40 of 160, on one of two nodes: 30 of 240
// core-seconds of both. 15 s of two nodes at 3.6 an hour.
TEST_F(CollectorTest, MeasuresNodesFromTheEndOfTheWarmUp) {
  collector_.end_warmup({sample(10, 40, 5), sample(0, 40, 5)});
  nodes_ = {sample(40, 160, 35), sample(0, 160, 15)};
  const RunSummary result = summary();
  ASSERT_EQ(result.groups.size(), 1U);
  EXPECT_DOUBLE_EQ(result.groups[0].utilization, 30.0 / 240);
  EXPECT_DOUBLE_EQ(result.groups[0].request_share, 1.0);
  EXPECT_DOUBLE_EQ(result.node_hours, 2 * 15.0 / 3600);
  EXPECT_DOUBLE_EQ(result.cost, 3.6 * 2 * 15.0 / 3600);
}

TEST_F(CollectorTest, RecordsNothingWithoutARecord) {
  for (std::uint64_t seq = 0; seq < 1000; ++seq) EXPECT_FALSE(collector_.is_recorded(seq));
}

TEST(CollectorSample, IsDrawnByNumberAloneAndTheSameInEveryRunOfASeed) {
  const TempFolder folder;
  Scenario scenario = two_nodes();
  scenario.record.requests = RecordSettings::Requests::kSample;
  scenario.record.sample = 0.1;
  const Streams streams(scenario.seed, scenario.replication);
  const auto writer = make_writer(folder.file("r.h5"));
  const Collector one(scenario, streams, "sim", writer.get());
  const Collector other(scenario, streams, "local", writer.get());
  const Streams another_seed(scenario.seed + 1, scenario.replication);
  const Collector different(scenario, another_seed, "sim", writer.get());
  int recorded = 0;
  int shared = 0;
  for (std::uint64_t seq = 0; seq < 20'000; ++seq) {
    EXPECT_EQ(one.is_recorded(seq), other.is_recorded(seq));
    recorded += one.is_recorded(seq);
    shared += one.is_recorded(seq) && different.is_recorded(seq);
  }
  EXPECT_NEAR(recorded, 2000, 4 * 43);  // standard deviation of a tenth of 20,000: 42.4
  EXPECT_NEAR(shared, 200, 4 * 15);
}

TEST(CollectorSample, AllAndNoneAreExact) {
  const TempFolder folder;
  Scenario scenario = two_nodes();
  const Streams streams(scenario.seed, scenario.replication);
  const auto writer = make_writer(folder.file("r.h5"));
  scenario.record.requests = RecordSettings::Requests::kAll;
  const Collector all(scenario, streams, "sim", writer.get());
  scenario.record.requests = RecordSettings::Requests::kNone;
  const Collector none(scenario, streams, "sim", writer.get());
  for (std::uint64_t seq = 0; seq < 1000; ++seq) {
    EXPECT_TRUE(all.is_recorded(seq));
    EXPECT_FALSE(none.is_recorded(seq));
  }
}

}  // namespace
}  // namespace phoenix
