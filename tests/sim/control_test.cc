// The control plane on the simulated cluster: nodes come and go, agents are placed and move, and no
// request is lost on the way.
#include <algorithm>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/sim/fault_runs.h"

namespace phoenix::sim {
namespace {

struct ControlRig {
  int count = 2;
  int maximum = 6;
  std::string rate = "200 /s";
  std::string service = "";  // more keys of [[service]]
  std::string more = "";     // tables

  std::string text() const {
    return fmt::format(R"(
name = "control"
duration = "60 s"
[[cluster.group]]
name = "n"
count = {}
maximum = {}
cores = 2
network = "1 Gbps"
boot_time = "5 s"
cost = "1 /h"
[[service]]
name = "s"
{}
[[service.class]]
name = "c"
work = "5 ms"
deadline = "5 s"
[workload]
arrivals = "poisson"
rate = [["0 s", "{}"]]
[record]
requests = "all"
interval = "1 s"
{})",
                       count, maximum, service, rate, more);
  }
};

std::int32_t nodes_up(const RecordedRun& run, std::int64_t t) {
  for (const WindowRow& row : run.windows) {
    if (row.t == t) return row.nodes_up;
  }
  return -1;
}

std::set<std::int32_t> nodes_used(const RecordedRun& run, std::int64_t from, std::int64_t until) {
  std::set<std::int32_t> nodes;
  for (const RequestRow& row : run.requests) {
    if (from <= row.arrived && row.arrived < until) nodes.insert(row.node);
  }
  return nodes;
}

void expect_all_answered(const RecordedRun& run) {
  expect_conserved(run.summary);
  EXPECT_EQ(run.summary.total.failed_total(), 0U);
}

TEST(SimControl, NodesThatAreAskedForComeAfterTheirBootTimeAndArePaidFor) {
  ControlRig rig;
  rig.more = "[[command]]\nat = \"10 s\"\ndo = \"scale_to\"\nvalue = 5\n";
  const RecordedRun run = run_recorded(rig.text());
  expect_all_answered(run);
  EXPECT_EQ(nodes_up(run, ms(14'000)), 2);
  EXPECT_EQ(nodes_up(run, ms(16'000)), 5);
  EXPECT_EQ(nodes_used(run, 0, ms(15'000)).size(), 2U);
  EXPECT_EQ(nodes_used(run, ms(30'000), ms(60'000)).size(), 5U);
  const std::vector<DecisionRow> scaled = decisions(run, "scale_out");
  ASSERT_EQ(scaled.size(), 1U);
  EXPECT_DOUBLE_EQ(scaled[0].took, 5);
  // Two nodes for 60 s, three from 10 s on: booting is paid for.
  EXPECT_NEAR(run.summary.node_hours, (2 * 60 + 3 * 50) / 3600.0, 1e-9);
  EXPECT_NEAR(run.summary.cost, run.summary.node_hours, 1e-9);
}

TEST(SimControl, ANodeThatIsRemovedFinishesItsWorkAndLosesNothing) {
  ControlRig rig;
  rig.count = 5;
  rig.more = "[[command]]\nat = \"10 s\"\ndo = \"scale_to\"\nvalue = 2\n";
  const RecordedRun run = run_recorded(rig.text());
  expect_all_answered(run);
  EXPECT_EQ(decisions(run, "scale_in").size(), 3U);
  EXPECT_EQ(nodes_up(run, ms(12'000)), 2);
  EXPECT_EQ(nodes_used(run, ms(11'000), ms(60'000)).size(), 2U);
}

TEST(SimControl, PlacesCanBeFilledAgain) {
  ControlRig rig;
  rig.more = R"(
[control]
cooldown_in = "1 s"
cooldown_out = "1 s"
[[command]]
at = "5 s"
do = "scale_to"
value = 4
[[command]]
at = "20 s"
do = "scale_to"
value = 2
[[command]]
at = "35 s"
do = "scale_to"
value = 4
)";
  const RecordedRun run = run_recorded(rig.text());
  expect_all_answered(run);
  EXPECT_EQ(nodes_up(run, ms(12'000)), 4);
  EXPECT_EQ(nodes_up(run, ms(30'000)), 2);
  EXPECT_EQ(nodes_up(run, ms(45'000)), 4);
}

TEST(SimControl, StartsThatFailAreToldAndPaidOnlyWhileTheyLast) {
  ControlRig rig;
  rig.more = R"(
[[command]]
at = "10 s"
do = "scale_to"
value = 3
[[fault]]
kind = "start_fail"
target = "all"
start = "0 s"
duration = "60 s"
p = 1.0
)";
  const RecordedRun run = run_recorded(rig.text());
  expect_all_answered(run);
  const std::vector<DecisionRow> scaled = decisions(run, "scale_out");
  ASSERT_EQ(scaled.size(), 1U);
  EXPECT_EQ(scaled[0].outcome.view(), "failed");
  EXPECT_EQ(nodes_up(run, ms(59'000)), 2);
  // Three tries of 5 s each.
  EXPECT_NEAR(run.summary.node_hours, (2 * 60 + 15) / 3600.0, 1e-9);
}

TEST(SimControl, TheSameSeedGivesTheSameDecisionsAndTheSameRun) {
  ControlRig rig;
  rig.rate = "900 /s";
  rig.more =
      "[strategies]\nscaler = \"target_tracking\"\n[control]\nscaling_interval = \"5 s\"\n"
      "cooldown_out = \"5 s\"\n";
  const RecordedRun a = run_recorded(rig.text());
  const RecordedRun b = run_recorded(rig.text());
  EXPECT_EQ(a.summary.digest, b.summary.digest);
  ASSERT_EQ(a.decisions.size(), b.decisions.size());
  EXPECT_FALSE(decisions(a, "scale_out").empty()) << "more than the capacity asks for more nodes";
  for (std::size_t i = 0; i < a.decisions.size(); ++i) {
    EXPECT_EQ(a.decisions[i].t, b.decisions[i].t);
    EXPECT_EQ(a.decisions[i].reason.view(), b.decisions[i].reason.view());
  }
}

const char* const kTwoAgents = R"(
[service.agents]
count = 2
cores = 1
memory = "1 GiB"
state = "50 MiB"
dirty_rate = "1 MB/s"
one_per_node = true
)";

TEST(SimControl, OnlyNodesWithAgentsGetRequests) {
  ControlRig rig;
  rig.count = 5;
  rig.service = kTwoAgents;
  const RecordedRun run = run_recorded(rig.text());
  expect_all_answered(run);
  EXPECT_EQ(nodes_used(run, 0, ms(60'000)).size(), 2U);
  EXPECT_EQ(decisions(run, "place_agent").size(), 2U);
}

TEST(SimControl, AgentsOfADeadNodeStartElsewhere) {
  ControlRig rig;
  rig.count = 5;
  rig.service = kTwoAgents;
  rig.more =
      "[[fault]]\nkind = \"crash_notify\"\ntarget = \"node:0\"\nstart = \"10 s\"\n"
      "duration = \"inf\"\n"
      "[[fault]]\nkind = \"crash_notify\"\ntarget = \"node:1\"\nstart = \"12 s\"\n"
      "duration = \"inf\"\n";
  const RecordedRun run = run_recorded(rig.text());
  expect_conserved(run.summary);
  const std::set<std::int32_t> after = nodes_used(run, ms(20'000), ms(60'000));
  EXPECT_EQ(after.size(), 2U);
  EXPECT_FALSE(after.contains(0) || after.contains(1));
}

// A node is taken away under load, and the agent it has moves first.
TEST(SimControl, AMovingAgentLosesNoRequest) {
  for (const std::string method : {"live", "checkpoint"}) {
    ControlRig rig;
    rig.count = 3;
    rig.rate = "300 /s";
    // What changes faster than it can be copied has to be frozen and written.
    rig.service = fmt::format(
        "[service.agents]\ncount = 3\ncores = 1\nmemory = \"1 GiB\"\nstate = \"60 MiB\"\n"
        "dirty_rate = \"{}\"\n",
        method == "live" ? "1 MB/s" : "500 MB/s");
    rig.more =
        "[strategies]\nplacer = \"worst_fit\"\n"
        "[[command]]\nat = \"10 s\"\ndo = \"scale_to\"\nvalue = 2\n";
    const RecordedRun run = run_recorded(rig.text());
    expect_all_answered(run);
    const std::vector<DecisionRow> moves = decisions(run, "migrate_agent");
    ASSERT_EQ(moves.size(), 1U) << method;
    EXPECT_EQ(moves[0].outcome.view(), "done") << moves[0].note.view();
    EXPECT_TRUE(moves[0].reason.view().starts_with(method)) << moves[0].reason.view();
    EXPECT_EQ(nodes_used(run, ms(50'000), ms(60'000)).size(), 2U);
  }
}

// Two services have their only agents on one node; one of them moves, and its requests wait for it.
TEST(SimControl, RequestsOfAFrozenAgentWaitAndGoOnAtItsNewPlace) {
  const std::string agents =
      "[service.agents]\ncount = 1\ncores = 1\nmemory = \"1 GiB\"\nstate = \"100 MiB\"\n"
      "dirty_rate = \"500 MB/s\"\n";
  ControlRig rig;
  rig.service = agents;
  rig.more = "[strategies]\nplacer = \"best_fit\"\n[[service]]\nname = \"t\"\n" + agents +
             "[[service.class]]\nname = \"d\"\nwork = \"5 ms\"\ndeadline = \"5 s\"\n"
             "[[command]]\nat = \"10 s\"\ndo = \"rebalance_now\"\n"
             "rebalancer = \"even[start=1, stop=1, horizon=1 h]\"\n";
  const RecordedRun run = run_recorded(rig.text());
  expect_all_answered(run);
  const std::vector<DecisionRow> moves = decisions(run, "migrate_agent");
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].outcome.view(), "done") << moves[0].note.view();
  EXPECT_EQ(moves[0].note.view().find(" 0 requests waited"), std::string_view::npos)
      << moves[0].note.view();
  EXPECT_GT(run.summary.total.latency.max, 0.5) << "as long as the state is written and read";
  EXPECT_EQ(nodes_used(run, 0, ms(9'000)).size(), 1U);
  EXPECT_EQ(nodes_used(run, ms(20'000), ms(60'000)).size(), 2U);
}

TEST(SimControl, MetricsThatAreMissingShrinkNothing) {
  ControlRig rig;
  rig.count = 4;
  rig.more = R"(
[strategies]
scaler = "threshold"
[control]
scaling_interval = "5 s"
cooldown_in = "1 s"
[[fault]]
kind = "metrics_missing"
target = "all"
start = "0 s"
duration = "60 s"
p = 1.0
)";
  const RecordedRun run = run_recorded(rig.text());
  EXPECT_TRUE(decisions(run, "scale_in").empty());
  EXPECT_TRUE(decisions(run, "scale_out").empty());
}

}  // namespace
}  // namespace phoenix::sim
