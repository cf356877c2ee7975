#include "sim/world.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "strategies/core/random.h"

namespace phoenix::sim {
namespace {

constexpr std::uint32_t kProgressEvery = 1U << 14;
constexpr Duration kQuickestAnswer = std::chrono::microseconds(1);
constexpr std::size_t kHeldMax = 65'536;  // jobs in the socket of a paused node

double engine_seconds(Time t) { return to_seconds(t); }

// The engine's clock is a double; own dates are whole nanoseconds, so rounding finds them again.
Time own_time(double engine_s) { return Time{Duration{std::llround(engine_s * 1e9)}}; }

}  // namespace

World::World(const Scenario& scenario, const Streams& streams, const Platform& platform,
             std::unique_ptr<ArrivalSource> arrivals, WorldOptions options)
    : scenario_(scenario),
      streams_(streams),
      platform_(platform),
      options_(std::move(options)),
      arrivals_(std::move(arrivals)),
      flows_(platform,
             [this](Flows::Tag tag, bool ok) {
               const std::uint32_t place = ended_.acquire();
               ended_[place] = {tag, ok};
               agenda_.push(now_, EventKind::kActivityDone, place);
             }),
      network_(scenario, platform, streams, agenda_, flows_),
      collector_(scenario, streams, "sim", options_.record),
      faults_(*this, scenario, streams, options_.record),
      control_(*this, scenario, streams, [this](DecisionRow& row) { log_control(row); }),
      gateway_choice_(streams.named("gateways")),
      end_(kStart + scenario.duration),
      is_flow_fidelity_(scenario.fidelity == Fidelity::kFlow) {
  build_machines();
  build_gateways();
  build_transfers();
  if (control_.is_on()) collector_.watch();
  build_agents();
  set_knobs(scenario.knobs);
  control_.begin();
  next_arrival_ = arrivals_->next_at();
  agenda_.push(kStart + scenario.record.interval, EventKind::kSample, 0);
  if (scenario.warmup.count() > 0) agenda_.push(kStart + scenario.warmup, EventKind::kSample, 1);
  if (scenario.reports.interval.count() > 0 && !machines_.empty()) {
    agenda_.push(report_date(0), EventKind::kReportsDue, 0);
  }
}

World::~World() = default;

Time World::next_boundary() const {
  Time next = std::min({end_, faults_.next_at(), control_.next_at()});
  if (!state_to_send_.empty()) next = std::min(next, now_);
  if (next_transfer_ < transfer_dates_.size()) {
    next = std::min(next, transfer_dates_[next_transfer_].first);
  }
  return next;
}

double World::seconds_to_next_date(double engine_now_s) {
  if (over_) return -1.0;
  // Where everything is an activity, the engine's clock leads all the time.
  const bool alone = flows_.live() == 0 && !is_flow_fidelity_;
  if (alone && !network_.has_pending_flows()) play(next_boundary(), false, true);
  if (over_) return -1.0;
  Time next = next_boundary();
  if (network_.has_pending_flows()) {
    next = std::min(next, now_);
  } else if (!alone && network_.may_start_flows()) {
    next = std::min({next, next_arrival_, Time{Duration{agenda_.next_at()}}});
  }
  asked_ = next;
  return std::max(0.0, engine_seconds(next) - engine_now_s);
}

void World::play_to(double engine_now_s) {
  flows_.sweep();
  if (over_) return;
  Time date = own_time(engine_now_s);
  // Late in a very long run a double no longer tells two nanoseconds apart.
  if (engine_now_s * (1 + 1e-15) >= engine_seconds(asked_)) date = std::max(date, asked_);
  if (date < now_) return;
  if (network_.has_pending_flows()) start_flows();
  if (date >= next_boundary()) {
    play(next_boundary(), false, network_.may_start_flows());
    if (!over_ && !network_.has_pending_flows()) {
      now_ = std::max(now_, next_boundary());
      play_boundary();
    }
  } else {
    play(date, true, network_.may_start_flows());
    if (!over_ && !network_.has_pending_flows()) now_ = std::max(now_, date);
  }
  if (!over_ && network_.has_pending_flows()) start_flows();
}

void World::play(Time until, bool inclusive, bool stop_at_flow) {
  const std::int64_t limit = until.time_since_epoch().count() + (inclusive ? 1 : 0);
  for (;;) {
    const std::int64_t arrival = next_arrival_.time_since_epoch().count();
    const std::int64_t queued = agenda_.next_at();
    if (std::min(arrival, queued) >= limit) return;
    if (arrival <= queued) {
      now_ = next_arrival_;
      on_arrival();
    } else {
      const Event event = agenda_.pop();
      now_ = event.time();
      note(event.kind(), event.subject);
      dispatch(event);
    }
    if (stop_at_flow && network_.has_pending_flows()) return;
    if ((events_ & (kProgressEvery - 1)) == 0) {
      if (options_.on_progress) options_.on_progress(to_seconds(now_));
      if (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed)) {
        interrupted_ = true;
        end_run();
        return;
      }
    }
  }
}

