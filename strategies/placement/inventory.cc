#include "strategies/placement/inventory.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "strategies/core/units.h"
#include "strategies/placement/eligibility.h"

namespace phoenix {
namespace {

std::string name_of(NodeId node) { return "node " + std::to_string(index(node)); }
std::string name_of(AgentId agent) { return "agent " + std::to_string(index(agent)); }

Error failure(std::string_view kind, const std::string& cause) {
  return Error{std::string(kind) + ": " + cause};
}

bool has_guard(const AgentSpec& agent) {
  if (!agent.rules) return false;
  const auto& rules = agent.rules->anti_affinity;
  return std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return rule.is_hard; });
}

template <class T>
std::vector<T> sorted(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// What the nodes of a class share, as one text. Lengths keep parts apart whatever they hold.
std::string class_text(const NodeBook& node) {
  std::string text = std::to_string(node.group) + '/' + std::to_string(node.zone);
  const auto add = [&](const std::string& part) {
    text += '/' + std::to_string(part.size()) + ':' + part;
  };
  for (const Label& label : sorted(node.spec.labels)) {
    add(label.key);
    add(label.value);
  }
  text += "/taints";
  for (const std::string& taint : sorted(node.spec.taints)) add(taint);
  return text;
}

// Grows over values as they are seen; shares of 1 between the worst and the best known.
struct Scale {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void see(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double share(double value) const {
    if (!std::isfinite(value)) return 0;
    return high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 1;
  }
};

}  // namespace

Resources NodeBook::free() const {
  Resources free = capacity - reserved - other_use;
  for (Amount& amount : free.amounts) amount = std::max<Amount>(amount, 0);
  return free;
}

double NodeBook::use_share(std::size_t r, const Resources& more) const {
  if (capacity[r] == 0) return 1;
  return static_cast<double>(reserved[r] + other_use[r] + more[r]) /
         static_cast<double>(capacity[r]);
}

const NodeBook& Inventory::node(NodeId node) const {
  assert(has_node(node));
  return nodes_[index(node)];
}

NodeBook& Inventory::book(NodeId node) {
  assert(has_node(node));
  return nodes_[index(node)];
}

const AgentBook& Inventory::agent(AgentId agent) const {
  assert(has_agent(agent));
  return agents_[slots_[index(agent)]];
}

AgentBook& Inventory::book(AgentId agent) {
  assert(has_agent(agent));
  return agents_[slots_[index(agent)]];
}

std::uint32_t Inventory::zone_of(const std::string& name) {
  std::uint32_t zone = 0;
  while (zone < zones_.size() && zones_[zone].name != name) ++zone;
  if (zone == zones_.size()) zones_.push_back({name, {}, {}});
  return zone;
}

void Inventory::classify(NodeBook& node) {
  const auto [group, is_new_group] =
      group_numbers_.try_emplace({node.capacity.amounts, node.spec.price_per_hour});
  if (is_new_group) {
    group->second = index_.add_group(node.capacity);
    group_prices_.push_back(node.spec.price_per_hour);
  }
  node.group = group->second;
  const auto [number, is_new_class] = class_numbers_.try_emplace(class_text(node));
  if (is_new_class) {
    number->second = static_cast<std::uint32_t>(classes_.size());
    classes_.push_back({node.spec, node.zone, 0});
  }
  node.node_class = number->second;
}

Status Inventory::add_node(const NodeSpec& spec) {
  if (Status checked = check_node(spec); !checked) return checked;
  if (has_node(spec.id)) return Error{name_of(spec.id) + ": is there already"};
  if (nodes_.size() <= index(spec.id)) nodes_.resize(index(spec.id) + 1);
  NodeBook& node = nodes_[index(spec.id)];
  node = {};
  node.spec = spec;
  node.capacity = spec.capacity;
  node.zone = zone_of(spec.zone);
  classify(node);
  ++node.generation;
  ++node_count_;
  count_capacity(node, 1);
  reindex(node);
  return success();
}

std::vector<AgentId> Inventory::remove_node(NodeId id) {
  set_state(id, NodeState::kDown);
  std::vector<AgentId> lost;
  const std::vector<AgentId> here = sorted(book(id).agents);
  for (const AgentId agent : here) {
    if (book(agent).node == id) {
      lost.push_back(agent);
      static_cast<void>(remove_agent(agent));
    } else {
      cancel_move(agent);
    }
  }
  nodes_[index(id)] = {};
  --node_count_;
  return lost;
}

void Inventory::set_state(NodeId id, NodeState state) {
  NodeBook& node = book(id);
  if (node.state == state) return;
  count_capacity(node, -1);
  node.state = state;
  count_capacity(node, 1);
  ++node.generation;
  reindex(node);
}

// Adds the node's capacity to the sums, or takes it out, if it counts.
void Inventory::count_capacity(const NodeBook& node, int sign) {
  if (node.state != NodeState::kReady) return;
  for (Resources* sum : {&total_capacity_, &zones_[node.zone].capacity}) {
    *sum = sign > 0 ? *sum + node.capacity : *sum - node.capacity;
  }
}

void Inventory::unindex(NodeBook& node) {
  index_.erase(node.spec.id);
  --classes_[node.node_class].ready;
}

// Keeps the index to nodes that may take something.
void Inventory::reindex(NodeBook& node) {
  const NodeId id = node.spec.id;
  const bool belongs = node.state == NodeState::kReady && !node.is_overcommitted();
  const bool is_in = index_.contains(id);
  if (belongs && is_in) {
    index_.update(id, node.free());
  } else if (belongs) {
    index_.insert(id, node.group, node.node_class, node.free(), node.merits);
    ++classes_[node.node_class].ready;
  } else if (is_in) {
    unindex(node);
  }
}

Status Inventory::observe(std::span<const NodeObservation> observations) {
  Status verdict = success();
  for (const NodeObservation& seen : observations) {
    if (!has_node(seen.node)) {
      verdict = Error{"observation of " + name_of(seen.node) + ", which is not there"};
      continue;
    }
    if (Status checked = check_resources(seen.capacity + seen.other_use, name_of(seen.node));
        !checked) {
      verdict = checked;
      continue;
    }
    NodeBook& node = book(seen.node);
    node.observed = seen;
    node.is_observed = true;
    const Resources capacity = seen.capacity == Resources{} ? node.capacity : seen.capacity;
    if (capacity == node.capacity && seen.other_use == node.other_use) continue;
    if (index_.contains(seen.node)) unindex(node);
    count_capacity(node, -1);
    node.capacity = capacity;
    count_capacity(node, 1);
    node.other_use = seen.other_use;
    classify(node);
    ++node.generation;
    reindex(node);
  }
  refresh_merits();
  return verdict;
}

void Inventory::observe(AgentId agent, const AgentObservation& observation) {
  if (has_agent(agent)) book(agent).observed = observation;
}

void Inventory::refresh_merits() {
  Scale latency;
  Scale throughput;
  Scale availability;
  for (const NodeBook& node : nodes_) {
    if (node.state != NodeState::kReady || node.spec.id == kNoNode) continue;
    latency.see(-node.observed.latency);
    throughput.see(node.observed.throughput);
    availability.see(node.observed.availability);
  }
  for (NodeBook& node : nodes_) {
    if (node.spec.id == kNoNode) continue;
    const Merits merits{latency.share(-node.observed.latency),
                        throughput.share(node.observed.throughput),
                        availability.share(node.observed.availability)};
    if (merits == node.merits) continue;
    node.merits = merits;
    if (!index_.contains(node.spec.id)) continue;
    unindex(node);
    reindex(node);
  }
}

void Inventory::reserve(NodeBook& node, const AgentBook& agent) {
  node.reserved += agent.spec.need;
  total_reserved_ += agent.spec.need;
  zones_[node.zone].reserved += agent.spec.need;
  assert(!node.is_overcommitted());
  ++node.generation;
  reindex(node);
}

void Inventory::release(NodeBook& node, const AgentBook& agent) {
  assert(fits(agent.spec.need, node.reserved));
  node.reserved -= agent.spec.need;
  total_reserved_ -= agent.spec.need;
  zones_[node.zone].reserved -= agent.spec.need;
  ++node.generation;
  reindex(node);
}

Inventory::Service& Inventory::service(ServiceId id) {
  if (services_.size() <= index(id)) services_.resize(index(id) + 1);
  return services_[index(id)];
}

void Inventory::join(AgentBook& agent, NodeBook& node, std::uint32_t AgentBook::*place) {
  agent.*place = static_cast<std::uint32_t>(node.agents.size());
  node.agents.push_back(agent.spec.id);
  std::vector<std::uint32_t>& by_zone = service(agent.spec.service).by_zone;
  if (by_zone.size() <= node.zone) by_zone.resize(node.zone + 1);
  ++by_zone[node.zone];
  if (has_guard(agent.spec)) ++node.guarded;
  reserve(node, agent);
}

void Inventory::leave(AgentBook& agent, NodeBook& node, std::uint32_t AgentBook::*place) {
  const std::uint32_t at = agent.*place;
  assert(at < node.agents.size() && node.agents[at] == agent.spec.id);
  const AgentId last = node.agents.back();
  node.agents[at] = last;
  node.agents.pop_back();
  AgentBook& moved = book(last);
  (moved.node == node.spec.id ? moved.place_on_node : moved.place_on_target) = at;
  --service(agent.spec.service).by_zone[node.zone];
  if (has_guard(agent.spec)) --node.guarded;
  release(node, agent);
}

void Inventory::enlist(AgentBook& agent) {
  std::vector<AgentId>& members = service(agent.spec.service).agents;
  agent.place_in_service = static_cast<std::uint32_t>(members.size());
  members.push_back(agent.spec.id);
  if (has_guard(agent.spec)) ++guards_;
  if (!agent.spec.rules) return;
  for (const Label& label : agent.spec.rules->labels) {
    std::vector<AgentId>& ids = labelled_[label];
    const auto at = std::lower_bound(ids.begin(), ids.end(), agent.spec.id);
    if (at == ids.end() || *at != agent.spec.id) ids.insert(at, agent.spec.id);
  }
}

void Inventory::delist(AgentBook& agent) {
  std::vector<AgentId>& members = service(agent.spec.service).agents;
  book(members.back()).place_in_service = agent.place_in_service;
  members[agent.place_in_service] = members.back();
  members.pop_back();
  if (has_guard(agent.spec)) --guards_;
  if (!agent.spec.rules) return;
  for (const Label& label : agent.spec.rules->labels) {
    std::vector<AgentId>& ids = labelled_[label];
    const auto at = std::lower_bound(ids.begin(), ids.end(), agent.spec.id);
    if (at != ids.end() && *at == agent.spec.id) ids.erase(at);
    if (ids.empty()) labelled_.erase(label);
  }
}

Status Inventory::place(const AgentSpec& spec, NodeId id, Time now, Generation seen) {
  const auto refuse = [](const std::string& why) {
    return failure(kPlacementValidationFailed, why);
  };
  if (Status checked = check_agent(spec); !checked) return refuse(checked.error());
  if (has_agent(spec.id)) return refuse(name_of(spec.id) + " is placed already");
  if (!has_node(id)) return refuse(name_of(id) + " is not there");
  if (const auto filter = Eligibility(spec, *this).refusal(id)) {
    std::string why = name_of(id) + " refused by " + std::string(to_text(*filter));
    if (seen != 0 && seen != node(id).generation) why += "; it has changed since it was chosen";
    return refuse(why);
  }
  const std::uint32_t slot = agents_.acquire();
  if (slots_.size() <= index(spec.id)) slots_.resize(index(spec.id) + 1, kNoIndex);
  slots_[index(spec.id)] = slot;
  AgentBook& agent = agents_[slot];
  agent.spec = spec;
  agent.node = id;
  agent.placed_at = now;
  ++agent_count_;
  enlist(agent);
  join(agent, book(id), &AgentBook::place_on_node);
  return success();
}

Status Inventory::remove_agent(AgentId id) {
  if (!has_agent(id)) return failure(kAgentNotFound, name_of(id));
  if (book(id).moving_to != kNoNode) cancel_move(id);
  AgentBook& agent = book(id);
  leave(agent, book(agent.node), &AgentBook::place_on_node);
  delist(agent);
  agents_.release(slots_[index(id)]);
  agent.spec.rules.reset();
  slots_[index(id)] = kNoIndex;
  --agent_count_;
  return success();
}

Status Inventory::begin_move(AgentId id, NodeId target, Time now) {
  if (!has_agent(id)) return failure(kAgentNotFound, name_of(id));
  const auto refuse = [&](const std::string& why) {
    return failure(kMigrationFailed, name_of(id) + ' ' + why);
  };
  AgentBook& agent = book(id);
  if (agent.moving_to != kNoNode) return refuse("is moving already");
  if (agent.node == target) return refuse("is on " + name_of(target) + " already");
  if (!has_node(target)) return refuse("cannot move: " + name_of(target) + " is not there");
  if (const auto filter = Eligibility(agent.spec, *this).refusal(target)) {
    return refuse("cannot move: " + name_of(target) + " refused by " +
                  std::string(to_text(*filter)));
  }
  agent.moving_to = target;
  agent.moved_at = now;
  agent.was_moved = true;
  join(agent, book(target), &AgentBook::place_on_target);
  return success();
}

void Inventory::finish_move(AgentId id, Time now) {
  AgentBook& agent = book(id);
  assert(agent.moving_to != kNoNode);
  NodeBook& source = book(agent.node);
  leave(agent, source, &AgentBook::place_on_node);
  if (agent.history.size() == AgentBook::kHistory) agent.history.erase(agent.history.begin());
  agent.history.push_back(agent.node);
  agent.node = agent.moving_to;
  agent.place_on_node = agent.place_on_target;
  agent.moving_to = kNoNode;
  agent.placed_at = now;
}

void Inventory::cancel_move(AgentId id) {
  AgentBook& agent = book(id);
  assert(agent.moving_to != kNoNode);
  leave(agent, book(agent.moving_to), &AgentBook::place_on_target);
  agent.moving_to = kNoNode;
}

std::size_t Inventory::overcommitted() const {
  return static_cast<std::size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const auto& n) {
    return n.spec.id != kNoNode && n.is_overcommitted();
  }));
}

std::span<const AgentId> Inventory::agents_of(ServiceId service) const {
  if (index(service) >= services_.size()) return {};
  return services_[index(service)].agents;
}

std::uint32_t Inventory::count_in_zone(ServiceId service, std::uint32_t zone) const {
  if (index(service) >= services_.size()) return 0;
  const std::vector<std::uint32_t>& by_zone = services_[index(service)].by_zone;
  return zone < by_zone.size() ? by_zone[zone] : 0;
}

std::vector<AgentId> Inventory::agents_with(const Label& label) const {
  const auto found = labelled_.find(label);
  return found == labelled_.end() ? std::vector<AgentId>{} : found->second;
}

}  // namespace phoenix
