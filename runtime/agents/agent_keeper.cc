#include "runtime/agents/agent_keeper.h"

#include <limits>
#include <utility>

#include "runtime/agents/json_fields.h"

namespace phoenix::agents {
namespace {

using Json = nlohmann::json;
using Action = MigrationAction;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

AgentKeeper::AgentKeeper(std::vector<std::string> services, Hooks hooks)
    : services_(std::move(services)),
      hooks_(std::move(hooks)),
      mover_(
          [this](NodeId node) {
            Host host = hooks_.host(node);
            return AgentMover::Party{host.link, std::move(host.address)};
          },
          [this](const MigrationOrder& order, const Status& how, double dirty_bytes) {
            on_step_ended(order, how, dirty_bytes);
          }) {}

void AgentKeeper::start(const AgentSpec& spec, NodeId node, Duration delay) {
  Agent agent;
  agent.place = {node, spec.service};
  agent.start = ++starts_;
  agents_[spec.id] = agent;
  if (delay <= Duration{0}) return raise(spec.id, agent.start);
  hooks_.after(delay, [this, id = spec.id, start = agent.start, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) raise(id, start);
  });
}

void AgentKeeper::raise(AgentId id, std::uint32_t start) {
  const auto agent = agents_.find(id);
  if (agent == agents_.end() || agent->second.start != start) return;
  const Place place = agent->second.place;
  if (const auto there = found_.find(place); there != found_.end() && there->second > 0) {
    --there->second;
    ++counts_[place];
    agent->second.is_up = true;
    return tell(id, true, {});
  }
  change(place, 1, [this, id, start, alive = std::weak_ptr(alive_)](const Json& answer) {
    if (alive.expired()) return;
    const auto asked = agents_.find(id);
    if (asked == agents_.end() || asked->second.start != start) return;
    const bool is_up = answer.is_object() && !answer.contains("error");
    asked->second.is_up = is_up;
    if (!is_up) --counts_[asked->second.place];
    tell(id, is_up, is_up ? "" : "its node does not serve it: " + text_in(answer, "error"));
  });
}

void AgentKeeper::tell(AgentId id, bool is_up, std::string_view why) {
  if (!is_up) agents_.erase(id);
  hooks_.told(id, is_up, why);
}

void AgentKeeper::change(const Place& place, int by, OrderLink::OnAnswer on_answer) {
  int& agents = counts_[place];
  const bool is_first = agents == 0 && by > 0;
  agents += by;
  const Host host = hooks_.host(place.first);
  if (host.link == nullptr) {
    if (on_answer) on_answer(Json{{"error", "the node is not there"}});
    return;
  }
  const std::string& name = services_[index(place.second)];
  if (is_first) host.link->command({{"resume", name}});
  host.link->command({{"offer", name}, {"weight", agents * host.weight}}, std::move(on_answer));
}

void AgentKeeper::stop(AgentId id) {
  const auto agent = agents_.find(id);
  if (agent == agents_.end()) return;
  const Agent gone = agent->second;
  agents_.erase(agent);
  if (gone.is_up) change(gone.place, -1);
}

void AgentKeeper::lose(NodeId node) {
  const auto forget = [node](std::map<Place, int>& counts) {
    std::erase_if(counts, [node](const auto& entry) { return entry.first.first == node; });
  };
  forget(counts_);
  forget(found_);
  std::vector<AgentId> lost;
  for (const auto& [id, agent] : agents_) {
    if (agent.place.first == node) lost.push_back(id);
  }
  for (const AgentId id : lost) tell(id, false, "its node died");
}

void AgentKeeper::found(NodeId node, ServiceId service, int agents) {
  found_[{node, service}] = agents;
}

int AgentKeeper::found(NodeId node, ServiceId service) const {
  const auto there = found_.find({node, service});
  return there == found_.end() ? 0 : there->second;
}

void AgentKeeper::renew(NodeId node) {
  const Host host = hooks_.host(node);
  if (host.link == nullptr) return;
  for (std::size_t s = 0; s < services_.size(); ++s) {
    const auto service = id_at<ServiceId>(s);
    found_.erase({node, service});
    const int agents = count(node, service);
    if (agents > 0) {
      host.link->command({{"resume", services_[s]}});
      host.link->command({{"offer", services_[s]}, {"weight", agents * host.weight}});
    } else {
      host.link->command({{"offer", services_[s]}, {"weight", 0}});
      host.link->command({{"retire", services_[s]}});
    }
  }
}

int AgentKeeper::count(NodeId node, ServiceId service) const {
  const auto there = counts_.find({node, service});
  return there == counts_.end() ? 0 : there->second;
}

int AgentKeeper::count(NodeId node) const {
  int sum = 0;
  for (auto at = counts_.lower_bound({node, ServiceId{0}});
       at != counts_.end() && at->first.first == node; ++at) {
    sum += at->second;
  }
  return sum;
}

bool AgentKeeper::are_all_up() const {
  for (const auto& [id, agent] : agents_) {
    if (!agent.is_up) return false;
  }
  return true;
}

void AgentKeeper::step(const MigrationOrder& order) {
  const auto found = agents_.find(order.agent);
  if (found == agents_.end()) return hooks_.step_ended(order, Error{"the agent is gone"}, kUnknown);
  Agent& agent = found->second;
  const ServiceId service = agent.place.second;
  if (order.action == Action::kStartTarget) {
    agent.is_shared = count(order.source, service) > 1 || count(order.target, service) > 0;
  }
  if (agent.is_shared) return step_shared(order);
  const NodeId to = order.action == Action::kSwitchBack ? order.source : order.target;
  mover_.step(order, services_[index(service)], hooks_.host(to).weight);
}

void AgentKeeper::step_shared(const MigrationOrder& order) {
  const bool is_switch = order.action == Action::kSwitchRoute;
  if (is_switch || order.action == Action::kSwitchBack) {
    Agent& agent = agents_.at(order.agent);
    const NodeId to = is_switch ? order.target : order.source;
    const NodeId from = is_switch ? order.source : order.target;
    agent.place.first = to;
    const ServiceId service = agent.place.second;
    change({to, service}, 1);
    change({from, service}, -1);
  }
  const bool is_there = hooks_.host(order.target).link != nullptr;
  hooks_.step_ended(order, is_there ? success() : Status(Error{"the target is not there"}),
                    kUnknown);
}

void AgentKeeper::on_step_ended(const MigrationOrder& order, const Status& how,
                                double dirty_bytes) {
  const auto found = agents_.find(order.agent);
  const bool is_switch = order.action == Action::kSwitchRoute;
  if (how && found != agents_.end() && (is_switch || order.action == Action::kSwitchBack)) {
    Place& place = found->second.place;
    --counts_[place];
    place.first = is_switch ? order.target : order.source;
    ++counts_[place];
  }
  hooks_.step_ended(order, how, dirty_bytes);
}

}  // namespace phoenix::agents