void World::note(EventKind kind, std::uint32_t subject) {
  ++events_;
  const PlayedEvent event{now_.time_since_epoch().count(), static_cast<std::uint32_t>(kind),
                          subject};
  digest_ = mix_event(digest_, event);
  if (options_.on_event) options_.on_event(event);
}

void World::dispatch(const Event& event) {
  switch (event.kind()) {
    case EventKind::kGatewayIn:
      return route(event.subject);
    case EventKind::kNodeArrive:
      return on_node_arrive(event.subject);
    case EventKind::kNodeService:
      return on_node_service(event.subject);
    case EventKind::kResponse:
      return on_response(event.subject);
    case EventKind::kGatewayOut:
      return on_gateway_out(event.subject);
    case EventKind::kRouterWake:
      return gateways_[event.subject].routing.wake(now_);
    case EventKind::kReportsDue:
      return on_reports_due(event.subject);
    case EventKind::kReportArrive:
      return on_report_arrive(event.subject);
    case EventKind::kMembership:
      return on_membership(event.subject);
    case EventKind::kSample:
      return on_sample(event.subject == 1);
    case EventKind::kActivityDone:
      return on_activity_done(event.subject);
    case EventKind::kNodeStart:
      return on_start_due(event.subject, event.extra);
    case EventKind::kDrainLimit:
      return on_drain_limit(event.subject);
    case EventKind::kMoveStep:
      return on_move_step(event.subject);
    case EventKind::kAgentUp:
      return on_agent_up(event.subject, event.extra);
    case EventKind::kDepart:
      return on_depart(event.subject);
    case EventKind::kBatchDue:
      if (wire_.path(event.extra, event.subject).batch_due != now_) return;
      return flush_batch(event.extra, event.subject);
    case EventKind::kPoolDue:
      if (wire_.path(event.extra, event.subject).pool_due != now_) return;
      return start_waiting(event.extra, event.subject);
    case EventKind::kAnswerDepart:
      return on_answer_depart(event.subject);
    case EventKind::kAgentReady:
      return on_agent_ready(event.subject);
    case EventKind::kHibernate:
      return on_hibernate(event.subject);
    case EventKind::kDirectDue:
      return on_direct_due(event.subject, event.extra);
    case EventKind::kProbeArrive:
      return on_probe_arrive(event.subject);
    case EventKind::kProbeRead:
      return on_probe_read(event.subject);
    case EventKind::kArrival:
    case EventKind::kFault:
    case EventKind::kTransfer:
    case EventKind::kControl:
      break;
  }
  assert(false && "never on the agenda");
}

