// The loop around the controller, on a world that does what each test says: every decision is
// carried out, followed to its end and told once.
#include "scenarios/control_loop.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/parser.h"
#include "strategies/control/status.h"

namespace phoenix {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Scenario scenario_of(const std::string& more, int count = 2, int maximum = 4) {
  const ParsedScenario parsed = parse_scenario_text(fmt::format(R"(
name = "control"
duration = "10 min"
[[cluster.group]]
name = "web"
count = {}
maximum = {}
boot_time = "20 s"
[[service]]
name = "s"
[[service.class]]
name = "c"
{})",
                                                                count, maximum, more),
                                                    "control.toml", {});
  for (const Problem& problem : parsed.problems) ADD_FAILURE() << problem.text();
  return parsed.scenario.value_or(Scenario{});
}

class FakeWorld : public ControlWorld {
 public:
  Time now() const override { return now_; }
  GatewayReport take_gateway_report() override {
    GatewayReport report;
    report.from = report.to = now_;
    return report;
  }
  Status provision(NodeId node, Duration boot_time) override {
    if (refuses) return Error{"no credit"};
    started.push_back(index(node));
    boots.push_back(boot_time);
    return success();
  }
  Status remove(NodeId node, Duration) override {
    removed.push_back(index(node));
    return success();
  }
  Status keep(NodeId node) override {
    kept.push_back(index(node));
    return success();
  }
  Status set_knob(std::string_view knob, double value) override {
    knobs[std::string(knob)] = value;
    return success();
  }
  Status start_agent(const AgentSpec& agent, NodeId node) override {
    agents[index(agent.id)] = index(node);
    return success();
  }
  void stop_agent(AgentId agent) override { agents.erase(index(agent)); }
  void migration_step(const MigrationOrder& order) override { steps.push_back(order); }

  Time now_ = kStart;
  bool refuses = false;
  std::vector<std::size_t> started, removed, kept;
  std::vector<Duration> boots;
  std::map<std::string, double> knobs;
  std::map<std::size_t, std::size_t> agents;  // to their nodes
  std::vector<MigrationOrder> steps;
};

class ControlLoopTest : public testing::Test {
 protected:
  void build(const std::string& more, int count = 2, int maximum = 4) {
    scenario_ = scenario_of(more, count, maximum);
    loop_.emplace(world_, scenario_, streams_, [this](DecisionRow& row) { rows_.push_back(row); });
    loop_->begin();
  }
  void play(Time until) {
    while (loop_->next_at() <= until) {
      world_.now_ = std::max(world_.now_, loop_->next_at());
      loop_->play(world_.now_);
    }
    world_.now_ = until;
  }
  std::vector<std::string> told(std::string_view action) const {
    std::vector<std::string> lines;
    for (const DecisionRow& row : rows_) {
      if (row.action.view() != action) continue;
      lines.push_back(
          fmt::format("{} {} {}", row.subject.view(), row.outcome.view(), row.note.view()));
    }
    return lines;
  }
  static Time at(int s) { return kStart + seconds(s); }

  FakeWorld world_;
  Streams streams_{7};
  Scenario scenario_;
  std::optional<ControlLoop> loop_;
  std::vector<DecisionRow> rows_;
};

const char* const kScaleTo4 = R"(
[[command]]
at = "10 s"
do = "scale_to"
value = 4
)";

TEST_F(ControlLoopTest, IsOffWhereNothingAsksForIt) {
  build("");
  EXPECT_FALSE(loop_->is_on());
  EXPECT_EQ(loop_->next_at(), kNever);
  EXPECT_FALSE(loop_->command({}));
}

TEST_F(ControlLoopTest, BringsNodesUpAndTellsWhenTheLastIsReady) {
  build(kScaleTo4);
  play(at(15));
  EXPECT_THAT(world_.started, ElementsAre(2U, 3U));
  EXPECT_THAT(world_.boots, testing::Each(Duration(seconds(20))));
  loop_->node_is(NodeId{2}, NodePhase::kReady);
  EXPECT_THAT(told("scale_out"), IsEmpty());
  world_.now_ = at(30);
  loop_->node_is(NodeId{3}, NodePhase::kReady);
  EXPECT_THAT(told("scale_out"), ElementsAre("group:web done "));
  EXPECT_DOUBLE_EQ(rows_.back().took, 20);
  EXPECT_DOUBLE_EQ(loop_->scaling_response_s(), 20);
}

TEST_F(ControlLoopTest, TriesAStartThreeTimesAndCountsWhatCameUp) {
  build(kScaleTo4);
  play(at(15));
  loop_->node_is(NodeId{2}, NodePhase::kReady);
  for (int i = 0; i < 3; ++i) loop_->start_failed(NodeId{3}, "bad luck");
  EXPECT_THAT(world_.started, ElementsAre(2U, 3U, 3U, 3U));
  EXPECT_THAT(told("scale_out"), ElementsAre("group:web failed 1 of 2; bad luck"));
}

