// What an overloaded second may cost, found by what there is to spend: the bill of the rule
// everybody knows, nodes in proportion to their utilization. Who plans by a forecast puts the same
// money where the risk is: idle nodes before a jump and not in a calm hour.
//
// The proportional rule is played along beside the real pool, by the same readings. Both bills are
// kept with forgetting; what an overloaded second may cost rises while less was spent than the rule
// would have, and falls while more was. One thread at a time. O(pool) a call.
#pragma once

#include <vector>

#include "strategies/core/time.h"
#include "strategies/scaling/stabiliser.h"

namespace phoenix {

struct SpendingSeen {
  int paid = 0;     // nodes, those on their way up and down too
  double load = 0;  // in nodes fully busy
  double target = 0.75;
  int minimum = 1;
  int maximum = 1;
  Duration boot{0};
  Duration drain{0};  // in which a node that goes is still paid for
};

// A pool under Kubernetes' HPA with its tolerance and five minutes of stabilisation, as it would be
// by now: its nodes boot, and what is beyond those that serve waits and keeps them busy, for five
// minutes at the most.
class ProportionalPool {
 public:
  // Node-seconds paid for since the look before, `elapsed_s` ago; the first begins with the nodes
  // that are there. REQUIRES: `now` does not go back; target > 0.
  double see(Time now, const SpendingSeen& seen, double elapsed_s);

  int nodes() const { return nodes_; }  // those that boot too; 0 before the first look

 private:
  double busy(double load, double elapsed_s);

  Stabiliser wishes_;
  int nodes_ = 0;
  std::vector<Time> booting_;  // when they are ready
  double backlog_s_ = 0;       // node-seconds of work
};

class Spending {
 public:
  // What an overloaded second costs at first.
  explicit Spending(double miss_cost);

  // REQUIRES: as ProportionalPool::see().
  void see(Time now, const SpendingSeen& seen);

  // Seconds of a node's time that a second of overload is worth.
  double miss_cost() const;
  int proportional_nodes() const { return pool_.nodes(); }

 private:
  double memory_s() const;
  double unspent_share(double bill) const;

  ProportionalPool pool_;
  Time last_ = kNever;
  double age_s_ = 0;
  double spent_ = 0;    // node-seconds, as the next
  double allowed_ = 0;  // what the rule would have spent
  double log_cost_;
};

}  // namespace phoenix
