#include "strategies/placement/migration.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>

namespace phoenix {
namespace {

using Action = MigrationAction;

constexpr Action kLiveSteps[] = {Action::kStartTarget,  Action::kCopyRound,   Action::kFreeze,
                                 Action::kSendRest,     Action::kSwitchRoute, Action::kResume,
                                 Action::kReleaseSource};
constexpr Action kCheckpointSteps[] = {
    Action::kStartTarget, Action::kFreeze, Action::kWriteCheckpoint, Action::kSendRest,
    Action::kSwitchRoute, Action::kResume, Action::kReleaseSource};
constexpr Action kColdSteps[] = {Action::kFreeze, Action::kStopSource, Action::kStartTarget,
                                 Action::kSwitchRoute, Action::kResume};

std::span<const Action> steps_of(MigrationMethod method) {
  if (method == MigrationMethod::kLive) return kLiveSteps;
  if (method == MigrationMethod::kCheckpoint) return kCheckpointSteps;
  return kColdSteps;
}

std::optional<Action> undo_of(Action action) {
  switch (action) {
    case Action::kStartTarget:
      return Action::kStopTarget;
    case Action::kFreeze:
      return Action::kUnfreeze;
    case Action::kStopSource:
      return Action::kRestartSource;
    case Action::kSwitchRoute:
      return Action::kSwitchBack;
    default:
      return std::nullopt;
  }
}

bool is_at_target(Action action) {
  return action == Action::kStopTarget || action == Action::kStartTarget;
}

bool is_past_switch(Action action) {
  return action == Action::kResume || action == Action::kReleaseSource;
}

bool has_begun(const std::vector<Action>& done, Action action) {
  return std::find(done.begin(), done.end(), action) != done.end();
}

}  // namespace

Status Migrations::begin(const MigrationRequest& request, Time now, Orders& orders) {
  if (!inventory_.has_agent(request.agent)) {
    return Error{std::string(kAgentNotFound) + ": agent " + std::to_string(index(request.agent))};
  }
  if (is_moving(request.agent)) {
    return Error{std::string(kMigrationFailed) + ": agent " + std::to_string(index(request.agent)) +
                 " is moving already"};
  }
  const AgentBook& agent = inventory_.agent(request.agent);
  Running move;
  move.state = {agent.observed.state_bytes, agent.observed.dirty_bytes_per_s};
  const int sharing = static_cast<int>(running_.size()) + 1;
  MigrationMethod method = choose_method(move.state, options_.means, sharing);
  if (!request.method.empty()) {
    const Result<MigrationMethod> named = migration_method(request.method);
    if (!named) return Error{named.error()};
    method = *named;
  }
  move.outcome.agent = request.agent;
  move.outcome.source = agent.node;
  move.outcome.target = request.target;
  move.outcome.method = method;
  move.began = now;
  move.rest_bytes = std::isnan(move.state.bytes) ? 0 : move.state.bytes;
  if (request.target == agent.node) {
    outcomes_.push_back(std::move(move.outcome));
    return success();
  }
  if (Status reserved = inventory_.begin_move(request.agent, request.target, now); !reserved) {
    return reserved;
  }
  Running& started = running_.emplace(request.agent, std::move(move)).first->second;
  give(started, steps_of(method).front(), now, orders);
  return success();
}

Migrations::Running* Migrations::find(std::uint64_t token) {
  const auto found = by_token_.find(token);
  if (found != by_token_.end()) return &running_.at(found->second);
  ++stale_reports_;
  return nullptr;
}

void Migrations::give(Running& move, Action action, Time now, Orders& orders) {
  const MigrationOutcome& about = move.outcome;
  const bool is_again = move.order.token != 0 && move.order.action == action;
  move.tries = is_again && action != Action::kCopyRound ? move.tries + 1 : 1;
  by_token_.erase(move.order.token);
  const bool moves_bytes = action == Action::kCopyRound || action == Action::kSendRest ||
                           action == Action::kWriteCheckpoint;
  const int sharing = static_cast<int>(running_.size());
  const double bytes = moves_bytes ? move.rest_bytes : 0;
  const double slowest = std::min({options_.means.bandwidth / sharing,
                                   options_.means.write_bandwidth, options_.means.read_bandwidth});
  // Four times what the bytes should take: bandwidth is shared with more than moves.
  const Duration patience = options_.step_timeout + from_seconds(4 * bytes / slowest);
  move.order = {next_token_++,
                action,
                about.agent,
                about.source,
                about.target,
                bytes,
                action == Action::kCopyRound ? about.rounds + 1 : 0,
                sharing,
                add_saturating(now, patience)};
  by_token_.emplace(move.order.token, about.agent);
  if (!move.is_undoing && (move.done.empty() || move.done.back() != action)) {
    move.done.push_back(action);
  }
  if (action == Action::kFreeze) move.frozen_at = now;
  orders.push_back(move.order);
}

void Migrations::step_done(std::uint64_t token, Time now, double dirty_bytes, Orders& orders) {
  Running* move = find(token);
  if (move == nullptr) return;
  if (move->order.action == Action::kCopyRound) after_copy_round(*move, dirty_bytes);
  note_done(*move, now);
  if (move->is_undoing) return undo(*move, now, orders);
  advance(*move, now, orders);
}

void Migrations::after_copy_round(Running& move, double dirty_bytes) {
  const double sent = move.order.bytes;
  move.outcome.bytes += sent;
  ++move.outcome.rounds;
  if (std::isnan(dirty_bytes)) {
    const double dirty_rate = std::isnan(move.state.dirty_rate) ? 0 : move.state.dirty_rate;
    dirty_bytes = sent * dirty_rate * move.order.sharing / options_.means.bandwidth;
  }
  move.rest_bytes = std::max(dirty_bytes, 0.0);
}

void Migrations::note_done(Running& move, Time now) {
  switch (move.order.action) {
    case Action::kSendRest:
      move.outcome.bytes += move.order.bytes;
      break;
    case Action::kResume:
      move.has_resumed = true;
      serve_again(move, now);
      break;
    case Action::kUnfreeze:
      serve_again(move, now);
      break;
    default:
      break;
  }
}

void Migrations::serve_again(Running& move, Time now) {
  if (move.frozen_at != kNever) move.outcome.downtime += now - move.frozen_at;
  move.frozen_at = kNever;
  move.waiting = 0;
}

// The step after the one that is done.
void Migrations::advance(Running& move, Time now, Orders& orders) {
  const MigrationMeans& means = options_.means;
  const MigrationOutcome& about = move.outcome;
  const bool is_copying =
      move.order.action == Action::kCopyRound || move.order.action == Action::kStartTarget;
  if (about.method == MigrationMethod::kLive && is_copying) {
    const bool is_small = move.rest_bytes <= means.rest_bytes;
    const bool gives_up =
        about.rounds >= means.rounds_max || about.bytes > means.sent_share_max * move.state.bytes;
    if (!is_small && !gives_up) return give(move, Action::kCopyRound, now, orders);
    move.outcome.has_converged = is_small;
    return give(move, Action::kFreeze, now, orders);
  }
  const std::span<const Action> steps = steps_of(about.method);
  auto next = std::find(steps.begin(), steps.end(), move.order.action) + 1;
  if (next != steps.end() && *next == Action::kReleaseSource && move.source_died) ++next;
  if (next == steps.end()) return end(move, now);
  give(move, *next, now, orders);
}

void Migrations::step_failed(std::uint64_t token, std::string_view cause, Time now,
                             Orders& orders) {
  Running* move = find(token);
  if (move == nullptr) return;
  const Action action = move->order.action;
  const bool only_forward = is_past_switch(action) || move->source_died;
  if ((move->is_undoing || only_forward) && move->tries < options_.tries) {
    return give(*move, action, now, orders);
  }
  if (move->is_undoing || action == Action::kReleaseSource) {
    move->outcome.is_unclean = true;
    note_done(*move, now);
    return move->is_undoing ? undo(*move, now, orders) : end(*move, now);
  }
  turn_back(*move, std::string(to_text(action)) + ": " + std::string(cause), now, orders);
}

void Migrations::turn_back(Running& move, std::string_view cause, Time now, Orders& orders) {
  move.is_undoing = true;
  move.outcome.kind = OutcomeKind::kFailed;
  move.outcome.cause = std::string(kMigrationFailed) + ": " + std::string(cause);
  if (move.source_died) lose(move);
  // A target that may have begun to serve has to end before the source serves again.
  const auto start = std::find(move.done.begin(), move.done.end(), Action::kStartTarget);
  if (has_begun(move.done, Action::kResume)) std::rotate(start, start + 1, move.done.end());
  undo(move, now, orders);
}

// The undo of the last step there is, or the end.
void Migrations::undo(Running& move, Time now, Orders& orders) {
  while (!move.done.empty()) {
    const std::optional<Action> action = undo_of(move.done.back());
    move.done.pop_back();
    if (!action) continue;
    if (move.target_died && is_at_target(*action)) continue;
    if (move.source_died && !is_at_target(*action)) continue;
    return give(move, *action, now, orders);
  }
  end(move, now);
}

// Settles the books and tells.
void Migrations::end(Running& move, Time now) {
  MigrationOutcome& outcome = move.outcome;
  // Otherwise the death of a node has settled it already.
  const bool is_open =
      !outcome.is_lost && inventory_.agent(outcome.agent).moving_to == outcome.target;
  if (is_open && outcome.kind == OutcomeKind::kDone) inventory_.finish_move(outcome.agent, now);
  if (is_open && outcome.kind == OutcomeKind::kFailed) inventory_.cancel_move(outcome.agent);
  outcome.took = now - move.began;
  by_token_.erase(move.order.token);
  outcomes_.push_back(std::move(outcome));
  running_.erase(outcomes_.back().agent);
}

// No copy is left: the agent is struck off the books.
void Migrations::lose(Running& move) {
  if (move.outcome.is_lost) return;
  move.outcome.is_lost = true;
  move.outcome.kind = OutcomeKind::kFailed;
  static_cast<void>(inventory_.remove_agent(move.outcome.agent));
}

void Migrations::node_died(NodeId node, Time now, Orders& orders) {
  std::vector<AgentId> touched;
  for (const auto& [agent, move] : running_) {
    if (move.outcome.source == node || move.outcome.target == node) touched.push_back(agent);
  }
  for (const AgentId agent : touched) {
    Running& move = running_.at(agent);
    if (move.outcome.target == node) {
      on_target_death(move, now, orders);
    } else {
      on_source_death(move, now, orders);
    }
  }
}

// Back to the source, unless that is ending already.
void Migrations::on_target_death(Running& move, Time now, Orders& orders) {
  move.target_died = true;
  const Action action = move.order.action;
  const bool source_is_there = !move.source_died && action != Action::kReleaseSource;
  if (!source_is_there) {
    lose(move);
    move.outcome.cause = std::string(kMigrationFailed) + ": source and target are gone";
    return end(move, now);
  }
  if (inventory_.agent(move.outcome.agent).moving_to != kNoNode) {
    inventory_.cancel_move(move.outcome.agent);
  }
  if (move.is_undoing && !is_at_target(action)) return;  // goes on at the source
  if (move.is_undoing) return undo(move, now, orders);
  turn_back(move, "target died during " + std::string(to_text(action)), now, orders);
}

// Forward where the target has all the state there is to have, else the agent is lost with its
// node.
void Migrations::on_source_death(Running& move, Time now, Orders& orders) {
  move.source_died = true;
  const Action action = move.order.action;
  const bool is_complete =
      has_begun(move.done, Action::kSwitchRoute) || has_begun(move.done, Action::kStopSource);
  if (is_complete && !move.is_undoing) {
    if (inventory_.agent(move.outcome.agent).moving_to != kNoNode) {
      inventory_.finish_move(move.outcome.agent, now);
    }
    const bool was_asked = action == Action::kReleaseSource || action == Action::kStopSource;
    if (was_asked) advance(move, now, orders);
    return;
  }
  lose(move);
  move.outcome.cause =
      std::string(kMigrationFailed) + ": source died during " + std::string(to_text(action));
  if (move.target_died) return end(move, now);
  if (move.is_undoing && is_at_target(action)) return;  // goes on at the target
  move.is_undoing = true;
  undo(move, now, orders);
}

Time Migrations::next_deadline() const {
  Time next = kNever;
  for (const auto& [agent, move] : running_) next = std::min(next, move.order.deadline);
  return next;
}

void Migrations::on_time(Time now, Orders& orders) {
  std::vector<std::uint64_t> late;
  for (const auto& [agent, move] : running_) {
    if (move.order.deadline <= now) late.push_back(move.order.token);
  }
  for (const std::uint64_t token : late) step_failed(token, "timed out", now, orders);
}

AgentRoute Migrations::route(AgentId agent) {
  const auto found = running_.find(agent);
  if (found == running_.end()) return AgentRoute::kSource;
  Running& move = found->second;
  if (move.frozen_at == kNever) {
    return move.has_resumed && !move.is_undoing ? AgentRoute::kTarget : AgentRoute::kSource;
  }
  if (move.waiting == options_.held_max) {
    ++move.outcome.refused;
    return AgentRoute::kFull;
  }
  ++move.waiting;
  ++move.outcome.held;
  return AgentRoute::kHold;
}

std::vector<MigrationOutcome> Migrations::take_outcomes() { return std::exchange(outcomes_, {}); }

}  // namespace phoenix
