// What the governor makes of wishes: how they are combined, who is removed, what a failure leaves
// behind, what people may set by hand, and what a restart keeps.
#include <chrono>

#include <gmock/gmock.h>

#include "tests/strategies/scaling_fixture.h"

namespace phoenix {
namespace {

using phoenix::testing::at_s;
using phoenix::testing::FakeForecast;
using phoenix::testing::Fleet;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// No waiting times: what follows is the wishes' own.
GovernorOptions at_once() {
  GovernorOptions options;
  options.cooldown_out = options.cooldown_in = options.stabilise_in = Duration{0};
  options.reversals_per_hour = 1000;
  return options;
}

const std::string kCpuRule = "threshold[scale_increment=2, max_capacity=100]";
const std::string kMemoryRule =
    "threshold[metric=cluster_memory_avg, scale_out_threshold=0.85, scale_in_threshold=0.4, "
    "scale_increment=5, max_capacity=100]";

class TwoPolicies : public ::testing::Test {
 protected:
  TwoPolicies() {
    fleet.add_policy("memory", kMemoryRule);
    fleet.add_policy("cpu", kCpuRule);
  }
  void measure(double cpu, double memory) {
    fleet.metrics.set(metric::kCpu, cpu);
    fleet.metrics.set(metric::kMemory, memory);
  }

