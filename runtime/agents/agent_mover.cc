#include "runtime/agents/agent_mover.h"

#include <limits>
#include <utility>

#include "runtime/agents/json_fields.h"

namespace phoenix::agents {
namespace {

using Json = OrderLink::Json;
using Action = MigrationAction;

constexpr std::size_t kPiece = 4 * 1024 * 1024;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::string put_command(const std::string& service, std::string_view what, std::size_t offset,
                        std::size_t size, std::string_view bytes) {
  std::string command =
      Json{{"put", service}, {"of", what}, {"offset", offset}, {"size", size}}.dump() + "\n";
  command += bytes;
  return command;
}

}  // namespace

struct AgentMover::Step {
  MigrationOrder order;
  std::string service;
  double weight = 1;
  Party source, target;
  Move* move = nullptr;
  std::size_t taken_bytes = 0;
  double dirty_bytes = kUnknown;
};

AgentMover::AgentMover(Find find, Ended ended) : find_(std::move(find)), ended_(std::move(ended)) {}

AgentMover::~AgentMover() { *alive_ = false; }

void AgentMover::end(const std::shared_ptr<Step>& step, const Status& how) {
  ended_(step->order, how, how ? step->dirty_bytes : kUnknown);
}

void AgentMover::step(const MigrationOrder& given, const std::string& service, double weight) {
  auto step = std::make_shared<Step>();
  step->order = given;
  step->service = service;
  step->weight = weight;
  step->source = find_(given.source);
  step->target = find_(given.target);
  if (given.action == Action::kStartTarget) moves_[given.agent] = Move{};
  step->move = &moves_[given.agent];  // a map's entries stay where they are
  const Then done = [this, step] { end(step, success()); };
  switch (given.action) {
    case Action::kStartTarget:
      return order(step, true, {{"prepare", service}}, done);
    case Action::kCopyRound:
      return copy_round(step);
    case Action::kFreeze:
    case Action::kStopSource:
      return order(step, false, {{"hold", service}}, done);
    case Action::kWriteCheckpoint:
      return write_checkpoint(step);
    case Action::kSendRest:
      return send_rest(step);
    case Action::kSwitchRoute:
    case Action::kSwitchBack:
      return switch_route(step, given.action == Action::kSwitchRoute);
    case Action::kResume:
      return resume(step);
    case Action::kReleaseSource:  // a process that is gone has nothing left to end
      return step->source.link == nullptr ? done()
                                          : order(step, false, {{"retire", service}}, done);
    case Action::kStopTarget:
      return step->target.link == nullptr ? done() : order(step, true, {{"retire", service}}, done);
    case Action::kUnfreeze:
    case Action::kRestartSource:
      return order(step, false, {{"resume", service}}, done);
  }
}

// The first one sends all there is, further ones what has changed since; each then takes what has
// changed meanwhile, so that it is known how much is left.
void AgentMover::copy_round(const std::shared_ptr<Step>& step) {
  const Then then = [this, step] {
    step->move->has_base = true;
    take(step, "changes", [this, step] {
      step->move->has_taken = true;
      step->dirty_bytes = static_cast<double>(step->taken_bytes);
      end(step, success());
    });
  };
  if (step->move->has_taken) {
    step->move->has_taken = false;
    return carry(step, "changes", 0, then);
  }
  take(step, "state", [this, step, then] { carry(step, "state", 0, then); });
}

// REQUIRES of the protocol: the source is frozen.
void AgentMover::send_rest(const std::shared_ptr<Step>& step) {
  const Then done = [this, step] { end(step, success()); };
  Move& move = *step->move;
  if (move.has_checkpoint) {
    return load(step, 0, [this, step, done] {
      step->move->checkpoint = {};
      step->move->has_checkpoint = false;
      done();
    });
  }
  const std::string_view what = move.has_base ? "changes" : "state";
  const Then last = [this, step, what, done] {
    take(step, what, [this, step, what, done] { carry(step, what, 0, done); });
  };
  if (!move.has_taken) return last();
  move.has_taken = false;
  carry(step, "changes", 0, last);
}

void AgentMover::write_checkpoint(const std::shared_ptr<Step>& step) {
  step->move->checkpoint.clear();
  take(step, "state", [this, step] {
    fetch(step, [this, step] {
      step->move->has_checkpoint = true;
      end(step, success());
    });
  });
}

void AgentMover::switch_route(const std::shared_ptr<Step>& step, bool to_target) {
  const auto offer = [&](double weight) {
    return Json{{"offer", step->service}, {"weight", weight}};
  };
  order(step, to_target, offer(step->weight), [this, step, to_target, withdraw = offer(0)] {
    const bool is_there = (to_target ? step->source : step->target).link != nullptr;
    if (!is_there) return end(step, success());
    order(step, !to_target, withdraw, [this, step] { end(step, success()); });
  });
}

// The target serves first, so that what the source forwards is not held there. Where the source is
// gone there is nothing to forward.
void AgentMover::resume(const std::shared_ptr<Step>& step) {
  order(step, true, {{"resume", step->service}}, [this, step] {
    const auto done = [this, step] { end(step, success()); };
    if (step->source.link == nullptr) return done();
    order(step, false, {{"forward", step->service}, {"to", step->target.address}}, done);
  });
}

void AgentMover::order(const std::shared_ptr<Step>& step, bool at_target, const Json& command,
                       const Then& then) {
  OrderLink* const link = at_target ? step->target.link : step->source.link;
  if (link == nullptr) return end(step, Error{"the node is not there"});
  link->command(command, [this, step, then, alive = alive_](const Json& answer) {
    if (!*alive) return;
    if (!answer.is_object()) return end(step, Error{"the node does not answer"});
    if (answer.contains("error")) return end(step, Error{text_in(answer, "error")});
    step->taken_bytes = static_cast<std::size_t>(count_in(answer, "size"));
    then();
  });
}

void AgentMover::take(const std::shared_ptr<Step>& step, std::string_view what, const Then& then) {
  order(step, false, {{"take", step->service}, {"of", what}}, then);
}

// Piece by piece from the source to the target, which loads it with the last one.
void AgentMover::carry(const std::shared_ptr<Step>& step, std::string_view what, std::size_t offset,
                       const Then& then) {
  if (step->source.link == nullptr || step->target.link == nullptr) {
    return end(step, Error{"a node is not there"});
  }
  const std::string ask = Json{{"piece", step->service}, {"offset", offset}}.dump();
  step->source.link->ask(
      ask, [=, this, alive = alive_](const Json& answer, std::string_view bytes) {
        if (!*alive) return;
        if (!answer.is_object()) return end(step, Error{"the source does not answer"});
        if (answer.contains("error")) return end(step, Error{text_in(answer, "error")});
        const auto size = static_cast<std::size_t>(count_in(answer, "size"));
        const std::size_t next = offset + bytes.size();
        if (next < size && bytes.empty()) return end(step, Error{"the source sent an empty piece"});
        step->target.link->send_text(put_command(step->service, what, offset, size, bytes),
                                     [=, this](const Json& put) {
                                       if (!*alive) return;
                                       if (!put.is_object())
                                         return end(step, Error{"the target does not answer"});
                                       if (put.contains("error"))
                                         return end(step, Error{text_in(put, "error")});
                                       if (next < size) return carry(step, what, next, then);
                                       then();
                                     });
      });
}

void AgentMover::fetch(const std::shared_ptr<Step>& step, const Then& then) {
  std::string& state = step->move->checkpoint;
  const std::string ask = Json{{"piece", step->service}, {"offset", state.size()}}.dump();
  step->source.link->ask(ask,
                         [=, this, alive = alive_](const Json& answer, std::string_view bytes) {
                           if (!*alive) return;
                           if (!answer.is_object())
                             return end(step, Error{"the source does not answer"});
                           if (answer.contains("error"))
                             return end(step, Error{text_in(answer, "error")});
                           std::string& so_far = step->move->checkpoint;
                           so_far += bytes;
                           if (so_far.size() >= count_in(answer, "size")) return then();
                           if (bytes.empty())
                             return end(step, Error{"the source sent an empty piece"});
                           fetch(step, then);
                         });
}

void AgentMover::load(const std::shared_ptr<Step>& step, std::size_t offset, const Then& then) {
  if (step->target.link == nullptr) return end(step, Error{"the target is not there"});
  const std::string& state = step->move->checkpoint;
  const std::string_view bytes = std::string_view(state).substr(offset, kPiece);
  step->target.link->send_text(put_command(step->service, "state", offset, state.size(), bytes),
                               [=, this, next = offset + bytes.size(), size = state.size(),
                                alive = alive_](const Json& put) {
                                 if (!*alive) return;
                                 if (!put.is_object())
                                   return end(step, Error{"the target does not answer"});
                                 if (put.contains("error"))
                                   return end(step, Error{text_in(put, "error")});
                                 if (next < size) return load(step, next, then);
                                 then();
                               });
}

}  // namespace phoenix::agents
