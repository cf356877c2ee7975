// What a node's resources will be used to under a load it is to get: a line through what it was
// used to under the loads it had, by recursive least squares for each node and resource. For
// placing, scaling and tuning ahead of time.
//
// One thread at a time. O(1) per sample and prediction; allocates when a node is new.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/recursive_least_squares.h"

namespace phoenix {

// Shares, 1 is all of it; NaN for what is not known.
struct ResourceUse {
  double cpu = std::numeric_limits<double>::quiet_NaN();
  double memory = std::numeric_limits<double>::quiet_NaN();
  double network = std::numeric_limits<double>::quiet_NaN();
};

class ResourcePredictor {
 public:
  static constexpr int kSamplesMin = 30;
  static constexpr double kUncertaintyMax = 3;

  // `forgetting`: weight left of a sample after each other one; 0.995 remembers about 200.
  explicit ResourcePredictor(double forgetting = 0.995) : forgetting_(forgetting) {}

  // `load` in requests per second or any other unit, the same throughout. What is negative or not
  // finite teaches nothing and is counted.
  void observe(NodeId node, double load, const ResourceUse& use);

  // NaN until a resource had kSamplesMin samples, and for a load so unlike all that were seen that
  // the line may be off by more than kUncertaintyMax deviations of a sample. Never negative; above
  // 1 where the node would be overloaded.
  ResourceUse predict(NodeId node, double load) const;

  // What a unit of load costs, NaN as above.
  double cpu_per_load(NodeId node) const;

  std::uint64_t refused() const { return refused_; }

 private:
  struct Line {
    RecursiveLeastSquares<2> regression;
    int samples = 0;
  };
  struct Node {
    Line cpu;
    Line memory;
    Line network;
    double load_unit = 0;  // the first load: features near 1 whatever the unit
  };

  void learn(Line& line, double load, double use);
  static double predict(const Line& line, double load);

  double forgetting_;
  std::vector<Node> nodes_;
  std::uint64_t refused_ = 0;
};

}  // namespace phoenix
