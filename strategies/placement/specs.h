// What an agent asks of the node it runs on, and what a node offers. Scenarios and worlds fill
// these in; placers, rebalancers and the inventory read them.
//
// Plain data; checked once, when it enters the inventory.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/placement/resources.h"

namespace phoenix {

struct Label {
  std::string key;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

// Which agents a rule is about.
struct AgentSelector {
  enum class Kind : std::uint8_t { kAgent, kService, kLabel };
  Kind kind = Kind::kService;
  AgentId agent = kNoAgent;  // kAgent
  ServiceId service{0};      // kService: the agent's type
  Label label;               // kLabel

  static AgentSelector of(AgentId id) { return {Kind::kAgent, id, ServiceId{0}, {}}; }
  static AgentSelector of(ServiceId id) { return {Kind::kService, kNoAgent, id, {}}; }
  static AgentSelector of(Label label) {
    return {Kind::kLabel, kNoAgent, ServiceId{0}, std::move(label)};
  }
};

// Affinity: the node must host an agent that any of the selectors matches. Anti-affinity: it must
// host none. A soft rule refuses no node; its weight counts in scores that look at affinity.
struct AffinityRule {
  std::vector<AgentSelector> any_of;
  bool is_hard = true;
  double weight = 1;  // of a soft rule, > 0
};

// A test on a node's labels.
struct NodeTest {
  enum class Kind : std::uint8_t { kEquals, kIn, kExists };
  std::string key;
  Kind kind = Kind::kExists;
  std::vector<std::string> values;  // one for kEquals, one or more for kIn, none for kExists
};

// What an agent asks beyond resources. Agents of one kind share one object.
struct AgentRules {
  std::vector<Label> labels;         // of the agent
  std::vector<NodeTest> node_tests;  // all must hold
  std::vector<AffinityRule> affinity;
  std::vector<AffinityRule> anti_affinity;
  std::array<double, kResourceKinds> ratio_limits{1, 1, 1, 1, 1};  // of use / capacity afterwards
  int zone_max_skew = 0;  // agents of the service a zone may be ahead of the emptiest; 0: any
  std::vector<std::string> tolerations;  // taints it may live with
};

struct AgentSpec {
  AgentId id = kNoAgent;
  ServiceId service{0};
  Resources need;
  NodeId origin = kNoNode;                  // where it was asked for, if anywhere
  std::shared_ptr<const AgentRules> rules;  // null: none
};

struct NodeSpec {
  NodeId id = kNoNode;
  Resources capacity;
  std::string zone;  // the failure domain; "" is one too
  std::vector<Label> labels;
  std::vector<std::string> taints;  // an agent must tolerate all of them
  double price_per_hour = 0;        // of the whole node, in any one currency
};

// Errors name the value found and what is allowed.
Status check_agent(const AgentSpec& agent);
Status check_node(const NodeSpec& node);

bool matches(const AgentSelector& selector, const AgentSpec& agent);
bool matches_any(const AffinityRule& rule, const AgentSpec& agent);
bool passes(const NodeTest& test, const NodeSpec& node);
bool tolerates(const AgentRules* rules, const NodeSpec& node);
bool has_label(const AgentSpec& agent, const Label& label);

}  // namespace phoenix
