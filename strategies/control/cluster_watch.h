// What the control plane knows of its cluster: every node's phase and newest readings, the metrics
// made of them, the targets and the alerts. The other parts of the Controller read it; it decides
// nothing but when an alert rings.
//
// One thread at a time. Owns everything. collect() is O(nodes); the rest is O(1) to O(metrics).
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "strategies/controller.h"
#include "strategies/forecasting/capacity_model.h"
#include "strategies/metrics/alerts.h"
#include "strategies/metrics/cluster_readings.h"
#include "strategies/metrics/collectors.h"
#include "strategies/metrics/metric_store.h"
#include "strategies/metrics/targets.h"

namespace phoenix {

struct WatchedNode {
  NodePhase phase = NodePhase::kAbsent;
  int group = 0;
  bool is_ejected = false;  // by the gateways, of late
  Time asked_at = kNever;
  Time ready_since = kNever;
  LoadReport said;  // the newest
};

class ClusterWatch {
 public:
  // `setup` outlives the watch.
  explicit ClusterWatch(const ControlSetup& setup);

  void on_node(NodeId node, NodePhase phase, Time now);
  void on_report(NodeId node, const LoadReport& report);
  void on_gateway_report(const GatewayReport& report);
  void note_scaling_time(Duration took) { scaling_time_s_ = to_seconds(took); }

  // Turns what came in since the last call into metrics; appends what alerts have to say.
  void collect(Time now, std::vector<AlertEvent>& events);

  const std::vector<WatchedNode>& nodes() const { return nodes_; }
  // Null: nothing current is known of it.
  const NodeReading* reading(NodeId node, Time now) const;
  const MetricStore& metrics() const { return store_; }
  // What is known beforehand, with what ready nodes say of their requests in the place of it: the
  // rate to each, and weighed by it the time of service and the time a connection is held.
  TuningFacts facts(Time now) const;
  std::vector<ActiveAlert> active_alerts() const { return alerts_.active(); }

  // `name` is the design document's, or the scenario's shorter one.
  Status update_target(std::string_view name, double value);
  const TargetSet& targets() const { return targets_; }
  // NaN: none is set.
  double target(std::string_view name) const;

  // Requests a second that one node would do fully busy, from throughput and cpu of about the last
  // minute; NaN until something was measured.
  double node_capacity_per_s() const { return capacity_.service_rate() * cores_per_node_; }
  // The same by cores, with what it takes to answer in time.
  const CapacityModel& capacity() const { return capacity_; }
  int ready_nodes() const;            // and not ejected
  int present_nodes(Time now) const;  // ready and heard of lately, ejected or not
  double offered_total() const { return totals_.arrived; }

 private:
  const ControlGroup& group_of(const WatchedNode& node) const {
    return setup_.groups[static_cast<std::size_t>(node.group)];
  }
  void learn_capacity();

  const ControlSetup& setup_;
  std::vector<WatchedNode> nodes_;
  ClusterReadings readings_;
  Collectors collectors_;
  MetricStore store_;
  TargetSet targets_;
  Alerts alerts_;
  GatewayReading totals_;
  double scaling_time_s_ = std::numeric_limits<double>::quiet_NaN();
  CapacityModel capacity_;
  double cores_per_node_ = 1;
};

}  // namespace phoenix
