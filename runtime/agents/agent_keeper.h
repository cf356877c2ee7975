// Agents on real nodes, for a control plane: starts them, ends them, moves them, and knows which
// node has how many of which service. Both the local world and a gateway have one.
//
// To a node an agent is one of those that it serves a service by: the service's weight there is
// their number times the node's own weight, and a service without agents is not offered. An agent
// that is alone on its node has the handler's state to itself, and moves with it (AgentMover);
// where several of a service share a node they share the state too, and only their numbers move.
//
// On the loop's thread. Answers that come after an agent was stopped or lost are dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/agents/agent_mover.h"
#include "runtime/agents/order_link.h"
#include "strategies/placement/migration.h"
#include "strategies/placement/specs.h"

namespace phoenix::agents {

class AgentKeeper {
 public:
  struct Host {
    OrderLink* link = nullptr;  // null: the node is not there
    std::string address;        // where it takes requests
    double weight = 1;          // of one agent's offer
  };
  struct Hooks {
    std::function<Host(NodeId node)> host;
    // An agent serves, does not come up, or is gone with its node.
    std::function<void(AgentId agent, bool is_up, std::string_view why)> told;
    AgentMover::Ended step_ended;
    // Runs it so much later, unless the keeper is gone.
    std::function<void(Duration delay, std::function<void()> work)> after;
  };

  // `services`: their names, by ServiceId.
  AgentKeeper(std::vector<std::string> services, Hooks hooks);

  // Answered by `told`, perhaps at once.
  void start(const AgentSpec& agent, NodeId node, Duration delay);
  void stop(AgentId agent);
  void step(const MigrationOrder& order);
  // The node has ended, and its agents with it: `told` of each.
  void lose(NodeId node);

  // Agents that a node serves by, and nobody here has started: start() takes them over. Said again,
  // it takes the place of what was said before.
  void found(NodeId node, ServiceId service, int agents);
  int found(NodeId node, ServiceId service) const;
  // Tells a node what it is to serve, whatever it serves now; what it has beyond that is forgotten.
  void renew(NodeId node);

  int count(NodeId node, ServiceId service) const;
  int count(NodeId node) const;
  bool are_all_up() const;

 private:
  using Place = std::pair<NodeId, ServiceId>;
  struct Agent {
    Place place;
    std::uint32_t start = 0;  // which one; answers to earlier ones are stale
    bool is_up = false;
    bool is_shared = false;  // on the move, and others of its service are at either end
  };

  void raise(AgentId agent, std::uint32_t start);
  void tell(AgentId agent, bool is_up, std::string_view why);
  void change(const Place& place, int by, OrderLink::OnAnswer on_answer = nullptr);
  void step_shared(const MigrationOrder& order);
  void on_step_ended(const MigrationOrder& order, const Status& how, double dirty_bytes);

  const std::vector<std::string> services_;
  Hooks hooks_;
  std::map<AgentId, Agent> agents_;
  std::map<Place, int> counts_;
  std::map<Place, int> found_;
  std::uint32_t starts_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  AgentMover mover_;
};

}  // namespace phoenix::agents