  Fleet fleet{ScalingPool{}, at_once(), 10};
};

TEST_F(TwoPolicies, TheLargestOfThoseThatGrowIsTakenWithAllReasons) {
  measure(0.85, 0.9);
  fleet.tick();
  ASSERT_EQ(fleet.decisions.size(), 1U);
  const Decision& decision = fleet.decisions.front();
  EXPECT_EQ(decision.kind, DecisionKind::kScaleOut);
  EXPECT_EQ(decision.count, 5);
  EXPECT_EQ(decision.from, 10);
  EXPECT_EQ(decision.value, 15);
  EXPECT_EQ(decision.subject, "compute");
  EXPECT_STREQ(decision.family, "scaling");
  EXPECT_THAT(decision.reason, HasSubstr("memory: threshold: cluster_memory_avg 0.9 > 0.85"));
  EXPECT_THAT(decision.reason, HasSubstr("cpu: threshold: cluster_cpu_avg 0.85 > 0.8"));
  EXPECT_THAT(decision.seen, HasSubstr("10 nodes ready"));
}

TEST_F(TwoPolicies, GrowthBeatsShrinking) {
  measure(0.1, 0.9);
  fleet.tick();
  EXPECT_EQ(fleet.supply(), 15);
}

TEST_F(TwoPolicies, OneThatIsContentKeepsTheNodes) {
  measure(0.2, 0.79);  // cpu would shrink; memory is near its threshold
  fleet.tick();
  EXPECT_EQ(fleet.ready(), 10);
  EXPECT_EQ(fleet.draining(), 0);
}

TEST_F(TwoPolicies, WhenAllShrinkTheLargestSizeIsTaken) {
  measure(0.2, 0.1);  // 8 and 5
  fleet.tick();
  EXPECT_EQ(fleet.ready(), 8);
  EXPECT_EQ(fleet.draining(), 2);
}

TEST_F(TwoPolicies, AnUnknownMetricBlocksShrinkingAndIsCounted) {
  fleet.metrics.set(metric::kCpu, 0.1);
  fleet.tick();
  EXPECT_EQ(fleet.ready(), 10);
  EXPECT_EQ(fleet.governor.status(fleet.look()).counters.missing_metrics, 1);
  ASSERT_EQ(fleet.decisions.size(), 1U);
  EXPECT_EQ(fleet.decisions.front().kind, DecisionKind::kHold);
  EXPECT_THAT(fleet.decisions.front().reason, HasSubstr("a metric that is not known (memory)"));
  fleet.run_to(at_s(120));
  EXPECT_EQ(fleet.decisions.size(), 1U);  // told once
}

TEST_F(TwoPolicies, AnUnknownMetricDoesNotBlockGrowth) {
  fleet.metrics.set(metric::kCpu, 0.9);
  fleet.tick();
  EXPECT_EQ(fleet.supply(), 12);
}

TEST(GovernorPolicies, AreCheckedWhenAdded) {
  Governor governor{ScalingPool{}};
  for (const ScalingPolicy& policy : default_policies()) {
    EXPECT_TRUE(governor.add_policy(policy).ok());
  }
  ASSERT_EQ(governor.policies().size(), 2U);
  EXPECT_EQ(governor.policies().front().name, "memory_threshold");  // newest first
  const auto refused = [&](const char* name, const char* text) {
    const Status added = governor.add_policy({name, text});
    return added ? std::string() : added.error();
  };
  EXPECT_THAT(refused("cpu_threshold", "none"), HasSubstr("\"cpu_threshold\" already"));
  EXPECT_THAT(refused(" ", "none"), HasSubstr("needs a name"));
  EXPECT_THAT(refused("a", "treshold"), HasSubstr("did you mean \"threshold\"?"));
  EXPECT_THAT(refused("a", "threshold[scale_out_treshold=1]"), HasSubstr("unknown setting"));
  EXPECT_THAT(refused("a", "threshold[scale_out_threshold=0.2]"), HasSubstr("must be below"));
  EXPECT_EQ(governor.policies().size(), 2U);
  EXPECT_TRUE(governor.remove_policy("cpu_threshold").ok());
  EXPECT_THAT(governor.remove_policy("cpu_threshold").error(), HasSubstr("unknown scaling policy"));
}

TEST(GovernorPolicies, DefaultsAreThoseOfTheDesign) {
  const std::vector<ScalingPolicy> policies = default_policies();
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_EQ(policies[0].name, "cpu_threshold");
  EXPECT_EQ(make_scaler(policies[0].text)->text,
            "threshold[metric=cluster_cpu_avg, scale_out_threshold=0.8, scale_in_threshold=0.3, "
            "min_capacity=1, max_capacity=20, scale_increment=2]");
  EXPECT_EQ(policies[1].name, "memory_threshold");
  EXPECT_EQ(make_scaler(policies[1].text)->text,
            "threshold[metric=cluster_memory_avg, scale_out_threshold=0.85, "
            "scale_in_threshold=0.4, min_capacity=1, max_capacity=20, scale_increment=1]");
  const ScalingPool compute = compute_pool();
  const ScalingPool memory = memory_pool();
  EXPECT_THAT((std::vector{compute.minimum, compute.maximum, compute.initial}),
              ElementsAre(1, 50, 5));
  EXPECT_THAT((std::vector{memory.minimum, memory.maximum, memory.initial}),
              ElementsAre(1, 100, 10));
  const GovernorOptions options;
  EXPECT_EQ(options.interval, Duration(seconds(30)));
  EXPECT_EQ(options.cooldown_out, Duration(seconds(300)));
  EXPECT_EQ(options.cooldown_in, Duration(seconds(600)));
  EXPECT_EQ(Governor::kHistory, 100U);
  EXPECT_EQ(Governor::kShown, 10U);
}

TEST(GovernorSettings, PrintAndParseBack) {
  const Result<GovernorOptions> read = parse_governor("governor[cooldown_out=1 min]");
  ASSERT_TRUE(read.ok()) << read.error();
  EXPECT_EQ(read->cooldown_out, Duration(minutes(1)));
  const std::string text = print_governor(*read);
  EXPECT_EQ(print_governor(*parse_governor(text)), text);
  EXPECT_THAT(parse_governor("governer").error(), HasSubstr("governor[...] is expected"));
  EXPECT_THAT(parse_governor("governor[reversals_per_hour=1]").error(), HasSubstr("in [2, 1000]"));
}

TEST(GovernorPools, BeginWithTheirInitialSize) {
  Fleet fleet(compute_pool(), GovernorOptions{}, 0);
  fleet.tick();
  EXPECT_EQ(fleet.provisioning(), 5);
  EXPECT_THAT(fleet.decisions.front().reason, HasSubstr("the pool begins with 5 nodes"));
}

ScalingNode node_like(int id, double in_flight, double cost = 0, double ready_s = 0, int zone = 0) {
  ScalingNode node;
  node.node = id_at<NodeId>(static_cast<std::size_t>(id));
  node.is_ready = true;
  node.in_flight = in_flight;
  node.move_cost = cost;
  node.ready_since = at_s(ready_s);
  node.zone = zone;
  return node;
}

std::vector<int> chosen(const std::vector<ScalingNode>& nodes, int count) {
  std::vector<int> ids;
  for (const NodeId id : choose_removals(nodes, count)) ids.push_back(static_cast<int>(index(id)));
  return ids;
}

TEST(Removals, FewestOpenThenCheapestThenNewestThenHighestId) {
  const std::vector<ScalingNode> nodes = {node_like(0, 5),       node_like(1, 0, 9),
                                          node_like(2, 0, 1, 5), node_like(3, 0, 1, 7),
                                          node_like(4, 0, 1, 5), node_like(5, std::nan(""))};
  EXPECT_THAT(chosen(nodes, 6), ElementsAre(3, 4, 2, 1, 0, 5));  // unknown is taken last
  EXPECT_THAT(chosen(nodes, 2), ElementsAre(3, 4));
  EXPECT_THAT(chosen({}, 2), ElementsAre());
}

TEST(Removals, ZonesStayAsEvenAsTheyWere) {
  // Zone 0 is idle, zones 1 and 2 are busy: each zone gives one up before zone 0 gives a second.
  std::vector<ScalingNode> nodes;
  for (int i = 0; i < 9; ++i) nodes.push_back(node_like(i, i / 3 * 10 + i % 3, 0, 0, i / 3));
  EXPECT_THAT(chosen(nodes, 3), ElementsAre(0, 3, 6));
  nodes[1].is_draining = nodes[2].is_draining = true;  // zone 0 has one left, the others three
  EXPECT_THAT(chosen(nodes, 1), ElementsAre(3));
}

TEST(Removals, OnlyNodesThatServe) {
  std::vector<ScalingNode> nodes = {node_like(0, 0), node_like(1, 0), node_like(2, 7)};
  nodes[0].is_ready = false;
  nodes[1].is_draining = true;
  EXPECT_THAT(chosen(nodes, 3), ElementsAre(2));
}

TEST(GovernorManual, SizesAreChecked) {
  Fleet fleet(ScalingPool{"compute", 2, 20, 0}, at_once(), 5);
  std::vector<Decision> made;
  const auto refused = [&](int nodes) {
    const Status set = fleet.governor.scale_to(nodes, "manual", fleet.look(), fleet.ids, made);
    return set ? std::string() : set.error();
  };
  EXPECT_EQ(refused(1), "scale_to 1: must be in [2, 20]");
  EXPECT_EQ(refused(21), "scale_to 21: must be in [2, 20]");
  EXPECT_EQ(refused(8), "");
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made.front().count, 3);
  EXPECT_EQ(made.front().reason, "manual");
  EXPECT_EQ(refused(9), "scale_to 9: a change to 8 nodes is under way");
}

TEST(GovernorManual, PoliciesLeaveItAloneForAWhile) {
  Fleet fleet(ScalingPool{}, at_once(), 5);
  fleet.add_policy("cpu", kCpuRule);
  fleet.metrics.set(metric::kCpu, 0.1);
  std::vector<Decision> made;
  ASSERT_TRUE(fleet.governor.scale_to(8, "manual", fleet.look(), fleet.ids, made).ok());
  for (const Decision& decision : made) fleet.carry_out(decision);
  fleet.run_to(at_s(590));
  EXPECT_EQ(fleet.ready(), 8);
  fleet.run_to(at_s(640));
  EXPECT_LT(fleet.ready(), 8);
}

TEST(GovernorFailures, PartialSuccessCountsAndTheRestIsTriedAgainLater) {
  Fleet fleet(ScalingPool{}, at_once(), 4);
  fleet.add_policy("cpu", "target_tracking[target=0.5]");
  fleet.metrics.set(metric::kCpu, 1.0);
  fleet.survivors = [](int asked) { return asked / 2; };
  fleet.run_to(at_s(60));
  EXPECT_EQ(fleet.ready(), 6);  // two of four came
  ScalingStatus status = fleet.governor.status(fleet.look());
  ASSERT_EQ(status.recent.size(), 1U);
  EXPECT_EQ(status.recent[0].result, ScalingEvent::Result::kPartial);
  EXPECT_EQ(status.recent[0].count, 2);
  EXPECT_EQ(status.recent[0].took, Duration(seconds(60)));
  EXPECT_EQ(status.recent[0].cause, "it did not come up");
  EXPECT_EQ(status.desired, 6);
  EXPECT_EQ(status.counters.failed_starts, 2);
  EXPECT_EQ(status.backoff_left, Duration(seconds(30)));
  fleet.metrics.set(metric::kCpu, 4.0 / 6);
  fleet.run_to(at_s(89));
  EXPECT_EQ(fleet.supply(), 6);
  fleet.run_to(at_s(95));
  EXPECT_EQ(fleet.supply(), 8);
}

TEST(GovernorFailures, BackoffDoublesIsBoundedAndEndsWithSuccess) {
  Fleet fleet(ScalingPool{}, at_once(), 4);
  fleet.add_policy("cpu", "target_tracking[target=0.5]");
  fleet.metrics.set(metric::kCpu, 0.6);
  fleet.survivors = [](int) { return 0; };
  fleet.run_to(at_s(4 * 3600));
  std::vector<double> gaps;
  const auto& history = fleet.governor.history();
  for (std::size_t i = 1; i < history.size(); ++i) {
    gaps.push_back(to_seconds(history[i].at - history[i - 1].at) - 60);
    EXPECT_EQ(history[i - 1].result, ScalingEvent::Result::kFailed);
  }
  ASSERT_GT(gaps.size(), 6U);
  EXPECT_NEAR(gaps[0], 30, 30);
  EXPECT_NEAR(gaps[1], 60, 30);
  EXPECT_NEAR(gaps[2], 120, 30);
  EXPECT_NEAR(gaps.back(), 600, 30);
  fleet.survivors = [](int asked) { return asked; };
  fleet.run_to(at_s(5 * 3600), [&](Time) { fleet.metrics.set(metric::kCpu, 2.4 / fleet.ready()); });
  EXPECT_EQ(fleet.ready(), 5);
  EXPECT_FALSE(fleet.governor.status(fleet.look()).backoff_left.has_value());
}

TEST(GovernorFailures, ADrainThatFailsKeepsTheNode) {
  Fleet fleet(ScalingPool{}, at_once(), 5);
  fleet.add_policy("cpu", kCpuRule);
  fleet.metrics.set(metric::kCpu, 0.1);
  fleet.drains_fail = true;
  fleet.run_to(at_s(25));
  const ScalingStatus status = fleet.governor.status(fleet.look());
  EXPECT_EQ(fleet.ready(), 5);
  EXPECT_EQ(status.desired, 5);
  EXPECT_EQ(status.counters.failed_stops, 2);
  EXPECT_EQ(status.recent.front().result, ScalingEvent::Result::kFailed);
}

TEST(GovernorFailures, NewLoadCallsADrainOff) {
  Fleet fleet(ScalingPool{}, at_once(), 5);
  fleet.drain = minutes(5);
  fleet.add_policy("cpu", kCpuRule);
  fleet.metrics.set(metric::kCpu, 0.1);
  fleet.run_to(at_s(1));
  ASSERT_EQ(fleet.draining(), 2);
  fleet.metrics.set(metric::kCpu, 0.95);
  fleet.run_to(at_s(31));
  EXPECT_EQ(fleet.draining(), 0);
  EXPECT_EQ(fleet.ready(), 5);  // at once, without a boot
  EXPECT_EQ(fleet.governor.history()[0].result, ScalingEvent::Result::kSuperseded);
  EXPECT_EQ(fleet.governor.history()[1].result, ScalingEvent::Result::kDone);
}

TEST(GovernorFailures, AChangeNothingIsHeardOfIsGivenUp) {
  Fleet fleet(ScalingPool{}, at_once(), 5);
  fleet.add_policy("cpu", kCpuRule);
  fleet.metrics.set(metric::kCpu, 0.9);
  std::vector<Decision> made;
  fleet.governor.tick(fleet.look(), fleet.ids, made);  // never carried out
  ASSERT_EQ(made.size(), 1U);
  fleet.run_to(at_s(1800));
  EXPECT_EQ(fleet.supply(), 5);
  fleet.run_to(at_s(1900));
  EXPECT_GT(fleet.supply(), 5);
  EXPECT_EQ(fleet.governor.status(fleet.look()).counters.lost_outcomes, 1);
  fleet.governor.on_outcome({made.front().id, OutcomeKind::kDone, 2, seconds(60), {}, ""},
                            fleet.view.now);
  EXPECT_EQ(fleet.governor.status(fleet.look()).counters.unknown_outcomes, 1);
}

TEST(GovernorStatus, TellsSizesWaitsForecastAndTheLastTenChanges) {
  Fleet fleet(ScalingPool{"compute", 1, 50, 0}, GovernorOptions{}, 5);
  fleet.add_policy("cpu", kCpuRule);
  FakeForecast forecast;
  forecast.path = [](int steps, double q) { return steps * 100 + q; };
  fleet.view.forecast = &forecast;
  fleet.view.forecast_step = seconds(30);
  ScalingStatus status = fleet.governor.status(fleet.look());
  EXPECT_FALSE(status.cooldown_out_left.has_value());  // none was ever set
  EXPECT_FALSE(status.cooldown_in_left.has_value());
  fleet.metrics.set(metric::kCpu, 0.9);
  fleet.tick();
  fleet.view.now = at_s(20);
  status = fleet.governor.status(fleet.look());
  EXPECT_EQ(status.current, 5);
  EXPECT_EQ(status.desired, 7);
  EXPECT_EQ(status.provisioning, 2);
  EXPECT_EQ(status.draining, 0);
  EXPECT_EQ(status.policies, 1);
  EXPECT_EQ(status.changes_under_way, 1);
  EXPECT_EQ(status.cooldown_out_left, Duration(seconds(280)));
  EXPECT_DOUBLE_EQ(status.forecast_mean, 200.5);  // a boot time of 60 s is two steps
  EXPECT_DOUBLE_EQ(status.forecast_q90, 200.9);
  EXPECT_TRUE(status.forecast_trusted);
  EXPECT_EQ(status.recent.front().result, ScalingEvent::Result::kUnderWay);
}

TEST(GovernorStatus, KeepsAHundredChangesAndShowsTen) {
  Fleet fleet(ScalingPool{}, at_once(), 5);
  fleet.add_policy("cpu", kCpuRule);
  bool high = false;
  fleet.run_to(at_s(8 * 3600), [&](Time) {
    if (fleet.provisioning() + fleet.draining() > 0) return;
    high = !high;
    fleet.metrics.set(metric::kCpu, high ? 0.9 : 0.1);
  });
  EXPECT_EQ(fleet.governor.history().size(), 100U);
  const ScalingStatus status = fleet.governor.status(fleet.look());
  EXPECT_EQ(status.recent.size(), 10U);
  EXPECT_GT(status.recent.front().at, status.recent.back().at);
  EXPECT_GT(status.counters.started, 100);
}

TEST(GovernorRestart, StateComesBackAndThePoolIsHeldForAWhile) {
  Fleet before(ScalingPool{}, GovernorOptions{}, 5);
  before.add_policy("cpu", kCpuRule);
  before.metrics.set(metric::kCpu, 0.9);
  before.run_to(at_s(100));
  const std::string state = before.governor.export_state(before.view.now);
  EXPECT_EQ(state, before.governor.export_state(before.view.now));

  Fleet after(ScalingPool{}, GovernorOptions{}, 7);
  const Status restored = after.governor.restore_state(state, kStart);
  ASSERT_TRUE(restored.ok()) << restored.error();
  EXPECT_EQ(after.governor.export_state(kStart), state);  // nothing is lost
  EXPECT_EQ(after.governor.policies().front().name, "cpu");
  const ScalingStatus status = after.governor.status(after.look());
  EXPECT_EQ(status.desired, 7);
  EXPECT_EQ(status.cooldown_out_left, Duration(seconds(200)));
  EXPECT_EQ(status.recent.front().result, ScalingEvent::Result::kDone);

  after.metrics.set(metric::kCpu, 0.95);
  after.run_to(at_s(299));
  EXPECT_EQ(after.supply(), 7);
  EXPECT_THAT(after.decisions.front().reason, HasSubstr("restart"));
  after.run_to(at_s(331));
  EXPECT_EQ(after.supply(), 9);
}

TEST(GovernorRestart, EventsAreToldAgain) {
  const std::string rule = "event_driven[events=[promo[minimum=9, duration=1 h]]]";
  Fleet before(ScalingPool{}, at_once(), 5);
  before.add_policy("events", rule);
  before.governor.on_event({"promo", at_s(0), 0, 0, Duration{0}});
  const std::string state = before.governor.export_state(at_s(600));
  Fleet after(ScalingPool{}, at_once(), 5);
  ASSERT_TRUE(after.governor.restore_state(state, kStart).ok());
  after.run_to(at_s(400));
  EXPECT_EQ(after.supply(), 9);
}

TEST(GovernorRestart, TextThatIsNotUnderstoodChangesNothing) {
  Fleet fleet(ScalingPool{}, GovernorOptions{}, 5);
  fleet.add_policy("cpu", kCpuRule);
  const std::string state = fleet.governor.export_state(kStart);
  const auto refused = [&](const std::string& text) {
    const Status restored = fleet.governor.restore_state(text, kStart);
    return restored ? std::string() : restored.error();
  };
  EXPECT_THAT(refused(""), HasSubstr("empty"));
  EXPECT_THAT(refused("something else\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused(state + "desired many\n"), HasSubstr("\"desired many\" is not understood"));
  EXPECT_THAT(refused(state + "colour red\n"), HasSubstr("is not understood"));
  EXPECT_THAT(refused(state + "policy bad\tnonsense\n"), HasSubstr("unknown scaler"));
  EXPECT_THAT(refused(state + "pool memory\n"), HasSubstr("of pool \"memory\""));
  EXPECT_EQ(fleet.governor.export_state(kStart), state);
}

}  // namespace
}  // namespace phoenix
