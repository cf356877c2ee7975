// The protocol that moves a running agent to another node so that, whatever fails and whenever,
// exactly one copy of it serves in the end and the books balance. Both worlds drive it: it says
// what to do next, they do it and report.
//
//   live        start target, copy rounds, freeze, send rest, switch route, resume, release source
//   checkpoint  start target, freeze, write checkpoint, send rest, switch route, resume, release
//   cold        freeze, stop source, start target, switch route, resume
//
// The target is reserved before anything starts; its books change through the inventory handed in.
// Each step has an undo. A step that fails before the switch is undone with all before it, in
// reverse order, itself included: every action must be harmless where there is nothing to do. After
// the switch there is only forward: what fails is tried again. Only the death of the target turns
// back to the frozen source, as long as it is there.
//
// Requests for an agent that is frozen wait, up to a limit; the world keeps them, this counts them.
// Does not move a byte itself. One thread at a time. The inventory must outlive it, and agents that
// are on the move must not be removed from it by others; a node's death is told here first, then to
// the inventory.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/decision.h"
#include "strategies/placement/inventory.h"
#include "strategies/placement/migration_model.h"

namespace phoenix {

enum class MigrationAction : std::uint8_t {
  kStartTarget,      // an empty copy at the target, not serving
  kCopyRound,        // send `bytes` from source to target while the source serves
  kFreeze,           // the source serves nothing more; requests wait
  kWriteCheckpoint,  // the frozen source's state goes to the store
  kSendRest,         // what the target does not have yet, loaded there
  kStopSource,       // cold: the source ends
  kSwitchRoute,      // requests belong to the target
  kResume,           // the target serves, first what waits
  kReleaseSource,    // the source copy ends
  // Undo:
  kStopTarget,     // of kStartTarget
  kUnfreeze,       // of kFreeze: the source serves again, first what waits
  kRestartSource,  // of kStopSource
  kSwitchBack,     // of kSwitchRoute
};

constexpr std::string_view to_text(MigrationAction action) {
  constexpr std::string_view kNames[] = {
      "start_target", "copy_round",     "freeze",     "write_checkpoint", "send_rest",
      "stop_source",  "switch_route",   "resume",     "release_source",   "stop_target",
      "unfreeze",     "restart_source", "switch_back"};
  return kNames[static_cast<std::size_t>(action)];
}

struct MigrationOptions {
  MigrationMeans means;
  int tries = 5;                                     // of an undo, or of a step after the switch
  Duration step_timeout = std::chrono::seconds(60);  // beyond what its bytes take
  std::uint32_t held_max = 1'000;                    // waiting requests of an agent
};

// One thing to do. Report it with its token: step_done or step_failed, once.
struct MigrationOrder {
  std::uint64_t token = 0;
  MigrationAction action = MigrationAction::kStartTarget;
  AgentId agent = kNoAgent;
  NodeId source = kNoNode;
  NodeId target = kNoNode;
  double bytes = 0;  // kCopyRound, kWriteCheckpoint, kSendRest: as expected
  int round = 0;     // kCopyRound: from 1
  int sharing = 1;   // moves under way, this one included: they share the bandwidth
  Time deadline = kNever;
};

struct MigrationRequest {
  AgentId agent = kNoAgent;
  NodeId target = kNoNode;
  std::string method;  // live, checkpoint, cold; empty: as choose_method() says
};

struct MigrationOutcome {
  AgentId agent = kNoAgent;
  NodeId source = kNoNode;
  NodeId target = kNoNode;
  MigrationMethod method = MigrationMethod::kLive;
  OutcomeKind kind = OutcomeKind::kDone;  // kDone: at the target; kFailed: undone, at the source
  bool is_lost = false;                   // no copy is left: its node died
  bool is_unclean = false;  // a dead copy may be left behind: an undo or a release never succeeded
  bool has_converged = true;  // live: the rest had become small when it was frozen
  Duration took{0};
  Duration downtime{0};
  int rounds = 0;
  double bytes = 0;
  std::uint32_t held = 0;     // requests that waited
  std::uint32_t refused = 0;  // for which there was no room to wait
  std::string cause;          // of kFailed: "migration_failed: ..."
};

// Where a request for an agent goes.
enum class AgentRoute : std::uint8_t {
  kSource,
  kTarget,
  kHold,  // waits for kResume or kUnfreeze; counted
  kFull,  // too many wait: refuse it
};

class Migrations {
 public:
  using Orders = std::vector<MigrationOrder>;

  Migrations(Inventory& inventory, MigrationOptions options)
      : inventory_(inventory), options_(options) {}

  // Reserves the target and appends the first order. Errors: agent_not_found; unknown method, with
  // the known ones; migration_failed with its cause (moving already, target refused by a filter).
  // A target that is the agent's node: done at once, no order.
  Status begin(const MigrationRequest& request, Time now, Orders& orders);

  // `dirty_bytes`: after kCopyRound, what has changed meanwhile; NaN: not known, the model's guess
  // is taken. Tokens of orders that are settled are ignored and counted.
  void step_done(std::uint64_t token, Time now, double dirty_bytes, Orders& orders);
  void step_failed(std::uint64_t token, std::string_view cause, Time now, Orders& orders);
  // The node and all on it are gone. Before Inventory::remove_node().
  void node_died(NodeId node, Time now, Orders& orders);

  // Fails what has passed its deadline.
  Time next_deadline() const;
  void on_time(Time now, Orders& orders);

  AgentRoute route(AgentId agent);

  bool is_moving(AgentId agent) const { return running_.count(agent) > 0; }
  std::size_t running() const { return running_.size(); }
  std::uint64_t stale_reports() const { return stale_reports_; }
  // What has ended since the last call, in order of ending.
  std::vector<MigrationOutcome> take_outcomes();

 private:
  struct Running {
    MigrationOutcome outcome;
    AgentState state;
    Time began = kStart;
    Time frozen_at = kNever;
    std::vector<MigrationAction> done;  // or begun: what there is to undo
    MigrationOrder order;
    int tries = 0;
    double rest_bytes = 0;
    bool is_undoing = false;
    bool has_resumed = false;
    bool source_died = false;
    bool target_died = false;
    std::uint32_t waiting = 0;
  };
  Running* find(std::uint64_t token);
  void give(Running& move, MigrationAction action, Time now, Orders& orders);
  void advance(Running& move, Time now, Orders& orders);
  void undo(Running& move, Time now, Orders& orders);
  void turn_back(Running& move, std::string_view cause, Time now, Orders& orders);
  void after_copy_round(Running& move, double dirty_bytes);
  void note_done(Running& move, Time now);
  void serve_again(Running& move, Time now);
  void end(Running& move, Time now);
  void lose(Running& move);
  void on_source_death(Running& move, Time now, Orders& orders);
  void on_target_death(Running& move, Time now, Orders& orders);

  Inventory& inventory_;
  MigrationOptions options_;
  std::map<AgentId, Running> running_;
  std::map<std::uint64_t, AgentId> by_token_;
  std::vector<MigrationOutcome> outcomes_;
  std::uint64_t next_token_ = 1;
  std::uint64_t stale_reports_ = 0;
};

}  // namespace phoenix
