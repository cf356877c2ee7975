#include "strategies/router.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "strategies/routing/admission.h"
#include "strategies/routing/flight_table.h"
#include "strategies/routing/hedge_delay.h"
#include "strategies/routing/journal.h"
#include "strategies/routing/retry_budget.h"
#include "strategies/routing/service_nodes.h"

namespace phoenix {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
constexpr std::size_t kActions = 256;  // of one wake; more need more room once

// What a failed attempt means to the client when it was the last one.
constexpr FailureReason reason_of(AttemptResult result) {
  switch (result) {
    case AttemptResult::kOk:
      return FailureReason::kNone;
    case AttemptResult::kError:
      return FailureReason::kError;
    case AttemptResult::kQueueFull:
      return FailureReason::kQueueFull;
    case AttemptResult::kRefused:
      return FailureReason::kRefused;
    case AttemptResult::kReset:
    case AttemptResult::kStopped:
      return FailureReason::kReset;
    case AttemptResult::kLate:
    case AttemptResult::kTimeout:
      return FailureReason::kDeadline;
  }
  return FailureReason::kError;
}

// The node did not begin: sending it again cannot carry it out twice, and the node is not ill.
constexpr bool is_refusal(AttemptResult result) {
  return result == AttemptResult::kQueueFull || result == AttemptResult::kRefused;
}

Time next_multiple(Time now, Duration period) {
  return now - now.time_since_epoch() % period + period;
}

std::vector<Duration> attempt_timeouts(const std::vector<RouterClass>& classes) {
  std::vector<Duration> timeouts;
  for (const RouterClass& c : classes) timeouts.push_back(c.attempt_timeout);
  return timeouts;
}

}  // namespace

struct Router::State {
  State(const RouterSettings& router_settings, std::vector<std::unique_ptr<Balancer>> balancers,
        std::vector<RouterClass> router_classes, Random stream);

  RouterAction on_request(const RequestInfo& request, Time now);
  RouterAction on_result(AttemptId attempt, AttemptResult result, Time now);
  std::span<const RouterAction> on_wake(Time now);
  Time next_wake() const { return std::min({flights.next_due(), next_upkeep, next_dispatch}); }

  RouterAction refuse(const RequestInfo& request, FailureReason reason);
  RouterAction send(FlightSlot slot, const RequestInfo& request, NodeId node, Time now);
  RouterAction send_again(FlightSlot slot, Time now);
  RouterAction answer(FlightSlot slot, FailureReason reason, Time now);
  RouterAction late(AttemptResult result);
  FlightSlot end_attempt(FlightSlot slot, AttemptResult result, Time now);
  RouterAction after_failure(FlightSlot slot, AttemptResult result, Time now);
  bool may_retry(FlightSlot slot, AttemptResult result, Time now);
  Duration backoff(int attempts);

  RouterAction hedge(FlightSlot slot, Time now);
  void hedge_slow(Time now);
  void plan_hedges(Time now);

  FlightSlot time_out(FlightSlot slot, Time now);
  RouterAction expire(FlightSlot slot, Time now);
  void emit(const RouterAction& action);
  void expire_requests(Time now);
  void retry_due(Time now);
  void dispatch_waiting(Time now);
  void upkeep(Time now);
  void plan_upkeep();

  std::size_t under_way() const { return flights.open() - flights.queued(); }
  bool at_limit() const { return under_way() >= static_cast<std::size_t>(settings.max_in_flight); }
  ServiceId service_of(ClassId request_class) const {
    return classes[index(request_class)].service;
  }
  ServiceNodes& nodes_for(FlightSlot slot) {
    return services[index(classes[flights[slot].request_class].service)];
  }

  RouterSettings settings;
  std::vector<RouterClass> classes;
  Random random;
  Journal journal;
  std::vector<ServiceNodes> services;
  std::vector<Admission> admissions;  // by service
  FlightTable flights;
  RetryBudget budget;
  std::vector<HedgeDelay> hedge_delays;  // by class; empty without hedging

