// Weight factors learnt from how nodes answer, for weighted round robin.
//
// Once an interval every node's factor moves towards 2 * availability / (1 + latency / median),
// kept within [0.1, 2.0]: 1 for a node that answers everything in the median time, 0.67 for one
// twice as slow, 0.1 for one that answers nothing. Each part is bounded; how much traffic a node
// gets is no merit, so weight does not feed on itself. A node without enough answers keeps its
// factor, or has the mean of the others while it never had any. A factor moves by at most `step` at
// a time and not at all for less than `dead_band`, so constant input settles and noise moves
// nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"

namespace phoenix {

inline constexpr double kAdaptiveWeightMin = 0.1;
inline constexpr double kAdaptiveWeightMax = 2.0;

// `latency_ratio` is the node's mean response time over the median of all nodes.
double adaptive_weight(double availability, double latency_ratio);

// `current` moved towards `target`.
double limited_step(double current, double target, double step, double dead_band);

class AdaptiveWeights {
 public:
  AdaptiveWeights(double step, double dead_band) : step_(step), dead_band_(dead_band) {}

  // One finished attempt. Only good answers say how fast a node is; failures lower availability.
  void record(NodeId node, Duration latency, bool ok);

  // Ends the interval: new factors for `nodes`. O(n log n).
  void recompute(std::span<const NodeId> nodes);

  // 1 until the first recompute().
  double factor(NodeId node) const;

 private:
  static constexpr std::uint32_t kSamplesMin = 10;

  struct Node {
    double ok_seconds = 0;
    std::uint32_t ok = 0;
    std::uint32_t attempts = 0;
    bool known = false;
    double factor = 1.0;
  };

  Node& at(NodeId node);
  double median_latency(std::span<const NodeId> nodes);

  double step_;
  double dead_band_;
  double mean_ = 1.0;
  std::vector<Node> nodes_;
  std::vector<double> latencies_;
};

}  // namespace phoenix
