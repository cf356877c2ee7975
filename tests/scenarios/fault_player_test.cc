// What the player of faults asks of a world, and what it says of it: on a world that only writes
// down what it is told.
#include "scenarios/fault_player.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scenarios/fault_fixtures.h"

namespace phoenix {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Notebook : public FaultWorld {
 public:
  Time now() const override { return now_; }
  std::size_t node_count() const override { return nodes.size(); }
  int healthy_nodes() const override {
    int healthy = 0;
    for (const FaultedNode& node : nodes) healthy += node.up;
    return healthy;
  }
  FaultedNode node(NodeId node) const override { return nodes[index(node)]; }
  std::string_view means(FaultAction) const override { return "pen"; }

  void crash(NodeId node, bool notify, bool keep_queue) override {
    nodes[index(node)].up = false;
    note("crash", node, std::string(notify ? " notify" : "") + (keep_queue ? " keep" : ""));
  }
  void drain(NodeId node, Duration grace) override {
    note("drain", node, " " + std::to_string(grace / std::chrono::seconds(1)) + " s");
  }
  void start(NodeId node) override {
    nodes[index(node)].up = true;
    note("start", node);
  }
  void retry_start(NodeId node) override { note("retry_start", node); }
  void pause(NodeId node) override { note("pause", node); }
  void resume(NodeId node) override { note("resume", node); }
  void slow(NodeId node, std::uint32_t, double factor) override {
    note("slow", node, " " + std::to_string(factor).substr(0, 4));
  }
  void end_slow(NodeId node, std::uint32_t) override { note("end_slow", node); }
  void begin_link_effect(const FaultEvent& event) override { add("begin link " + event.target); }
  void step_link_effect(const FaultEvent& event) override { add("step link " + event.target); }
  void end_link_effect(std::uint32_t) override { add("end link"); }
  std::uint64_t link_affected(std::uint32_t) const override { return 17; }
  std::string_view objection(const FaultEvent& event) const override {
    return event.keeps_state ? std::string_view(objection_to_kept) : std::string_view();
  }
  Duration lateness_max() const override { return latest; }

  std::string objection_to_kept;
  Duration latest = Duration::max();
  std::vector<FaultedNode> nodes = std::vector<FaultedNode>(10);
  std::vector<std::string> told;
  Time now_ = kStart;

 private:
  void note(const std::string& what, NodeId node, const std::string& more = "") {
    add(what + " " + std::to_string(index(node)) + more);
  }
  void add(const std::string& what) {
    told.push_back(std::to_string(now_.time_since_epoch() / std::chrono::seconds(1)) + ": " + what);
  }
};

class FaultPlayerTest : public ::testing::Test {
 protected:
  FaultPlayer& play(std::vector<FaultSpec> faults) {
    scenario_.faults = std::move(faults);
    players_.emplace_back(world_, scenario_, streams_, nullptr);
    return players_.back();
  }
  // Plays every event at its date.
  FaultPlayer& play_to_the_end(std::vector<FaultSpec> faults) {
    FaultPlayer& player = play(std::move(faults));
    play_until(player, kNever);
    return player;
  }
  void play_until(FaultPlayer& player, Time until) {
    while (player.next_at() < until) {
      world_.now_ = player.next_at();
      player.play(world_.now_);
    }
  }
  static Time at(int seconds) { return kStart + std::chrono::seconds(seconds); }

