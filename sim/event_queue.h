// The simulator's own agenda: a 4-ary heap of small events, ordered by date and, at one date, by
// the order they were scheduled in. One thread. push and pop are O(log n), do not allocate once the
// array has grown.
#pragma once

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
};

struct Event {
  std::int64_t at = 0;      // ns
  std::uint64_t order = 0;  // sequence number and kind
  std::uint32_t subject = 0;
  std::uint32_t extra = 0;

  EventKind kind() const { return static_cast<EventKind>(order & 0xff); }
  Time time() const { return Time{Duration{at}}; }
};

class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  const Event& top() const { return heap_.front(); }
  std::int64_t next_at() const {
    return heap_.empty() ? kNever.time_since_epoch().count() : heap_.front().at;
  }

  void push(Time at, EventKind kind, std::uint32_t subject, std::uint32_t extra = 0) {
    const Event event{at.time_since_epoch().count(),
                      (sequence_++ << 8) | static_cast<std::uint64_t>(kind), subject, extra};
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

  Event pop() {
    assert(!heap_.empty());
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sift_down(last);
    return first;
  }

 private:
  // One number that orders dates and, within a date, sequence: compared without a branch.
  __extension__ using Rank = unsigned __int128;
  static Rank rank(const Event& event) {
    return static_cast<Rank>(static_cast<std::uint64_t>(event.at)) << 64 | event.order;
  }
  static bool before(const Event& a, const Event& b) { return rank(a) < rank(b); }

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
  std::uint64_t sequence_ = 0;
};

}  // namespace phoenix::sim