  Time next_tick = kStart + kTick;
  Time next_sweep;
  Time next_upkeep = kStart;
  Time next_dispatch = kNever;  // when waiting requests may go
  std::vector<RouterAction> answers;
  std::vector<RouterAction> sends;
};

Router::State::State(const RouterSettings& router_settings,
                     std::vector<std::unique_ptr<Balancer>> balancers,
                     std::vector<RouterClass> router_classes, Random stream)
    : settings(router_settings),
      classes(std::move(router_classes)),
      random(stream),
      flights(attempt_timeouts(classes), settings.hedge_quantile > 0),
      budget(settings.retry_budget, settings.retry_reserve_per_s),
      next_sweep(kStart + settings.ejection_interval) {
  assert(settings.max_in_flight > 0 && settings.queue >= 0);
  assert(settings.retries >= 0 && settings.retries < std::numeric_limits<std::uint8_t>::max());
  assert(settings.hedge_quantile >= 0 && settings.hedge_quantile < 1);
  assert(settings.hedge_min <= settings.hedge_max);
  assert(settings.ejection_interval > Duration{0} && settings.ejection_time > Duration{0});
  services.reserve(balancers.size());
  for (std::size_t i = 0; i < balancers.size(); ++i) {
    admissions.emplace_back(settings);
    services.emplace_back(settings, id_at<ServiceId>(i), std::move(balancers[i]), journal);
  }
  for ([[maybe_unused]] const RouterClass& c : classes) assert(index(c.service) < services.size());
  if (settings.hedge_quantile > 0) {
    hedge_delays.assign(classes.size(), HedgeDelay(settings.hedge_quantile));
  }
  answers.reserve(kActions);
  sends.reserve(kActions);
  plan_upkeep();
}

// Requests and results.

RouterAction Router::State::on_request(const RequestInfo& request, Time now) {
  assert(request.service == service_of(request.request_class));
  ++journal.counters.requests;
  budget.add_request(now);
  if (request.deadline <= now) return refuse(request, FailureReason::kDeadline);
  Admission& admission = admissions[index(request.service)];
  const FailureReason closed = admission.ask(now, random);
  if (closed != FailureReason::kNone) return refuse(request, closed);
  if (at_limit() || flights.queued() > 0) {
    if (flights.queued() >= static_cast<std::size_t>(settings.queue)) {
      return refuse(request, FailureReason::kInFlightLimit);
    }
    ++journal.counters.queued;
    admission.began();
    flights.enqueue(flights.add(request));
    return {};
  }
  FailureReason refusal = FailureReason::kNone;
  const NodeId node = services[index(request.service)].pick(request, kNoNode, now, random, refusal);
  if (node == kNoNode) return refuse(request, refusal);
  admission.began();
  return send(flights.add(request), request, node, now);
}

RouterAction Router::State::refuse(const RequestInfo& request, FailureReason reason) {
  ++journal.counters.answers[static_cast<std::size_t>(reason)];
  return {RouterAction::Kind::kAnswer, reason, false, kNoNode, request.token, kNoAttempt};
}

RouterAction Router::State::send(FlightSlot slot, const RequestInfo& request, NodeId node,
                                 Time now) {
  const std::uint32_t before = nodes_for(slot).sent(node, request, now);
  const AttemptId attempt = flights.start_attempt(slot, node, before, now);
  ++journal.counters.attempts;
  return {RouterAction::Kind::kSend, FailureReason::kNone, false, node, request.token, attempt};
}

// The first attempt of a request that waited, or a further one elsewhere.
RouterAction Router::State::send_again(FlightSlot slot, Time now) {
  const Flight& flight = flights[slot];
  const RequestInfo request =
      flights.request(slot, service_of(id_at<ClassId>(flight.request_class)));
  FailureReason refusal = FailureReason::kNone;
  const NodeId node = nodes_for(slot).pick(request, flight.node, now, random, refusal);
  if (node == kNoNode)
    return answer(slot, flight.attempts > 0 ? flight.last_failure : refusal, now);
  return send(slot, request, node, now);
}

RouterAction Router::State::answer(FlightSlot slot, FailureReason reason, Time now) {
  const RequestToken token = flights[slot].token;
  admissions[index(service_of(id_at<ClassId>(flights[slot].request_class)))].answered();
  flights.close(slot);
  ++journal.counters.answers[static_cast<std::size_t>(reason)];
  if (flights.queued() > 0 && !at_limit()) next_dispatch = now;
  return {RouterAction::Kind::kAnswer, reason, false, kNoNode, token, kNoAttempt};
}

RouterAction Router::State::on_result(AttemptId attempt, AttemptResult result, Time now) {
  assert(result != AttemptResult::kTimeout);
  const FlightSlot slot = flights.find(attempt);
  if (slot == kNoSlot) return late(result);
  const NodeId node = flights[slot].node;
  const bool is_copy = flights[slot].is_copy;
  const FlightSlot request = end_attempt(slot, result, now);
  if (request == kNoSlot) return late(result);
  if (result != AttemptResult::kOk) return after_failure(request, result, now);
  if (is_copy) ++journal.counters.hedges_won;
  RouterAction action = answer(request, FailureReason::kNone, now);
  action.hedge = is_copy;
  action.node = node;
  action.attempt = attempt;
  return action;
}

RouterAction Router::State::late(AttemptResult result) {
  if (result != AttemptResult::kStopped) ++journal.counters.late_results;
  return {};
}

// The slot of the request it was an attempt of; kNoSlot when that was answered before.
FlightSlot Router::State::end_attempt(FlightSlot slot, AttemptResult result, Time now) {
  const Flight& flight = flights[slot];
  const Duration latency = now - flight.since;
  // A node whose answer nobody waited for did nothing wrong; nor did one whose answer had no way.
  const bool ok = result == AttemptResult::kOk || result == AttemptResult::kStopped;
  const bool is_verdict =
      !is_refusal(result) && result != AttemptResult::kStopped && result != AttemptResult::kLate;
  const ServiceNodes::Finished finished{flight.node,
                                        latency,
                                        ok,
                                        is_verdict,
                                        id_at<ClassId>(flight.request_class),
                                        flight.in_flight_when_sent,
                                        flight.size,
                                        is_refusal(result),
                                        flight.has_key,
                                        flights.key(slot)};
  if (!hedge_delays.empty() && !flight.is_copy && (ok || result == AttemptResult::kTimeout)) {
    hedge_delays[flight.request_class].record(latency);
  }
  ServiceNodes& nodes = nodes_for(slot);
  admissions[index(service_of(finished.request_class))].record(ok, is_verdict, latency, now);
  const FlightSlot request = flights.end_attempt(slot, reason_of(result));
  nodes.finished(finished, now);
  next_upkeep = std::min(next_upkeep, nodes.next_return());
  return request;
}

RouterAction Router::State::after_failure(FlightSlot slot, AttemptResult result, Time now) {
  if (flights.is_under_way(slot)) return {};
  const Flight& flight = flights[slot];
  if (!may_retry(slot, result, now)) return answer(slot, flight.last_failure, now);
  const Duration delay = is_refusal(result) ? Duration{0} : backoff(flight.attempts);
  const Time due = add_saturating(now, delay);
  if (due >= flight.deadline) return answer(slot, flight.last_failure, now);
  if (!budget.try_take(now)) {
    ++journal.counters.retries_denied;
    return answer(slot, flight.last_failure, now);
  }
  ++journal.counters.retries;
  if (delay == Duration{0}) return send_again(slot, now);
  flights.back_off(slot, due);
  return {};
}

bool Router::State::may_retry(FlightSlot slot, AttemptResult result, Time now) {
  const Flight& flight = flights[slot];
  return flight.attempts <= settings.retries && now < flight.deadline &&
         result != AttemptResult::kLate && (flight.repeatable || is_refusal(result));
}

