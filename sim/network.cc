#include "sim/network.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix::sim {
namespace {

bool may_exceed(const Scenario& scenario) {
  if (scenario.fidelity == Fidelity::kFlow) return true;
  for (const Service& service : scenario.services) {
    for (const RequestClass& c : service.classes) {
      if (c.request_bytes.upper_bound() > scenario.cluster.flow_above_bytes) return true;
      if (c.response_bytes.upper_bound() > scenario.cluster.flow_above_bytes) return true;
    }
  }
  return false;
}

}  // namespace

Network::Network(const Scenario& scenario, const Platform& platform, const Streams& streams,
                 EventQueue& agenda, Flows& flows)
    : platform_(platform),
      cluster_(scenario.cluster),
      streams_(streams),
      agenda_(agenda),
      flows_(flows),
      jitter_(scenario.cluster.jitter),
      has_jitter_(!(jitter_.is_constant() && jitter_.mean() == 0)),
      flow_above_(scenario.fidelity == Fidelity::kFlow ? -1 : scenario.cluster.flow_above_bytes),
      may_start_flows_(may_exceed(scenario)),
      gateways_(static_cast<std::uint32_t>(scenario.gateway.count)),
      faults_(streams, gateways_, static_cast<std::uint32_t>(platform.hosts.size()) - gateways_) {
  for (const PlatformHost& host : platform.hosts) {
    Card card;
    card.ns_per_byte = 1e9 / platform.links[host.up_link].bandwidth;
    card.latency = host.latency.count();
    card.rack = host.rack;
    card.up_link = host.up_link;
    card.down_link = host.down_link;
    cards_.push_back(card);
  }
  const auto make_path = [&](std::uint32_t from, std::uint32_t to) {
    RackPath rack_path = platform.path_between(from, to, scenario.cluster);
    SharedPath path{std::move(rack_path.links), rack_path.latency.count(), 0, ~0U};
    path_ns_per_byte(path);
    return path;
  };
  for (std::uint32_t gateway = 0; gateway < gateways_; ++gateway) {
    for (std::uint32_t rack = 0; rack < platform.racks.size(); ++rack) {
      to_rack_.push_back(make_path(cards_[gateway].rack, rack));
      from_rack_.push_back(make_path(rack, cards_[gateway].rack));
    }
  }
}

double Network::ns_per_byte_now(std::uint32_t link, double configured) const {
  const int flows = flows_.transfers_on(link);
  if (flows == 0) return configured;
  const double bandwidth = 1e9 / configured;
  const double left = bandwidth - platform_.links[link].link->get_usage();
  return 1e9 / std::max(left, bandwidth / (flows + 1));
}

double Network::path_ns_per_byte(SharedPath& path) {
  if (path.version == flows_.version()) return path.ns_per_byte;
  path.ns_per_byte = 0;
  for (const std::uint32_t link : path.links) {
    path.ns_per_byte =
        std::max(path.ns_per_byte, ns_per_byte_now(link, 1e9 / platform_.links[link].bandwidth));
  }
  path.version = flows_.version();
  return path.ns_per_byte;
}

Network::SharedPath& Network::shared_path(std::uint32_t from, std::uint32_t to) {
  if (from < gateways_) return to_rack_[from * platform_.racks.size() + cards_[to].rack];
  assert(to < gateways_);
  return from_rack_[to * platform_.racks.size() + cards_[from].rack];
}

bool Network::send(const Message& message, Time now) {
  double extra_ns = 0;
  if (faults_.any()) {
    const LinkFate fate = faults_.on_send(message.from, message.to, message.id);
    if (fate.kind == LinkFate::Kind::kHeld) {
      held_[fate.held_by].push_back(message);
      return true;
    }
    if (fate.kind == LinkFate::Kind::kLost) {
      ++lost_;
      return false;
    }
    extra_ns = fate.delay_ns;
  }
  if (has_jitter_) {
    Random random(streams_.at("jitter", message.to, message.id));
    extra_ns += std::max(0.0, jitter_.draw(random)) * 1e9;
  }
  carry(message, extra_ns, now);
  return true;
}

