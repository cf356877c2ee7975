#include "runtime/gateway/shim.h"

#include <algorithm>
#include <utility>

#include "runtime/gateway/shim_upstream.h"

namespace phoenix::gateway {
ShimWorld::Faults::Faults(const LabWorld& lab, std::uint32_t gateway_number)
    : world(lab),
      streams(lab.seed, lab.replication),
      links(streams, lab.gateways, static_cast<std::uint32_t>(lab.nodes.size())),
      reports(streams),
      gateway(gateway_number),
      sent_until_ns(lab.gateways + lab.nodes.size(), 0.0) {
  for (std::size_t i = 0; i < lab.nodes.size(); ++i) {
    numbers[lab.nodes[i]] = static_cast<std::uint32_t>(i);
  }
}

ShimWorld::ShimWorld(net::Loop& loop, int thread)
    : loop_(loop), thread_(thread), timer_(loop, [this] { deliver_due(); }) {}

void ShimWorld::enter(const LabWorld& world) {
  const auto thread = static_cast<std::uint32_t>(thread_);
  held_.clear();
  faults_ = std::make_unique<Faults>(world, (world.gateway + thread) % world.gateways);
}

Status ShimWorld::play(const FaultEvent& event) {
  if (!faults_) return Error{"found a fault before any world; allowed after {\"world\": ...}"};
  const bool is_report = ReportFaults::is_report_action(event.action);
  switch (event.phase) {
    case FaultPhase::kBegin:
      if (is_report) {
        faults_->reports.begin(event);
      } else {
        faults_->links.begin(event);
      }
      break;
    case FaultPhase::kStep:
      faults_->reports.step(event);
      faults_->links.step(event);
      break;
    default:
      end(event.effect);
  }
  return success();
}

void ShimWorld::end(std::uint32_t effect) {
  faults_->reports.end(effect);
  faults_->links.end(effect);
  auto held = held_.extract(effect);
  if (held.empty()) return;
  for (Message& message : held.mapped()) {
    if (message.has_arrived) {
      message.deliver();
    } else {
      send(std::move(message));
    }
  }
}

void ShimWorld::set_silent(const std::string& node, bool is_silent) {
  if (is_silent) {
    silent_.insert(node);
  } else {
    silent_.erase(node);
  }
  for (ShimUpstream* const upstream : upstreams_) {
    if (upstream->name() == node) upstream->set_silent(is_silent);
  }
}

std::uint64_t ShimWorld::hits(std::uint32_t effect) const {
  return faults_ ? faults_->links.affected(effect) + faults_->reports.affected(effect) : 0;
}

std::unique_ptr<Upstream> ShimWorld::wrap(
    const NodeView& node, UpstreamUser& user,
    const std::function<std::unique_ptr<Upstream>(UpstreamUser&)>& make) {
  auto upstream = std::make_unique<ShimUpstream>(*this, node, user, silent_.contains(node.name));
  upstream->set_inner(make(upstream->inner_user()));
  return upstream;
}

std::optional<std::uint32_t> ShimWorld::number_of(const std::string& node) const {
  if (!faults_) return std::nullopt;
  const auto found = faults_->numbers.find(node);
  return found == faults_->numbers.end() ? std::nullopt : std::optional(found->second);
}

void ShimWorld::carry_report(const std::string& node, wire::Report report,
                             std::function<void(const wire::Report&)> deliver) {
  if (silent_.contains(node)) return;
  const std::optional<std::uint32_t> number = number_of(node);
  if (!number || (!faults_->links.any() && !faults_->reports.any())) return deliver(report);
  const auto nodes = static_cast<std::uint32_t>(faults_->world.nodes.size());
  const std::uint64_t id = report_number(faults_->rounds[*number]++, *number, nodes,
                                         faults_->gateway, faults_->world.gateways);
  Message message;
  message.from = faults_->world.gateways + *number;
  message.to = faults_->gateway;
  message.number = id;
  message.bytes = kReportBytes;
  message.deliver = [this, id, number = *number, report, deliver = std::move(deliver)]() mutable {
    Duration delay{0};
    if (!faults_->reports.disturb(NodeId{number}, id, report.load, delay)) return;
    if (delay.count() == 0) return deliver(report);
    later(delay, [report, deliver] { deliver(report); });
  };
  send(std::move(message));
}

void ShimWorld::send(Message message) {
  const LinkFate fate = faults_->links.on_send(message.from, message.to, message.number);
  if (fate.kind == LinkFate::Kind::kLost) return;
  if (fate.kind == LinkFate::Kind::kHeld) {
    held_[fate.held_by].push_back(std::move(message));
    return;
  }
  const double delay_ns = fate.delay_ns + bandwidth_delay_ns(message);
  if (delay_ns < 1) return message.deliver();
  later(Duration{static_cast<std::int64_t>(delay_ns + 0.5)},
        [this, waiting = std::make_shared<Message>(std::move(message))] {
          arrive(std::move(*waiting));
        });
}

// A cut or clog that began meanwhile still stops it.
void ShimWorld::arrive(Message message) {
  const LinkFate fate = faults_->links.on_arrival(message.from, message.to, message.number);
  if (fate.kind == LinkFate::Kind::kLost) return;
  if (fate.kind == LinkFate::Kind::kPasses) return message.deliver();
  message.has_arrived = true;
  held_[fate.held_by].push_back(std::move(message));
}

// Where a link has less than its own bandwidth, messages wait for each other; where it has all of
// it, the real network takes its time by itself.
double ShimWorld::bandwidth_delay_ns(const Message& message) {
  const double now_ns = static_cast<double>(loop_.now().time_since_epoch().count());
  double arrival = now_ns;
  for (const std::uint32_t end : {message.from, message.to}) {
    const double factor = faults_->links.bandwidth_factor(end);
    if (factor >= 1.0 || end >= faults_->world.bandwidth.size()) continue;
    double& until = faults_->sent_until_ns[end];
    until =
        std::max(until, now_ns) + message.bytes * 1e9 / (faults_->world.bandwidth[end] * factor);
    arrival = std::max(arrival, until);
  }
  return arrival - now_ns;
}

void ShimWorld::later(Duration delay, std::function<void()> work) {
  due_.emplace(loop_.now() + delay, std::move(work));
  timer_.arm(due_.begin()->first);
}

void ShimWorld::deliver_due() {
  while (!due_.empty() && due_.begin()->first <= loop_.now()) {
    const auto first = due_.extract(due_.begin());
    first.mapped()();
  }
  timer_.arm(due_.empty() ? kNever : due_.begin()->first);
}

}  // namespace phoenix::gateway
