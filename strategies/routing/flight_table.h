// The requests a gateway has accepted and not answered yet: one cache line each in a slab, linked
// into the lists that find the overdue ones. Knows nothing of nodes, retries or limits.
//
// An AttemptId is the slot in its low 32 bits and the slot's generation in its high 32 bits; every
// attempt gets a new generation, so the result of an attempt given up before finds nothing.
//
// A second copy (see hedging in router.h) has a slot of its own, tied to its request's until one of
// the two is over. What is still under way when the request is answered keeps its slot until it
// ends, as an attempt without a request.
//
// One thread at a time. Slots are used again, last freed first; allocates only when more requests
// are open than ever before. Everything is O(1); a deadline far out of its class's order and
// back_off() are O(log open), next_due() after a change is O(classes). Attempts are passed over on
// the way to the next one to hedge at most once each.
#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "strategies/core/ids.h"
#include "strategies/core/request.h"
#include "strategies/core/time.h"

namespace phoenix {

using FlightSlot = std::uint32_t;
inline constexpr FlightSlot kNoSlot = 0xffffffffU;

enum class FlightState : std::uint8_t { kFree, kWaiting, kSent, kBackingOff };

// Neighbours in a list; `previous` is the slot itself while it is in none.
struct FlightLinks {
  FlightSlot previous = kNoSlot;
  FlightSlot next = kNoSlot;
};

// One request. Its key lives in an array of its own, since few requests have one.
struct alignas(64) Flight {
  RequestToken token = 0;
  Time deadline = kNever;
  Time since = kStart;  // kSent: when it was sent; kBackingOff: when it is tried again
  double size = 1.0;
  FlightLinks by_deadline;
  FlightLinks by_turn;           // kSent: attempts by age; kWaiting: the queue
  std::uint32_t generation = 0;  // of the current or last attempt
  NodeId node = kNoNode;         // likewise
  std::uint32_t in_flight_when_sent : 28 = 0;
  bool is_copy : 1 = false;
  bool has_copy : 1 = false;
  bool hedged : 1 = false;    // had a copy at some time
  bool answered : 1 = false;  // an attempt without a request
  std::uint16_t request_class = 0;
  std::uint8_t attempts = 0;
  FlightState state : 2 = FlightState::kFree;
  bool has_key : 1 = false;
  bool repeatable : 1 = false;
  FailureReason last_failure : 4 = FailureReason::kNone;
};
static_assert(sizeof(Flight) == 64);
static_assert(static_cast<int>(FailureReason::kCount) <= 16);

// Ends of a doubly linked list whose links lie in the slab.
struct FlightList {
  FlightSlot head = kNoSlot;
  FlightSlot tail = kNoSlot;
};

class FlightTable {
 public:
  // One attempt timeout per class, > 0; Duration::max() is never. Without `hedges` no attempt is
  // watched for take_slow().
  explicit FlightTable(std::span<const Duration> attempt_timeouts, bool hedges = false);

  // A slot in state kWaiting, watched for its deadline, in no queue.
  FlightSlot add(const RequestInfo& request);
  // Frees the slot, whatever its state. REQUIRES: it has no copy.
  void remove(FlightSlot slot);
  // The request is answered: frees its slot too, but what is under way of it stays.
  void close(FlightSlot slot);

  // REQUIRES for all three: no attempt is under way.
  void enqueue(FlightSlot slot);
  AttemptId start_attempt(FlightSlot slot, NodeId node, std::uint32_t in_flight, Time now);
  void back_off(FlightSlot slot, Time until);

  // A second copy of the request at `slot`. REQUIRES: its attempt is under way, it has no copy.
  AttemptId start_copy(FlightSlot slot, NodeId node, std::uint32_t in_flight, Time now);

  // The attempt at `slot` is over, and a copy's slot is free. Returns the request's slot, in state
  // kWaiting and no queue unless its other attempt is_under_way(); kNoSlot: it was answered before.
  FlightSlot end_attempt(FlightSlot slot, FailureReason failure);

  // Whether anything of the request at `slot` is under way.
  bool is_under_way(FlightSlot slot) const {
    return flights_[slot].state == FlightState::kSent || flights_[slot].has_copy;
  }
  // kNoSlot where the request at `slot` has none.
  FlightSlot copy_of(FlightSlot slot) const {
    return flights_[slot].has_copy ? partners_[slot] : kNoSlot;
  }

  // The slot of the attempt; kNoSlot when it was given up or never existed.
  FlightSlot find(AttemptId attempt) const {
    const auto slot = static_cast<FlightSlot>(attempt);
    if (slot >= flights_.size()) return kNoSlot;
    const Flight& flight = flights_[slot];
    const bool current = flight.state == FlightState::kSent &&
                         flight.generation == static_cast<std::uint32_t>(attempt >> 32);
    return current ? slot : kNoSlot;
  }

  const Flight& operator[](FlightSlot slot) const { return flights_[slot]; }
  RequestInfo request(FlightSlot slot, ServiceId service) const;
  // Meaningless without has_key.
  std::uint64_t key(FlightSlot slot) const { return flights_[slot].has_key ? keys_[slot] : 0; }

  // What has come due, one at a time until kNoSlot; the caller answers, ends or starts it in
  // between. overdue(): the deadline has come. timed_out(): the attempt took too long. take_due():
  // the time to try again, or a deadline that was out of order, has come.
  FlightSlot overdue(ClassId request_class, Time now) const;
  FlightSlot timed_out(ClassId request_class, Time now) const;
  FlightSlot take_due(Time now);

  // How long an attempt of this class may be under way before it is slow; Duration::max() is never.
  void set_hedge_delay(ClassId request_class, Duration delay);
  // A repeatable request without a copy until now whose attempt is slow; each attempt comes once.
  FlightSlot take_slow(ClassId request_class, Time now);

  // A lower bound of when one of these four has something, exact after refresh_next_due().
  Time next_due() const { return next_due_; }
  void refresh_next_due();

  FlightSlot first_waiting() const { return queue_.head; }
  std::size_t queued() const { return queued_; }
  std::size_t open() const { return open_; }

 private:
  struct Lane {
    Duration attempt_timeout;
    FlightList deadlines;  // earliest first
    FlightList attempts;   // oldest first; those that may time out before the deadline or be hedged
    Duration hedge_delay = Duration::max();
    FlightSlot next_slow = kNoSlot;  // the oldest of `attempts` to be hedged when it is slow
  };
  struct Due {
    Time at;
    FlightSlot slot;
  };

  FlightSlot take_slot();
  void free_slot(FlightSlot slot);
  AttemptId send(FlightSlot slot, NodeId node, std::uint32_t in_flight, Time now);
  bool may_be_slow(const Flight& flight) const;
  FlightSlot first_to_hedge(FlightSlot from) const;
  FlightSlot end_copy(FlightSlot slot, FailureReason failure);
  void watch_deadline(FlightSlot slot);
  void push_due(FlightSlot slot, Time at);
  void leave_turn(FlightSlot slot);
  bool is_due(FlightSlot slot, Time now) const;

  std::vector<Flight> flights_;
  std::vector<std::uint64_t> keys_;
  std::vector<FlightSlot> partners_;  // request and copy of each other; empty without hedges
  std::vector<Lane> lanes_;
  FlightList queue_;
  std::vector<FlightSlot> free_;
  std::vector<Due> due_;  // a heap; entries of slots that changed meanwhile are passed over
  std::size_t queued_ = 0;
  std::size_t open_ = 0;
  Time next_due_ = kNever;
  bool hedges_;
};

}  // namespace phoenix
