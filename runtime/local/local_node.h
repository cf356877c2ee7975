// One node of the local world: its process over all its lives, what faults want of it, and what it
// has counted. Plain state and small rules; local_faults.cc decides.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/agents/order_link.h"
#include "runtime/local/port.h"
#include "runtime/process/child.h"
#include "scenarios/collector.h"
#include "strategies/core/time.h"

namespace phoenix::local {

using agents::OrderLink;

struct LocalNode {
  std::string name;
  std::uint32_t group = 0;
  ReservedPort port;  // the same in all its lives
  std::unique_ptr<Child> process;
  std::unique_ptr<OrderLink> link;

  // Places that scaling has not filled are empty. What is there is paid for.
  bool is_present = false;
  bool is_provisioned = false;  // asked for, not up yet
  bool is_removed = false;      // drains, and leaves its place empty
  Time paid_since = kStart;     // of the run
  double paid_ns = 0;           // before that

  bool up = false;          // its process serves
  bool is_leaving = false;  // its process was told to finish what it has and go
  Time launched = kStart;   // on the loop's time line
  int crashes = 0;          // overlapping faults that want it down
  int pauses = 0;
  int drains = 0;
  std::uint32_t incarnation = 0;  // lives that have ended
  bool is_silenced = false;       // the gateways were told to notice nothing of its death
  std::uint32_t boot = 0;         // number of the start under way; others are stale
  int start_tries = 0;
  std::map<std::uint32_t, double> slowdowns;  // by effect

  // What the checks of faults compare with.
  struct SlowBegin {
    std::uint32_t effect = 0;
    NodeSample sample;
    double answered_work_s = 0;
    std::uint64_t answered = 0;
  };
  std::optional<SlowBegin> slow_begin;  // while one slow-down and nothing else is in force
  std::optional<std::uint64_t> stopped_at_ticks;
  std::uint64_t attempts_when_paused = 0;
  double answered_work_s = 0;  // of requests it answered well, as the load source saw it
  std::uint64_t answered = 0;

  NodeSample before;           // totals of lives that have ended
  NodeSample life;             // totals of this one, as last told
  std::uint64_t attempts = 0;  // sent to it, as the gateways have counted

  bool is_booting() const { return !up && process != nullptr && process->is_running(); }
  double slowdown() const {
    double product = 1;
    for (const auto& [effect, factor] : slowdowns) product *= factor;
    return product;
  }
  // Waiting or in service; while it is paused, with what was sent to it since.
  std::uint64_t jobs() const {
    const std::uint64_t held = pauses > 0 && up ? attempts - attempts_when_paused : 0;
    return life.waiting + life.in_service + held;
  }
  bool is_healthy() const { return up && pauses == 0 && drains == 0 && !is_removed; }
  bool is_struck() const { return crashes > 0 || drains > 0; }

  void fill(Time now) {
    is_present = true;
    paid_since = now;
  }
  void empty(Time now) {
    paid_ns = paid_until(now);
    is_present = is_provisioned = is_removed = false;
  }
  double paid_until(Time now) const {
    return paid_ns + (is_present ? static_cast<double>((now - paid_since).count()) : 0.0);
  }

  NodeSample sample() const {
    NodeSample sum = life;
    sum.busy_core_ns += before.busy_core_ns;
    sum.available_core_ns += before.available_core_ns;
    sum.busier_bytes += before.busier_bytes;
    sum.completed += before.completed;
    sum.refused += before.refused;
    sum.attempts = attempts;
    sum.state = state();
    return sum;
  }

  std::uint8_t state() const {  // as NodeRow::up
    if (!is_present) return 4;
    if (!up) return 0;
    if (drains > 0 || is_removed) return 2;
    return pauses > 0 ? 3 : 1;
  }

  // This life is over; what it counted stays counted, and nobody answers for it any more.
  void end_life() {
    up = false;
    is_leaving = false;
    ++incarnation;
    before = sample();
    life = NodeSample{};
    if (link != nullptr) link->give_up();
  }
};

}  // namespace phoenix::local
