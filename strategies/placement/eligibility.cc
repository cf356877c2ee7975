#include "strategies/placement/eligibility.h"

#include <algorithm>
#include <cmath>

namespace phoenix {
namespace {

// used + need <= limit * capacity, said of what is free.
Amount least_free_for(Amount need, Amount capacity, double limit) {
  if (limit >= 1) return need;
  const auto allowed = static_cast<Amount>(limit * static_cast<double>(capacity) + 1e-6);
  return need + capacity - allowed;
}

bool has_hard(const std::vector<AffinityRule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return rule.is_hard; });
}

void keep_common(std::vector<NodeId>& nodes, const std::vector<NodeId>& others) {
  std::vector<NodeId> common;
  std::set_intersection(nodes.begin(), nodes.end(), others.begin(), others.end(),
                        std::back_inserter(common));
  nodes = std::move(common);
}

}  // namespace

Eligibility::Eligibility(const AgentSpec& agent, const Inventory& inventory)
    : agent_(agent), inventory_(inventory), rules_(agent.rules.get()) {
  has_node_rules_ = inventory.has_guards();
  if (rules_ == nullptr) return;
  has_node_rules_ |= has_hard(rules_->anti_affinity);
  if (has_hard(rules_->affinity)) find_confines();
  if (rules_->zone_max_skew > 0) find_emptiest_zone();
}

void Eligibility::find_confines() {
  for (const AffinityRule& rule : rules_->affinity) {
    if (!rule.is_hard) continue;
    std::vector<NodeId> hosts = hosts_of(rule, inventory_, agent_.id);
    if (hosts.empty() && matches_any(rule, agent_)) continue;
    if (is_confined_) {
      keep_common(confines_, hosts);
    } else {
      confines_ = std::move(hosts);
    }
    is_confined_ = true;
  }
}

std::uint32_t Eligibility::count_in_zone(std::uint32_t zone) const {
  std::uint32_t count = inventory_.count_in_zone(agent_.service, zone);
  if (inventory_.has_agent(agent_.id)) {
    const AgentBook& own = inventory_.agent(agent_.id);
    if (inventory_.node(own.node).zone == zone) --count;
    if (own.moving_to != kNoNode && inventory_.node(own.moving_to).zone == zone) --count;
  }
  return count;
}

// Zones without a node the agent may use at all do not count.
void Eligibility::find_emptiest_zone() {
  bool found = false;
  for (const Inventory::NodeClass& nodes : inventory_.classes()) {
    if (nodes.ready == 0 || class_refusal(nodes.example)) continue;
    const std::uint32_t count = count_in_zone(nodes.zone);
    emptiest_ = found ? std::min(emptiest_, count) : count;
    found = true;
  }
}

bool Eligibility::spreads(std::uint32_t zone) const {
  if (rules_ == nullptr || rules_->zone_max_skew == 0) return true;
  return count_in_zone(zone) + 1 <= emptiest_ + static_cast<std::uint32_t>(rules_->zone_max_skew);
}

std::optional<Filter> Eligibility::class_refusal(const NodeSpec& node) const {
  if (rules_ != nullptr) {
    for (const NodeTest& test : rules_->node_tests) {
      if (!passes(test, node)) return Filter::kNodeSelector;
    }
  }
  if (!tolerates(rules_, node)) return Filter::kTaint;
  return std::nullopt;
}

bool Eligibility::allows_class(std::uint32_t node_class) const {
  const Inventory::NodeClass& nodes = inventory_.classes()[node_class];
  return !class_refusal(nodes.example) && spreads(nodes.zone);
}

std::array<double, kResourceKinds> Eligibility::least_free(std::uint32_t group) const {
  std::array<double, kResourceKinds> least{};
  const std::array<double, kResourceKinds>& capacity =
      inventory_.index_of_free().groups()[group].capacity;
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    const double limit = rules_ == nullptr ? 1 : rules_->ratio_limits[r];
    least[r] = static_cast<double>(
        least_free_for(agent_.need[r], static_cast<Amount>(capacity[r]), limit));
    if (limit < 1 && capacity[r] == 0) least[r] = static_cast<double>(kMaxAmount);
  }
  return least;
}

bool Eligibility::hosts_match(NodeId node, const AffinityRule& rule) const {
  const std::vector<AgentId>& agents = inventory_.node(node).agents;
  return std::any_of(agents.begin(), agents.end(), [&](AgentId other) {
    return other != agent_.id && matches_any(rule, inventory_.agent(other).spec);
  });
}

