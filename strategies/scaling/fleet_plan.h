// How many nodes to have now, so that all the forecast tells of the next minutes costs least. For
// scalers that weigh what a node is worth against what it costs.
//
// Every node costs its time, and every second of a load beyond the nodes that serve costs
// `miss_cost` seconds of a node. A node that is started is paid for while it boots, one that is
// stopped while it drains. So one that is wanted for a minute only is not started, and one that is
// wanted again in two minutes is not stopped. Receding horizon control of the number of servers
// (Lin, Liu, Wierman, Andrew, "Online algorithms for geographical load balancing", 2012): plan for
// the whole horizon, do the first step, plan anew with the next look.
//
// The plan is the cheapest there is for the forecast's quantiles: what the k-th node is worth in a
// step, the chance that it is the one that matters, falls with k once it is made convex (where the
// next node alone does not help but the next three do, each counts a third), so that every node is
// on or off by itself, by a dynamic program over the steps. A horizon of two boots and a drain is
// as far as whatever is begun now has to be worth it.
#pragma once

#include <limits>

#include "strategies/core/time.h"
#include "strategies/forecasting/load_forecast.h"

namespace phoenix {

struct PlannedPool {
  int ready = 0;
  int starting = 0;  // stay: who boots cannot be sent away
  int draining = 0;  // can be taken back, and serve at once
  int least = 0;     // what the load of the moment needs
  int most = 0;
  double each = 0;  // requests a second that a node carries
};

struct PlanCosts {
  double miss_cost = 0;   // seconds of a node for a second of overload
  Duration boot{0};       // median
  Duration boot_late{0};  // p95; below the median: as that
  Duration drain{0};
};

struct ForecastSpan {
  Duration step{0};  // between its values
  Duration age{0};   // since the end of the last step it has seen, below `step`
  double most_load = std::numeric_limits<double>::infinity();  // no forecast counts above this
};

// Ready and starting nodes to have. In [least, max(least, most)] but for nodes that are starting.
// REQUIRES: each > 0, miss_cost > 0, 0 <= age, 0 < step. At most some 64 slots of time, of several
// steps where those are short, and some 128 numbers of nodes, of several nodes apart where the load
// may need that many more or less: tenths of a millisecond.
int planned_nodes(const LoadForecast& forecast, const ForecastSpan& span, const PlannedPool& pool,
                  const PlanCosts& costs);

}  // namespace phoenix
