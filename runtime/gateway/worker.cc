#include "runtime/gateway/worker.h"

#include <algorithm>
#include <utility>

#include "runtime/gateway/zone_list.h"

namespace phoenix::gateway {
namespace {

// Longer than this a node is not taken to be at work on what nobody waits for.
constexpr Duration kOrphanLife = std::chrono::seconds(60);
constexpr Duration kLaneCheck = std::chrono::seconds(1);

double bytes_of(const Request& request) {
  return static_cast<double>(request.target.size() + request.headers.size() + request.body.size());
}

}  // namespace

int status_of(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNone:
      return 200;
    case FailureReason::kError:
    case FailureReason::kReset:
      return 502;
    case FailureReason::kDeadline:
      return 504;
    default:
      return 503;
  }
}

Worker::Worker(net::Loop& loop, std::shared_ptr<const GatewayConfig> config,
               std::shared_ptr<const Catalog> catalog, WorkerOptions options)
    : loop_(loop),
      options_(std::move(options)),
      config_(std::move(config)),
      catalog_(std::move(catalog)),
      knobs_(config_->knobs),
      classes_(catalog_->classes().size()),
      chores_(loop, [this] { do_chores(); }),
      next_number_((static_cast<std::uint64_t>(options_.thread) + 1) << 44) {
  open_lane();
}

Worker::~Worker() = default;

void Worker::open_lane() {
  const Streams streams(options_.seed, static_cast<std::uint32_t>(lanes_opened_++));
  RouterSettings router = config_->router;
  router.max_in_flight = max_in_flight();
  lanes_.push_back(std::make_unique<Lane>(
      loop_, static_cast<LaneUser&>(*this), router, *catalog_, surroundings(*config_),
      streams.named("balancer/" + std::to_string(options_.thread)), options_.router_tap));
}

// Requests.

ExchangeId Worker::accept(Request&& request, Client& client, std::uint64_t tag) {
  const Time at = now();
  Lane& lane = this->lane();
  const std::uint64_t id = exchanges_.acquire();
  Exchange& exchange = exchanges_[id];
  exchange.request = std::move(request);
  exchange.client = &client;
  exchange.tag = tag;
  exchange.lane = &lane;
  Request& kept = exchange.request;
  if (kept.arrived == kStart) kept.arrived = at;
  if (kept.number == 0) kept.number = next_number_++;
  kept.attempts = 0;
  ++classes_[index(kept.request_class)].offered;
  RequestInfo info;
  info.token = id;
  info.service = kept.service;
  info.request_class = kept.request_class;
  info.key = kept.key;
  info.has_key = kept.has_key;
  info.repeatable = kept.repeatable;
  info.size = kept.size > 0 ? kept.size : 1.0;
  info.deadline = kept.deadline;
  lane.driver().request(info, at);
  return {id};
}

void Worker::leave(ExchangeId id) {
  Exchange* const exchange = exchanges_.find(id.value);
  if (exchange == nullptr) return;
  exchange->client = nullptr;
  if (exchange->stream == 0) return;
  forget_soon(attempts_[exchange->stream].node, exchange->stream);
  end_stream(id.value);
}

// What the Router still decides about them finds nobody who waits.
std::size_t Worker::give_up_open() {
  const auto waits = [](const Exchange& one) { return one.client != nullptr && one.stream == 0; };
  gave_up_ = true;
  const std::vector<std::uint64_t> open = exchanges_.ids_where(waits);
  for (const std::uint64_t id : open) {
    Exchange* const exchange = exchanges_.find(id);
    if (exchange == nullptr || !waits(*exchange)) continue;
    Client* const client = std::exchange(exchange->client, nullptr);
    const Reply reply = reply_for(id, FailureReason::kDeadline);
    count_answer(*exchange, reply, now());
    client->on_reply(exchange->tag, reply);
  }
  return open.size();
}

void Worker::resume_reply(ExchangeId id) {
  Exchange* const exchange = exchanges_.find(id.value);
  if (exchange == nullptr || exchange->stream == 0) return;
  Node& node = nodes_[index(attempts_[exchange->stream].node)];
  if (node.upstream) node.upstream->resume(exchange->stream);
}

// Decisions of the Router.

void Worker::carry_send(Lane& lane, const RouterAction& action) {
  Exchange& exchange = exchanges_[action.request];
  Node& node = nodes_[index(action.node)];
  const std::uint64_t id = attempts_.acquire();
  attempts_[id] = {action.attempt, &lane, action.request, exchange.newest_attempt, action.node};
  exchange.newest_attempt = id;
  exchange.last_node = action.node;
  ++node.attempts;
  ++node.under_way;
  const Request& request = exchange.request;
  const Duration left = request.deadline == kNever ? Duration::max() : request.deadline - now();
  node.upstream->send(id, request, catalog_->services()[index(request.service)].name,
                      catalog_->classes()[index(request.request_class)].name, left);
  ++exchange.request.attempts;
}

