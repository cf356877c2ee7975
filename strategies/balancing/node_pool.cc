#include "strategies/balancing/node_pool.h"

#include <algorithm>

namespace phoenix {

void NodePool::add(NodeId node, double weight, ZoneId zone, std::uint64_t identity) {
  if (index(node) >= load_.size()) {
    load_.resize(index(node) + 1);
    status_.resize(index(node) + 1);
  }
  status_[index(node)].zone = zone;
  status_[index(node)].identity = identity != 0 ? identity : index(node) + 1;
  set_weight(node, weight);
}

void NodePool::set_weight(NodeId node, double effective_weight) {
  assert(effective_weight > 0);
  at(node).inverse_weight = static_cast<float>(1.0 / effective_weight);
}

bool NodePool::set_eligible(NodeId node, bool eligible) {
  NodeStatus& status = status_[index(node)];
  if (status.eligible == eligible) return false;
  status.eligible = eligible;
  const auto place = std::lower_bound(eligible_.begin(), eligible_.end(), node);
  if (eligible) {
    eligible_.insert(place, node);
  } else {
    eligible_.erase(place);
  }
  return true;
}

void NodePool::set_report(NodeId node, const LoadReport& report) {
  NodeStatus& status = status_[index(node)];
  if (status.has_report && report.measured_at < status.report.measured_at) return;
  status.report = report;
  status.has_report = true;
}

}  // namespace phoenix
