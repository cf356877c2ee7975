// The controller as a whole: its timetable, what it makes of commands, and that its parts hand work
// to each other.
#include "strategies/controller.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/control/status.h"
#include "strategies/metrics/histogram.h"

namespace phoenix {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

ControlSetup setup_of(int nodes, int maximum) {
  ControlSetup setup;
  ControlGroup group;
  group.name = "web";
  group.maximum = maximum;
  group.cores = 2;
  group.boot_time = 30s;
  setup.groups.push_back(group);
  setup.node_groups.assign(static_cast<std::size_t>(std::max(nodes, maximum)), 0);
  return setup;
}

class Cluster {
 public:
  Cluster(const ControlSetup& setup, int ready) : controller(setup), ready_(ready) {
    for (int n = 0; n < ready; ++n) {
      controller.on_node(id_at<NodeId>(static_cast<std::size_t>(n)), NodePhase::kReady, kStart);
    }
    controller.begin(kStart, {}, decisions);
  }

  // Every second up to `until`: reports of all nodes, one of the gateways, and what is due.
  void run(Time until, double rate, float cpu) {
    while (now < until) {
      now += 1s;
      for (int n = 0; n < ready_; ++n) {
        LoadReport report;
        report.measured_at = now;
        report.cpu = cpu;
        report.memory = 0.5F;
        controller.on_report(id_at<NodeId>(static_cast<std::size_t>(n)), report, now);
      }
      GatewayReport gateways;
      gateways.from = now - 1s;
      gateways.to = now;
      gateways.offered = gateways.completed = static_cast<std::uint64_t>(rate);
      Histogram latency;
      for (int i = 0; i < 20; ++i) latency.record(20ms);
      gateways.latency = &latency;
      controller.on_gateway_report(gateways, now);
      controller.tick(now, decisions);
    }
  }

  std::vector<Decision> of(DecisionKind kind) const {
    std::vector<Decision> found;
    for (const Decision& decision : decisions) {
      if (decision.kind == kind) found.push_back(decision);
    }
    return found;
  }

  Controller controller;
  std::vector<Decision> decisions;
  Time now = kStart;