void Worker::carry_answer(Lane&, const RouterAction& action) {
  const std::uint64_t id = action.request;
  Exchange& exchange = exchanges_[id];
  const Reply reply = reply_for(id, action.reason);
  if (!gave_up_) count_answer(exchange, reply, now());
  Client* const client = exchange.client;
  const std::uint64_t tag = exchange.tag;
  const bool streams = reply.more && client != nullptr;
  if (streams) {
    // The attempt in hand stays; it is the only one somebody still waits for.
    let_go(exchange);
    exchange.stream = in_hand_.attempt;
    in_hand_.is_taken = true;
  } else {
    let_go(exchange);
    exchanges_.release(id);
  }
  if (client != nullptr) client->on_reply(tag, reply);
}

void Worker::carry_probe(NodeId id) {
  const Node& node = nodes_[index(id)];
  if (node.upstream == nullptr || !node.upstream->probe(probes_++)) ++probes_unsent_;
}

Reply Worker::reply_for(std::uint64_t id, FailureReason reason) {
  const Exchange& exchange = exchanges_[id];
  Reply reply;
  reply.reason = reason;
  reply.node = exchange.last_node;
  reply.attempts = static_cast<int>(exchange.request.attempts);
  const bool is_answered = in_hand_.exchange == id;
  if (is_answered) reply.node = in_hand_.node;
  const bool passes = reason == FailureReason::kNone || reason == FailureReason::kError;
  if (is_answered && passes && in_hand_.reply != nullptr) {
    const AttemptReply& answer = *in_hand_.reply;
    reply.from_node = true;
    reply.status = answer.status;
    reply.headers = answer.headers;
    reply.body = answer.body;
    reply.more = answer.more;
    reply.content_length = answer.content_length;
  } else {
    reply.status = status_of(reason);
  }
  const bool is_native = exchange.request.method.empty();
  if (knobs_.direct_routing && is_native && exchange.request.has_key && reply.from_node) {
    reply.direct = nodes_[index(reply.node)].view.address;
  }
  return reply;
}

void Worker::count_answer(const Exchange& exchange, const Reply& reply, Time at) {
  const Request& request = exchange.request;
  ClassCounters& counters = classes_[index(request.request_class)];
  ++counters.answers[static_cast<std::size_t>(reply.reason)];
  if (reply.reason == FailureReason::kNone) counters.latency.record(at - request.arrived);
  if (options_.tap == nullptr) return;
  AnsweredRequest answered;
  answered.number = request.number;
  answered.arrived = request.arrived;
  answered.answered = at;
  answered.request_bytes = bytes_of(request);
  answered.response_bytes = reply.content_length >= 0 ? static_cast<double>(reply.content_length)
                                                      : static_cast<double>(reply.body.size());
  answered.key = request.key;
  answered.request_class = request.request_class;
  answered.node = reply.node;
  answered.attempts = reply.attempts;
  answered.thread = options_.thread;
  answered.reason = reply.reason;
  options_.tap->on_answer(answered);
}

void Worker::on_lane_due(Lane& lane) {
  lane.driver().wake(now());
  take_notices(lane);
}

void Worker::take_notices(Lane& lane) {
  if (!options_.on_notices) return;
  std::vector<RouterNotice> notices = lane.driver().take_notices();
  if (!notices.empty()) options_.on_notices(std::move(notices));
}

// What upstreams tell.

void Worker::on_attempt(AttemptId id, AttemptResult result, const AttemptReply* reply) {
  const Attempt* const found = attempts_.find(id);
  if (found == nullptr) return;
  const Attempt attempt = *found;
  Node& node = nodes_[index(attempt.node)];
  --node.under_way;
  if (result != AttemptResult::kOk) ++node.failures;
  if (attempt.exchange != 0) unlink(exchanges_[attempt.exchange], id);
  const InHand outer = in_hand_;
  in_hand_ = {attempt.exchange, id, attempt.node, reply, false};
  attempt.lane->driver().result(attempt.at_router, result, now());
  const bool streams = in_hand_.is_taken;
  in_hand_ = outer;
  if (streams) return;
  if (attempts_.find(id) != nullptr) attempts_.release(id);
  if (reply != nullptr && reply->more) forget_soon(attempt.node, id);
}

