// The control plane of one cluster: watches it, and decides how many nodes there are, where agents
// live, which knobs stand where, and which alerts ring. The simulated and the real cluster drive
// exactly this class, through ControlLoop (scenarios/control_loop.h).
//
// Contract: the world tells what happened and carries out the decisions that tick() and
// on_command() hand out; it reports every decision's outcome back exactly once, unless the run ends
// first. Decisions that only tell something (alerts, holds, refusals) need no outcome. The world
// calls tick() no later than next_tick(); calling it more often is harmless.
//
// One thread at a time. Owns its strategies and tables; keeps no reference to anything passed in.
// Every table is bounded: what falls off is counted. Nothing throws.
//
// Intervals and cooldowns are the design document's: metrics every second, optimization every 10 s,
// scaling every 30 s, prediction every 300 s.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strategies/core/decision.h"
#include "strategies/core/ids.h"
#include "strategies/core/load_report.h"
#include "strategies/core/random.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"
#include "strategies/metrics/alerts.h"
#include "strategies/placement/inventory.h"
#include "strategies/placement/migration.h"
#include "strategies/tuning/formulas.h"
#include "strategies/tuning/knobs.h"

namespace phoenix {

class Histogram;

struct ControlSettings {
  Duration collect_interval = std::chrono::seconds(1);
  Duration optimization_interval = std::chrono::seconds(10);
  Duration scaling_interval = std::chrono::seconds(30);
  Duration prediction_interval = std::chrono::seconds(300);
  Duration rebalancing_interval = std::chrono::seconds(60);
  Duration cooldown_out = std::chrono::seconds(300);
  Duration cooldown_in = std::chrono::seconds(600);
  Duration drain_grace = std::chrono::seconds(30);  // then a node that is removed is cut off
  Duration forecast_step = std::chrono::seconds(60);
  Duration forecast_period = std::chrono::hours(24);   // of the load's daily (or other) cycle
  Duration report_age_max = std::chrono::seconds(10);  // older readings of a node are unknown
  double flaps_per_hour = 4;

  bool operator==(const ControlSettings&) const = default;
};

// What the operator asks for; NaN or no time at all: not asked for.
struct ControlTargets {
  Duration response_time_p95 = std::chrono::milliseconds(50);
  double throughput = 10'000;
  double availability = 0.999;
  double utilization = 0.75;
  Duration scaling_response_time = std::chrono::seconds(30);
};

// The forecaster whose seasons are settings.forecast_period; any other text is taken as it is.
inline constexpr std::string_view kMixture = "mixture";

// Strategies in full; "none" decides nothing.
struct ControlStrategies {
  std::string scaler = "none";
  std::string tuner = "none";
  std::string placer = "score";
  std::string rebalancer = "none";
  std::string forecaster{kMixture};