// Full jitter: uniform between none and the bound that doubles with every attempt.
Duration Router::State::backoff(int attempts) {
  Duration bound = std::min(settings.retry_backoff, settings.retry_backoff_max);
  for (int i = 1; i < attempts && bound < settings.retry_backoff_max; ++i) {
    bound = bound > settings.retry_backoff_max / 2 ? settings.retry_backoff_max : 2 * bound;
  }
  if (bound <= Duration{0}) return Duration{0};
  return Duration{
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound.count()) + 1))};
}

// What comes due by itself.

std::span<const RouterAction> Router::State::on_wake(Time now) {
  answers.clear();
  sends.clear();
  expire_requests(now);
  if (now >= next_upkeep) upkeep(now);
  retry_due(now);
  dispatch_waiting(now);
  hedge_slow(now);
  flights.refresh_next_due();
  answers.insert(answers.end(), sends.begin(), sends.end());
  return answers;
}

void Router::State::emit(const RouterAction& action) {
  if (action.kind == RouterAction::Kind::kAnswer) answers.push_back(action);
  if (action.kind == RouterAction::Kind::kSend) sends.push_back(action);
}

FlightSlot Router::State::time_out(FlightSlot slot, Time now) {
  ++journal.counters.timed_out_attempts;
  return end_attempt(slot, AttemptResult::kTimeout, now);
}

RouterAction Router::State::expire(FlightSlot slot, Time now) {
  if (const FlightSlot copy = flights.copy_of(slot); copy != kNoSlot) time_out(copy, now);
  const bool is_sent = flights[slot].state == FlightState::kSent;
  if (is_sent && time_out(slot, now) == kNoSlot) return {};
  return answer(slot, FailureReason::kDeadline, now);
}

void Router::State::expire_requests(Time now) {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto request_class = id_at<ClassId>(i);
    for (FlightSlot slot = flights.overdue(request_class, now); slot != kNoSlot;
         slot = flights.overdue(request_class, now)) {
      emit(expire(slot, now));
    }
    for (FlightSlot slot = flights.timed_out(request_class, now); slot != kNoSlot;
         slot = flights.timed_out(request_class, now)) {
      const FlightSlot request = time_out(slot, now);
      if (request != kNoSlot) emit(after_failure(request, AttemptResult::kTimeout, now));
    }
  }
}

void Router::State::retry_due(Time now) {
  for (FlightSlot slot = flights.take_due(now); slot != kNoSlot; slot = flights.take_due(now)) {
    emit(flights[slot].deadline <= now ? expire(slot, now) : send_again(slot, now));
  }
}

void Router::State::dispatch_waiting(Time now) {
  while (flights.queued() > 0 && !at_limit()) emit(send_again(flights.first_waiting(), now));
  next_dispatch = kNever;
}

void Router::State::hedge_slow(Time now) {
  for (std::size_t i = 0; i < hedge_delays.size(); ++i) {
    const auto request_class = id_at<ClassId>(i);
    for (FlightSlot slot = flights.take_slow(request_class, now); slot != kNoSlot;
         slot = flights.take_slow(request_class, now)) {
      emit(hedge(slot, now));
    }
  }
}

RouterAction Router::State::hedge(FlightSlot slot, Time now) {
  ServiceNodes& nodes = nodes_for(slot);
  const NodeId slow = flights[slot].node;
  const RequestInfo request =
      flights.request(slot, service_of(id_at<ClassId>(flights[slot].request_class)));
  FailureReason refusal = FailureReason::kNone;
  NodeId node = kNoNode;
  if (nodes.may_hedge() && budget.has_one(now)) {
    node = nodes.pick(request, slow, now, random, refusal);
  }
  if (node == kNoNode || node == slow) {
    ++journal.counters.hedges_denied;
    return {};
  }
  budget.try_take(now);
  ++journal.counters.hedges;
  ++journal.counters.attempts;
  const std::uint32_t before = nodes.sent(node, request, now);
  const AttemptId attempt = flights.start_copy(slot, node, before, now);
  return {RouterAction::Kind::kSend, FailureReason::kNone, true, node, request.token, attempt};
}