bool Worker::on_attempt_body(AttemptId id, std::string_view piece, bool last) {
  const Attempt* const attempt = attempts_.find(id);
  if (attempt == nullptr || attempt->exchange == 0) return true;
  if (exchanges_[attempt->exchange].stream != id) return true;
  const Exchange& exchange = exchanges_[attempt->exchange];
  Client* const client = exchange.client;
  const std::uint64_t tag = exchange.tag;
  if (last) end_stream(attempt->exchange);
  return client->on_reply_body(tag, piece, last);
}

void Worker::on_attempt_broken(AttemptId id) {
  const Attempt* const attempt = attempts_.find(id);
  if (attempt == nullptr || attempt->exchange == 0) return;
  if (exchanges_[attempt->exchange].stream != id) return;
  ++nodes_[index(attempt->node)].failures;
  const Exchange& exchange = exchanges_[attempt->exchange];
  Client* const client = exchange.client;
  const std::uint64_t tag = exchange.tag;
  end_stream(attempt->exchange);
  client->on_reply_broken(tag);
}

void Worker::on_node_report(NodeId id, const wire::Report& report) {
  if (index(id) >= nodes_.size() || !nodes_[index(id)].is_known) return;
  Node& node = nodes_[index(id)];
  node.totals = report.totals;
  on_piggybacked(id, report.load);
}

void Worker::on_piggybacked(NodeId id, const LoadReport& report) {
  Node& node = nodes_[index(id)];
  const Time at = now();
  node.load = report;
  node.reported_at = at;
  for (const auto& lane : lanes_) lane->driver().report(id, report, at);
}

void Worker::on_probe_answered(NodeId node, std::uint64_t, const LoadReport& report) {
  on_piggybacked(node, report);
}

void Worker::on_reachable(NodeId id, bool reachable) {
  Node& node = nodes_[index(id)];
  if (node.is_reachable == reachable) return;
  node.is_reachable = reachable;
  tell_lanes(node);
}

// Ends of attempts and exchanges.

void Worker::unlink(Exchange& exchange, std::uint64_t id) {
  std::uint64_t* place = &exchange.newest_attempt;
  while (*place != 0 && *place != id) place = &attempts_[*place].older;
  if (*place == id) *place = attempts_[id].older;
}

// The exchange is answered. A Phoenix node goes on working on what it has got, and the Router shall
// know how long; what an HTTP server has got is taken back by closing its connection.
void Worker::let_go(Exchange& exchange) {
  while (exchange.newest_attempt != 0) {
    const std::uint64_t id = exchange.newest_attempt;
    Attempt& attempt = attempts_[id];
    exchange.newest_attempt = attempt.older;
    attempt.exchange = 0;
    attempt.older = 0;
    if (nodes_[index(attempt.node)].view.protocol == Protocol::kHttp) {
      stop(id);
    } else {
      while (!orphans_.empty() && attempts_.find(orphans_.front().second) == nullptr) {
        orphans_.pop_front();
      }
      orphans_.emplace_back(now() + kOrphanLife, id);
      if (chores_.armed() > orphans_.front().first) chores_.arm(orphans_.front().first);
    }
  }
}

void Worker::stop(std::uint64_t id) {
  const Attempt attempt = attempts_[id];
  attempts_.release(id);
  Node& node = nodes_[index(attempt.node)];
  --node.under_way;
  if (node.upstream) node.upstream->forget(id);
  attempt.lane->driver().result(attempt.at_router, AttemptResult::kStopped, now());
}

void Worker::end_stream(std::uint64_t id) {
  attempts_.release(exchanges_[id].stream);
  exchanges_.release(id);
}

void Worker::forget_soon(NodeId node, AttemptId attempt) {
  to_forget_.emplace_back(node, attempt);
  chores_.arm(loop_.now());
}

void Worker::do_chores() {
  for (const auto& [node, attempt] : std::exchange(to_forget_, {})) {
    if (nodes_[index(node)].upstream) nodes_[index(node)].upstream->forget(attempt);
  }
  const Time at = now();
  while (!orphans_.empty() && orphans_.front().first <= at) {
    const std::uint64_t id = orphans_.front().second;
    orphans_.pop_front();
    if (attempts_.find(id) != nullptr) stop(id);
  }
  close_idle_lanes();
  Time next = orphans_.empty() ? kNever : orphans_.front().first;
  if (lanes_.size() > 1) next = std::min(next, at + kLaneCheck);
  if (to_forget_.empty()) chores_.arm(next);
}

}  // namespace phoenix::gateway