void Network::carry(const Message& message, double extra_ns, Time now) {
  Card& from = cards_[message.from];
  Card& to = cards_[message.to];
  SharedPath& path = shared_path(message.from, message.to);
  from.bytes_out += message.bytes;
  to.bytes_in += message.bytes;
  const double latency = static_cast<double>(from.latency + to.latency + path.latency) + extra_ns;
  if (message.bytes > flow_above_) {
    const std::uint32_t place = carried_.acquire();
    carried_[place] = {message, std::llround(latency)};
    pending_.push_back(place);
    ++from.flows_out;
    return;
  }
  double out = from.ns_per_byte;
  double in = to.ns_per_byte;
  if (flows_.live() > 0) {
    out = ns_per_byte_now(from.up_link, out);
    in = ns_per_byte_now(to.down_link, in);
  }
  const double narrowest = std::max({out, in, path_ns_per_byte(path)});
  const double start =
      std::max(static_cast<double>(now.time_since_epoch().count()), from.sent_until);
  from.sent_until = start + message.bytes * out;
  to.received_until = std::max(to.received_until, start) + message.bytes * in;
  const double arrival = std::max(start + message.bytes * narrowest, to.received_until) + latency;
  agenda_.push(Time{Duration{static_cast<std::int64_t>(arrival + 0.5)}}, message.arrival,
               message.subject);
}

LinkFate::Kind Network::on_arrival(const Message& message) {
  const LinkFate fate = faults_.on_arrival(message.from, message.to, message.id);
  if (fate.kind == LinkFate::Kind::kLost) ++lost_;
  if (fate.kind == LinkFate::Kind::kHeld) {
    held_[fate.held_by].push_back(message);
    held_[fate.held_by].back().has_arrived = true;
  }
  return fate.kind;
}

std::vector<Message> Network::start_pending_flows() {
  std::vector<Message> lost;
  std::vector<std::uint32_t> pending;
  pending.swap(pending_);
  for (const std::uint32_t place : pending) {
    const Message message = carried_[place].message;
    if (!platform_.hosts[message.from].host->is_on() ||
        !platform_.hosts[message.to].host->is_on()) {
      carried_.release(place);
      --cards_[message.from].flows_out;
      ++lost_;
      lost.push_back(message);
      continue;
    }
    flows_.start_transfer(message.from, message.to, message.bytes,
                          {Flows::Tag::Kind::kMessage, place, 0});
  }
  return lost;
}

bool Network::on_flow_ended(std::uint32_t carried, bool ok, Time now, Message& message) {
  const Carried flown = carried_[carried];
  carried_.release(carried);
  message = flown.message;
  --cards_[message.from].flows_out;
  if (!ok) {
    ++lost_;
    return false;
  }
  agenda_.push(now + Duration{flown.after_ns}, message.arrival, message.subject);
  return true;
}

void Network::begin_effect(const FaultEvent& event) {
  faults_.begin(event);
  if (event.action == FaultAction::kBandwidth) apply_bandwidth();
}

void Network::step_effect(const FaultEvent& event) {
  faults_.step(event);
  if (event.action == FaultAction::kBandwidth) apply_bandwidth();
}

std::vector<Message> Network::end_effect(std::uint32_t effect) {
  faults_.end(effect);
  apply_bandwidth();
  std::vector<Message> held;
  if (const auto found = held_.find(effect); found != held_.end()) {
    held = std::move(found->second);
    held_.erase(found);
  }
  return held;
}

void Network::apply_bandwidth() {
  for (std::size_t i = 0; i < cards_.size(); ++i) {
    const PlatformHost& host = platform_.hosts[i];
    const double factor = faults_.bandwidth_factor(static_cast<std::uint32_t>(i));
    const double bandwidth = platform_.links[host.up_link].bandwidth * factor;
    if (cards_[i].ns_per_byte == 1e9 / bandwidth) continue;
    cards_[i].ns_per_byte = 1e9 / bandwidth;
    platform_.links[host.up_link].link->set_bandwidth(bandwidth);
    platform_.links[host.down_link].link->set_bandwidth(bandwidth);
  }
  flows_.unsettle();
}

Duration Network::latency(std::uint32_t from, std::uint32_t to) {
  return Duration{cards_[from].latency + cards_[to].latency + shared_path(from, to).latency};
}

Duration Network::latency_between_nodes(std::uint32_t from, std::uint32_t to) const {
  const Card& a = cards_[gateways_ + from];
  const Card& b = cards_[gateways_ + to];
  const Duration cards{a.latency + b.latency};
  if (a.rack == b.rack) return cards;
  return cards + platform_.path_between(a.rack, b.rack, cluster_).latency;
}

double Network::busier_bytes(std::uint32_t endpoint) const {
  return std::max(cards_[endpoint].bytes_in, cards_[endpoint].bytes_out);
}

}  // namespace phoenix::sim
