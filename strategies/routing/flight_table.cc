#include "strategies/routing/flight_table.h"

#include <algorithm>

namespace phoenix {
namespace {

constexpr std::size_t kFirstSlots = 64;
constexpr int kOrderSteps = 16;  // how far a deadline may be out of order and still be linked
constexpr std::size_t kDueSlack = 64;

using Links = FlightLinks Flight::*;

bool is_linked(const std::vector<Flight>& flights, Links links, FlightSlot slot) {
  return (flights[slot].*links).previous != slot;
}

void mark_unlinked(Flight& flight, Links links, FlightSlot slot) {
  flight.*links = {slot, kNoSlot};
}

// kNoSlot as `before` puts it first.
void link_after(std::vector<Flight>& flights, Links links, FlightList& list, FlightSlot before,
                FlightSlot slot) {
  const FlightSlot after = before == kNoSlot ? list.head : (flights[before].*links).next;
  flights[slot].*links = {before, after};
  (before == kNoSlot ? list.head : (flights[before].*links).next) = slot;
  (after == kNoSlot ? list.tail : (flights[after].*links).previous) = slot;
}

void unlink(std::vector<Flight>& flights, Links links, FlightList& list, FlightSlot slot) {
  const auto [before, after] = flights[slot].*links;
  (before == kNoSlot ? list.head : (flights[before].*links).next) = after;
  (after == kNoSlot ? list.tail : (flights[after].*links).previous) = before;
  mark_unlinked(flights[slot], links, slot);
}

// Its request watches the deadline of both.
bool is_tied_copy(const Flight& flight) { return flight.is_copy && !flight.answered; }

constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.at != b.at ? a.at > b.at : a.slot > b.slot;
};

}  // namespace

FlightTable::FlightTable(std::span<const Duration> attempt_timeouts, bool hedges)
    : hedges_(hedges) {
  assert(attempt_timeouts.size() <= 0x10000);
  for (const Duration timeout : attempt_timeouts) {
    assert(timeout > Duration{0});
    lanes_.push_back({timeout, {}, {}});
  }
}

FlightSlot FlightTable::take_slot() {
  if (free_.empty()) {
    const std::size_t old_size = flights_.size();
    const std::size_t size = std::max(kFirstSlots, 2 * old_size);
    flights_.resize(size);
    keys_.resize(size);
    if (hedges_) partners_.resize(size);
    free_.reserve(size);
    for (std::size_t slot = size; slot > old_size; --slot) {
      free_.push_back(static_cast<FlightSlot>(slot - 1));
    }
  }
  const FlightSlot slot = free_.back();
  free_.pop_back();
  return slot;
}

FlightSlot FlightTable::add(const RequestInfo& request) {
  assert(index(request.request_class) < lanes_.size());
  const FlightSlot slot = take_slot();
  Flight& flight = flights_[slot];
  assert(flight.state == FlightState::kFree);
  flight.token = request.token;
  flight.deadline = request.deadline;
  flight.size = request.size;
  flight.node = kNoNode;
  flight.request_class = static_cast<std::uint16_t>(index(request.request_class));
  flight.attempts = 0;
  flight.state = FlightState::kWaiting;
  flight.is_copy = flight.has_copy = flight.hedged = flight.answered = false;
  flight.has_key = request.has_key;
  flight.repeatable = request.repeatable;
  flight.last_failure = FailureReason::kNone;
  if (request.has_key) keys_[slot] = request.key;
  mark_unlinked(flight, &Flight::by_turn, slot);
  mark_unlinked(flight, &Flight::by_deadline, slot);
  if (request.deadline != kNever) watch_deadline(slot);
  ++open_;
  return slot;
}

void FlightTable::watch_deadline(FlightSlot slot) {
  const Time deadline = flights_[slot].deadline;
  FlightList& list = lanes_[flights_[slot].request_class].deadlines;
  FlightSlot before = list.tail;
  for (int step = 0; before != kNoSlot && flights_[before].deadline > deadline; ++step) {
    if (step == kOrderSteps) return push_due(slot, deadline);
    before = flights_[before].by_deadline.previous;
  }
  link_after(flights_, &Flight::by_deadline, list, before, slot);
  next_due_ = std::min(next_due_, deadline);
}

void FlightTable::remove(FlightSlot slot) {
  assert(!flights_[slot].has_copy);
  free_slot(slot);
  --open_;
}

void FlightTable::free_slot(FlightSlot slot) {
  Flight& flight = flights_[slot];
  assert(flight.state != FlightState::kFree);
  leave_turn(slot);
  if (is_linked(flights_, &Flight::by_deadline, slot)) {
    unlink(flights_, &Flight::by_deadline, lanes_[flight.request_class].deadlines, slot);
  }
  flight.state = FlightState::kFree;
  free_.push_back(slot);
}

