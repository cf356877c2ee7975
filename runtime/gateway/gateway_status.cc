// The gateway's picture of itself, put together from its threads' pictures.
#include <algorithm>

#include "runtime/gateway/gateway.h"
#include "runtime/gateway/router_sums.h"
#include "strategies/control/status.h"

namespace phoenix::gateway {
namespace {

void add(net::ListenCounters& sum, const net::ListenCounters& more) {
  sum.accepted += more.accepted;
  sum.refused += more.refused;
  sum.handshake_failed += more.handshake_failed;
  sum.open += more.open;
}

void add(wire::LinkCounters& sum, const wire::LinkCounters& more) {
  sum.frames_in += more.frames_in;
  sum.frames_out += more.frames_out;
  sum.batches_out += more.batches_out;
  sum.compressed_saved_bytes += more.compressed_saved_bytes;
  for (std::size_t i = 0; i < sum.errors.size(); ++i) sum.errors[i] += more.errors[i];
}

template <class Map>
void add_each(Map& sum, const Map& more) {
  for (const auto& [key, count] : more) sum[key] += count;
}

void add(HttpCounters& sum, const HttpCounters& more) {
  sum.requests += more.requests;
  sum.timeouts += more.timeouts;
  add_each(sum.refused, more.refused);
}

void add(ClassStatus& sum, const ClassStatus& more) {
  sum.offered += more.offered;
  for (std::size_t i = 0; i < sum.answers.size(); ++i) sum.answers[i] += more.answers[i];
  sum.latency.merge(more.latency);
}

void add(NodeStatus& sum, const WorkerSnapshot::NodeShare& more) {
  sum.ejected = sum.ejected || more.is_ejected;
  sum.under_way += more.under_way;
  sum.attempts += more.attempts;
  sum.failures += more.failures;
  sum.connections += more.connections;
  sum.dials_failed += more.dials_failed;
  if (more.reported_at <= sum.reported_at) return;
  sum.reported_at = more.reported_at;
  sum.load = more.load;
  sum.totals = more.totals;
}

NodeStatus describe(const NodeView& view) {
  NodeStatus status;
  status.node = view.id;
  status.name = view.name;
  status.address = view.address;
  status.zone = view.zone;
  status.protocol = view.protocol;
  status.state = view.state;
  status.incarnation = view.incarnation;
  status.cores = view.cores;
  for (const ServiceOffer& offer : view.offers) status.services.push_back(offer.service);
  return status;
}

}  // namespace

void Gateway::status(std::function<void(const GatewayStatus&)> done) {
  struct Gathering {
    std::vector<ThreadStatus> shares;
    std::size_t missing;
    std::function<void(const GatewayStatus&)> done;
  };
  auto gathering = std::make_shared<Gathering>(
      Gathering{std::vector<ThreadStatus>(threads_.size()), threads_.size(), std::move(done)});
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    threads_[i]->post([this, gathering, i, thread = threads_[i].get()] {
      auto share = std::make_shared<ThreadStatus>(thread->status());
      post([this, gathering, i, share] {
        gathering->shares[i] = std::move(*share);
        if (--gathering->missing == 0) gathering->done(merge(gathering->shares));
      });
    });
  }
}

GatewayStatus Gateway::merge(const std::vector<ThreadStatus>& shares) const {
  GatewayStatus status;
  status.name = config_->name;
  status.now = loop_.now();
  status.started = started_;
  status.threads = static_cast<int>(threads_.size());
  status.draining = is_draining();
  status.reloads = reloads_;
  status.reloads_failed = reloads_failed_;
  status.knobs = config_->knobs;
  if (control_ != nullptr) {
    status.control = control_->status();
    for (const ActiveAlert& alert : status.control->alerts) {
      if (alert.node != kNoNode) status.control_nodes[alert.node] = control_->node_name(alert.node);
    }
  }
  status.decisions.assign(decisions_.begin(), decisions_.end());
  for (const Catalog::Service& service : catalog_->services()) {
    status.services.push_back({service.name, service.balancer, false});
  }
  for (const Catalog::Class& c : catalog_->classes()) {
    ClassStatus one;
    one.service = catalog_->services()[index(c.service)].name;
    one.name = c.name;
    status.classes.push_back(std::move(one));
  }
  for (const NodeView& view : directory_.nodes()) status.nodes.push_back(describe(view));
  for (const ThreadStatus& share : shares) {
    const WorkerSnapshot& worker = share.worker;
    for (std::size_t i = 0; i < std::min(worker.panic.size(), status.services.size()); ++i) {
      status.services[i].panic = status.services[i].panic || worker.panic[i];
    }
    for (std::size_t i = 0; i < std::min(worker.classes.size(), status.classes.size()); ++i) {
      add(status.classes[i], worker.classes[i]);
    }
    for (NodeStatus& node : status.nodes) {
      if (index(node.node) < worker.nodes.size()) add(node, worker.nodes[index(node.node)]);
    }
    add_counters(status.router, worker.router);
    status.probes_unsent += worker.probes_unsent;
    status.open_requests += worker.open_requests;
    add(status.http_listener, share.http_listener);
    add(status.frame_listener, share.frame_listener);
    add(status.http, worker.http);
    add(status.links, share.links);
    add_each(status.frames_refused, share.frames_refused);
  }
  if (options_.admin_listener) status.admin_listener = options_.admin_listener();
  if (options_.tap != nullptr) options_.tap->add_to(status);
  return status;
}

}  // namespace phoenix::gateway