 private:
  int ready_;
};

Command command(Command::Kind kind, std::string subject = "", double value = 0,
                std::string text = "") {
  return {kind, std::move(subject), value, std::move(text)};
}

TEST(ControllerSettings, AreTheDesignDocuments) {
  const ControlSettings settings;
  EXPECT_EQ(settings.collect_interval, 1s);
  EXPECT_EQ(settings.optimization_interval, 10s);
  EXPECT_EQ(settings.scaling_interval, 30s);
  EXPECT_EQ(settings.prediction_interval, 300s);
  EXPECT_EQ(settings.cooldown_out, 300s);
  EXPECT_EQ(settings.cooldown_in, 600s);
  EXPECT_EQ(settings.flaps_per_hour, 4);
  const ControlTargets targets;
  EXPECT_EQ(targets.response_time_p95, 50ms);
  EXPECT_EQ(targets.throughput, 10'000);
  EXPECT_EQ(targets.availability, 0.999);
  EXPECT_EQ(targets.utilization, 0.75);
  EXPECT_EQ(targets.scaling_response_time, 30s);
}

TEST(Controller, TicksOnAbsoluteTimes) {
  Cluster cluster(setup_of(2, 4), 2);
  EXPECT_EQ(cluster.controller.next_tick(), kStart);
  // A tick that comes late does not move those after it.
  cluster.controller.tick(kStart + 1700ms, cluster.decisions);
  EXPECT_EQ(cluster.controller.next_tick(), kStart + 2s);
}

TEST(Controller, CollectsMoreOftenThanOnceASecondIfAsked) {
  ControlSetup setup = setup_of(2, 0);
  setup.settings.collect_interval = 100ms;
  Controller controller(setup);
  std::vector<Decision> decisions;
  controller.tick(kStart + 100ms, decisions);
  EXPECT_EQ(controller.next_tick(), kStart + 200ms);
}

TEST(Controller, RingsWhenCpuIsHighAndSaysWhatItSaw) {
  Cluster cluster(setup_of(2, 0), 2);
  cluster.run(kStart + 60s, 100, 0.97F);
  const std::vector<Decision> raised = cluster.of(DecisionKind::kRaiseAlert);
  ASSERT_FALSE(raised.empty());
  EXPECT_EQ(raised.back().subject, "cluster_cpu_avg");
  EXPECT_EQ(raised.back().text, "critical");
  EXPECT_THAT(raised.back().reason, HasSubstr("threshold 0.95"));
  EXPECT_EQ(cluster.controller.status(cluster.now).alerts.size(), 1U);
}

TEST(Controller, EjectedNodesAreNoRoom) {
  ControlSetup setup = setup_of(4, 6);
  setup.strategies.scaler = "threshold";
  Cluster cluster(setup, 2);
  for (int s = 1; s <= 60; ++s) {
    cluster.now = kStart + std::chrono::seconds(s);
    for (std::size_t n = 0; n < 2; ++n) {
      LoadReport report;
      report.measured_at = cluster.now;
      report.cpu = n == 0 ? 1.0F : 0.0F;  // the idle one gets nothing
      report.memory = 0.5F;
      cluster.controller.on_report(id_at<NodeId>(n), report, cluster.now);
    }
    GatewayReport gateways;
    gateways.from = cluster.now - 1s;
    gateways.to = cluster.now;
    gateways.offered = 100;
    gateways.ejected = {NodeId{1}};
    cluster.controller.on_gateway_report(gateways, cluster.now);
    cluster.controller.tick(cluster.now, cluster.decisions);
  }
  EXPECT_FALSE(cluster.of(DecisionKind::kScaleOut).empty());
}

TEST(Controller, TakesCommandsAndRefusesWhatItDoesNotKnow) {
  Cluster cluster(setup_of(2, 6), 2);
  cluster.run(kStart + 5s, 100, 0.5F);
  auto& controller = cluster.controller;
  auto& out = cluster.decisions;
  using Kind = Command::Kind;
  EXPECT_TRUE(controller.on_command(command(Kind::kUpdateTarget, "response_time_p95", 0.08),
                                    cluster.now, out));
  EXPECT_THAT(
      controller.on_command(command(Kind::kUpdateTarget, "speed", 1), cluster.now, out).error(),
      HasSubstr("speed"));
  EXPECT_FALSE(controller.on_command(command(Kind::kScaleTo, "", 7), cluster.now, out));
  EXPECT_FALSE(controller.on_command(command(Kind::kScaleTo, "nowhere", 3), cluster.now, out));
  EXPECT_FALSE(controller.on_command(command(Kind::kScaleTo, "", 2.5), cluster.now, out));
  EXPECT_FALSE(
      controller.on_command(command(Kind::kAddPolicy, "p", 0, "no_such_rule"), cluster.now, out));
  EXPECT_FALSE(controller.on_command(command(Kind::kSetKnob, "volume", 11), cluster.now, out));
  EXPECT_FALSE(controller.on_command(command(Kind::kRebalanceNow), cluster.now, out))
      << "there are no agents";
  EXPECT_TRUE(out.empty()) << "nothing that is refused is half done";
  EXPECT_TRUE(
      controller.on_command(command(Kind::kAddPolicy, "p", 0, "threshold"), cluster.now, out));
  EXPECT_FALSE(
      controller.on_command(command(Kind::kAddPolicy, "p", 0, "threshold"), cluster.now, out))
      << "the name is taken";
  ASSERT_EQ(controller.status(cluster.now).policies.size(), 1U);
  EXPECT_TRUE(controller.on_command(command(Kind::kScaleTo, "", 4), cluster.now, out));
  ASSERT_EQ(cluster.of(DecisionKind::kScaleOut).size(), 1U);
  EXPECT_EQ(cluster.of(DecisionKind::kScaleOut)[0].count, 2);
  EXPECT_THAT(cluster.of(DecisionKind::kScaleOut)[0].reason, HasSubstr("manual"));
}

TEST(Controller, OptimizesNow) {
  ControlSetup setup = setup_of(2, 6);
  setup.strategies.scaler = "threshold";
  Cluster cluster(setup, 2);
  cluster.run(kStart + 10s, 100, 0.5F);
  cluster.run(kStart + 25s, 100, 0.95F);
  ASSERT_TRUE(cluster.of(DecisionKind::kScaleOut).empty()) << "not due before 30 s have passed";
  EXPECT_TRUE(cluster.controller.on_command(command(Command::Kind::kOptimizeNow), cluster.now,
                                            cluster.decisions));
  EXPECT_EQ(cluster.of(DecisionKind::kScaleOut).size(), 1U);
}

TEST(Controller, HandsScaleOutToTheScaler) {
  ControlSetup setup = setup_of(2, 6);
  setup.strategies.tuner = "rules";
  Cluster cluster(setup, 2);
  cluster.run(kStart + 120s, 100, 0.95F);
  const std::vector<Decision> grown = cluster.of(DecisionKind::kScaleOut);
  ASSERT_FALSE(grown.empty());
  EXPECT_EQ(grown[0].count, 2) << "the rule's two nodes";
  EXPECT_STREQ(grown[0].family, "scaling") << "with the scaler's limits and history";
  EXPECT_EQ(grown.size(), 1U) << "and not again while they are on their way";
}

TEST(Controller, LearnsFromEverySample) {
  ControlSetup setup = setup_of(2, 6);
  setup.settings.forecast_step = 10s;
  setup.settings.forecast_period = 100s;
  Cluster cluster(setup, 2);
  cluster.run(kStart + 600s, 200, 0.5F);
  const ControllerStatus status = cluster.controller.status(cluster.now);
  ASSERT_EQ(status.scaling.size(), 1U);
  EXPECT_NEAR(status.scaling[0].forecast_mean, 200, 10);
  EXPECT_EQ(status.performance.current_metrics.empty(), false);
  EXPECT_GT(status.performance.target_compliance.mean, 0);
}

TEST(Controller, RecommendsWhatTheForecastAndTheMeasuredNodesSay) {
  ControlSetup setup = setup_of(4, 6);
  setup.settings.forecast_step = 5s;
  setup.settings.forecast_period = 100s;
  Cluster cluster(setup, 4);
  EXPECT_THAT(cluster.controller.status(kStart).performance.scaling_recommendation.reason,
              HasSubstr("forecast not trusted"));
  Random random(4);
  for (int s = 1; s <= 3000; ++s) {
    cluster.run(kStart + std::chrono::seconds(s), 150 + 100 * random.uniform(), 0.2F);
  }
  const Recommendation idle =
      cluster.controller.status(cluster.now).performance.scaling_recommendation;
  EXPECT_EQ(idle.action, RecommendedAction::kScaleIn) << idle.reason;
  EXPECT_GT(idle.confidence, 0.8);
  EXPECT_EQ(idle.reason, "predicted_load_decrease");
}

TEST(Controller, RingsByTheRulesOfItsOperator) {
  ControlSetup setup = setup_of(2, 0);
  AlertRule strict;
  strict.metric = "cluster_cpu_avg";
  strict.warning = 0.4;
  strict.hold = 10s;
  AlertRule low;
  low.metric = "arrival_rate";
  low.sense = AlertSense::kBelow;
  low.critical = 150;
  setup.alerts = {strict, low};
  Cluster cluster(setup, 2);
  cluster.run(kStart + 60s, 100, 0.5F);
  const std::vector<Decision> raised = cluster.of(DecisionKind::kRaiseAlert);
  ASSERT_EQ(raised.size(), 2U);
  EXPECT_EQ(raised[0].subject, "cluster_cpu_avg");
  EXPECT_EQ(raised[0].text, "warning");
  EXPECT_THAT(raised[0].reason, HasSubstr("threshold 0.4"));
  EXPECT_EQ(raised[1].subject, "arrival_rate");
  EXPECT_EQ(raised[1].text, "critical");
}

TEST(Controller, TwoLiveSideBySide) {
  ControlSetup setup = setup_of(2, 6);
  setup.strategies.scaler = "threshold";
  Cluster busy(setup, 2);
  Cluster idle(setup, 2);
  for (int s = 5; s <= 60; s += 5) {
    busy.run(kStart + std::chrono::seconds(s), 100, 0.95F);
    idle.run(kStart + std::chrono::seconds(s), 100, 0.5F);
  }
  EXPECT_FALSE(busy.of(DecisionKind::kScaleOut).empty());
  EXPECT_TRUE(idle.of(DecisionKind::kScaleOut).empty());
}

TEST(Controller, PrintsStrategiesInFullAndNamesWhatItDoesNotKnow) {
  ControlStrategies asked;
  asked.scaler = "threshold";
  const Result<ControlStrategies> full = Controller::in_full(asked);
  ASSERT_TRUE(full) << full.error();
  EXPECT_THAT(full->scaler, HasSubstr("scale_out_threshold=0.8"));
  EXPECT_EQ(full->tuner, "none");
  asked.rebalancer = "evn";
  EXPECT_THAT(Controller::in_full(asked).error(), HasSubstr("even"));
}

}  // namespace
}  // namespace phoenix
