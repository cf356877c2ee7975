// The simulator's own agenda: small events, ordered by date and, at one date, by the order they
// were scheduled in. One thread. push and pop do not allocate once the arrays have grown.
//
// A 4-ary heap, O(log n), with a lane beside it for each direction messages go in. Messages mostly
// take equally long, so most of them come in the order of their dates: those queue up in their
// lane, O(1), and only the others cost a place in the heap.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <vector>

#include "strategies/core/time.h"

namespace phoenix::sim {

enum class EventKind : std::uint8_t {
  kArrival,       // subject: request. Not queued: taken from the arrival source
  kGatewayIn,     // subject: request; the gateway's CPU has read it
  kNodeArrive,    // subject: job; the message has reached the node
  kNodeService,   // subject: node; the earliest of its jobs may be done
  kResponse,      // subject: job; the answer has reached the gateway
  kGatewayOut,    // subject: job; the gateway's CPU has read the answer
  kRouterWake,    // subject: gateway
  kReportsDue,    // subject: place in the report rota
  kReportArrive,  // subject: report on its way
  kMembership,    // subject: membership change on its way
  kSample,        // end of a recording interval
  kActivityDone,  // subject: activity (SimGrid flow or execution)
  kNodeStart,     // subject: node; a start attempt ends
  kDrainLimit,    // subject: node, extra: incarnation
  kFault,         // subject: index in the fault plan. Not queued: a boundary
  kTransfer,      // subject: index of the transfer. Not queued: a boundary
  kAgentUp,       // subject: agent, extra: number of its start
  kMoveStep,      // subject: step of a move that takes time and no bytes
  kControl,       // a tick of the control plane. Not queued: a boundary
  kDepart,        // subject: job; the gateway is done with it, or its socket has room
  kBatchDue,      // subject: node, extra: gateway; a batch has waited long enough
  kPoolDue,       // subject: node, extra: gateway; a request with a connection is given up
  kAnswerDepart,  // subject: job; the node's socket has room for the answer
  kAgentReady,    // subject: job; its agent is awake
  kHibernate,     // subject: node; its longest idle agent may hibernate
  kDirectDue,     // subject: request, extra: end of its number; its deadline, past the gateway
  kProbeArrive,   // subject: report asked for; the question has reached the node
  kProbeRead,     // subject: report asked for; the gateway's CPU has read it
};

struct Event {
  std::int64_t at = 0;      // ns
  std::uint64_t order = 0;  // sequence number and kind
  std::uint32_t subject = 0;
  std::uint32_t extra = 0;

  EventKind kind() const { return static_cast<EventKind>(order & 0xff); }
  Time time() const { return Time{Duration{at}}; }
};

// Events whose dates do not fall, first in first out, in a ring that doubles when full.
class EventLane {
 public:
  bool takes(const Event& event) const { return count_ == 0 || event.at >= last_at_; }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const Event& front() const { return ring_[first_]; }

  void push(const Event& event) {
    if (count_ == ring_.size()) grow();
    ring_[(first_ + count_++) & (ring_.size() - 1)] = event;
    last_at_ = event.at;
  }

  Event pop() {
    const Event event = ring_[first_];
    first_ = (first_ + 1) & (ring_.size() - 1);
    --count_;
    return event;
  }

 private:
  void grow() {
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
    first_ = 0;
    ring_.resize(2 * ring_.size());
  }

  std::vector<Event> ring_ = std::vector<Event>(64);
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::int64_t last_at_ = 0;
};

class EventQueue {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return heap_.size() + to_node_.size() + to_gateway_.size(); }
  std::int64_t next_at() const {
    std::int64_t at = heap_.empty() ? kNever.time_since_epoch().count() : heap_.front().at;
    if (!to_node_.empty()) at = std::min(at, to_node_.front().at);
    if (!to_gateway_.empty()) at = std::min(at, to_gateway_.front().at);
    return at;
  }

  void push(Time at, EventKind kind, std::uint32_t subject, std::uint32_t extra = 0) {
    const Event event{at.time_since_epoch().count(),
                      (sequence_++ << 8) | static_cast<std::uint64_t>(kind), subject, extra};
    if (kind == EventKind::kNodeArrive && to_node_.takes(event)) return to_node_.push(event);
    if (kind == EventKind::kResponse && to_gateway_.takes(event)) return to_gateway_.push(event);
    push_heap(event);
  }

  Event pop() {
    assert(!empty());
    EventLane* lane = nullptr;
    Rank first = heap_.empty() ? ~Rank{0} : rank(heap_.front());
    for (EventLane* other : {&to_node_, &to_gateway_}) {
      if (other->empty() || rank(other->front()) > first) continue;
      first = rank(other->front());
      lane = other;
    }
    return lane != nullptr ? lane->pop() : pop_heap();
  }

 private:
  // One number that orders dates and, within a date, sequence: compared without a branch.
  __extension__ using Rank = unsigned __int128;
  static Rank rank(const Event& event) {
    return static_cast<Rank>(static_cast<std::uint64_t>(event.at)) << 64 | event.order;
  }
  static bool before(const Event& a, const Event& b) { return rank(a) < rank(b); }

  void push_heap(const Event& event) {
    std::size_t hole = heap_.size();
    heap_.push_back(event);
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / 4;
      if (!before(event, heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  Event pop_heap() {
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sift_down(last);
    return first;
  }

  void sift_down(const Event& event) {
    Event* const heap = heap_.data();
    const std::size_t size = heap_.size();
    std::size_t hole = 0;
    for (;;) {
      const std::size_t first = 4 * hole + 1;
      std::size_t best = first;
      if (first + 4 <= size) {
        const std::size_t left = before(heap[first + 1], heap[first]) ? first + 1 : first;
        const std::size_t right = before(heap[first + 3], heap[first + 2]) ? first + 3 : first + 2;
        best = before(heap[right], heap[left]) ? right : left;
      } else if (first < size) {
        for (std::size_t child = first + 1; child < size; ++child) {
          if (before(heap[child], heap[best])) best = child;
        }
      } else {
        break;
      }
      if (!before(heap[best], event)) break;
      heap[hole] = heap[best];
      hole = best;
    }
    heap[hole] = event;
  }

  std::vector<Event> heap_;
  EventLane to_node_;
  EventLane to_gateway_;
  std::uint64_t sequence_ = 0;
};

}  // namespace phoenix::sim
