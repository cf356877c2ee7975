#include "runtime/gateway/lane.h"

#include <algorithm>

#include "strategies/registry.h"

namespace phoenix::gateway {
namespace {

using Change = MembershipChange::Kind;

Router make_router(const RouterSettings& settings, const Catalog& catalog,
                   const Surroundings& surroundings, Random random) {
  std::vector<std::unique_ptr<Balancer>> balancers;
  for (const Catalog::Service& service : catalog.services()) {
    balancers.push_back(std::move(make_balancer(service.balancer)->strategy));
  }
  std::vector<RouterClass> classes;
  for (const Catalog::Class& c : catalog.classes()) {
    classes.push_back({c.service, c.attempt_timeout});
  }
  Router router(settings, std::move(balancers), std::move(classes), random);
  router.set_surroundings(surroundings);
  return router;
}

}  // namespace

Lane::Lane(net::Loop& loop, LaneUser& user, const RouterSettings& settings, const Catalog& catalog,
           const Surroundings& surroundings, Random random, RouterTap* tap)
    : user_(user),
      services_(catalog.services().size()),
      timer_(loop, [this] { user_.on_lane_due(*this); }),
      driver_(std::make_unique<RouterDriver<Port>>(
          make_router(settings, catalog, surroundings, random), Port{this}, tap)) {}

void Lane::tell(const NodeView& node, bool is_reachable, const Catalog& catalog, Time now) {
  if (index(node.id) >= marks_.size()) marks_.resize(index(node.id) + 1);
  Mark& mark = marks_[index(node.id)];
  if (node.has_left) return leave(node.id, mark, now);
  // A node nobody could send to yet has no place in the Router: it would only ramp up too early.
  if (mark.joined.empty() && !is_reachable) return;
  if (mark.zone != node.zone_id) leave(node.id, mark, now);
  mark.zone = node.zone_id;
  const bool is_new = mark.joined.empty();
  tell_offers(node, catalog, mark, now);
  if (is_new) mark.incarnation = node.incarnation;
  if (!mark.joined.empty()) tell_mode(node, is_reachable, mark, now);
}

void Lane::tell_offers(const NodeView& node, const Catalog& catalog, Mark& mark, Time now) {
  std::vector<std::pair<ServiceId, double>> offered;
  for (const ServiceOffer& offer : node.offers) {
    ServiceId service{0};
    if (!catalog.find_service(offer.service, service)) continue;
    if (index(service) >= services_) continue;
    if (catalog.services()[index(service)].protocol != node.protocol) continue;
    offered.emplace_back(service, offer.weight);
  }
  std::ranges::sort(offered);
  const auto place_in = [](const auto& list, ServiceId service) {
    return std::ranges::find(list, service, [](const auto& one) { return one.first; });
  };
  for (const auto& [service, weight] : mark.joined) {
    if (place_in(offered, service) == offered.end()) {
      driver_->membership({Change::kLeave, node.id, service}, now);
    }
  }
  const bool is_warm = takes_as_warm_ || router().counters().requests == 0;
  for (const auto& [service, weight] : offered) {
    const auto known = place_in(mark.joined, service);
    if (known == mark.joined.end()) {
      driver_->membership(
          {Change::kJoin, node.id, service, weight, is_warm, node.zone_id, hash_text(node.name)},
          now);
    } else if (known->second != weight) {
      driver_->membership({Change::kWeight, node.id, service, weight}, now);
    }
  }
  mark.joined = std::move(offered);
}

void Lane::tell_mode(const NodeView& node, bool is_reachable, Mark& mark, Time now) {
  Change mode = Change::kUp;
  if (node.state == NodeState::kDown || !is_reachable) mode = Change::kDown;
  if (node.state == NodeState::kDraining) mode = Change::kDrain;  // not even used in a panic
  const bool is_restart = mark.incarnation != node.incarnation && mode == Change::kUp;
  if (mode == mark.mode && !is_restart) return;
  mark.mode = mode;
  if (mode == Change::kUp) mark.incarnation = node.incarnation;
  driver_->membership({mode, node.id}, now);
}

void Lane::leave(NodeId node, Mark& mark, Time now) {
  for (const auto& [service, weight] : mark.joined) {
    driver_->membership({Change::kLeave, node, service}, now);
  }
  mark.joined.clear();  // whether it is up or down the Router remembers beyond that
}

}  // namespace phoenix::gateway
