// What the control plane has measured of its nodes, for tuners and for scaling.
#include "strategies/control/cluster_watch.h"

#include <cmath>

#include <gtest/gtest.h>

namespace phoenix {
namespace {

using namespace std::chrono_literals;

struct Watched {
  explicit Watched(int nodes) : watch(with_nodes(nodes)) {
    for (int n = 0; n < nodes; ++n) watch.on_node(node(n), NodePhase::kReady, kStart);
  }

  const ControlSetup& with_nodes(int nodes) {
    setup.groups.resize(1);
    setup.groups[0].cores = 4;
    setup.node_groups.assign(static_cast<std::size_t>(nodes), 0);
    setup.gateways = 2;
    setup.facts.service_time = 0.1;
    setup.facts.round_trip = 0.002;
    setup.facts.cores = 4;
    return setup;
  }
  static NodeId node(int n) { return id_at<NodeId>(static_cast<std::size_t>(n)); }
  void says(int n, float rate, float service_time, float latency, Time at = kStart) {
    LoadReport report;
    report.measured_at = at;
    report.rate = rate;
    report.service_time = service_time;
    report.latency = latency;
    watch.on_report(node(n), report);
  }

  ControlSetup setup;
  ClusterWatch watch;
};

// Boot times and the order of removal go by these.
TEST(WatchedNodes, AreAsOldAsTheirStartWhateverComesBetween) {
  Watched one(1);
  const auto tell = [&](NodePhase phase, Time at) {
    one.watch.on_node(Watched::node(0), phase, at);
  };
  const WatchedNode& node = one.watch.nodes()[0];
  EXPECT_EQ(node.asked_at, kNever) << "there from the beginning";
  tell(NodePhase::kAbsent, kStart + 5s);
  tell(NodePhase::kProvisioning, kStart + 10s);
  EXPECT_EQ(node.ready_since, kNever);
  tell(NodePhase::kReady, kStart + 100s);
  tell(NodePhase::kDraining, kStart + 200s);
  tell(NodePhase::kReady, kStart + 210s);
  EXPECT_EQ(node.asked_at, kStart + 10s);
  EXPECT_EQ(node.ready_since, kStart + 100s) << "taken back: not a boot of 200 s";
  tell(NodePhase::kProvisioning, kStart + 300s);
  tell(NodePhase::kReady, kStart + 390s);
  EXPECT_EQ(node.ready_since - node.asked_at, 90s);
}

TEST(TuningFactsMeasured, TakeThePlaceOfWhatWasSaidBeforehand) {
  Watched two(2);
  EXPECT_EQ(two.watch.facts(kStart).service_time, 0.1) << "until a node has said something";
  EXPECT_TRUE(std::isnan(two.watch.facts(kStart).node_rate));
  two.says(0, 300, 0.01F, 0.02F);
  two.says(1, 100, 0.03F, 0.06F);
  const TuningFacts facts = two.watch.facts(kStart + 1s);
  EXPECT_DOUBLE_EQ(facts.node_rate, 100) << "of each of two gateways, to each of two nodes";
  EXPECT_NEAR(facts.service_time, 0.015, 1e-6);
  EXPECT_NEAR(facts.connection_hold, 0.03 + 0.002, 1e-6);
  EXPECT_EQ(facts.cores, 4);
}

TEST(TuningFactsMeasured, LeaveOutWhatIsOldSilentOrGone) {
  Watched three(3);
  three.says(0, 300, 0.01F, 0.02F, kStart + 60s);
  three.says(1, 100, 0.03F, 0.06F);
  three.says(2, 100, LoadReport::kUnknown, 0.06F, kStart + 60s);
  EXPECT_NEAR(three.watch.facts(kStart + 61s).service_time, 0.01, 1e-6);
  three.watch.on_node(Watched::node(0), NodePhase::kAbsent, kStart + 61s);
  EXPECT_EQ(three.watch.facts(kStart + 61s).service_time, 0.1);
}

TEST(PresentNodes, IncludeThoseLeftAloneForTheirErrors) {
  Watched three(3);
  for (int n = 0; n < 3; ++n) three.says(n, 100, 0.01F, 0.02F);
  GatewayReport seen;
  seen.ejected = {Watched::node(1)};
  three.watch.on_gateway_report(seen);
  EXPECT_EQ(three.watch.ready_nodes(), 2);
  EXPECT_EQ(three.watch.present_nodes(kStart + 1s), 3);
  three.watch.on_node(Watched::node(0), NodePhase::kDraining, kStart + 1s);
  EXPECT_EQ(three.watch.present_nodes(kStart + 1s), 2);
  EXPECT_EQ(three.watch.present_nodes(kStart + 600s), 0) << "nobody has heard of them since";
}

}  // namespace
}  // namespace phoenix
