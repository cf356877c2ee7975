#include <algorithm>
#include <cmath>
#include <map>

#include "strategies/scaling/governor.h"

namespace phoenix {
namespace {

// Whether `a` goes before `b`.
bool goes_before(const ScalingNode& a, const ScalingNode& b) {
  const auto open = [](const ScalingNode& node) {
    return std::isnan(node.in_flight) ? std::numeric_limits<double>::infinity() : node.in_flight;
  };
  if (open(a) != open(b)) return open(a) < open(b);
  if (a.move_cost != b.move_cost) return a.move_cost < b.move_cost;
  if (a.ready_since != b.ready_since) return a.ready_since > b.ready_since;
  return a.node > b.node;
}

class Zones {
 public:
  void add(int zone) { ++counts_[zone]; }
  void take(int zone) { --counts_[zone]; }

  bool may_give(int zone) const {
    int least = counts_.at(zone);
    int most = least;
    int left_most = 0;
    for (const auto& [other, count] : counts_) {
      least = std::min(least, count);
      most = std::max(most, count);
      left_most = std::max(left_most, other == zone ? count - 1 : count);
    }
    const int left = counts_.at(zone) - 1;
    return left_most - std::min(least, left) <= std::max(1, most - least);
  }

 private:
  std::map<int, int> counts_;
};

}  // namespace

std::vector<NodeId> choose_removals(std::span<const ScalingNode> nodes, int count) {
  std::vector<const ScalingNode*> order;
  Zones zones;
  for (const ScalingNode& node : nodes) {
    if (!node.is_ready || node.is_draining) continue;
    order.push_back(&node);
    zones.add(node.zone);
  }
  std::sort(order.begin(), order.end(),
            [](const ScalingNode* a, const ScalingNode* b) { return goes_before(*a, *b); });
  std::vector<NodeId> chosen;
  while (static_cast<int>(chosen.size()) < count) {
    const auto next = std::find_if(order.begin(), order.end(), [&](const ScalingNode* node) {
      return zones.may_give(node->zone);
    });
    if (next == order.end()) break;
    chosen.push_back((*next)->node);
    zones.take((*next)->zone);
    order.erase(next);
  }
  return chosen;
}

CountedSupply counted_supply(const ScalingView& view, double stale_boots) {
  CountedSupply counted{view.capacity, 0};
  if (view.boot_time <= Duration{0}) return counted;
  const Duration limit = from_seconds(to_seconds(view.boot_time) * stale_boots);
  for (const ScalingNode& node : view.nodes) {
    if (node.is_ready || node.is_draining || node.asked_at == kNever) continue;
    if (view.now - node.asked_at > limit) ++counted.stale;
  }
  counted.stale = std::min(counted.stale, counted.capacity.provisioning);
  counted.capacity.provisioning -= counted.stale;
  return counted;
}

}  // namespace phoenix
