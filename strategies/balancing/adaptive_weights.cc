#include "strategies/balancing/adaptive_weights.h"

#include <algorithm>
#include <cmath>

namespace phoenix {

double adaptive_weight(double availability, double latency_ratio) {
  return std::clamp(2.0 * availability / (1.0 + latency_ratio), kAdaptiveWeightMin,
                    kAdaptiveWeightMax);
}

double limited_step(double current, double target, double step, double dead_band) {
  const double change = target - current;
  if (std::abs(change) < dead_band) return current;
  return current + std::clamp(change, -step, step);
}

AdaptiveWeights::Node& AdaptiveWeights::at(NodeId node) {
  if (index(node) >= nodes_.size()) nodes_.resize(index(node) + 1);
  return nodes_[index(node)];
}

void AdaptiveWeights::record(NodeId id, Duration latency, bool ok) {
  Node& node = at(id);
  ++node.attempts;
  if (!ok) return;
  ++node.ok;
  node.ok_seconds += to_seconds(latency);
}

double AdaptiveWeights::median_latency(std::span<const NodeId> nodes) {
  latencies_.clear();
  for (const NodeId id : nodes) {
    const Node& node = at(id);
    if (node.ok > 0) latencies_.push_back(node.ok_seconds / node.ok);
  }
  if (latencies_.empty()) return 0;
  const auto middle = latencies_.begin() + static_cast<std::ptrdiff_t>(latencies_.size() / 2);
  std::nth_element(latencies_.begin(), middle, latencies_.end());
  if (latencies_.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(latencies_.begin(), middle)) / 2;
}

void AdaptiveWeights::recompute(std::span<const NodeId> nodes) {
  const double median = median_latency(nodes);
  double sum = 0;
  int known = 0;
  for (const NodeId id : nodes) {
    Node& node = at(id);
    if (node.attempts >= kSamplesMin) {
      const double availability = static_cast<double>(node.ok) / node.attempts;
      const double ratio = node.ok > 0 && median > 0 ? node.ok_seconds / node.ok / median : 1.0;
      const double target = adaptive_weight(availability, ratio);
      // A node's first measurement starts from where the unknown nodes are.
      node.factor = limited_step(node.known ? node.factor : mean_, target, step_, dead_band_);
      node.known = true;
    }
    if (node.known) {
      sum += node.factor;
      ++known;
    }
    node.ok_seconds = 0;
    node.ok = node.attempts = 0;
  }
  mean_ = known > 0 ? sum / known : 1.0;
}

double AdaptiveWeights::factor(NodeId node) const {
  if (index(node) >= nodes_.size() || !nodes_[index(node)].known) return mean_;
  return nodes_[index(node)].factor;
}

}  // namespace phoenix
