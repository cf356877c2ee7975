// A plan in the making: what all rebalancers share. Moves are tried on a copy of the books, with
// the source still taken, so that what the plan holds can be carried out in any order.
//
// One thread at a time; lives as long as one call of plan(). Copying the books is O(agents).
#pragma once

#include <vector>

#include "strategies/core/random.h"
#include "strategies/placement/placer.h"
#include "strategies/placement/rebalancer.h"

namespace phoenix {

class PlanBuilder {
 public:
  PlanBuilder(const RebalanceView& view, const RebalanceLimits& limits);

  const Inventory& books() const { return books_; }  // with the moves so far

  // Reports came and have stopped: nothing is known of it.
  static bool is_frozen(const NodeBook& node, Time now, Duration stale);
  // Ready, with reports that have not stopped, and with moves left in this round.
  bool takes_part(NodeId node) const;
  // Not moving and not moved a moment ago; counts those that are cooling.
  bool may_move(AgentId agent);
  bool is_full() const { return plan_.moves.size() >= budget_; }

  Move draft(AgentId agent, NodeId to, double gain) const;
  // Counts what it turns down.
  bool is_worth(const Move& move);
  // Books the move if the filters let it, else counts it as refused.
  bool take(const Move& move);

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
  std::vector<bool> is_frozen_;   // by node
  std::vector<bool> has_cooled_;  // by agent: counted
};

}  // namespace phoenix
