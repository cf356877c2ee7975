#include "strategies/routing/service_nodes.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/routing/slow_start.h"

namespace phoenix {
namespace {

constexpr int kPicks =
    3;  // the balancer's tries to find a node that is not full and not to be avoided

}  // namespace

ServiceNodes::ServiceNodes(const RouterSettings& settings, ServiceId service,
                           std::unique_ptr<Balancer> balancer, Journal& journal)
    : settings_(settings),
      service_(service),
      node_limit_(static_cast<std::uint32_t>(std::max(settings.max_in_flight_per_node, 0))),
      journal_(&journal),
      outliers_(settings) {
  set_balancer(std::move(balancer), kStart);
}

void ServiceNodes::set_balancer(std::unique_ptr<Balancer> balancer, Time now) {
  assert(balancer != nullptr);
  balancer_ = std::move(balancer);
  interests_ = balancer_->interests();
  thins_ = !balancer_->follows_weights();
  for (const NodeId node : pool_.eligible()) tell(PoolEvent::Kind::kEntered, node, now);
}

void ServiceNodes::tell(PoolEvent::Kind kind, NodeId node, Time now) {
  if (!wants(kind)) return;
  PoolEvent event;
  event.kind = kind;
  event.node = node;
  event.now = now;
  balancer_->observe(event, pool_);
}

// Membership.

void ServiceNodes::change(const MembershipChange& change, Time now) {
  using Kind = MembershipChange::Kind;
  switch (change.kind) {
    case Kind::kJoin:
      return join(change, now);
    case Kind::kLeave:
      return leave(change.node, now);
    case Kind::kDrain:
      grow_to(change.node).drains = true;
      return settle(change.node, now);
    case Kind::kDown:
      grow_to(change.node).down = true;
      return settle(change.node, now);
    case Kind::kUp:
      return up(change.node, now);
    case Kind::kWeight:
      return set_weight(change.node, change.weight, now);
  }
}

ServiceNodes::Node& ServiceNodes::grow_to(NodeId node) {
  if (!knows(node)) nodes_.resize(index(node) + 1);
  return nodes_[index(node)];
}

void ServiceNodes::join(const MembershipChange& change, Time now) {
  Node& n = grow_to(change.node);
  if (n.member) return set_weight(change.node, change.weight, now);
  assert(std::isfinite(change.weight) && change.weight > 0);
  n.member = true;
  n.weight = change.weight;
  n.share = 1.0;
  n.reported = now;
  ++members_;
  pool_.add(change.node, change.weight, change.zone, change.identity);
  outliers_.add(change.node);
  if (!change.warm) start_warming(change.node, now);
  settle(change.node, now);
}

void ServiceNodes::leave(NodeId node, Time now) {
  if (!knows(node) || !nodes_[index(node)].member) return;
  Node& n = nodes_[index(node)];
  n.member = false;
  n.stale = false;
  if (n.warms) --warming_;
  n.warms = false;
  --members_;
  outliers_.remove(node);
  settle(node, now);
}

void ServiceNodes::up(NodeId node, Time now) {
  Node& n = grow_to(node);
  if (!n.drains && !n.down) return;
  n.drains = n.down = false;
  if (n.member) start_warming(node, now);
  settle(node, now);
}

void ServiceNodes::set_weight(NodeId node, double weight, Time now) {
  if (!knows(node) || !nodes_[index(node)].member) return;
  assert(std::isfinite(weight) && weight > 0);
  if (nodes_[index(node)].weight == weight) return;
  nodes_[index(node)].weight = weight;
  apply_weight(node, now);
}

// Slow start.

void ServiceNodes::start_warming(NodeId node, Time now) {
  if (settings_.slow_start <= Duration{0}) return;
  Node& n = nodes_[index(node)];
  if (!n.warms) ++warming_;
  n.warms = true;
  n.warms_since = now;
  ramp(node, now);
}

void ServiceNodes::ramp(NodeId node, Time now) {
  Node& n = nodes_[index(node)];
  const double share =
      slow_start_share(now - n.warms_since, settings_.slow_start, settings_.slow_start_min);
  if (share >= 1.0) {
    n.warms = false;
    --warming_;
  }
  if (n.share == share) return;
  n.share = share;
  apply_weight(node, now);
}

void ServiceNodes::apply_weight(NodeId node, Time now) {
  const Node& n = nodes_[index(node)];
  pool_.set_weight(node, n.weight * n.share);
  if (pool_.is_eligible(node)) tell(PoolEvent::Kind::kWeight, node, now);
}

// Health.

void ServiceNodes::settle(NodeId node, Time now) {
  Node& n = nodes_[index(node)];
  const bool healthy = n.member && !n.drains && !n.down && !n.stale && !outliers_.is_ejected(node);
  if (healthy && !n.healthy) ++healthy_;
  if (!healthy && n.healthy) --healthy_;
  n.healthy = healthy;
  settle_panic(now);
  show(node, now);
  warming_eligible_ = 0;
  if (warming_ == 0) return;
  for (const NodeId e : pool_.eligible()) warming_eligible_ += nodes_[index(e)].warms ? 1 : 0;
}

void ServiceNodes::settle_panic(Time now) {
  constexpr double kRounding = 1e-9;  // 0.55 * 20 is a little above 11
  const auto members = static_cast<double>(members_);
  const auto healthy = static_cast<double>(healthy_);
  const double enter = settings_.panic_threshold * members;
  const double leave = std::max(settings_.panic_leave, settings_.panic_threshold) * members;
  const bool panic = panic_ ? healthy < leave - kRounding : healthy < enter - kRounding;
  if (panic == panic_) return;
  panic_ = panic;
  pool_.set_panic(panic);
  journal_->note({panic ? RouterNotice::Kind::kPanic : RouterNotice::Kind::kPanicOver, service_,
                  kNoNode, now, members_ > 0 ? healthy / members : 0.0, "healthy_share"});
  for (std::size_t i = 0; i < nodes_.size(); ++i) show(id_at<NodeId>(i), now);
}

void ServiceNodes::show(NodeId node, Time now) {
  const Node& n = nodes_[index(node)];
  const bool eligible = n.healthy || (panic_ && n.member && !n.drains);
  if (index(node) >= pool_.capacity() || !pool_.set_eligible(node, eligible)) return;
  tell(eligible ? PoolEvent::Kind::kEntered : PoolEvent::Kind::kLeft, node, now);
}

void ServiceNodes::report(NodeId node, const LoadReport& report, Time now) {
  if (!knows(node) || !nodes_[index(node)].member) return;
  Node& n = nodes_[index(node)];
  pool_.set_report(node, report);
  n.reported = std::max(n.reported, report.measured_at);
  if (n.stale) check_report_age(node, now);
  tell(PoolEvent::Kind::kReport, node, now);
}

void ServiceNodes::check_report_age(NodeId node, Time now) {
  Node& n = nodes_[index(node)];
  const Duration age = now - n.reported;
  const bool stale = age > settings_.report_timeout;
  if (stale == n.stale) return;
  n.stale = stale;
  journal_->note({stale ? RouterNotice::Kind::kStale : RouterNotice::Kind::kFresh, service_, node,
                  now, to_seconds(age), "report_age"});
  settle(node, now);
}

void ServiceNodes::tick(Time now) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const auto node = id_at<NodeId>(i);
    if (!nodes_[i].member) continue;
    if (settings_.report_timeout > Duration{0}) check_report_age(node, now);
    if (!nodes_[i].warms) continue;
    ramp(node, now);
    if (!nodes_[i].warms) settle(node, now);
  }
  if (hedges_by_load()) may_hedge_ = mean_cpu() <= settings_.hedge_max_utilization;
  tell(PoolEvent::Kind::kTick, kNoNode, now);
  take_probes();
}

