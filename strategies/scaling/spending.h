// What an overloaded second may cost, found by what there is to spend: the bill of the rule
// everybody knows, nodes in proportion to their utilization. Who plans by a forecast puts the same
// money where the risk is: idle nodes before a jump and not in a calm hour.
//
// The proportional rule is played along beside the real pool, by the same readings (Kubernetes' HPA
// with its tolerance and five minutes of stabilisation). Both bills are kept with forgetting; what
// an overloaded second may cost rises while less was spent than the rule would have, and falls
// while more was. One thread at a time. O(pool) a call.
#pragma once

#include "strategies/core/time.h"
#include "strategies/scaling/stabiliser.h"

namespace phoenix {

class Spending {
 public:
  explicit Spending(double miss_cost);

  struct Seen {
    int paid = 0;     // nodes, those on their way up and down too
    double load = 0;  // in nodes fully busy
    double target = 0.75;
    int minimum = 1;
    int maximum = 1;
  };
  // REQUIRES: `now` does not go back; target > 0.
  void see(Time now, const Seen& seen);

  // Seconds of a node's time that a second of overload is worth.
  double miss_cost() const;
  int proportional_nodes() const { return nodes_; }

 private:
  void size_proportionally(Time now, const Seen& seen);

  Stabiliser wishes_;
  Time last_ = kNever;
  int nodes_ = 0;
  double spent_ = 0;
  double allowed_ = 0;
  double log_cost_;
};

}  // namespace phoenix