TEST_F(ControlLoopTest, AWorldThatRefusesIsTold) {
  world_.refuses = true;
  build(kScaleTo4);
  play(at(15));
  EXPECT_THAT(told("scale_out"), ElementsAre("group:web failed 0 of 2; no credit"));
}

TEST_F(ControlLoopTest, RemovesNodesAndTellsWhenTheyAreGone) {
  build(R"(
[[command]]
at = "10 s"
do = "scale_to"
value = 3
)",
        4, 4);
  play(at(15));
  ASSERT_THAT(world_.removed, SizeIs(1));
  const auto node = id_at<NodeId>(world_.removed[0]);
  // A node that dies on its way out is on its way out all the same.
  loop_->node_is(node, NodePhase::kDown);
  EXPECT_THAT(told("scale_in"), IsEmpty());
  loop_->node_is(node, NodePhase::kAbsent);
  EXPECT_THAT(told("scale_in"), ElementsAre(fmt::format("node:{} done ", index(node))));
}

TEST_F(ControlLoopTest, CommandsThatCannotBeTakenAreToldWithTheReason) {
  build(R"(
[[command]]
at = "10 s"
do = "scale_to"
value = 9
[[command]]
at = "5 s"
do = "remove_policy"
subject = "nobody"
[[command]]
at = "20 s"
do = "set_knob"
subject = "batch_size"
value = 8
)");
  play(at(30));
  ASSERT_THAT(rows_, SizeIs(4));
  EXPECT_EQ(rows_[0].t, 5'000'000'000) << "in the order of time, not of the file";
  EXPECT_EQ(rows_[0].outcome.view(), "refused");
  EXPECT_THAT(std::string(rows_[0].note.view()), HasSubstr("nobody"));
  EXPECT_EQ(rows_[1].action.view(), "scale_to");
  EXPECT_EQ(rows_[1].outcome.view(), "refused");
  EXPECT_EQ(world_.knobs.at("batch_size"), 8);
  EXPECT_THAT(told("set_knob"), ElementsAre("batch_size done ", "batch_size done "))
      << "the command, and the decision it led to";
}

const char* const kAgents = R"(
[service.agents]
count = 3
cores = 1
memory = "1 GiB"
)";

Scenario with_agents(const std::string& more) {
  const ParsedScenario parsed = parse_scenario_text(std::string(R"(
name = "agents"
duration = "10 min"
[[cluster.group]]
name = "web"
count = 3
cores = 2
[[service]]
name = "s"
[[service.class]]
name = "c"
)") + kAgents + more,
                                                    "agents.toml", {});
  for (const Problem& problem : parsed.problems) ADD_FAILURE() << problem.text();
  return parsed.scenario.value_or(Scenario{});
}

class AgentLoopTest : public ControlLoopTest {
 protected:
  void begin(const std::string& more = "") {
    scenario_ = with_agents(more);
    loop_.emplace(world_, scenario_, streams_, [this](DecisionRow& row) { rows_.push_back(row); });
    loop_->begin();
    for (std::size_t a = 0; a < 3; ++a) loop_->agent_is(id_at<AgentId>(a), true, "");
  }
};

TEST_F(AgentLoopTest, PlacesWhatServicesWantAtTheBeginning) {
  begin();
  EXPECT_THAT(world_.agents, SizeIs(3));
  EXPECT_THAT(told("place_agent"), SizeIs(3));
  EXPECT_EQ(loop_->status().placement.total_agents, 3U);
}

TEST_F(AgentLoopTest, WhatRunsAlreadyStaysAsFarAsItsNodeCanHaveIt) {
  scenario_ = with_agents("");
  loop_.emplace(world_, scenario_, streams_, [this](DecisionRow& row) { rows_.push_back(row); });
  // A node of 2 cores has room for two agents of 1.
  const StandingAgent one{ServiceId{0}, NodeId{2}};
  loop_->begin(std::vector<StandingAgent>{one, one, one});
  ASSERT_THAT(world_.agents, SizeIs(3));
  for (std::size_t a = 0; a < 3; ++a) loop_->agent_is(id_at<AgentId>(a), true, "");
  std::multiset<std::size_t> places;
  for (const auto& [agent, node] : world_.agents) places.insert(node);
  EXPECT_EQ(places.count(2), 2U);
  const auto stays = std::ranges::count_if(
      rows_, [](const DecisionRow& row) { return row.reason.view() == "runs there already"; });
  EXPECT_EQ(stays, 2);
}