double ServiceNodes::mean_cpu() const {
  double sum = 0;
  double known = 0;
  for (const NodeId node : pool_.eligible()) {
    const LoadReport* report = pool_.report(node);
    if (report == nullptr || std::isnan(report->cpu)) continue;
    sum += static_cast<double>(report->cpu);
    ++known;
  }
  return known > 0 ? sum / known : 0;
}

void ServiceNodes::sweep(Time now) {
  for (const auto& outlier : outliers_.sweep()) {
    eject(outlier.node, outlier.success_rate, "success_rate", now);
  }
}

void ServiceNodes::eject(NodeId node, double value, const char* why, Time now) {
  if (!outliers_.eject(node, members_, now)) return;
  ++journal_->counters.ejections;
  journal_->note({RouterNotice::Kind::kEjected, service_, node, now, value, why});
  settle(node, now);
}

void ServiceNodes::readmit(Time now) {
  for (NodeId node = outliers_.take_returning(now); node != kNoNode;
       node = outliers_.take_returning(now)) {
    journal_->note({RouterNotice::Kind::kReadmitted, service_, node, now, 0, "ejection_over"});
    start_warming(node, now);
    settle(node, now);
  }
}

// Requests.

std::uint32_t ServiceNodes::sent(NodeId node, const RequestInfo& request, Time now) {
  const std::uint32_t before = pool_.in_flight(node);
  pool_.sent(node);
  if (wants(PoolEvent::Kind::kSent)) {
    PoolEvent event;
    event.kind = PoolEvent::Kind::kSent;
    event.node = node;
    event.now = now;
    event.request_class = request.request_class;
    event.in_flight_when_sent = before;
    event.size = static_cast<float>(request.size);
    balancer_->observe(event, pool_);
  }
  return before;
}

