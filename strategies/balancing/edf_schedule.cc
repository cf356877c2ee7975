#include "strategies/balancing/edf_schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace phoenix {
namespace {

constexpr std::size_t kArity = 4;
// Divisible by every whole number up to 16 and by 2^24.
constexpr double kUnitStride = 720720.0 * (1 << 20);
constexpr double kWeightMin = 1e-6;
// Far above any stride, far below overflow.
constexpr std::int64_t kTimeMax = std::int64_t{1} << 61;

}  // namespace

std::int64_t EdfSchedule::stride_of(double weight) {
  assert(weight > 0);
  return std::max<std::int64_t>(1, std::llround(kUnitStride / std::max(weight, kWeightMin)));
}

NodeId EdfSchedule::next() {
  assert(!empty());
  const NodeId node = first();
  serve_first(turns_.front().stride);
  return node;
}

void EdfSchedule::serve_first(std::int64_t stride) {
  assert(!empty() && stride > 0);
  Turn turn = turns_.front();
  now_ = turn.deadline;
  turn.stride = stride;
  turn.deadline += stride;
  turn.sequence = ++sequence_;
  sift_down(0, turn);
  if (now_ > kTimeMax) restart_time();
}

void EdfSchedule::begin() {
  std::fill(previous_.begin(), previous_.end(), Turn{});
  for (const Turn& turn : turns_) {
    if (previous_.size() <= index(turn.node)) previous_.resize(index(turn.node) + 1);
    previous_[index(turn.node)] = turn;
  }
  turns_.clear();
}

void EdfSchedule::add(NodeId node, std::int64_t stride, double fresh_share) {
  assert(stride > 0 && fresh_share >= 0 && fresh_share <= 1);
  Turn turn{now_, 0, stride, node};
  const bool is_member = index(node) < previous_.size() && previous_[index(node)].stride > 0;
  if (is_member) {
    const Turn& old = previous_[index(node)];
    const auto left = static_cast<long double>(old.deadline - now_);
    turn.deadline += std::llround(left * static_cast<long double>(stride) /
                                  static_cast<long double>(old.stride));
    turn.sequence = old.sequence;
  } else {
    turn.deadline += std::llround(static_cast<double>(stride) * fresh_share);
    turn.sequence = ++sequence_;
  }
  turns_.push_back(turn);
}

void EdfSchedule::commit() {
  for (std::size_t i = turns_.size() / kArity + 1; i-- > 0;) {
    if (i < turns_.size()) sift_down(i, Turn(turns_[i]));
  }
}

void EdfSchedule::sift_down(std::size_t place, const Turn& turn) {
  for (;;) {
    const std::size_t first = place * kArity + 1;
    if (first >= turns_.size()) break;
    std::size_t least = first;
    const std::size_t end = std::min(first + kArity, turns_.size());
    for (std::size_t child = first + 1; child < end; ++child) {
      if (is_before(turns_[child], turns_[least])) least = child;
    }
    if (!is_before(turns_[least], turn)) break;
    turns_[place] = turns_[least];
    place = least;
  }
  turns_[place] = turn;
}

void EdfSchedule::restart_time() {
  for (Turn& turn : turns_) turn.deadline -= now_;
  now_ = 0;
}

}  // namespace phoenix