  bool operator==(const ControlStrategies&) const = default;
};

struct ControlGroup {
  std::string name;
  int minimum = 1;
  int maximum = 0;  // 0: never scaled
  int cores = 1;
  double speed = 1;
  double memory_bytes = 0;
  double bandwidth = 0;  // bytes per second
  double cost_per_hour = 0;
  Duration boot_time{0};  // as configured, p95
  std::string zone;
};

// A service whose agents are placed, as opposed to one that every node of its groups runs.
struct ControlService {
  std::string name;
  int agents = 0;  // from the beginning
  AgentSpec agent;
  AgentObservation observed;  // what is known of its state beforehand
};

struct ControlSetup {
  ControlSettings settings;
  ControlTargets targets;
  ControlStrategies strategies;
  std::vector<AlertRule> alerts;  // beside the default ones, or in the place of one
  std::vector<ControlGroup> groups;
  std::vector<int> node_groups;          // by NodeId: every place, filled or not
  std::vector<ControlService> services;  // by ServiceId; empty where none is placed
  MigrationMeans migration;
  Random placement_random{1};
  Knobs knobs;        // as they are at first
  TuningFacts facts;  // what is known of network and nodes beforehand; what is measured goes before
  int gateways = 1;   // that share the requests
};

// What a node says of itself; before the word of its group.
struct NodeCapacity {
  double cores = 0;           // 0: not said
  double memory_bytes = 0;    // 0: not said
  std::string zone;           // empty: not said
  std::vector<Label> labels;  // beside those that all nodes have: "group" and "zone"
};

// An agent that runs already when the control plane begins, and whose place is kept if it can be.
struct StandingAgent {
  ServiceId service{0};
  NodeId node = kNoNode;
};

enum class NodePhase : std::uint8_t { kAbsent, kProvisioning, kReady, kDraining, kDown };

constexpr std::string_view to_text(NodePhase phase) {
  constexpr std::string_view kNames[] = {"absent", "provisioning", "ready", "draining", "down"};
  return kNames[static_cast<std::size_t>(phase)];
}

// What all gateways saw since the report before.
struct GatewayReport {
  Time from = kStart, to = kStart;
  std::uint64_t offered = 0, completed = 0, failed = 0;
  std::uint64_t in_flight = 0;         // accepted and not answered, at `to`
  const Histogram* latency = nullptr;  // of those completed; read during the call only
  std::vector<NodeId> ejected;         // ready nodes that get no requests since they failed some
};

// What operators and a scenario's timeline may ask for.
struct Command {
  enum class Kind : std::uint8_t {
    kScaleTo,          // group `subject` (empty: the first elastic one) to `value` nodes
    kEvaluateScaling,  // now, not at the next interval
    kOptimizeNow,      // a cycle of collecting and tuning, at once
    kRebalanceNow,     // with the rebalancer `text`, or the configured one
    kUpdateTarget,     // target `subject` becomes `value` (base units)
    kAddPolicy,        // a scaler more, `text`, under the name `subject`
    kRemovePolicy,     // by name
    kEvent,            // the external event `subject` has happened
    kSetKnob,          // knob `subject` to `value`
  };
  Kind kind = Kind::kEvaluateScaling;
  std::string subject;
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string text;
};

constexpr std::string_view to_text(Command::Kind kind) {
  constexpr std::string_view kNames[] = {
      "scale_to",   "evaluate_scaling", "optimize_now", "rebalance_now", "update_target",
      "add_policy", "remove_policy",    "event",        "set_knob"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct ControllerStatus;  // control/status.h

class Controller {
 public:
  // REQUIRES: every strategy text is one that in_full() accepts, every alert one that
  // check_alert_rule() does, and no metric has two.
  explicit Controller(const ControlSetup& setup);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // The same strategies printed back with every setting. The error says which text cannot be used,
  // and why.
  static Result<ControlStrategies> in_full(const ControlStrategies& strategies);

  // Once, after the nodes that are there have been told: what is decided for the beginning.
  void begin(Time now, std::span<const StandingAgent> standing, std::vector<Decision>& out);

  void on_node(NodeId node, NodePhase phase, Time now);
  // Counts from when the node comes next.
  void on_capacity(NodeId node, const NodeCapacity& capacity);
  void on_report(NodeId node, const LoadReport& report, Time now);
  void on_gateway_report(const GatewayReport& report, Time now);
  void on_outcome(const DecisionOutcome& outcome, Time now);
  // An agent is wanted, or no longer. The error says what of it cannot be used.
  Status on_agent_wanted(const AgentSpec& agent, Time now, std::vector<Decision>& out);
  void on_agent_over(AgentId agent, Time now, std::vector<Decision>& out);
  // The decisions it leads to at once are appended. The error says what was found and what is
  // allowed; nothing has changed then.
  Status on_command(const Command& command, Time now, std::vector<Decision>& out);

  // Moving an agent takes many steps: the world carries every order out and reports each once, by
  // its token. The decision behind them is settled here, not by on_outcome(). To be asked after any
  // other call.
  std::vector<MigrationOrder> take_orders();
  void on_step(std::uint64_t token, const Status& how, double dirty_bytes, Time now);
  std::vector<DecisionOutcome> take_settled();
  // Where a request goes that has reached the agent's old place.
  AgentRoute route(AgentId agent);

  // REQUIRES: the agent was decided to be placed, and not to be stopped since.
  const AgentSpec& agent(AgentId agent) const;

  Time next_tick() const;
  // Appends what is decided now.
  void tick(Time now, std::vector<Decision>& out);

  ControllerStatus status(Time now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix
