#include "scenarios/control_loop.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "strategies/control/status.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr int kStartTriesMax = 3;  // of one node for one decision

}  // namespace

struct ControlLoop::State {
  struct Place {
    NodePhase phase = NodePhase::kAbsent;
    DecisionId decision = 0;  // that has asked for its start or removal
    int tries = 0;
    std::uint64_t boots = 0;  // starts of this place so far; each draws its own boot time
  };
  struct Open {
    Decision decision;
    int wanted = 0, done = 0, failed = 0;
    std::string why;  // of the last failure
  };

  State(ControlWorld& the_world, ControlPlan the_plan, std::function<void(DecisionRow&)> the_log)
      : world(the_world),
        plan(std::move(the_plan)),
        log(std::move(the_log)),
        controller(plan.setup),
        places(plan.setup.node_groups.size()) {
    const auto initial = static_cast<std::size_t>(plan.initial_nodes);
    for (std::size_t n = 0; n < places.size(); ++n) {
      places[n].phase = n < initial ? NodePhase::kReady : NodePhase::kAbsent;
      controller.on_node(id_at<NodeId>(n), places[n].phase, kStart);
    }
    std::ranges::stable_sort(plan.commands, {}, &TimedCommand::at);
    for (const ControlService& service : plan.setup.services) {
      next_agent += static_cast<std::uint32_t>(service.agents);
    }
  }

  Time next_arrival() const {
    return next_arrived < plan.agents.size() ? kStart + plan.agents[next_arrived].at : kNever;
  }
  Time next_leave() const { return leaving.empty() ? kNever : leaving.begin()->first; }
  void come_and_go(Time date);
  void carry_out_agent(const Decision& decision);
  void end_start(AgentId agent, bool is_up, const std::string& note);
  void follow_moves();

  Time next_command() const {
    return next < plan.commands.size() ? kStart + plan.commands[next].at : kNever;
  }

  void carry_out(const Decision& decision);
  void scale_out(Open& open);
  Status scale_in(const Open& asked);
  Status keep(NodeId node);
  bool begin_start(std::size_t place, Open& open);
  void settle(DecisionId id);
  void close(const Open& open, OutcomeKind kind, const std::string& note);
  void write(const Decision& decision, std::string_view outcome, Duration took,
             const std::string& note);
  void write_command(const Command& command, const Status& taken);
  std::string subject_of(const Decision& decision) const;

  ControlWorld& world;
  ControlPlan plan;  // commands by date
  std::function<void(DecisionRow&)> log;
  Controller controller;
  std::vector<Place> places;
  std::map<DecisionId, Open> open;
  std::size_t next = 0;          // of the commands
  std::size_t next_arrived = 0;  // of plan.agents
  std::uint32_t next_agent = 0;  // ids of those that come
  std::multimap<Time, AgentId> leaving;
  bool is_following = false;                     // moves, from follow_moves()
  std::map<AgentId, DecisionId> agent_decision;  // under way
  std::vector<Decision> decided;                 // scratch
  double scaling_s = 0;                          // of scale-outs that are done
  int scaled = 0;
};

std::string ControlLoop::State::subject_of(const Decision& decision) const {
  if (decision.kind == DecisionKind::kScaleIn) return fmt::format("node:{}", index(decision.node));
  if (decision.kind == DecisionKind::kScaleOut) return "group:" + decision.subject;
  return decision.subject;
}

void ControlLoop::State::write(const Decision& decision, std::string_view outcome, Duration took,
                               const std::string& note) {
  DecisionRow row;
  row.t = decision.at.time_since_epoch().count();
  row.family = decision.family;
  row.action = to_text(decision.kind);
  const std::string subject = subject_of(decision);
  row.subject = std::string_view(subject);
  row.value = decision.value;
  row.from = decision.from;
  row.seen = std::string_view(decision.seen);
  row.reason = std::string_view(decision.reason);
  row.outcome = outcome;
  row.took = to_seconds(took);
  row.note = std::string_view(note);
  log(row);
}

// What somebody asked for, beside the decisions it led to.
void ControlLoop::State::write_command(const Command& command, const Status& taken) {
  DecisionRow row;
  row.t = world.now().time_since_epoch().count();
  row.family = "command";
  row.action = to_text(command.kind);
  row.subject = std::string_view(command.subject);
  row.value = command.value;
  row.reason = std::string_view(command.text);
  row.outcome = taken ? "done" : "refused";
  if (!taken) row.note = std::string_view(taken.error());
  log(row);
}

void ControlLoop::State::close(const Open& ended, OutcomeKind kind, const std::string& note) {
  const Time now = world.now();
  const Decision& decision = ended.decision;
  write(decision, to_text(kind), now - decision.at, note);
  if (decision.kind == DecisionKind::kScaleOut && ended.done > 0) {
    scaling_s += to_seconds(now - decision.at);
    ++scaled;
  }
  const int count = decision.kind == DecisionKind::kScaleOut ? ended.done : 0;
  controller.on_outcome({decision.id, kind, count, now - decision.at, Duration{0}, note}, now);
}

void ControlLoop::State::settle(DecisionId id) {
  const auto found = open.find(id);
  if (found == open.end() || found->second.done + found->second.failed < found->second.wanted) {
    return;
  }
  const Open ended = found->second;
  open.erase(found);
  const bool is_good = ended.failed == 0;
  close(ended, is_good ? OutcomeKind::kDone : OutcomeKind::kFailed,
        is_good ? "" : fmt::format("{} of {}; {}", ended.done, ended.wanted, ended.why));
}

bool ControlLoop::State::begin_start(std::size_t place, Open& asked) {
  const Duration boot = plan.boot_time(id_at<NodeId>(place), places[place].boots++);
  const Status begun = world.provision(id_at<NodeId>(place), boot);
  if (!begun) {
    asked.why = begun.error();
    return false;
  }
  places[place].phase = NodePhase::kProvisioning;
  places[place].decision = asked.decision.id;
  controller.on_node(id_at<NodeId>(place), NodePhase::kProvisioning, world.now());
  return true;
}

void ControlLoop::State::scale_out(Open& asked) {
  int begun = 0;
  for (std::size_t n = 0; n < places.size() && begun < asked.wanted; ++n) {
    const auto of = static_cast<std::size_t>(plan.setup.node_groups[n]);
    const ControlGroup& group = plan.setup.groups[of];
    if (places[n].phase != NodePhase::kAbsent || group.name != asked.decision.subject) continue;
    places[n].tries = 1;
    if (begin_start(n, asked)) ++begun;
  }
  if (begun < asked.wanted && asked.why.empty()) asked.why = "no place is left in the group";
  asked.failed = asked.wanted - begun;
}

// The world may answer from within remove(): everything has to be as if it had begun.
Status ControlLoop::State::scale_in(const Open& asked) {
  const NodeId node = asked.decision.node;
  Place& place = places[index(node)];
  if (place.phase == NodePhase::kAbsent || place.phase == NodePhase::kDraining) {
    return Error{fmt::format("the node is {}", to_text(place.phase))};
  }
  const Place before = place;
  place.decision = asked.decision.id;
  place.phase = NodePhase::kDraining;
  open.emplace(asked.decision.id, asked);
  controller.on_node(node, NodePhase::kDraining, world.now());
  Status begun = world.remove(node, plan.setup.settings.drain_grace);
  if (!begun) {
    open.erase(asked.decision.id);
    place = before;
    controller.on_node(node, place.phase, world.now());
  } else if (before.phase == NodePhase::kProvisioning) {
    Open& start = open.at(before.decision);
    ++start.failed;
    start.why = "a node was no longer wanted before it was up";
    settle(before.decision);
  }
  return begun;
}

// A node that still drains goes back into service, and the decision to remove it is superseded.
Status ControlLoop::State::keep(NodeId node) {
  Place& place = places[index(node)];
  if (place.phase != NodePhase::kDraining || place.decision == 0) {
    return Error{fmt::format("the node is {}", to_text(place.phase))};
  }
  Status kept = world.keep(node);
  if (!kept) return kept;
  const Open removal = open.at(place.decision);
  open.erase(place.decision);
  place.decision = 0;
  place.phase = NodePhase::kReady;
  controller.on_node(node, NodePhase::kReady, world.now());
  close(removal, OutcomeKind::kSuperseded, "taken back into service");
  return kept;
}

void ControlLoop::State::carry_out(const Decision& decision) {
  Open asked{decision, 1, 0, 0, ""};
  Status done = success();
  switch (decision.kind) {
    case DecisionKind::kScaleOut: {
      if (decision.node != kNoNode) {
        done = keep(decision.node);
        break;
      }
      asked.wanted = decision.count;
      scale_out(asked);
      const DecisionId id = decision.id;
      open.emplace(id, std::move(asked));
      return settle(id);
    }
    case DecisionKind::kScaleIn:
      done = scale_in(asked);
      if (done) return;
      break;
    case DecisionKind::kSetKnob:
      done = world.set_knob(decision.subject, decision.value);
      break;
    case DecisionKind::kPlaceAgent:
    case DecisionKind::kStopAgent:
    case DecisionKind::kMigrateAgent:
      return carry_out_agent(decision);
    default:
      return write(decision, "done", Duration{0}, "");
  }
  if (done) asked.done = 1;
  close(asked, done ? OutcomeKind::kDone : OutcomeKind::kRefused, done ? "" : done.error());
}

