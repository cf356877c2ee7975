// Carries out the steps of the migration protocol (strategies/placement/migration.h) between node
// processes, over their lab links: an agent is a service of one node, with its handler's state.
// State passes through here in pieces; a checkpoint is kept here until it is loaded.
//
// Requests to a frozen agent wait at its node, and are forwarded to the new one by the old one; so
// are those of gateways that have not heard of the move yet. The node must host the service on
// standby. On the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/agents/order_link.h"
#include "strategies/placement/migration.h"

namespace phoenix::agents {

class AgentMover {
 public:
  struct Party {
    OrderLink* link = nullptr;  // null: the node is not there
    std::string address;        // where it takes requests
  };
  using Find = std::function<Party(NodeId node)>;
  // Once for every step. `dirty_bytes`: of a copy round, what had changed when it ended; else NaN.
  using Ended =
      std::function<void(const MigrationOrder& order, const Status& how, double dirty_bytes)>;

  AgentMover(Find find, Ended ended);
  ~AgentMover();  // ends nothing any more

  // `weight`: of its offer, wherever it serves.
  void step(const MigrationOrder& order, const std::string& service, double weight);

 private:
  // What is known of an agent between its steps.
  struct Move {
    bool has_base = false;   // the target has a state that changes can be applied to
    bool has_taken = false;  // changes are taken at the source, and not sent yet
    std::string checkpoint;
    bool has_checkpoint = false;
  };
  struct Step;
  using Then = std::function<void()>;

  void copy_round(const std::shared_ptr<Step>& step);
  void send_rest(const std::shared_ptr<Step>& step);
  void write_checkpoint(const std::shared_ptr<Step>& step);
  void switch_route(const std::shared_ptr<Step>& step, bool to_target);
  void resume(const std::shared_ptr<Step>& step);

  // Parts of steps: each goes on with `then`, or fails the step.
  void order(const std::shared_ptr<Step>& step, bool at_target, const OrderLink::Json& command,
             const Then& then);
  void take(const std::shared_ptr<Step>& step, std::string_view what, const Then& then);
  void carry(const std::shared_ptr<Step>& step, std::string_view what, std::size_t offset,
             const Then& then);
  void fetch(const std::shared_ptr<Step>& step, const Then& then);
  void load(const std::shared_ptr<Step>& step, std::size_t offset, const Then& then);
  void end(const std::shared_ptr<Step>& step, const Status& how);

  Find find_;
  Ended ended_;
  std::map<AgentId, Move> moves_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace phoenix::agents