void FlightTable::close(FlightSlot slot) {
  if (!is_under_way(slot)) return remove(slot);
  Flight& flight = flights_[slot];
  if (flight.has_copy) {
    const FlightSlot copy = partners_[slot];
    flight.has_copy = false;
    flights_[copy].answered = true;
    if (flights_[copy].deadline != kNever) watch_deadline(copy);
  }
  if (flight.state != FlightState::kSent) return remove(slot);
  flight.answered = true;
  --open_;
}

void FlightTable::leave_turn(FlightSlot slot) {
  if (!is_linked(flights_, &Flight::by_turn, slot)) return;
  const Flight& flight = flights_[slot];
  const bool in_queue = flight.state == FlightState::kWaiting;
  if (in_queue) {
    --queued_;
    return unlink(flights_, &Flight::by_turn, queue_, slot);
  }
  Lane& lane = lanes_[flight.request_class];
  if (lane.next_slow == slot) lane.next_slow = first_to_hedge(flight.by_turn.next);
  unlink(flights_, &Flight::by_turn, lane.attempts, slot);
}

// A request has one copy in its life.
bool FlightTable::may_be_slow(const Flight& flight) const {
  return hedges_ && flight.repeatable && !flight.hedged && !flight.is_copy;
}

FlightSlot FlightTable::first_to_hedge(FlightSlot from) const {
  while (from != kNoSlot && !may_be_slow(flights_[from])) from = flights_[from].by_turn.next;
  return from;
}

void FlightTable::enqueue(FlightSlot slot) {
  assert(flights_[slot].state == FlightState::kWaiting);
  link_after(flights_, &Flight::by_turn, queue_, queue_.tail, slot);
  ++queued_;
}

AttemptId FlightTable::start_attempt(FlightSlot slot, NodeId node, std::uint32_t in_flight,
                                     Time now) {
  Flight& flight = flights_[slot];
  assert(flight.state == FlightState::kWaiting || flight.state == FlightState::kBackingOff);
  assert(!flight.has_copy);
  leave_turn(slot);
  ++flight.attempts;
  return send(slot, node, in_flight, now);
}

AttemptId FlightTable::send(FlightSlot slot, NodeId node, std::uint32_t in_flight, Time now) {
  constexpr std::uint32_t kInFlightMask = (1U << 28) - 1;
  Flight& flight = flights_[slot];
  flight.state = FlightState::kSent;
  flight.since = now;
  flight.node = node;
  flight.in_flight_when_sent = in_flight & kInFlightMask;
  ++flight.generation;
  Lane& lane = lanes_[flight.request_class];
  const Time gives_up = add_saturating(now, lane.attempt_timeout);
  const bool may_be_hedged = may_be_slow(flight);
  if (gives_up < flight.deadline || may_be_hedged) {
    link_after(flights_, &Flight::by_turn, lane.attempts, lane.attempts.tail, slot);
    next_due_ = std::min(next_due_, gives_up);
  }
  if (may_be_hedged && lane.next_slow == kNoSlot) {
    lane.next_slow = slot;
    next_due_ = std::min(next_due_, add_saturating(now, lane.hedge_delay));
  }
  return AttemptId{flight.generation} << 32 | slot;
}

AttemptId FlightTable::start_copy(FlightSlot slot, NodeId node, std::uint32_t in_flight, Time now) {
  assert(hedges_ && flights_[slot].state == FlightState::kSent && !flights_[slot].has_copy);
  const FlightSlot copy = take_slot();
  Flight& flight = flights_[slot];
  flight.has_copy = flight.hedged = true;
  partners_[slot] = copy;
  partners_[copy] = slot;
  Flight& second = flights_[copy];
  const std::uint32_t generation = second.generation;
  second = flight;
  second.generation = generation;
  second.is_copy = true;
  second.has_copy = false;
  if (second.has_key) keys_[copy] = keys_[slot];
  mark_unlinked(second, &Flight::by_turn, copy);
  mark_unlinked(second, &Flight::by_deadline, copy);
  return send(copy, node, in_flight, now);
}

FlightSlot FlightTable::end_attempt(FlightSlot slot, FailureReason failure) {
  Flight& flight = flights_[slot];
  assert(flight.state == FlightState::kSent);
  if (flight.answered) {
    free_slot(slot);
    return kNoSlot;
  }
  if (flight.is_copy) return end_copy(slot, failure);
  leave_turn(slot);
  flight.state = FlightState::kWaiting;
  flight.last_failure = failure;
  return slot;
}