void ControlLoop::State::carry_out_agent(const Decision& decision) {
  Open asked{decision, 1, 0, 0, ""};
  const AgentId agent = decision.agent;
  if (decision.kind == DecisionKind::kStopAgent) {
    world.stop_agent(agent);
    if (const auto found = agent_decision.find(agent); found != agent_decision.end()) {
      const Open before = open.at(found->second);
      open.erase(found->second);
      agent_decision.erase(found);
      close(before, OutcomeKind::kSuperseded, "the agent was stopped");
    }
    return close(asked, OutcomeKind::kDone, "");
  }
  open.emplace(decision.id, asked);
  agent_decision[agent] = decision.id;
  if (decision.kind == DecisionKind::kMigrateAgent) return;  // step by step, see follow_moves()
  const Status begun = world.start_agent(controller.agent(agent), decision.node);
  if (begun) return;
  open.erase(decision.id);
  agent_decision.erase(agent);
  close(asked, OutcomeKind::kRefused, begun.error());
}

// Gives the steps that are due to the world, which may answer from within, and closes moves that
// have ended.
void ControlLoop::State::follow_moves() {
  is_following = true;
  for (;;) {
    const std::vector<MigrationOrder> orders = controller.take_orders();
    for (const MigrationOrder& order : orders) world.migration_step(order);
    const std::vector<DecisionOutcome> settled = controller.take_settled();
    for (const DecisionOutcome& outcome : settled) {
      const auto found = open.find(outcome.id);
      if (found == open.end()) continue;
      const Decision decision = found->second.decision;
      open.erase(found);
      agent_decision.erase(decision.agent);
      write(decision, to_text(outcome.kind), outcome.took, outcome.text);
    }
    if (orders.empty() && settled.empty()) break;
  }
  is_following = false;
}

void ControlLoop::State::end_start(AgentId agent, bool is_up, const std::string& note) {
  const auto found = agent_decision.find(agent);
  if (found == agent_decision.end()) return;
  const Open ended = open.at(found->second);
  if (ended.decision.kind != DecisionKind::kPlaceAgent) return;
  open.erase(found->second);
  agent_decision.erase(found);
  close(ended, is_up ? OutcomeKind::kDone : OutcomeKind::kFailed, note);
}

// Agents whose time is over go before others come, so that their places are free.
void ControlLoop::State::come_and_go(Time date) {
  while (next_leave() <= date) {
    const AgentId agent = leaving.begin()->second;
    leaving.erase(leaving.begin());
    controller.on_agent_over(agent, date, decided);
  }
  while (next_arrival() <= date) {
    const AgentArrival& arrival = plan.agents[next_arrived++];
    const auto id = id_at<AgentId>(next_agent++);
    AgentSpec agent = agent_spec(id, arrival.service, arrival.cores, arrival.memory_bytes);
    agent.rules = plan.setup.services[arrival.service].agent.rules;
    [[maybe_unused]] const Status wanted = controller.on_agent_wanted(agent, date, decided);
    assert(wanted.ok());
    if (arrival.lifetime != Duration::max()) leaving.emplace(date + arrival.lifetime, id);
  }
}

void ControlLoop::begin(std::span<const StandingAgent> standing) {
  State& s = *state_;
  if (!is_on()) return;
  std::vector<Decision> decided;
  s.controller.begin(s.world.now(), standing, decided);
  for (const Decision& decision : decided) s.carry_out(decision);
  s.follow_moves();
}

void ControlLoop::agent_is(AgentId agent, bool is_up, std::string_view why) {
  state_->end_start(agent, is_up, std::string(why));
}

void ControlLoop::step_ended(std::uint64_t token, const Status& how, double dirty_bytes) {
  state_->controller.on_step(token, how, dirty_bytes, state_->world.now());
  if (!state_->is_following) state_->follow_moves();
}

AgentRoute ControlLoop::route(AgentId agent) { return state_->controller.route(agent); }

