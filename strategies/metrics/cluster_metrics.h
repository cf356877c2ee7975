// From what single nodes say to what is true of the cluster, each metric by its own rule:
// utilizations weighed by capacity, errors by requests, availability as good answers over all
// answers, throughput and agents as sums. Missing values are skipped and counted; nodes whose
// reading is too old are left out and counted, so nobody decides on stale data without knowing.
//
// Pure functions, O(nodes).
#pragma once

#include <limits>
#include <span>

#include "strategies/core/time.h"
#include "strategies/metrics/node_metrics.h"

namespace phoenix {

struct Aggregate {
  double value = std::numeric_limits<double>::quiet_NaN();  // unknown where no node told it
  int nodes = 0;                                            // that took part
  int missing = 0;                                          // current, but without this value
};

struct ClusterMetrics {
  Aggregate cpu;            // weighed by cores, over healthy nodes
  Aggregate memory;         // by memory, over healthy nodes
  Aggregate network;        // by bandwidth, over healthy nodes
  Aggregate disk;           // each node alike, over healthy nodes
  Aggregate throughput;     // sum; a lower bound where some are missing
  Aggregate queue;          // sum
  Aggregate error_rate;     // failures / requests
  Aggregate availability;   // (requests - failures) / requests
  Aggregate agents;         // sum
  int active_nodes = 0;     // current and healthy
  int unhealthy_nodes = 0;  // current and not
  int stale_nodes = 0;      // heard of, but not lately
  Duration oldest{0};       // age of the oldest current reading
  int missing() const;      // of all aggregates together
};

ClusterMetrics aggregate(std::span<const NodeReading> nodes, Time now, Duration stale_after);

// The chance that at least k of the nodes are up at once, each with its own availability and
// independent of the others: k = all is the product, 4 of 5 at 0.99 is 0.99902. 1 for k <= 0, 0
// where there are fewer than k nodes, NaN where one is not in [0, 1]. O(nodes^2).
double availability_of(int k, std::span<const double> node_availability);

// Of n alike.
double availability_of(int k, int n, double node_availability);

}  // namespace phoenix
