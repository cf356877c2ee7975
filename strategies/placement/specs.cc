#include "strategies/placement/specs.h"

#include <algorithm>
#include <cmath>

#include "strategies/core/units.h"

namespace phoenix {
namespace {

Status check_affinity(const std::vector<AffinityRule>& rules, const std::string& who) {
  for (const AffinityRule& rule : rules) {
    if (rule.any_of.empty()) return Error{who + ": a rule without selectors"};
    if (!(rule.weight > 0 && std::isfinite(rule.weight))) {
      return Error{who + ": weight = " + print_number(rule.weight) + ": must be above 0"};
    }
  }
  return success();
}

Status check_test(const NodeTest& test, const std::string& who) {
  using Kind = NodeTest::Kind;
  const std::size_t values = test.values.size();
  const bool good = test.kind == Kind::kExists   ? values == 0
                    : test.kind == Kind::kEquals ? values == 1
                                                 : values > 0;
  if (good && !test.key.empty()) return success();
  return Error{who + ": node test of \"" + test.key + "\" with " + std::to_string(values) +
               " values: needs a key, and none to exist, one to equal, some to be in"};
}

Status check_rules(const AgentRules& rules, const std::string& who) {
  for (const NodeTest& test : rules.node_tests) {
    if (Status checked = check_test(test, who); !checked) return checked;
  }
  if (Status checked = check_affinity(rules.affinity, who + ": affinity"); !checked) return checked;
  if (Status checked = check_affinity(rules.anti_affinity, who + ": anti-affinity"); !checked) {
    return checked;
  }
  for (const double limit : rules.ratio_limits) {
    if (limit >= 0 && limit <= 1) continue;
    return Error{who + ": ratio limit = " + print_number(limit) + ": must be in [0, 1]"};
  }
  if (rules.zone_max_skew < 0) {
    return Error{who + ": zone_max_skew = " + std::to_string(rules.zone_max_skew) +
                 ": must be 0 or more"};
  }
  return success();
}

}  // namespace

Status check_agent(const AgentSpec& agent) {
  if (agent.id == kNoAgent) return Error{"an agent without an id"};
  const std::string who = "agent " + std::to_string(index(agent.id));
  if (Status checked = check_resources(agent.need, who); !checked) return checked;
  return agent.rules ? check_rules(*agent.rules, who) : success();
}

Status check_node(const NodeSpec& node) {
  if (node.id == kNoNode) return Error{"a node without an id"};
  const std::string who = "node " + std::to_string(index(node.id));
  if (Status checked = check_resources(node.capacity, who); !checked) return checked;
  if (!(node.price_per_hour >= 0 && std::isfinite(node.price_per_hour))) {
    return Error{who + ": price_per_hour = " + print_number(node.price_per_hour) +
                 ": must be 0 or more"};
  }
  return success();
}

bool has_label(const AgentSpec& agent, const Label& label) {
  if (!agent.rules) return false;
  const auto& labels = agent.rules->labels;
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

bool matches(const AgentSelector& selector, const AgentSpec& agent) {
  switch (selector.kind) {
    case AgentSelector::Kind::kAgent:
      return selector.agent == agent.id;
    case AgentSelector::Kind::kService:
      return selector.service == agent.service;
    case AgentSelector::Kind::kLabel:
      return has_label(agent, selector.label);
  }
  return false;
}

bool matches_any(const AffinityRule& rule, const AgentSpec& agent) {
  return std::any_of(rule.any_of.begin(), rule.any_of.end(),
                     [&](const AgentSelector& selector) { return matches(selector, agent); });
}

bool passes(const NodeTest& test, const NodeSpec& node) {
  for (const Label& label : node.labels) {
    if (label.key != test.key) continue;
    if (test.kind == NodeTest::Kind::kExists) return true;
    const auto& values = test.values;
    if (std::find(values.begin(), values.end(), label.value) != values.end()) return true;
  }
  return false;
}

bool tolerates(const AgentRules* rules, const NodeSpec& node) {
  return std::all_of(node.taints.begin(), node.taints.end(), [&](const std::string& taint) {
    return rules != nullptr && std::find(rules->tolerations.begin(), rules->tolerations.end(),
                                         taint) != rules->tolerations.end();
  });
}

}  // namespace phoenix