TEST_F(AgentLoopTest, ANodeThatSaysLessThanItsGroupGetsLess) {
  scenario_ = with_agents("");
  loop_.emplace(world_, scenario_, streams_, [this](DecisionRow& row) { rows_.push_back(row); });
  for (std::uint32_t n = 0; n < 3; ++n) {
    loop_->node_is(NodeId{n}, NodePhase::kAbsent);
    NodeCapacity capacity;
    capacity.cores = n == 1 ? 3 : 0.5;  // an agent needs 1
    loop_->node_has(NodeId{n}, capacity);
    loop_->node_is(NodeId{n}, NodePhase::kReady);
  }
  loop_->begin();
  ASSERT_THAT(world_.agents, SizeIs(3));
  for (const auto& [agent, node] : world_.agents) EXPECT_EQ(node, 1U);
}

// As when an operator drains it and changes his mind.
TEST_F(AgentLoopTest, DrainingThatNobodyHereDecidedMovesAgentsAndMayEnd) {
  begin();
  const std::size_t node = world_.agents.at(0);
  loop_->node_is(id_at<NodeId>(node), NodePhase::kDraining);
  play(at(3));
  EXPECT_FALSE(world_.steps.empty()) << "they move away";
  loop_->node_is(id_at<NodeId>(node), NodePhase::kReady);
  loop_->node_is(id_at<NodeId>(node), NodePhase::kDown);
  play(at(5));
  EXPECT_THAT(world_.agents, SizeIs(3)) << "all are placed again";
}

TEST_F(AgentLoopTest, PlacesAnewWhatADeadNodeTookWithIt) {
  begin();
  const std::size_t node = world_.agents.at(0);
  std::vector<std::size_t> lost;
  for (const auto& [agent, where] : world_.agents) {
    if (where == node) lost.push_back(agent);
  }
  for (const std::size_t agent : lost) loop_->agent_is(id_at<AgentId>(agent), false, "died");
  loop_->node_is(id_at<NodeId>(node), NodePhase::kDown);
  play(at(3));
  for (const std::size_t agent : lost) {
    EXPECT_NE(world_.agents.at(agent), node);
    loop_->agent_is(id_at<AgentId>(agent), true, "");
  }
  EXPECT_EQ(loop_->status().placement.total_agents, 3U);
  EXPECT_EQ(loop_->status().placement.lost, lost.size());
}

TEST_F(AgentLoopTest, MovesStepByStepAndSettlesTheDecision) {
  // Two agents fit on the first node, the third goes to the second; the last has none.
  begin(R"(
[strategies]
placer = "best_fit"
[[command]]
at = "10 s"
do = "rebalance_now"
rebalancer = "even[start=1, stop=1, cooling=0 s, horizon=1 h]"
)");
  play(at(20));
  ASSERT_FALSE(world_.steps.empty());
  EXPECT_THAT(told("migrate_agent"), IsEmpty()) << "it is under way";
  for (std::size_t i = 0; i < world_.steps.size() && i < 100; ++i) {
    loop_->step_ended(world_.steps[i].token, success(), 0);
  }
  EXPECT_THAT(told("migrate_agent"), ElementsAre(HasSubstr("done downtime")));
  EXPECT_EQ(loop_->status().placement.moves, 1U);
  EXPECT_EQ(loop_->status().placement.nodes_in_use, 3U);
}

// Whatever a world does with what it is asked, each decision ends once, and capacity stays within
// its bounds.
TEST(ControlLoopProperty, EveryDecisionIsToldOnceWhateverTheWorldDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    std::string commands;
    for (int i = 0; i < 12; ++i) {
      commands += fmt::format("[[command]]\nat = \"{} s\"\ndo = \"scale_to\"\nvalue = {}\n",
                              1 + random.below(400), 1 + random.below(8));
    }
    const Scenario scenario = scenario_of(commands, 3, 8);
    const Streams streams(seed);
    FakeWorld world;
    std::vector<DecisionRow> rows;
    ControlLoop loop(world, scenario, streams, [&](DecisionRow& row) { rows.push_back(row); });
    loop.begin();
    std::set<std::size_t> up = {0, 1, 2};
    std::size_t started = 0;
    std::size_t removed = 0;
    for (int s = 1; s <= 500; ++s) {
      world.now_ = kStart + seconds(s);
      if (loop.next_at() <= world.now_) loop.play(world.now_);
      if (started < world.started.size() && random.below(3) > 0) {
        const std::size_t node = world.started[started++];
        if (random.below(3) == 0) {
          loop.start_failed(id_at<NodeId>(node), "dice");
        } else {
          up.insert(node);
          loop.node_is(id_at<NodeId>(node), NodePhase::kReady);
        }
      }
      if (removed < world.removed.size() && random.below(3) > 0) {
        const std::size_t node = world.removed[removed++];
        up.erase(node);
        loop.node_is(id_at<NodeId>(node), NodePhase::kAbsent);
      }
      EXPECT_LE(up.size(), 8U);
      EXPECT_GE(up.size(), 1U);
    }
    loop.finish();
    std::size_t scale_ins = 0;
    for (const DecisionRow& row : rows) {
      if (row.action.view() == "scale_in") ++scale_ins;
    }
    EXPECT_EQ(scale_ins, world.removed.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace phoenix
