// The control plane of a local run: real processes come when it asks for them, and go without
// losing a request.
#include "tests/runtime/local/cluster_runs.h"

namespace phoenix::local {
namespace {

using testing::Contains;
using testing::HasSubstr;

class LocalControl : public LocalRuns {
 protected:
  // One node of at most four, a tick every 100 ms.
  std::string elastic(const std::string& duration, const std::string& more) const {
    return small(duration, R"toml(
[reports]
interval = "100 ms"
[control]
collect_interval = "100 ms"
scaling_interval = "200 ms"
[record]
interval = "100 ms"
)toml" + more,
                 "count = 1\nmaximum = 4\nboot_time = \"constant(300 ms)\"");
  }
  Result<RecordReader> record_of(const std::string& scenario) {
    code_ = run({PHOENIX_LOCAL, scenario, "-o", file("out.h5")});
    return RecordReader::open(file("out.h5"));
  }
  static std::vector<DecisionRow> decisions(const RecordReader& record, std::string_view action) {
    std::vector<DecisionRow> found;
    const Result<std::vector<DecisionRow>> rows = record.rows<DecisionRow>();
    for (const DecisionRow& row : *rows) {
      // Not what was asked for, but what was decided on it.
      if (row.action.view() == action && row.family.view() != "command") found.push_back(row);
    }
    return found;
  }
  // States of a node, as they changed.
  static std::vector<int> states(const RecordReader& record, int node) {
    std::vector<int> found;
    const Result<std::vector<NodeRow>> rows = record.rows<NodeRow>();
    for (const NodeRow& row : *rows) {
      if (row.node != node) continue;
      if (found.empty() || found.back() != row.up) found.push_back(row.up);
    }
    return found;
  }
  static std::int64_t completed(const RecordReader& record, int node) {
    std::int64_t sum = 0;
    const Result<std::vector<NodeRow>> rows = record.rows<NodeRow>();
    for (const NodeRow& row : *rows) {
      if (row.node == node) sum += row.completed;
    }
    return sum;
  }