bool Eligibility::is_guarded_against(const NodeBook& node) const {
  if (node.guarded == 0) return false;
  return std::any_of(node.agents.begin(), node.agents.end(), [&](AgentId other) {
    const AgentSpec& spec = inventory_.agent(other).spec;
    if (other == agent_.id || !spec.rules) return false;
    const auto& rules = spec.rules->anti_affinity;
    return std::any_of(rules.begin(), rules.end(), [&](const AffinityRule& rule) {
      return rule.is_hard && matches_any(rule, agent_);
    });
  });
}

std::optional<Filter> Eligibility::node_refusal(NodeId node) const {
  if (rules_ != nullptr) {
    for (const AffinityRule& rule : rules_->anti_affinity) {
      if (rule.is_hard && hosts_match(node, rule)) return Filter::kAntiAffinity;
    }
  }
  if (is_guarded_against(inventory_.node(node))) return Filter::kAntiAffinity;
  if (is_confined_ && !std::binary_search(confines_.begin(), confines_.end(), node)) {
    return Filter::kAffinity;
  }
  return std::nullopt;
}

std::optional<Filter> Eligibility::refusal(NodeId id) const {
  const NodeBook& node = inventory_.node(id);
  if (node.state != NodeState::kReady) return Filter::kHealth;
  if (const auto refused = class_refusal(node.spec)) return refused;
  if (node.is_overcommitted()) return Filter::kResources;
  const Resources free = node.free();
  if (!fits(agent_.need, free)) return Filter::kResources;
  const std::array<double, kResourceKinds> least = least_free(node.group);
  for (std::size_t r = 0; r < kResourceKinds; ++r) {
    if (static_cast<double>(free[r]) < least[r]) return Filter::kRatio;
  }
  if (const auto refused = node_refusal(id)) return refused;
  if (!spreads(node.zone)) return Filter::kZoneSpread;
  return std::nullopt;
}

std::optional<Filter> Eligibility::broken_rule(NodeId id) const {
  const NodeBook& node = inventory_.node(id);
  if (const auto refused = class_refusal(node.spec)) return refused;
  if (const auto refused = node_refusal(id)) return refused;
  if (!spreads(node.zone)) return Filter::kZoneSpread;
  return std::nullopt;
}

std::string Refusals::text() const {
  std::string text = std::to_string(nodes) + " nodes";
  const char* separator = ": ";
  for (std::size_t f = 0; f < kFilters; ++f) {
    if (by_filter[f] == 0) continue;
    text += separator + std::string(to_text(static_cast<Filter>(f))) + ' ' +
            std::to_string(by_filter[f]);
    separator = ", ";
  }
  return text;
}

Refusals count_refusals(const AgentSpec& agent, const Inventory& inventory) {
  Refusals refusals;
  const Eligibility eligibility(agent, inventory);
  for (std::size_t i = 0; i < inventory.node_limit(); ++i) {
    if (!inventory.has_node(id_at<NodeId>(i))) continue;
    ++refusals.nodes;
    if (const auto filter = eligibility.refusal(id_at<NodeId>(i))) {
      ++refusals.by_filter[static_cast<std::size_t>(*filter)];
    }
  }
  return refusals;
}

std::vector<NodeId> hosts_of(const AffinityRule& rule, const Inventory& inventory, AgentId self) {
  std::vector<NodeId> hosts;
  const auto add = [&](AgentId id) {
    if (id == self || !inventory.has_agent(id)) return;
    const AgentBook& agent = inventory.agent(id);
    hosts.push_back(agent.node);
    if (agent.moving_to != kNoNode) hosts.push_back(agent.moving_to);
  };
  for (const AgentSelector& selector : rule.any_of) {
    switch (selector.kind) {
      case AgentSelector::Kind::kAgent:
        add(selector.agent);
        break;
      case AgentSelector::Kind::kService:
        for (const AgentId id : inventory.agents_of(selector.service)) add(id);
        break;
      case AgentSelector::Kind::kLabel:
        for (const AgentId id : inventory.agents_with(selector.label)) add(id);
        break;
    }
  }
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

double soft_affinity(const AgentSpec& agent, NodeId node, const Inventory& inventory) {
  if (!agent.rules) return 0.5;
  double met = 0;
  double total = 0;
  const std::vector<AgentId>& there = inventory.node(node).agents;
  const auto add = [&](const std::vector<AffinityRule>& rules, bool wanted) {
    for (const AffinityRule& rule : rules) {
      if (rule.is_hard) continue;
      const bool hosted = std::any_of(there.begin(), there.end(), [&](AgentId other) {
        return other != agent.id && matches_any(rule, inventory.agent(other).spec);
      });
      total += rule.weight;
      if (hosted == wanted) met += rule.weight;
    }
  };
  add(agent.rules->affinity, true);
  add(agent.rules->anti_affinity, false);
  return total > 0 ? met / total : 0.5;
}

}  // namespace phoenix
