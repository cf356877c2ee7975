// Rebalancers say which agents should move where, and whether that is worth it. Everyone who adds
// one starts here: write one .cc with the class in an anonymous namespace, declare its entry below,
// add its line to strategies/registry.cc. PlanBuilder (plan_builder.h) keeps what all share.
//
// What every plan promises: each move alone and all of them in any order, also at once, break no
// filter and no capacity (a source counts as taken until all is done); the objective falls with
// every move; planning again after carrying a plan out comes to an end. Nodes that are down or
// whose reports have stopped neither give nor take; draining ones are emptied whatever it costs.
//
// One thread at a time. It keeps no reference to the view. Nothing throws.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "strategies/core/settings.h"
#include "strategies/placement/inventory.h"
#include "strategies/placement/migration_model.h"

namespace phoenix {

// Messages between two agents, either way.
struct AgentTraffic {
  AgentId one = kNoAgent;
  AgentId other = kNoAgent;
  double messages_per_s = 0;
};

struct RebalanceView {
  const Inventory* inventory = nullptr;  // never null
  Time now = kStart;
  MigrationMeans means;                   // what moving costs
  std::span<const AgentTraffic> traffic;  // where known
};

struct Move {
  AgentId agent = kNoAgent;
  NodeId from = kNoNode;
  NodeId to = kNoNode;
  MigrationMethod method = MigrationMethod::kCheckpoint;
  double gain = 0;  // by how much the objective falls; infinite off a draining node
  double cost = 0;  // requests
  Duration downtime{0};
};

struct RebalancePlan {
  std::vector<Move> moves;  // most urgent first
  double before = 0;        // the objective, without draining nodes
  double after = 0;
  bool is_cut_short = false;       // the budget was used up
  std::uint32_t frozen = 0;        // nodes left alone because their reports have stopped
  std::uint32_t cooling = 0;       // agents left alone because they moved a moment ago
  std::uint32_t unprofitable = 0;  // moves that would help but cost more than they gain
  std::uint32_t refused = 0;       // moves that would help but a filter refused the target
  std::uint32_t stranded = 0;      // agents on draining nodes that no other node can take
  std::string seen;                // the inputs, as a person reads them
  std::string reason;              // why these moves, or why none
};

class Rebalancer {
 public:
  virtual ~Rebalancer() = default;
  // What to move now. O(nodes + agents) to look, O(agents of the node * tries) a move.
  virtual RebalancePlan plan(const RebalanceView& view) = 0;
  // What plan() lowers, as things stand: to hold against a plan's `after` once it is carried out.
  virtual double objective(const RebalanceView& view) const = 0;
};

using RebalancerEntry = StrategyEntry<Rebalancer>;
using MadeRebalancer = RebalancerEntry::Made;

// Settings all rebalancers share. Defaults: budget of Akka's shard rebalancing, the rest Phoenix's.
struct RebalanceLimits {
  double budget_share = 0.05;  // of all agents, a round
  int budget = 1'000'000;
  int moves_per_node = 2;
  Duration horizon = std::chrono::seconds(600);
  double margin = 0.2;
  Duration cooling = std::chrono::minutes(10);
  double start_ratio = 1.15;
  double stop_ratio = 1.05;
  int tries = 8;
  Duration stale = std::chrono::seconds(30);
  double worth = 1;
  double penalty = 1;
  double price_per_gb = 0;
  double base_cost = 0.1;
  void visit(SettingVisitor& v);
};

// What a move costs, in requests: those of the downtime, each worth `penalty`, the bytes moved, and
// a base so that nothing moves for nothing. Rates and sizes that are not known count as 0.
double move_cost(const MigrationEstimate& estimate, double requests_per_s,
                 const RebalanceLimits& limits);

// Worth it: the gain over the horizon is more than the cost and a margin.
bool pays(double gain_per_s, double cost, const RebalanceLimits& limits);

// A gain that is more than the last digits of what it was computed from, else 0: a move that only
// trades places must not look like one that helps.
constexpr double beyond_rounding(double gain, double computed_from) {
  return gain > 1e-9 * computed_from ? gain : 0;
}

// By how much the sum of squares changes when a load x moves from load a to load b: 2x(x + b - a).
// Negative is better, and only if x < a - b; best at (a - b) / 2.
double square_change(double x, double a, double b);

// A node's latency at another share of use, from what it is now: waiting grows as 1 / (1 - use), as
// in an M/M/1 queue; above 0.98 no further.
double expected_latency(double latency_now, double use_now, double use);

RebalancerEntry even_distribution();
RebalancerEntry resource_optimization();
RebalancerEntry latency_optimization();
// The weights of the placer of the same name, as the goal.
RebalancerEntry weighted_objectives();
// Fewer nodes in use, as in bin packing: for fleets that give back what stands empty.
RebalancerEntry packing();

}  // namespace phoenix
