// How many nodes a load needs, and the small arithmetic all scalers share. Free functions without
// state. NaN in, NaN (or "unknown") out.
#pragma once

#include <string>
#include <string_view>

#include "strategies/scaling/scaler.h"

namespace phoenix {

inline constexpr int kMostNodes = 1'000'000;  // no answer is above; guards against absurd inputs

// Smallest whole number of nodes that is not below `nodes`, forgiving rounding: 3 * 0.2 / 0.1 is
// 6.000000000000001 and needs 6. In [0, kMostNodes]; 0 for NaN.
int ceil_nodes(double nodes);

// A wish to grow is never below `current`, whatever the maximum; one to shrink never above.
int grown(int current, int wanted, int maximum);
int shrunk(int current, int wanted, int minimum);

// What a mean over the ready nodes will be once those under way carry their part.
double once_ready(double mean, const Capacity& capacity);

struct NodeModel {
  double capacity_per_s = 0;  // requests a second of a node that is fully busy
  int cores = 1;
  double target_utilization = 0.75;
  double target_p95_s = 0;  // 0: none
};

// Nodes that carry `rate` below the target utilization; 0 where the model has no capacity.
int nodes_for_rate(double rate, const NodeModel& node);

// Nodes with which 95 % of the requests are answered in time, each node an M/M/cores of its own fed
// an equal share: pessimistic for balancers that look at load. `most` where even that many do not
// do. O(cores log most).
int nodes_for_response(double rate, const NodeModel& node, int most);

// The most that a node may be sent and still answer 95 % in time; where none can, or no time is
// set, what brings it to the target utilization. O(cores).
double rate_per_node(const NodeModel& node);

// The quantile of demand to plan for when a missing node costs `under` and an idle one `over`: the
// newsvendor's under / (under + over).
double newsvendor_quantile(double under, double over);

// A measured value as people read it: three significant digits.
std::string short_number(double value);
// "1 node", "7 nodes".
std::string nodes_text(int nodes);

// No wish, since `metric` is not known; it holds shrinking back.
ScalingWish unknown_wish(std::string_view rule, std::string_view metric);

}  // namespace phoenix