ControlLoop::ControlLoop(ControlWorld& world, ControlPlan plan,
                         std::function<void(DecisionRow&)> log)
    : state_(std::make_unique<State>(world, std::move(plan), std::move(log))) {}

ControlLoop::ControlLoop(ControlWorld& world, const Scenario& scenario, const Streams& streams,
                         std::function<void(DecisionRow&)> log)
    : ControlLoop(world, control_plan(scenario, streams), std::move(log)) {}

ControlLoop::~ControlLoop() = default;

bool ControlLoop::is_on() const { return state_->plan.is_on; }

Time ControlLoop::next_at() const {
  return state_->plan.is_on ? std::min({state_->controller.next_tick(), state_->next_command(),
                                        state_->next_arrival(), state_->next_leave()})
                            : kNever;
}

void ControlLoop::play(Time date) {
  State& s = *state_;
  if (!s.plan.is_on) return;
  if (s.controller.next_tick() <= date) {
    s.controller.on_gateway_report(s.world.take_gateway_report(), date);
  }
  s.decided.clear();
  s.come_and_go(date);
  while (s.next_command() <= date) {
    const TimedCommand& timed = s.plan.commands[s.next++];
    const Status taken = s.controller.on_command(timed.command, date, s.decided);
    s.write_command(timed.command, taken);
  }
  if (s.controller.next_tick() <= date) s.controller.tick(date, s.decided);
  const std::vector<Decision> decided = std::move(s.decided);
  s.decided = {};
  for (const Decision& decision : decided) s.carry_out(decision);
  s.follow_moves();
}

void ControlLoop::report(NodeId node, const LoadReport& report) {
  if (state_->plan.is_on) state_->controller.on_report(node, report, state_->world.now());
}

void ControlLoop::node_has(NodeId node, const NodeCapacity& capacity) {
  if (state_->plan.is_on) state_->controller.on_capacity(node, capacity);
}

void ControlLoop::node_is(NodeId node, NodePhase phase) {
  State& s = *state_;
  if (!s.plan.is_on) return;
  State::Place& place = s.places[index(node)];
  const NodePhase before = place.phase;
  // A node that is removed and dies is on its way out all the same.
  const bool is_removed = before == NodePhase::kDraining && place.decision != 0;
  if (is_removed && phase != NodePhase::kAbsent) return;
  place.phase = phase;
  s.controller.on_node(node, phase, s.world.now());
  if (!s.is_following) s.follow_moves();
  const bool has_come = before == NodePhase::kProvisioning && phase == NodePhase::kReady;
  const bool has_gone = before == NodePhase::kDraining && phase == NodePhase::kAbsent;
  if (!(has_come || has_gone) || place.decision == 0) return;
  const DecisionId id = place.decision;
  place.decision = 0;
  ++s.open.at(id).done;
  s.settle(id);
}

void ControlLoop::start_failed(NodeId node, std::string_view why) {
  State& s = *state_;
  State::Place& place = s.places[index(node)];
  if (!s.plan.is_on || place.phase != NodePhase::kProvisioning) return;
  const DecisionId id = place.decision;
  State::Open& asked = s.open.at(id);
  asked.why = why;
  place.phase = NodePhase::kAbsent;
  if (place.tries < kStartTriesMax) {
    ++place.tries;
    if (s.begin_start(index(node), asked)) return;
  }
  place.decision = 0;
  s.controller.on_node(node, NodePhase::kAbsent, s.world.now());
  ++asked.failed;
  s.settle(id);
}

Status ControlLoop::command(const Command& command) {
  State& s = *state_;
  if (!s.plan.is_on)
    return Error{"nothing here is controlled: no scaler, tuner or rebalancer is set"};
  std::vector<Decision> decided;
  const Status taken = s.controller.on_command(command, s.world.now(), decided);
  s.write_command(command, taken);
  for (const Decision& decision : decided) s.carry_out(decision);
  s.follow_moves();
  return taken;
}

double ControlLoop::scaling_response_s() const {
  return state_->scaled > 0 ? state_->scaling_s / state_->scaled
                            : std::numeric_limits<double>::quiet_NaN();
}

ControllerStatus ControlLoop::status() const {
  return state_->controller.status(state_->world.now());
}

void ControlLoop::finish() {
  State& s = *state_;
  for (const auto& [id, asked] : s.open) {
    s.write(asked.decision, "open", s.world.now() - asked.decision.at,
            fmt::format("{} of {}", asked.done, asked.wanted));
  }
  s.open.clear();
}

}  // namespace phoenix
