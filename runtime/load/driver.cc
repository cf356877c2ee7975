#include "runtime/load/driver.h"

#include <algorithm>

namespace phoenix::load {
namespace {

constexpr Duration kSweep = std::chrono::milliseconds(50);
constexpr Duration kLate = std::chrono::milliseconds(1);
constexpr int kTurnMax = 256;  // sent in one turn of the loop, so that answers are taken meanwhile

}  // namespace

bool Lateness::fell_behind() const {
  return not_sent > 0 || (sent_late.count() > 0 && sent_late.quantile(0.99) > kLate);
}

LoadDriver::LoadDriver(net::Loop& loop, const Scenario& scenario,
                       std::unique_ptr<ArrivalSource> arrivals, const MakeSender& make_sender,
                       OutcomeSink& sink, const DriverSettings& settings)
    : loop_(loop),
      scenario_(scenario),
      arrivals_(std::move(arrivals)),
      sink_(sink),
      due_(loop, [this] { on_due(); }),
      sweep_(loop, [this] { give_up_late(); }),
      gateway_choice_(Streams(scenario.seed, scenario.replication).named("gateways")),
      open_max_(settings.open_max),
      end_(kStart + scenario.duration) {
  for (const Service& service : scenario.services) {
    for (const RequestClass& one : service.classes) {
      classes_.push_back({service.name, one.name, one.deadline, one.memory_bytes, one.repeatable});
    }
  }
  give_up_at_.resize(classes_.size());
  sender_ = make_sender(*this);
}

LoadDriver::~LoadDriver() = default;

void LoadDriver::run(std::function<void()> done) {
  done_ = std::move(done);
  is_running_ = true;
  sweep_.arm(loop_.now() + kSweep);
  arm();
}

void LoadDriver::arm() { due_.arm(std::min(arrivals_->next_at(), end_)); }

void LoadDriver::on_due() {
  for (int i = 0; i < kTurnMax; ++i) {
    if (!is_running_ || arrivals_->next_at() > loop_.now()) break;
    send_next();
  }
  if (!is_running_) return;
  if (loop_.now() >= end_) return end();
  arm();
}

LoadDriver::Open LoadDriver::take_next() {
  const Arrival arrival = arrivals_->next();
  const auto place = static_cast<std::size_t>(index(arrival.request_class));
  Open open;
  open.deadline = add_saturating(arrival.at, classes_[place].deadline);
  open.arrival = arrival;
  Outcome& outcome = open.outcome;
  outcome.number = next_number_++;
  outcome.intended = arrival.at;
  outcome.sent = loop_.now();
  outcome.work = arrival.work;
  outcome.request_bytes = arrival.request_bytes;
  outcome.response_bytes = arrival.response_bytes;
  outcome.key = arrival.key;
  outcome.request_class = static_cast<std::int32_t>(place);
  const auto gateways = static_cast<std::uint64_t>(scenario_.gateway.count);
  outcome.gateway = gateways > 1 ? static_cast<std::int32_t>(gateway_choice_.below(gateways)) : 0;
  return open;
}

void LoadDriver::send_next() {
  Open open = take_next();
  Outcome& outcome = open.outcome;
  if (open_.size() >= open_max_) {
    leave_out(open);
    return finish(std::move(open), FailureReason::kInFlightLimit, loop_.now());
  }
  sink_.on_outcome(outcome);
  lateness_.sent_late.record(outcome.sent - outcome.intended);
  const auto place = static_cast<std::size_t>(outcome.request_class);
  if (open.deadline != kNever) {
    give_up_at_[place].emplace_back(add_saturating(open.deadline, kAnswerGrace), outcome.number);
  }
  const ClassRules& rules = classes_[place];
  const Arrival& arrival = open.arrival;
  Outgoing out;
  out.number = outcome.number;
  out.gateway = static_cast<std::uint32_t>(outcome.gateway);
  out.service = rules.service;
  out.request_class = rules.name;
  out.work = arrival.work;
  out.request_bytes = arrival.request_bytes;
  out.response_bytes = arrival.response_bytes;
  out.memory_bytes = rules.memory_bytes;
  out.size = arrival.size;
  out.key = arrival.key;
  out.has_key = arrival.has_key;
  out.repeatable = rules.repeatable;
  out.time_left = open.deadline == kNever ? Duration::max()
                                          : std::max(open.deadline - outcome.sent, Duration{1});
  open_.emplace(outcome.number, std::move(open));
  sender_->send(out);
}

void LoadDriver::leave_out(Open& open) {
  open.outcome.sent = kNever;
  ++lateness_.not_sent;
  sink_.on_outcome(open.outcome);
}

void LoadDriver::on_result(const SendResult& result) {
  const auto found = open_.find(result.number);
  if (found == open_.end()) return;  // given up before
  Open open = found->second;
  open_.erase(found);
  open.outcome.node = result.node;
  open.outcome.attempts = result.attempts;
  const Time now = loop_.now();
  const bool is_late = result.reason == FailureReason::kNone && now > open.deadline;
  finish(std::move(open), is_late ? FailureReason::kDeadline : result.reason, now);
}

void LoadDriver::finish(Open&& open, FailureReason reason, Time now) {
  open.outcome.kind = OutcomeKind::kAnswered;
  open.outcome.answered = now;
  open.outcome.reason = reason;
  sink_.on_outcome(open.outcome);
  if (!is_running_ || !arrivals_->is_closed()) return;
  arrivals_->on_answer(open.arrival.user, now);
  arm();
}

void LoadDriver::give_up_late() {
  if (!is_running_) return;
  const Time now = loop_.now();
  for (auto& waiting : give_up_at_) {
    while (!waiting.empty()) {
      const auto [at, number] = waiting.front();
      const auto found = open_.find(number);
      if (found != open_.end() && at > now) break;
      waiting.pop_front();
      if (found == open_.end()) continue;
      Open open = found->second;
      open_.erase(found);
      sender_->forget(number);
      finish(std::move(open), FailureReason::kDeadline, now);
    }
  }
  sweep_.arm(now + kSweep);
}

void LoadDriver::stop() {
  if (is_running_) end();
}

void LoadDriver::end() {
  is_running_ = false;
  due_.disarm();
  sweep_.disarm();
  std::vector<Outcome> left;
  for (const auto& [number, open] : open_) left.push_back(open.outcome);
  std::sort(left.begin(), left.end(),
            [](const Outcome& a, const Outcome& b) { return a.number < b.number; });
  open_.clear();
  const auto tell_unanswered = [this](Outcome& outcome) {
    outcome.kind = OutcomeKind::kUnanswered;
    sink_.on_outcome(outcome);
  };
  for (Outcome& outcome : left) tell_unanswered(outcome);
  for (const Time now = loop_.now(); arrivals_->next_at() <= now;) {  // so far behind was it
    Open open = take_next();
    leave_out(open);
    tell_unanswered(open.outcome);
  }
  Outcome over;
  over.kind = OutcomeKind::kEnd;
  sink_.on_outcome(over);
  if (done_) done_();
}

}  // namespace phoenix::load