void Router::State::plan_hedges(Time now) {
  for (std::size_t i = 0; i < hedge_delays.size(); ++i) {
    const Duration delay = hedge_delays[i].refresh(now);
    const bool is_known = delay != Duration::max();
    flights.set_hedge_delay(
        id_at<ClassId>(i),
        is_known ? std::clamp(delay, settings.hedge_min, settings.hedge_max) : delay);
  }
}

void Router::State::upkeep(Time now) {
  const bool ticks = now >= next_tick;
  const bool sweeps = now >= next_sweep;
  for (ServiceNodes& service : services) {
    service.readmit(now);
    if (sweeps) service.sweep(now);
    if (ticks) service.tick(now);
  }
  if (ticks) plan_hedges(now);
  if (ticks) next_tick = next_multiple(now, kTick);
  if (sweeps) next_sweep = next_multiple(now, settings.ejection_interval);
  plan_upkeep();
}

void Router::State::plan_upkeep() {
  next_upkeep = std::min(next_tick, next_sweep);
  for (const ServiceNodes& service : services) {
    next_upkeep = std::min(next_upkeep, service.next_return());
  }
}

// The class itself.

Router::Router(const RouterSettings& settings, std::vector<std::unique_ptr<Balancer>> balancers,
               std::vector<RouterClass> classes, Random random)
    : state_(std::make_unique<State>(settings, std::move(balancers), std::move(classes), random)),
      next_wake_(state_->next_wake()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

RouterAction Router::on_request(const RequestInfo& request, Time now) {
  state_->journal.probes.clear();
  const RouterAction action = state_->on_request(request, now);
  next_wake_ = state_->next_wake();
  return action;
}

RouterAction Router::on_result(AttemptId attempt, AttemptResult result, Time now) {
  state_->journal.probes.clear();
  const RouterAction action = state_->on_result(attempt, result, now);
  next_wake_ = state_->next_wake();
  return action;
}

std::span<const RouterAction> Router::on_wake(Time now) {
  state_->journal.probes.clear();
  const auto actions = state_->on_wake(now);
  next_wake_ = state_->next_wake();
  return actions;
}

std::span<const RouterAction> Router::probes() const { return state_->journal.probes; }

void Router::set_surroundings(const Surroundings& surroundings) {
  for (ServiceNodes& service : state_->services) service.set_surroundings(surroundings);
}

void Router::on_report(NodeId node, const LoadReport& report, Time now) {
  for (ServiceNodes& service : state_->services) service.report(node, report, now);
}

void Router::on_membership(const MembershipChange& change, Time now) {
  using Kind = MembershipChange::Kind;
  if (change.kind == Kind::kDrain || change.kind == Kind::kDown || change.kind == Kind::kUp) {
    for (ServiceNodes& service : state_->services) service.change(change, now);
  } else {
    assert(index(change.service) < state_->services.size());
    state_->services[index(change.service)].change(change, now);
  }
}

void Router::set_balancer(ServiceId service, std::unique_ptr<Balancer> balancer, Time now) {
  state_->services[index(service)].set_balancer(std::move(balancer), now);
}

void Router::set_max_in_flight(int max_in_flight, Time now) {
  assert(max_in_flight > 0);
  state_->settings.max_in_flight = max_in_flight;
  if (state_->flights.queued() > 0 && !state_->at_limit()) state_->next_dispatch = now;
  next_wake_ = state_->next_wake();
}

std::size_t Router::open_requests() const { return state_->flights.open(); }
const NodePool& Router::pool(ServiceId service) const {
  return state_->services[index(service)].pool();
}
bool Router::in_panic(ServiceId service) const {
  return state_->services[index(service)].in_panic();
}

bool Router::uses_reports() const {
  for (const ServiceNodes& service : state_->services) {
    if (service.uses_reports()) return true;
  }
  return false;
}

const RouterCounters& Router::counters() const { return state_->journal.counters; }
std::vector<RouterNotice> Router::take_notices() { return state_->journal.take_notices(); }

}  // namespace phoenix