void World::play_boundary() {
  const Time date = now_;
  if (date >= end_) take_sample();  // as things are before everything is healed
  if (faults_.next_at() <= date) {
    note(EventKind::kFault, faults_.next_number());
    faults_.play(date);
  }
  start_state_flows();
  if (control_.next_at() <= date && date < end_) {
    note(EventKind::kControl, 0);
    control_.play(date);
  }
  while (next_transfer_ < transfer_dates_.size() && transfer_dates_[next_transfer_].first <= date) {
    const std::uint32_t transfer = transfer_dates_[next_transfer_++].second;
    note(EventKind::kTransfer, transfer);
    start_bulk(transfer);
  }
  if (date >= end_) end_run();
}

void World::end_run() {
  over_ = true;
  flows_.cancel_all();
  take_sample();
}

void World::start_flows() {
  for (const Message& lost : network_.start_pending_flows()) lose_flow(lost);
}

void World::on_arrival() {
  const Arrival arrival = arrivals_->next();
  next_arrival_ = arrivals_->next_at();
  const std::uint32_t id = requests_.acquire();
  note(EventKind::kArrival, id);
  Request& request = requests_[id];
  request.arrived = now_;
  request.work = arrival.work * 1e9;
  request.seq = sequence_++;
  request.key = arrival.key;
  request.has_key = arrival.has_key;
  request.size = arrival.size;
  request.request_bytes = static_cast<float>(arrival.request_bytes);
  request.response_bytes = static_cast<float>(arrival.response_bytes);
  request.request_class = static_cast<std::uint32_t>(index(arrival.request_class));
  request.user = arrival.user;
  if (gateways_.size() > 1) {
    request.gateway = static_cast<std::uint16_t>(gateway_choice_.below(gateways_.size()));
  }
  collector_.offered(id_at<ClassId>(request.request_class), now_);
  if (!is_plain_ && goes_direct(id)) return;
  enter_gateway(id);
}

void World::enter_gateway(std::uint32_t id) {
  MessageCpu& cpu = gateways_[requests_[id].gateway].cpu;
  if (cpu.is_free_of_charge()) return route(id);
  if (cpu.is_full(now_)) return answer(id, FailureReason::kGatewayOverload);
  const Time read = is_plain_ ? cpu.handle(now_) : cpu.handle(now_, arrival_cost(requests_[id]));
  agenda_.push(read, EventKind::kGatewayIn, id);
}

void World::route(std::uint32_t id) {
  const Request& request = requests_[id];
  const ClassRules& rules = classes_[request.request_class];
  RequestInfo info;
  info.token = id;
  info.service = rules.service;
  info.request_class = id_at<ClassId>(request.request_class);
  info.key = request.key;
  info.has_key = request.has_key;
  info.repeatable = rules.repeatable;
  info.size = request.size;
  info.deadline = add_saturating(request.arrived, rules.deadline);
  gateways_[request.gateway].routing.request(info, now_);
}

std::uint32_t World::make_job(std::uint32_t request_id, std::uint32_t node, AttemptId attempt) {
  Request& request = requests_[request_id];
  Machine& machine = machines_[node];
  const std::uint32_t id = jobs_.acquire();
  Job& job = jobs_[id];
  job.attempt = attempt;
  job.work = request.work;
  job.message = request_number(request.seq, request.attempts);
  job.request_bytes = request.request_bytes;
  job.response_bytes = request.response_bytes;
  job.memory_bytes = classes_[request.request_class].memory_bytes;
  job.has_key = request.has_key;
  job.key = request.key;
  job.service = static_cast<std::uint16_t>(index(classes_[request.request_class].service));
  job.node = node;
  job.incarnation = machine.incarnation;
  job.gateway = request.gateway;
  request.last_node = node;
  ++request.attempts;
  ++machine.attempts;
  return id;
}

void World::send_attempt(const RouterAction& action) {
  const auto request = static_cast<std::uint32_t>(action.request);
  const std::uint32_t id =
      make_job(request, static_cast<std::uint32_t>(index(action.node)), action.attempt);
  if (!is_plain_) return hand_over(id, requests_[request]);
  if (!network_.send(request_message(id), now_)) jobs_.release(id);
}

