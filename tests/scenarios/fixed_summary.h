// A RunSummary with every field set, for tests of what is stored and shown.
#pragma once

#include <limits>

#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"

namespace phoenix {

inline ClassSummary fixed_class(const char* name, std::uint64_t offered, std::uint64_t deadline,
                                std::uint64_t queue_full) {
  ClassSummary c;
  c.name = name;
  c.offered = offered;
  c.failed[static_cast<std::size_t>(FailureReason::kDeadline)] = deadline;
  c.failed[static_cast<std::size_t>(FailureReason::kQueueFull)] = queue_full;
  c.in_flight = 7;
  c.completed = offered - deadline - queue_full - c.in_flight;
  c.throughput_per_s = static_cast<double>(c.completed) / 110.0;
  c.availability = static_cast<double>(c.completed) / static_cast<double>(offered - c.in_flight);
  c.latency = {0.01243, 0.00987, 0.0251, 0.0433, 0.1101, 0.9996, 1.25};
  return c;
}

inline RunSummary fixed_summary() {
  RunSummary run;
  run.scenario = "flash_crowd";
  run.world = "sim";
  run.balancer = "p2c[choices=2]";
  run.seed = 7;
  run.duration_s = 120;
  run.measured_s = 110;
  run.complete = true;
  run.classes = {fixed_class("checkout", 248'000, 1'600, 300),
                 fixed_class("browse", 992'000, 0, 0)};
  run.total = fixed_class("", 1'240'000, 1'600, 300);
  run.total.in_flight = 14;
  run.total.completed -= 7;
  run.groups = {{"new", 8, 0.7421, 0.8012, 0.2667, 0.04533}, {"old", 4, 0.3, 0.1988, 0.1333, 0}};
  run.node_hours = 0.4;
  run.cost = 0.04533;
  run.faults = {{"crash", "crash_restart", "node:3", "ended", 70, 80, 1'234},
                {"zone", "zone_outage", "zone:a", "under way", 100,
                 std::numeric_limits<double>::quiet_NaN(), 0}};
  run.attempts = 1'241'000;
  run.retries = 1'000;
  run.retries_denied = 12;
  run.wasted_replies = 3;
  run.lost_messages = 4;
  run.ejections = 5;
  run.panic_picks = 6;
  run.events = 9'876'543;
  run.digest = 0xfedcba9876543210;
  run.wall_s = 0.8123;
  run.simulated_requests_per_second = 1'526'529.6;
  judge_targets(Targets{}, 0.52, std::numeric_limits<double>::quiet_NaN(), run);
  return run;
}

}  // namespace phoenix
