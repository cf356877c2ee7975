#include "strategies/balancing/node_group.h"

#include <utility>

namespace phoenix {

NodeGroup::NodeGroup(std::unique_ptr<Balancer> inner)
    : inner_(std::move(inner)), interests_(inner_->interests()) {}

void NodeGroup::enter(NodeId node, const NodePool& whole) {
  pool_.add(node, whole.weight(node), whole.zone(node), whole.identity(node));
  while (pool_.in_flight(node) < whole.in_flight(node)) pool_.sent(node);
  if (whole.report(node) != nullptr) pool_.set_report(node, *whole.report(node));
  pool_.set_surroundings(whole.surroundings());
  pool_.set_eligible(node, true);
}

void NodeGroup::take(const PoolEvent& event, const NodePool& whole) {
  using Kind = PoolEvent::Kind;
  const bool is_known = index(event.node) < pool_.capacity();
  switch (event.kind) {
    case Kind::kEntered:
      enter(event.node, whole);
      break;
    case Kind::kTick:
      break;
    default:
      if (!is_known) return;
      if (event.kind == Kind::kLeft) pool_.set_eligible(event.node, false);
      if (event.kind == Kind::kSent) pool_.sent(event.node);
      if (event.kind == Kind::kDone) pool_.done(event.node);
      if (event.kind == Kind::kReport) pool_.set_report(event.node, *whole.report(event.node));
      if (event.kind == Kind::kWeight) pool_.set_weight(event.node, whole.weight(event.node));
  }
  if ((interests_ & mask_of(event.kind)) != 0) inner_->observe(event, pool_);
}

double NodeGroup::weight() const {
  double sum = 0;
  for (const NodeId node : pool_.eligible()) sum += pool_.weight(node);
  return sum;
}

}  // namespace phoenix