// The request's own attempt, where it is over, has left the last word to its copy.
FlightSlot FlightTable::end_copy(FlightSlot slot, FailureReason failure) {
  const NodeId node = flights_[slot].node;
  const FlightSlot request = partners_[slot];
  free_slot(slot);
  Flight& flight = flights_[request];
  flight.has_copy = false;
  if (flight.state != FlightState::kSent) {
    flight.node = node;
    flight.last_failure = failure;
  }
  return request;
}

void FlightTable::back_off(FlightSlot slot, Time until) {
  Flight& flight = flights_[slot];
  assert(flight.state == FlightState::kWaiting);
  leave_turn(slot);
  flight.state = FlightState::kBackingOff;
  flight.since = until;
  push_due(slot, until);
}

void FlightTable::push_due(FlightSlot slot, Time at) {
  const auto is_stale = [this](const Due& due) {
    const Flight& flight = flights_[due.slot];
    if (flight.state == FlightState::kFree || is_tied_copy(flight)) return true;
    const bool backs_off = flight.state == FlightState::kBackingOff && flight.since == due.at;
    return !backs_off && flight.deadline != due.at;
  };
  if (due_.size() >= 2 * (flights_.size() - free_.size()) + kDueSlack) {
    std::erase_if(due_, is_stale);
    std::make_heap(due_.begin(), due_.end(), kLater);
  }
  due_.push_back({at, slot});
  std::push_heap(due_.begin(), due_.end(), kLater);
  next_due_ = std::min(next_due_, at);
}

bool FlightTable::is_due(FlightSlot slot, Time now) const {
  const Flight& flight = flights_[slot];
  if (flight.state == FlightState::kFree || is_tied_copy(flight)) return false;
  return flight.deadline <= now ||
         (flight.state == FlightState::kBackingOff && flight.since <= now);
}

RequestInfo FlightTable::request(FlightSlot slot, ServiceId service) const {
  const Flight& flight = flights_[slot];
  RequestInfo request;
  request.token = flight.token;
  request.service = service;
  request.request_class = id_at<ClassId>(flight.request_class);
  request.key = flight.has_key ? keys_[slot] : 0;
  request.has_key = flight.has_key;
  request.repeatable = flight.repeatable;
  request.size = flight.size;
  request.deadline = flight.deadline;
  return request;
}

FlightSlot FlightTable::overdue(ClassId request_class, Time now) const {
  const FlightSlot head = lanes_[index(request_class)].deadlines.head;
  return head != kNoSlot && flights_[head].deadline <= now ? head : kNoSlot;
}

FlightSlot FlightTable::timed_out(ClassId request_class, Time now) const {
  const Lane& lane = lanes_[index(request_class)];
  const FlightSlot head = lane.attempts.head;
  return head != kNoSlot && now - flights_[head].since >= lane.attempt_timeout ? head : kNoSlot;
}

void FlightTable::set_hedge_delay(ClassId request_class, Duration delay) {
  Lane& lane = lanes_[index(request_class)];
  lane.hedge_delay = delay;
  if (lane.next_slow == kNoSlot) return;
  next_due_ = std::min(next_due_, add_saturating(flights_[lane.next_slow].since, delay));
}

FlightSlot FlightTable::take_slow(ClassId request_class, Time now) {
  Lane& lane = lanes_[index(request_class)];
  const FlightSlot slot = lane.next_slow;
  if (slot == kNoSlot || now - flights_[slot].since < lane.hedge_delay) return kNoSlot;
  lane.next_slow = first_to_hedge(flights_[slot].by_turn.next);
  return slot;
}

FlightSlot FlightTable::take_due(Time now) {
  while (!due_.empty() && due_.front().at <= now) {
    const FlightSlot slot = due_.front().slot;
    std::pop_heap(due_.begin(), due_.end(), kLater);
    due_.pop_back();
    if (is_due(slot, now)) return slot;
  }
  return kNoSlot;
}

void FlightTable::refresh_next_due() {
  next_due_ = due_.empty() ? kNever : due_.front().at;
  for (const Lane& lane : lanes_) {
    if (lane.deadlines.head != kNoSlot) {
      next_due_ = std::min(next_due_, flights_[lane.deadlines.head].deadline);
    }
    if (lane.attempts.head != kNoSlot) {
      next_due_ = std::min(
          next_due_, add_saturating(flights_[lane.attempts.head].since, lane.attempt_timeout));
    }
    if (lane.next_slow != kNoSlot) {
      next_due_ =
          std::min(next_due_, add_saturating(flights_[lane.next_slow].since, lane.hedge_delay));
    }
  }
}

}  // namespace phoenix
