// A plan in the making: what all rebalancers share. Moves are tried on a copy of the books, with
// the source still taken, so that what the plan holds can be carried out in any order.
//
// One thread at a time; lives as long as one call of plan(). Copying the books is O(agents).
#pragma once

#include <algorithm>
#include <vector>

#include "strategies/core/random.h"
#include "strategies/placement/placer.h"
#include "strategies/placement/rebalancer.h"

namespace phoenix {

// Of each kind the whole has, the share of it; summed.
inline double summed_share(const Resources& amounts, const Resources& whole) {
  double sum = 0;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (whole[r] > 0) sum += static_cast<double>(amounts[r]) / static_cast<double>(whole[r]);
  }
  return sum;
}

class PlanBuilder {
 public:
  PlanBuilder(const RebalanceView& view, const RebalanceLimits& limits);

  const Inventory& books() const { return books_; }  // with the moves so far

  // Reports came and have stopped: nothing is known of it.
  static bool is_frozen(const NodeBook& node, Time now, Duration stale);
  // Ready, with reports that have not stopped.
  static bool is_known(const Inventory& books, NodeId node, Time now, Duration stale) {
    return books.has_node(node) && books.node(node).state == NodeState::kReady &&
           !is_frozen(books.node(node), now, stale);
  }
  // That, as the others are cordoned, and with moves left in this round.
  bool takes_part(NodeId node) const;
  // Not moving and not moved a moment ago; counts those that are cooling.
  bool may_move(AgentId agent);
  std::size_t room() const { return budget_ - std::min(budget_, plan_.moves.size()); }
  bool is_full() const { return room() == 0; }
  bool has_moves_left(NodeId node) const { return moves_[index(node)] < limits_.moves_per_node; }

  Move draft(AgentId agent, NodeId to, double gain) const;
  // Counts what it turns down.
  bool is_worth(const Move& move);
  // Books the move if the filters let it, else counts it as refused.
  bool take(const Move& move);

  // The last moves were not meant.
  void take_back(std::size_t moves);

  // In this plan the node takes nothing, and does again.
  void cordon(NodeId node) { books_.set_state(node, NodeState::kCordoned); }
  void admit(NodeId node) { books_.set_state(node, NodeState::kReady); }

  // Moves every agent off draining nodes, to where `placer` says; counts the stranded.
  void drain(Placer& placer);

  RebalancePlan& plan() { return plan_; }
  RebalancePlan finish(double after);

 private:
  const RebalanceView& view_;
  const RebalanceLimits& limits_;
  Inventory books_;
  RebalancePlan plan_;
  std::size_t budget_;
  std::vector<int> moves_;        // by node, of this round
  std::vector<bool> has_cooled_;  // by agent: counted
};

}  // namespace phoenix