  Scenario scenario_ = small_cluster();
  Streams streams_{scenario_.seed, scenario_.replication};
  Notebook world_;
  std::vector<FaultPlayer> players_;
};

TEST_F(FaultPlayerTest, AsksForEachFaultAndItsOpposite) {
  play_to_the_end({make_fault("crash_restart", "node:1", 1, 2),
                   make_fault("crash_notify", "node:2", 4, 1, {}, {{"state", "kept"}}),
                   make_fault("pause", "node:3", 6, 1),
                   make_fault("slow_cpu", "node:4", 8, 1, {{"factor", 0.5}}),
                   make_fault("stop_graceful", "node:5", 10, 5, {}, {{"grace", "3 s"}}),
                   make_fault("cut", "link:gateway:0->node:6", 20, 1)});
  EXPECT_THAT(world_.told, ElementsAre("1: crash 1", "3: start 1", "4: crash 2 notify keep",
                                       "5: start 2", "6: pause 3", "7: resume 3", "8: slow 4 0.50",
                                       "9: end_slow 4", "10: drain 5 3 s", "15: start 5",
                                       "20: begin link link:gateway:0->node:6", "21: end link"));
}

TEST_F(FaultPlayerTest, TakesTheBusiestNodeThatIsUp) {
  world_.nodes[2].jobs = 5;
  world_.nodes[7].jobs = 9;
  world_.nodes[7].up = false;
  world_.nodes[4].jobs = 5;
  const FaultPlayer& player = play_to_the_end({make_fault("pause", "busiest", 1, 1)});
  EXPECT_THAT(world_.told, ElementsAre("1: pause 2", "2: resume 2"));
  EXPECT_EQ(player.summarize()[0].target, "node:2");
}

TEST_F(FaultPlayerTest, LeavesAsManyNodesAsItIsTold) {
  FaultSpec first = make_fault("crash_restart", "node:0", 1, 10);
  FaultSpec second = make_fault("crash_restart", "node:1", 2, 10);
  second.id = "second";
  second.max_unavailable = 1;
  const FaultPlayer& player = play_to_the_end({first, second});
  EXPECT_THAT(world_.told, ElementsAre("1: crash 0", "11: start 0"));
  EXPECT_EQ(player.summarize()[1].outcome, "skipped: max_unavailable");
}

TEST_F(FaultPlayerTest, SaysWhenEachFaultWasAndWhatItHit) {
  const FaultPlayer& player =
      play_to_the_end({make_fault("loss", "pair:gateway:0,node:1", 2, 3, {{"p", 0.1}}),
                       make_fault("slow_cpu", "node:1", 6, 1, {{"factor", 0.5}})});
  const std::vector<FaultSummary> faults = player.summarize();
  EXPECT_EQ(faults[0].outcome, "ended");
  EXPECT_EQ(faults[0].begin_s, 2);
  EXPECT_EQ(faults[0].end_s, 5);
  EXPECT_EQ(faults[0].affected % 17, 0U);
  EXPECT_GT(faults[0].affected, 0U);
  EXPECT_EQ(faults[1].affected, 0U) << "the node completed nothing meanwhile";
}

TEST_F(FaultPlayerTest, CountsCasualtiesForTheFaultThatKilledTheNode) {
  FaultPlayer& player = play({make_fault("crash_restart", "node:1", 1, 2)});
  play_until(player, at(2));
  player.count_casualty(id_at<NodeId>(1));
  player.count_casualty(id_at<NodeId>(1));
  player.count_casualty(id_at<NodeId>(2));
  EXPECT_EQ(player.summarize()[0].outcome, "under way");
  EXPECT_EQ(player.summarize()[0].affected, 2U);
}

TEST_F(FaultPlayerTest, DropsDelaysAndFreezesReportsOfItsNodeOnly) {
  FaultPlayer& player = play({make_fault("metrics_stale", "node:1", 1, 0, {}, {{"delay", "3 s"}}),
                              make_fault("metrics_frozen", "node:2", 1, 0),
                              make_fault("metrics_missing", "node:3", 1, 0)});
  EXPECT_FALSE(player.disturbs_reports());
  play_until(player, at(2));
  ASSERT_TRUE(player.disturbs_reports());

  LoadReport report;
  Duration delay{0};
  EXPECT_TRUE(player.disturb_report(id_at<NodeId>(1), 1, report, delay));
  EXPECT_EQ(delay, std::chrono::seconds(3));
  delay = Duration{0};
  report.queue_length = 4;
  EXPECT_TRUE(player.disturb_report(id_at<NodeId>(2), 2, report, delay));
  report.queue_length = 9;
  report.measured_at = at(5);
  EXPECT_TRUE(player.disturb_report(id_at<NodeId>(2), 3, report, delay));
  EXPECT_EQ(report.queue_length, 4U) << "the first one again";
  EXPECT_EQ(report.measured_at, at(5)) << "with a fresh date";
  EXPECT_FALSE(player.disturb_report(id_at<NodeId>(3), 4, report, delay));
  EXPECT_TRUE(player.disturb_report(id_at<NodeId>(4), 5, report, delay));
  EXPECT_EQ(delay.count(), 0);
}

TEST_F(FaultPlayerTest, FailsAndDelaysStartsOfItsNodeWhileItLasts) {
  FaultPlayer& player = play({make_fault("start_fail", "node:1", 1, 5),
                              make_fault("start_delay", "node:2", 1, 5, {}, {{"delay", "2 s"}})});
  play_until(player, at(2));
  EXPECT_TRUE(player.start_fails(id_at<NodeId>(1), 0));
  EXPECT_FALSE(player.start_fails(id_at<NodeId>(2), 0));
  EXPECT_EQ(player.start_delay(id_at<NodeId>(2)), std::chrono::seconds(2));
  EXPECT_EQ(player.start_delay(id_at<NodeId>(1)).count(), 0);
  EXPECT_THAT(world_.told, IsEmpty());
  play_until(player, kNever);
  EXPECT_THAT(world_.told, ElementsAre("6: retry_start 1"));
  EXPECT_FALSE(player.start_fails(id_at<NodeId>(1), 0));
}

TEST_F(FaultPlayerTest, SkipsWhatTheWorldObjectsTo) {
  world_.objection_to_kept = "nothing is kept here";
  const FaultPlayer& player =
      play_to_the_end({make_fault("crash_restart", "node:1", 1, 2, {}, {{"state", "kept"}}),
                       make_fault("pause", "node:2", 1, 2)});
  EXPECT_THAT(world_.told, ElementsAre("1: pause 2", "3: resume 2"));
  EXPECT_EQ(player.summarize()[0].outcome, "skipped: nothing is kept here");
}

TEST_F(FaultPlayerTest, CallsAFaultInvalidThatComesTooLate) {
  world_.latest = std::chrono::milliseconds(50);
  FaultPlayer& player =
      play({make_fault("pause", "node:1", 1, 2), make_fault("crash_restart", "node:2", 5, 2)});
  world_.now_ = at(1) + std::chrono::milliseconds(50);
  player.play(at(1));
  EXPECT_THAT(player.invalid(), IsEmpty()) << "just in time";
  world_.now_ = at(3) + std::chrono::milliseconds(51);
  player.play(at(3));
  EXPECT_THAT(player.invalid(), ElementsAre("pause at node:1: late by 51 ms"));
  play_until(player, kNever);
  EXPECT_EQ(player.summarize()[0].outcome, "invalid_fault: late by 51 ms");
  EXPECT_EQ(player.summarize()[1].outcome, "ended");
}

TEST_F(FaultPlayerTest, StaysInvalidOnceItsWorldSaysSo) {
  FaultPlayer& player = play({make_fault("slow_cpu", "node:1", 1, 2, {{"factor", 0.5}})});
  play_until(player, at(2));
  player.invalidate(player.plan().events[0].effect, "factor 0.9");
  player.invalidate(player.plan().events[0].effect, "factor 0.8");
  play_until(player, kNever);
  EXPECT_EQ(player.summarize()[0].outcome, "invalid_fault: factor 0.9");
  EXPECT_EQ(player.invalid().size(), 1U);
}

}  // namespace
}  // namespace phoenix
