// The loop around a Controller, written once for both worlds: tells it what happened, carries its
// decisions to a ControlWorld, follows them until they are done, refused or failed, reports that
// back, and keeps the record of it all. Plays the plan's commands to the control plane too.
//
// The world calls play() when next_at() has come, and the node_is() and report() calls whenever it
// learns something. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/control_setup.h"
#include "scenarios/record_rows.h"
#include "scenarios/scenario.h"
#include "strategies/controller.h"
#include "strategies/core/random.h"

namespace phoenix {

// What a world does for the control plane. An error says why it was refused, and nothing has
// changed then.
class ControlWorld {
 public:
  virtual ~ControlWorld() = default;

  virtual Time now() const = 0;
  // What all gateways saw since the last call.
  virtual GatewayReport take_gateway_report() = 0;

  // An absent node is to be there `boot_time` from now, and to take requests then. Answered by
  // node_is(kReady), or by start_failed().
  virtual Status provision(NodeId node, Duration boot_time) = 0;
  // A node takes no more requests, finishes what it has for at most `grace`, and is absent then.
  // Answered by node_is(kAbsent). A node that is not up yet is given up.
  virtual Status remove(NodeId node, Duration grace) = 0;

  // A node under removal that has not gone yet stays; no answer follows.
  virtual Status keep(NodeId node) = 0;

  virtual Status set_knob(std::string_view knob, double value) = 0;

  // An agent starts on a node, and serves once it is up; answered by agent_is(). At the beginning
  // of the run it is there at once.
  virtual Status start_agent(const AgentSpec& agent, NodeId node) = 0;
  virtual void stop_agent(AgentId agent) = 0;
  // One step of a move, see migration.h; answered by step_ended().
  virtual void migration_step(const MigrationOrder& order) = 0;
};

class ControlLoop {
 public:
  // `log` gets every decision once its outcome is known. The world must outlive the loop, and may
  // still be under construction.
  ControlLoop(ControlWorld& world, ControlPlan plan, std::function<void(DecisionRow&)> log);
  // By control_plan(); scenario and streams must outlive the loop.
  ControlLoop(ControlWorld& world, const Scenario& scenario, const Streams& streams,
              std::function<void(DecisionRow&)> log);
  ~ControlLoop();
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  // False: nothing in the plan wants a control plane, and nothing here ever does anything.
  bool is_on() const;
  // Once, when the world can carry decisions out: agents that are there from the beginning. For
  // those that run already start_agent() is called too.
  void begin(std::span<const StandingAgent> standing = {});
  // The date of the next tick or command; kNever when there are no more.
  Time next_at() const;
  void play(Time date);

  void report(NodeId node, const LoadReport& report);
  // Draining that nobody here has decided may end.
  void node_is(NodeId node, NodePhase phase);
  void node_has(NodeId node, const NodeCapacity& capacity);  // before it is ready
  void start_failed(NodeId node, std::string_view why);

  // False: it did not come up, or it is gone though nobody stopped it.
  void agent_is(AgentId agent, bool is_up, std::string_view why);
  // `dirty_bytes`: what has changed while a round was copied; NaN where that is not known.
  void step_ended(std::uint64_t token, const Status& how,
                  double dirty_bytes = std::numeric_limits<double>::quiet_NaN());
  AgentRoute route(AgentId agent);

  // Asked by an operator, now. The error says what was found and what is allowed.
  Status command(const Command& command);

  ControllerStatus status() const;
  // Mean time from deciding to scale out to the last node's being ready; NaN where it never was.
  double scaling_response_s() const;

  // The end of the run: what is still under way is logged as open.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix
