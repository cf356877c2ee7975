// A worker's view of the cluster: nodes come, go and change; configurations too.
#include <algorithm>

#include "runtime/gateway/router_sums.h"
#include "runtime/gateway/worker.h"
#include "strategies/registry.h"

namespace phoenix::gateway {

void Worker::on_node(const NodeView& view) {
  if (index(view.id) >= nodes_.size()) {
    if (view.has_left) return;
    nodes_.resize(index(view.id) + 1);
  }
  Node& node = nodes_[index(view.id)];
  const bool has_moved = node.is_known && (node.view.incarnation != view.incarnation ||
                                           node.view.address != view.address);
  const bool is_new = !node.is_known;
  node.view = view;
  if (view.has_left) return remove_node(node);
  node.is_known = true;
  if (is_new) {
    node.is_reachable = view.protocol == Protocol::kHttp;
    node.upstream = options_.make_upstream(view, *this);
  } else if (has_moved) {
    const Result<net::Address> address = net::Address::parse(view.address);
    if (address) node.upstream->move(*address, view.incarnation);
  }
  tell_lanes(node);
}

void Worker::remove_node(Node& node) {
  if (!node.is_known) return;
  const NodeId id = node.view.id;
  node.is_known = false;
  tell_lanes(node);
  const std::unique_ptr<Upstream> upstream = std::move(node.upstream);
  const auto cut = attempts_.ids_where([id](const Attempt& a) { return a.node == id; });
  for (const std::uint64_t attempt : cut) {
    const Attempt* const open = attempts_.find(attempt);
    if (open == nullptr) continue;  // ended by an earlier one of the same request
    if (open->exchange != 0 && exchanges_[open->exchange].stream == attempt) {
      on_attempt_broken(attempt);
    } else {
      on_attempt(attempt, AttemptResult::kReset, nullptr);
    }
  }
  node = Node{};
  node.view.id = id;
}

void Worker::tell_lanes(const Node& node) {
  const Time at = now();
  for (const auto& lane : lanes_) lane->tell(node.view, node.is_reachable, *catalog_, at);
}

void Worker::apply(std::shared_ptr<const GatewayConfig> config,
                   std::shared_ptr<const Catalog> catalog) {
  const bool keeps_lane = catalog->has_same_shape(*catalog_) && config->router == config_->router;
  const std::shared_ptr<const Catalog> before = std::move(catalog_);
  config_ = std::move(config);
  catalog_ = std::move(catalog);
  classes_.resize(catalog_->classes().size());
  set_knobs(config_->knobs);
  if (keeps_lane) {
    for (std::size_t i = 0; i < catalog_->services().size(); ++i) {
      const std::string& text = catalog_->services()[i].balancer;
      if (text != before->services()[i].balancer) set_balancer(id_at<ServiceId>(i), text);
    }
  } else {
    open_lane();
    lane().take_as_warm();
    chores_.arm(loop_.now());
  }
  for (const Node& node : nodes_) {
    if (node.is_known) tell_lanes(node);
  }
  lane().end_warm();
}

void Worker::set_knobs(const Knobs& knobs) {
  knobs_ = knobs;
  lane().driver().set_max_in_flight(max_in_flight(), now());
  for (Node& node : nodes_) {
    if (node.upstream) node.upstream->apply(knobs);
  }
}

void Worker::set_balancer(ServiceId service, const std::string& text) {
  lane().driver().set_balancer(service, std::move(make_balancer(text)->strategy), now());
}

void Worker::close_idle_lanes() {
  std::erase_if(lanes_, [this](const std::unique_ptr<Lane>& old) {
    if (old == lanes_.back() || old->router().open_requests() > 0) return false;
    const auto is_used = [&](const Attempt& a) { return a.lane == old.get(); };
    if (!attempts_.ids_where(is_used).empty()) return false;
    take_notices(*old);
    add_counters(closed_lanes_, old->router().counters());
    return true;
  });
}

WorkerSnapshot Worker::snapshot() const {
  WorkerSnapshot shot;
  for (const ClassCounters& counters : classes_) {
    ClassStatus status;
    status.offered = counters.offered;
    status.answers = counters.answers;
    status.latency = counters.latency;
    shot.classes.push_back(std::move(status));
  }
  const Router& router = lanes_.back()->router();
  for (std::size_t i = 0; i < catalog_->services().size(); ++i) {
    shot.panic.push_back(router.in_panic(id_at<ServiceId>(i)));
  }
  for (const Node& node : nodes_) {
    WorkerSnapshot::NodeShare share;
    share.is_known = node.is_known;
    share.is_reachable = node.is_reachable;
    share.is_ejected = node.is_known && is_ejected(node);
    share.under_way = node.under_way;
    share.attempts = node.attempts;
    share.failures = node.failures;
    share.connections = node.upstream ? node.upstream->connections() : 0;
    share.dials_failed = node.upstream ? node.upstream->dials_failed() : 0;
    share.load = node.load;
    share.reported_at = node.reported_at;
    share.totals = node.totals;
    shot.nodes.push_back(share);
  }
  shot.router = closed_lanes_;
  for (const auto& lane : lanes_) add_counters(shot.router, lane->router().counters());
  shot.probes_unsent = probes_unsent_;
  shot.open_requests = exchanges_.live();
  shot.http = http_;
  return shot;
}

// In the cluster, up and reachable, and yet not to be picked.
bool Worker::is_ejected(const Node& node) const {
  if (node.view.state != NodeState::kUp || !node.is_reachable) return false;
  for (const ServiceOffer& offer : node.view.offers) {
    ServiceId service{0};
    if (catalog_->find_service(offer.service, service) &&
        catalog_->services()[index(service)].protocol == node.view.protocol &&
        !lanes_.back()->router().pool(service).is_eligible(node.view.id)) {
      return true;
    }
  }
  return false;
}

}  // namespace phoenix::gateway
