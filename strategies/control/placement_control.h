// The placement side of the Controller: keeps the books of nodes and agents, finds every agent a
// node, moves agents off nodes that drain or carry too much, and starts again elsewhere what a dead
// node took with it.
//
// One thread at a time. Owns its strategies and the books. Agents that no node can take wait, and
// are tried again whenever the books have changed; each is told once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strategies/control/cluster_watch.h"
#include "strategies/core/random.h"
#include "strategies/placement/migration.h"
#include "strategies/placement/placer.h"
#include "strategies/placement/rebalancer.h"

namespace phoenix {

struct PlacementStatus {
  std::size_t total_agents = 0;
  std::size_t waiting_agents = 0;  // no node can take them
  std::size_t moving_agents = 0;
  std::size_t nodes_in_use = 0;
  std::size_t constraint_violations = 0;  // agents that their node would refuse today
  double placement_efficiency = 0;        // reserved on the nodes in use / their capacity, mean
  std::vector<std::pair<std::string, double>> resource_utilization;  // reserved / capacity
  std::uint64_t placed = 0, refused = 0, lost = 0, moves = 0, moves_failed = 0;
  Duration downtime{0};  // of all moves
};

class PlacementControl {
 public:
  // Both outlive it. REQUIRES: the texts in `setup` are in full.
  PlacementControl(const ControlSetup& setup, const ClusterWatch& watch);

  // The agents that services want from the beginning; those that run already stay where they are,
  // as far as their node can have them.
  void begin(Time now, std::span<const StandingAgent> standing, DecisionIds& ids,
             std::vector<Decision>& out);
  void on_node(NodeId node, NodePhase phase, Time now);
  void on_capacity(NodeId node, const NodeCapacity& capacity) { capacities_[node] = capacity; }
  // An agent comes, or is no longer wanted. The error says what of it cannot be used.
  Status want(const AgentSpec& agent, Time now, DecisionIds& ids, std::vector<Decision>& out);
  void drop(AgentId agent, Time now, DecisionIds& ids, std::vector<Decision>& out);
  Status migrate(AgentId agent, NodeId target, std::string_view method, Time now, DecisionIds& ids,
                 std::vector<Decision>& out);
  // A pass by this rebalancer, or the configured one where the text is empty.
  Status rebalance(const std::string& text, Time now, DecisionIds& ids, std::vector<Decision>& out);
  // Of agents to be placed.
  void on_outcome(const DecisionOutcome& outcome);

  // Moves are carried out step by step: the orders given since the last call, what came of each,
  // and the moves that have ended.
  std::vector<MigrationOrder> take_orders();
  void on_step(std::uint64_t token, const Status& how, double dirty_bytes, Time now);
  std::vector<DecisionOutcome> take_settled();
  AgentRoute route(AgentId agent) { return migrations_.route(agent); }

  Time next_tick() const { return next_; }
  void tick(Time now, DecisionIds& ids, std::vector<Decision>& out);

  const Inventory& inventory() const { return inventory_; }
  PlacementStatus status() const;

 private:
  struct Moving {
    DecisionId decision = 0;
    AgentSpec spec;         // to start it anew, should it be lost
    bool is_wanted = true;  // false: stops as soon as the move has ended
  };

  NodeSpec spec_of(NodeId node) const;
  void take_down(NodeId node, Time now);
  void settle_moves();
  void strike(AgentId agent);
  void observe_nodes(Time now);
  bool keep_standing(const AgentSpec& agent, NodeId node, Time now, DecisionIds& ids,
                     std::vector<Decision>& out);
  Decision placed(const AgentSpec& agent, NodeId node, Time now, DecisionIds& ids);
  bool place(const AgentSpec& agent, Time now, DecisionIds& ids, std::vector<Decision>& out);
  void place_waiting(Time now, DecisionIds& ids, std::vector<Decision>& out);
  Status move(const Move& move, std::string_view reason, std::string_view seen, Time now,
              DecisionIds& ids, std::vector<Decision>& out);
  void plan_moves(Rebalancer& rebalancer, bool only_draining, Time now, DecisionIds& ids,
                  std::vector<Decision>& out);
  Decision decision(DecisionKind kind, const char* family, AgentId agent, Time now,
                    DecisionIds& ids) const;

  const ControlSetup& setup_;
  const ClusterWatch& watch_;
  Random random_;
  std::map<NodeId, NodeCapacity> capacities_;  // of those that have said
  Inventory inventory_;
  std::unique_ptr<Placer> placer_;
  std::unique_ptr<Rebalancer> rebalancer_;  // null: none
  std::unique_ptr<Rebalancer> evacuator_;   // empties draining nodes where there is none
  std::map<AgentId, AgentSpec> waiting_;
  Migrations migrations_;
  std::vector<MigrationOrder> orders_;
  std::map<AgentId, Moving> moving_;
  std::map<DecisionId, AgentId> starting_;
  std::vector<DecisionOutcome> settled_;
  std::vector<AgentId> unwanted_;  // moved, and to be stopped now
  bool has_changed_ = false;       // the books, since the waiting ones were tried
  Time next_ = kNever;
  Time next_rebalance_ = kNever;
  PlacementStatus counts_;
};

}  // namespace phoenix
