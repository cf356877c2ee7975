// What the control plane of a gateway does to agents: orders to the nodes that host them.
#include <cmath>

#include "runtime/gateway/control_plane.h"

namespace phoenix::gateway {
namespace {

using agents::AgentKeeper;
using agents::OrderLink;

constexpr Duration kRedial = std::chrono::milliseconds(500);
constexpr Duration kPatience = std::chrono::seconds(5);

std::string hosts_label(const std::string& service) { return "hosts:" + service; }

}  // namespace

// By their places in the configuration; those without [service.agents] have no agents.
std::vector<ControlService> ControlPlane::placed_services() const {
  std::vector<ControlService> services;
  for (const ServiceConfig& service : config_.services) {
    ControlService one = control_service(service.name, service.agents, services.size());
    auto rules = std::make_shared<AgentRules>();
    if (one.agent.rules != nullptr) *rules = *one.agent.rules;
    rules->node_tests.push_back({hosts_label(service.name), NodeTest::Kind::kExists, {}});
    one.agent.rules = std::move(rules);
    services.push_back(std::move(one));
  }
  return services;
}

void ControlPlane::make_keeper() {
  std::vector<std::string> services;
  for (const ServiceConfig& service : config_.services) services.push_back(service.name);
  AgentKeeper::Hooks hooks;
  hooks.host = [this](NodeId node) {
    const Place& place = places_[index(node)];
    return AgentKeeper::Host{place.link.get(), place.address, 1};
  };
  hooks.told = [this](AgentId agent, bool is_up, std::string_view why) {
    control_->agent_is(agent, is_up, why);
    arm();
  };
  hooks.step_ended = [this](const MigrationOrder& order, const Status& how, double dirty_bytes) {
    control_->step_ended(order.token, how, dirty_bytes);
    arm();
  };
  agents_ = std::make_unique<AgentKeeper>(std::move(services), std::move(hooks));
}

Status ControlPlane::start_agent(const AgentSpec& agent, NodeId node) {
  if (places_[index(node)].link == nullptr) return Error{"the node is not there"};
  agents_->start(agent, node, Duration{0});
  return success();
}

void ControlPlane::stop_agent(AgentId agent) { agents_->stop(agent); }

void ControlPlane::migration_step(const MigrationOrder& order) { agents_->step(order); }

void ControlPlane::tell_capacity(std::size_t place, const NodeView& node) {
  NodeCapacity capacity;
  capacity.cores = node.cores;
  capacity.memory_bytes = node.memory_bytes;
  capacity.zone = node.zone;
  for (const std::string& service : node.standby) {
    capacity.labels.push_back({hosts_label(service), "yes"});
  }
  control_->node_has(id_at<NodeId>(place), capacity);
}

// A life of a node begins or ends. Until the control plane has begun, what it serves is noted.
void ControlPlane::on_host(std::size_t n, const NodeView& node) {
  Place& place = places_[n];
  const bool is_there = !node.has_left && node.state != NodeState::kDown;
  if (place.link != nullptr && (!is_there || place.incarnation != node.incarnation)) lose_host(n);
  if (!is_there) return;
  if (place.link == nullptr) {
    const Result<net::Address> address = net::Address::parse(node.address);
    if (!address) return;  // the directory has checked it
    tell_capacity(n, node);
    place.address = node.address;
    place.incarnation = node.incarnation;
    OrderLink::Settings settings;
    settings.address = *address;
    settings.name = config_.name;
    settings.token = config_.token;
    settings.dial.tls = gateway_.frames_tls();
    settings.redial = kRedial;
    settings.patience = kPatience;
    place.link = std::make_unique<OrderLink>(loop_, std::move(settings));
    if (has_begun_) agents_->renew(id_at<NodeId>(n));
  }
  if (has_begun_) return;
  for (std::size_t s = 0; s < config_.services.size(); ++s) {
    if (!config_.services[s].is_placed) continue;
    const auto offer =
        std::ranges::find(node.offers, config_.services[s].name, &ServiceOffer::service);
    const bool is_offered = offer != node.offers.end() && offer->weight > 0;
    const int agents = is_offered ? std::max(1, static_cast<int>(std::lround(offer->weight))) : 0;
    agents_->found(id_at<NodeId>(n), id_at<ServiceId>(s), agents);
  }
}

void ControlPlane::lose_host(std::size_t n) {
  const std::unique_ptr<OrderLink> link = std::move(places_[n].link);
  agents_->lose(id_at<NodeId>(n));
  link->give_up();
}

std::vector<StandingAgent> ControlPlane::standing() const {
  std::vector<StandingAgent> all;
  for (std::size_t n = 0; agents_ != nullptr && n < places_.size(); ++n) {
    for (std::size_t s = 0; s < config_.services.size(); ++s) {
      const StandingAgent one{id_at<ServiceId>(s), id_at<NodeId>(n)};
      all.insert(all.end(), static_cast<std::size_t>(agents_->found(one.node, one.service)), one);
    }
  }
  return all;
}

}  // namespace phoenix::gateway