  int code_ = 0;
};

TEST_F(LocalControl, ProcessesComeAndGoAsAnOperatorAsks) {
  const auto record = record_of(elastic("3500 ms", R"toml(
[[command]]
at = "500 ms"
do = "scale_to"
value = 3
[[command]]
at = "2 s"
do = "scale_to"
value = 2
)toml"));
  ASSERT_TRUE(record.ok()) << record.error() << errors_;
  EXPECT_EQ(code_, 0) << errors_;
  const auto outs = decisions(*record, "scale_out");
  ASSERT_EQ(outs.size(), 1U);
  EXPECT_EQ(outs[0].outcome.view(), "done");
  EXPECT_EQ(outs[0].subject.view(), "group:web");
  EXPECT_EQ(outs[0].from, 1);
  EXPECT_EQ(outs[0].value, 3);
  EXPECT_GE(outs[0].took, 0.3) << "a node boots for that long";
  EXPECT_FALSE(outs[0].reason.view().empty());
  const auto ins = decisions(*record, "scale_in");
  ASSERT_EQ(ins.size(), 1U);
  EXPECT_EQ(ins[0].outcome.view(), "done") << ins[0].note.view();

  EXPECT_THAT(states(*record, 3), testing::ElementsAre(4)) << "nobody asked for it";
  // Whichever has the least to do when one has to go is absent in the end; it may be the first.
  int gone = 0;
  for (int node = 0; node < 3; ++node) {
    const std::vector<int> seen = states(*record, node);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.front(), node == 0 ? 1 : 4);
    EXPECT_THAT(seen, testing::Contains(1)) << node;
    gone += seen.back() == 4 ? 1 : 0;
  }
  EXPECT_EQ(gone, 1);
  EXPECT_GT(completed(*record, 1), 0);
  EXPECT_GT(completed(*record, 2), 0);

  const RunSummary summary = record->summary().value();
  EXPECT_EQ(summary.total.failed_total(), 0U) << "draining loses nothing";
  const auto target =
      std::ranges::find(summary.targets, "scaling_response_time", &TargetSummary::name);
  ASSERT_NE(target, summary.targets.end());
  EXPECT_NEAR(target->current, outs[0].took, 1e-6);
  // One node all the time, two from when they were asked for, one of them until it had gone.
  const double hours = summary.groups.at(0).node_hours;
  EXPECT_NEAR(hours * 3600, 3.5 + 3.0 + 1.5, 0.7);
}

TEST_F(LocalControl, AScalerDecidesByWhatTheNodesReport) {
  const auto record = record_of(elastic("5 s", R"toml(
[strategies]
scaler = "threshold[metric=cluster_cpu_avg, scale_out_threshold=0.05, scale_in_threshold=0.01, scale_increment=1]"
)toml"));
  ASSERT_TRUE(record.ok()) << record.error() << errors_;
  const auto outs = decisions(*record, "scale_out");
  ASSERT_GE(outs.size(), 1U);
  EXPECT_EQ(outs[0].family.view(), "scaling");
  EXPECT_THAT(std::string(outs[0].seen.view()) + std::string(outs[0].reason.view()),
              HasSubstr("cluster_cpu_avg"));
  EXPECT_GT(completed(*record, 1), 0);
}

// Three tries of each node; the second fault strikes one that is about to come.
TEST_F(LocalControl, AStartThatFailsIsToldAndItsPlaceIsFreeAgain) {
  const auto record = record_of(elastic("2500 ms", R"toml(
[[fault]]
kind = "start_fail"
target = "node:1"
start = "0 s"
duration = "2500 ms"
p = 1
[[command]]
at = "300 ms"
do = "scale_to"
value = 2
)toml"));
  ASSERT_TRUE(record.ok()) << record.error() << errors_;
  const auto outs = decisions(*record, "scale_out");
  ASSERT_GE(outs.size(), 1U);
  EXPECT_EQ(outs[0].outcome.view(), "failed");
  EXPECT_THAT(std::string(outs[0].note.view()), HasSubstr("the start failed"));
  EXPECT_EQ(completed(*record, 1), 0);
}

TEST_F(LocalControl, KnobsAreTurnedOnEveryGatewayOrRefusedWithAReason) {
  const auto record = record_of(elastic("1500 ms", R"toml(
[gateway]
count = 2
[[command]]
at = "300 ms"
do = "set_knob"
subject = "batch_size"
value = 16
[[command]]
at = "600 ms"
do = "set_knob"
subject = "workers"
value = 3
[[command]]
at = "900 ms"
do = "set_knob"
subject = "hibernate_idle"
value = "1 min"
)toml"));
  ASSERT_TRUE(record.ok()) << record.error() << errors_;
  EXPECT_EQ(code_, 0) << errors_;
  const auto turns = decisions(*record, "set_knob");
  ASSERT_EQ(turns.size(), 3U);
  EXPECT_EQ(turns[0].subject.view(), "batch_size");
  EXPECT_EQ(turns[0].outcome.view(), "done");
  EXPECT_EQ(turns[0].from, 1);
  EXPECT_EQ(turns[0].value, 16);
  EXPECT_EQ(turns[1].subject.view(), "workers");
  EXPECT_EQ(turns[1].outcome.view(), "done");
  EXPECT_EQ(turns[2].outcome.view(), "refused");
  EXPECT_THAT(std::string(turns[2].note.view()), HasSubstr("hold no memory"));
}

// One worker and a queue of two on each of two nodes: most of what comes at once is refused. With
// the knobs as the services say, nothing would be.
TEST_F(LocalControl, NodesHaveTheKnobsOfTheScenarioFromTheBeginning) {
  const auto record = record_of(small("1500 ms", R"toml(
[knobs]
workers = 1
queue_length = 1
[router]
retries = 0
[[fault]]
kind = "slow_cpu"
target = "all"
start = "300 ms"
factor = 0.05
)toml"));
  ASSERT_TRUE(record.ok()) << record.error() << errors_;
  const RunSummary summary = record->summary().value();
  EXPECT_GT(summary.total.failed[static_cast<std::size_t>(FailureReason::kQueueFull)], 0U);
  EXPECT_GT(summary.total.completed, 0U);
}

TEST_F(LocalControl, PlacedAgentsServeAndAreStartedElsewhereWhenTheirNodeDies) {
  const auto record = record_of(small("2500 ms", R"toml(
[service.agents]
count = 2
cores = 1
one_per_node = true
start_time = "100 ms"
[control]
collect_interval = "100 ms"
[[fault]]
kind = "crash"
target = "node:0"
start = "800 ms"
[[fault]]
kind = "crash"
target = "node:1"
start = "1600 ms"
duration = "100 ms"
)toml",
                                      "count = 3"));
  ASSERT_TRUE(record.ok()) << record.error() << errors_;
  EXPECT_GE(decisions(*record, "place_agent").size(), 3U);
  EXPECT_GT(completed(*record, 2), 0);
  const RunSummary summary = record->summary().value();
  EXPECT_GT(summary.total.completed, 300U);
}

}  // namespace
}  // namespace phoenix::local
