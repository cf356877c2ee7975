// One node of the local world: its process over all its lives, what faults want of it, and what it
// has counted. Plain state and small rules; local_faults.cc decides.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "runtime/local/lab_link.h"
#include "runtime/process/child.h"
#include "scenarios/collector.h"
#include "strategies/core/time.h"

namespace phoenix::local {

struct LocalNode {
  std::string name;
  std::uint32_t group = 0;
  std::string address;  // the same in all its lives; empty before the first
  std::unique_ptr<Child> process;
  std::unique_ptr<LabLink> link;

  bool up = false;  // its process serves
  int crashes = 0;  // overlapping faults that want it down
  int pauses = 0;
  int drains = 0;
  std::uint32_t incarnation = 0;
  std::uint32_t boot = 0;  // number of the start under way; others are stale
  int start_tries = 0;
  std::map<std::uint32_t, double> slowdowns;  // by effect

  NodeSample before;           // totals of lives that have ended
  NodeSample life;             // totals of this one, as last told
  std::uint64_t attempts = 0;  // sent to it, as the gateways count

  bool is_healthy() const { return up && pauses == 0 && drains == 0; }

  NodeSample sample() const {
    NodeSample sum = life;
    sum.busy_core_ns += before.busy_core_ns;
    sum.available_core_ns += before.available_core_ns;
    sum.busier_bytes += before.busier_bytes;
    sum.completed += before.completed;
    sum.refused += before.refused;
    sum.attempts = attempts;
    sum.state = static_cast<std::uint8_t>(!up ? 0 : drains > 0 ? 2 : pauses > 0 ? 3 : 1);
    return sum;
  }

  // This life is over; what it counted stays counted.
  void end_life() {
    const std::uint8_t state = life.state;
    before = sample();
    life = NodeSample{};
    life.state = state;
  }
};

}  // namespace phoenix::local