void World::answer(std::uint32_t id, FailureReason reason, NodeId node) {
  Request& request = requests_[id];
  if (node != kNoNode) request.last_node = static_cast<std::uint32_t>(index(node));
  if (!is_plain_) learn_owner(request, reason, node);
  collector_.answered(id_at<ClassId>(request.request_class), request.arrived, reason, now_);
  if (collector_.is_recorded(request.seq)) {
    record_request(request, now_.time_since_epoch().count(), static_cast<std::uint8_t>(reason));
  }
  if (arrivals_->is_closed()) {
    // A refusal may cost no time at all; a person or program that sees it does.
    arrivals_->on_answer(request.user, std::max(now_, request.arrived + kQuickestAnswer));
    next_arrival_ = arrivals_->next_at();
  }
  requests_.release(id);
}

Message World::request_message(std::uint32_t id) const {
  const Job& job = jobs_[id];
  return {EventKind::kNodeArrive,
          id,
          job.gateway,
          network_.gateways() + job.node,
          static_cast<double>(job.request_bytes),
          job.message};
}

Message World::response_message(std::uint32_t id) const {
  const Job& job = jobs_[id];
  const double bytes =
      job.result == AttemptResult::kOk ? static_cast<double>(job.response_bytes) : kSmallReplyBytes;
  return {EventKind::kResponse, id,    network_.gateways() + job.node,
          job.gateway,          bytes, answer_number(job.message)};
}

// False: the message went no further, and its job is settled.
bool World::passes(const Message& message) {
  if (!network_.is_disturbed()) return true;
  switch (network_.on_arrival(message)) {
    case LinkFate::Kind::kPasses:
      return true;
    case LinkFate::Kind::kHeld:
      return false;
    case LinkFate::Kind::kLost:
      break;
  }
  lose(message);
  return false;
}

void World::lose(const Message& message) {
  switch (message.arrival) {
    case EventKind::kReportArrive:
    case EventKind::kProbeArrive:
      return reports_.release(message.subject);
    case EventKind::kMembership:
      return changes_.release(message.subject);
    default:
      return jobs_.release(message.subject);
  }
}

// A flow that is cut by the death of an end that resets is a broken connection.
void World::lose_flow(const Message& message) {
  const bool is_job =
      message.arrival == EventKind::kNodeArrive || message.arrival == EventKind::kResponse;
  if (is_job) {
    const Machine& machine = machines_[jobs_[message.subject].node];
    if (!machine.up && machine.resets) return reset(message.subject);
  }
  lose(message);
}

// False: its node died meanwhile, and the job is settled.
bool World::finds_its_node(std::uint32_t id) {
  const Job& job = jobs_[id];
  const Machine& machine = machines_[job.node];
  if (machine.incarnation == job.incarnation && machine.up) return true;
  if (machine.resets) {
    reset(id);
  } else {
    ++lost_jobs_;
    jobs_.release(id);
  }
  return false;
}

void World::on_node_arrive(std::uint32_t id) {
  if (!passes(request_message(id)) || !finds_its_node(id)) return;
  Machine& machine = machines_[jobs_[id].node];
  if (machine.pauses > 0) {
    if (machine.held.size() >= kHeldMax) {
      ++lost_jobs_;
      return jobs_.release(id);
    }
    machine.held.push_back(id);
    return;
  }
  take_job(id);
}

void World::on_response(std::uint32_t id) {
  if (!passes(response_message(id))) return;
  if (!is_plain_) return take_answer(id);
  MessageCpu& cpu = gateways_[jobs_[id].gateway].cpu;
  if (cpu.is_free_of_charge()) return on_gateway_out(id);
  agenda_.push(cpu.handle(now_), EventKind::kGatewayOut, id);
}

void World::on_gateway_out(std::uint32_t id) {
  const Job job = jobs_[id];
  jobs_.release(id);
  auto& routing = gateways_[job.gateway].routing;
  if (job.has_report) {
    routing.result(job.attempt, job.result, id_at<NodeId>(job.node), job.report, now_);
  } else {
    routing.result(job.attempt, job.result, now_);
  }
}

}  // namespace phoenix::sim