void ServiceNodes::finished(const Finished& attempt, Time now) {
  pool_.done(attempt.node);
  if (wants(PoolEvent::Kind::kDone)) {
    balancer_->observe(
        {PoolEvent::Kind::kDone, attempt.node, now, attempt.latency, attempt.ok,
         attempt.request_class, attempt.in_flight_when_sent, static_cast<float>(attempt.size),
         attempt.refused, attempt.has_key, attempt.key},
        pool_);
  }
  if (!attempt.counts_for_health || !nodes_[index(attempt.node)].member) return;
  if (outliers_.record(attempt.node, attempt.ok)) {
    eject(attempt.node, outliers_.run_of_errors(attempt.node), "consecutive_errors", now);
  }
}

NodeId ServiceNodes::pick(const RequestInfo& request, NodeId avoid, Time now, Random& random,
                          FailureReason& refusal) {
  const std::size_t eligible = pool_.eligible().size();
  if (eligible == 0) {
    refusal = FailureReason::kNoHealthyNodes;
    return kNoNode;
  }
  if (panic_) ++journal_->counters.panic_picks;
  NodeId node = kNoNode;
  for (int tries = 0; tries < kPicks; ++tries) {
    node = pick_warm(request, now, random);
    assert(pool_.is_eligible(node));
    if ((node != avoid || eligible == 1) && !is_full(node)) return node;
  }
  if (node == avoid && eligible > 1) node = other_than(avoid, random);
  if (!is_full(node)) return node;
  refusal = FailureReason::kNodeLimit;
  return kNoNode;
}

// Balancers that ignore weights would give a warming node its full share: one pick in 1 / share of
// it stands, the others are drawn once more.
NodeId ServiceNodes::pick_warm(const RequestInfo& request, Time now, Random& random) {
  const NodeId node = ask_balancer(request, now, random);
  if (!thins_ || warming_eligible_ == 0 || warming_eligible_ == pool_.eligible().size())
    return node;
  const Node& n = nodes_[index(node)];
  if (!n.warms || random.uniform() < n.share) return node;
  ++journal_->counters.slow_start_repicks;
  return ask_balancer(request, now, random);
}

NodeId ServiceNodes::ask_balancer(const RequestInfo& request, Time now, Random& random) {
  const NodeId node = balancer_->pick(request, pool_, now, random);
  take_probes();
  return node;
}

void ServiceNodes::take_probes() {
  if ((interests_ & kAsksProbes) == 0) return;
  for (const NodeId node : balancer_->probes()) {
    ++journal_->counters.probes;
    journal_->probes.push_back({RouterAction::Kind::kProbe, FailureReason::kNone, false, node});
  }
}

NodeId ServiceNodes::other_than(NodeId avoid, Random& random) const {
  const auto eligible = pool_.eligible();
  const auto at = static_cast<std::size_t>(
      std::lower_bound(eligible.begin(), eligible.end(), avoid) - eligible.begin());
  const std::size_t drawn = random.below(eligible.size() - 1);
  return eligible[drawn + (drawn >= at ? 1 : 0)];
}

}  // namespace phoenix
