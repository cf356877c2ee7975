// The schedule of weighted round robin: turns in proportion to weights, as evenly spread as they
// can be (earliest deadline first; deadlines 1 / weight apart; equal deadlines first come, first
// served).
//
// Deadlines are integers, so that equal ones stay equal: with weights 3, 2, 1 the turns are
// A B A C B A for ever. In floating point the ties drift apart after the first round.
// One thread at a time. A turn is O(log n) and never allocates; rebuilding is O(n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "strategies/core/ids.h"

namespace phoenix {

class EdfSchedule {
 public:
  // The distance between a node's deadlines. Exact for whole weights up to 16 and their halves,
  // quarters, ...; relative error below 1e-6 for any other weight up to a million. Weights below
  // 1e-6 count as 1e-6. REQUIRES: weight > 0.
  static std::int64_t stride_of(double weight);

  bool empty() const { return turns_.empty(); }

  // Whose turn it is. REQUIRES: !empty().
  NodeId next();
  // The same in two steps, for strides that change from turn to turn: whose turn it is, and its end
  // with the distance to that node's next one.
  NodeId first() const { return turns_.front().node; }
  void serve_first(std::int64_t stride);

  // Replaces the schedule: begin(), add() for every member, commit(). A node that is a member
  // already keeps its progress towards its next turn. A new one has its first turn `fresh_share` of
  // its stride from now; those with equal deadlines have it in the order they were added.
  // REQUIRES: stride > 0, 0 <= fresh_share <= 1.
  void begin();
  void add(NodeId node, std::int64_t stride, double fresh_share = 1.0);
  void commit();

 private:
  struct Turn {
    std::int64_t deadline = 0;
    std::uint64_t sequence = 0;
    std::int64_t stride = 0;
    NodeId node = kNoNode;
  };

  static bool is_before(const Turn& a, const Turn& b) {
    return a.deadline < b.deadline || (a.deadline == b.deadline && a.sequence < b.sequence);
  }
  void sift_down(std::size_t place, const Turn& turn);
  void restart_time();

  std::int64_t now_ = 0;  // the deadline served last
  std::uint64_t sequence_ = 0;
  std::vector<Turn> turns_;     // 4-ary heap, earliest first
  std::vector<Turn> previous_;  // by node while rebuilding; stride 0 where there was none
};

}  // namespace phoenix
