// What a run comes to: the numbers people read at the end of a run, stored in the record and shown
// again from it. Made by either world, printed by analysis; converts to and from the record's
// summary rows without loss.
//
// Metric names of the rows, stable across versions of the format:
//   total, class   offered completed in_flight failed.<reason> throughput availability
//                  latency_mean latency_p50 latency_p90 latency_p95 latency_p99 latency_p999
//                  latency_max
//   total only     duration measured complete compliance_mean compliance_minimum worst_target
//                  attempts retries retries_denied hedges hedges_won hedges_denied
//                  wasted_replies lost_messages ejections panic_picks node_hours cost events
//                  digest_high digest_low (32 bits each)
//   group          nodes utilization request_share node_hours cost
//   target         target current compliance deviation side
//   fault          kind target outcome begin end affected
//   wire           gateway_cpu batches batched batch_wait compressed saved connection_waits
//                  connection_wait connection_refusals connection_give_ups buffer_waits buffer_wait
//                  unsent_late unsent_full direct direct_misses cold_starts wakes
//                  hibernations; only where a knob or an agent was on the way of the messages
//   load           late_p99 not_sent fell_behind; of a load source that runs in real time
//   run            wall simulated_requests_per_second: the only ones that differ from run to run
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/record_rows.h"
#include "strategies/core/request.h"
#include "strategies/metrics/histogram.h"

namespace phoenix {

struct ControlTargets;

struct LatencySummary {  // seconds, of requests answered well
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0;
  static LatencySummary of(const Histogram& histogram);
};

struct ClassSummary {
  std::string name;  // "" for the total
  std::uint64_t offered = 0;
  std::uint64_t completed = 0;
  std::uint64_t in_flight = 0;  // not answered at the end: offered = completed + failed + in_flight
  std::array<std::uint64_t, static_cast<std::size_t>(FailureReason::kCount)> failed{};  // by reason
  double throughput_per_s = 0;  // completed / measured time
  double availability = 0;      // completed / (completed + failed); NaN where nothing was answered
  LatencySummary latency;
  std::uint64_t failed_total() const;
};

struct GroupSummary {
  std::string name;
  int nodes = 0;
  double utilization = 0;    // busy core time / core time while up
  double request_share = 0;  // of attempts sent
  double node_hours = 0;
  double cost = 0;
};

struct TargetSummary {
  std::string name;       // "response_time_p95", ...
  double target = 0;      // base units
  double current = 0;     // NaN: not known
  double compliance = 0;  // in [0, 1]; NaN: not known
  double deviation = 0;   // relative miss; NaN: not known
  std::string side;       // "met", "short", "over", "under", "unknown"; see `compliance.h`
};

struct FaultSummary {
  std::string id, kind, target, outcome;  // outcome: "begin..end", "skipped: cause"
  double begin_s = 0, end_s = 0;          // end NaN while it lasts
  std::uint64_t affected = 0;
};

// What the knobs of the data path came to. Of the whole run; waits are means in seconds.
struct WireSummary {
  double gateway_cpu_s = 0;                     // core time of all gateways
  std::uint64_t batches = 0, batched = 0;       // batches, and the requests in them
  double batch_wait_s = 0;                      // of a request for its batch
  std::uint64_t compressed = 0;                 // messages
  double saved_bytes = 0;                       // by compression
  std::uint64_t connection_waits = 0;           // attempts that waited for a connection and got one
  double connection_wait_s = 0;                 // of one of them
  std::uint64_t connection_refusals = 0;        // too many waited already
  std::uint64_t connection_give_ups = 0;        // their time was over first
  std::uint64_t buffer_waits = 0;               // messages that waited for room in a socket buffer
  double buffer_wait_s = 0;                     // of one of them
  std::uint64_t unsent_late = 0;                // would have come too late, so were not sent
  std::uint64_t unsent_full = 0;                // too many waited already: the same
  std::uint64_t direct = 0, direct_misses = 0;  // requests past the gateway; that had to return
  std::uint64_t cold_starts = 0, wakes = 0, hibernations = 0;
  bool is_used = false;
};

// How well a load source in real time kept its dates.
struct LoadSummary {
  double late_p99_s = 0;       // from due to handed to a connection
  std::uint64_t not_sent = 0;  // too many under way, or the run was over
  bool fell_behind = false;    // it was the bottleneck: what it measured is its own affair
  bool is_used = false;
};

struct RunSummary {
  // From the scenario and origin.
  std::string scenario, world, balancer;
  std::uint64_t seed = 0;
  std::uint32_t replication = 0;
  double duration_s = 0, measured_s = 0;  // measured: without warm-up
  bool complete = false;

  ClassSummary total;
  std::vector<ClassSummary> classes;
  std::vector<GroupSummary> groups;
  std::vector<TargetSummary> targets;
  std::vector<FaultSummary> faults;
  WireSummary wire;
  LoadSummary load;
  double compliance_mean = 0;     // over targets that are known and not merely under-used
  double compliance_minimum = 0;  // of the same; both NaN if there are none
  std::string worst_target;

  // Of the whole run, warm-up included.
  std::uint64_t attempts = 0, retries = 0, retries_denied = 0, wasted_replies = 0,
                lost_messages = 0;
  std::uint64_t hedges = 0, hedges_won = 0, hedges_denied = 0;
  std::uint64_t ejections = 0, panic_picks = 0;
  double node_hours = 0, cost = 0;
  std::uint64_t events = 0, digest = 0;  // of the event sequence
  double wall_s = 0, simulated_requests_per_second = 0;

  // Text fields that rows cannot hold (names beyond 31 bytes, outcomes) are cut as the format says.
  std::vector<SummaryRow> to_rows() const;
  // Fills everything to_rows() wrote; scenario, world, balancer and seed come from the record's
  // attributes.
  static RunSummary from_rows(const std::vector<SummaryRow>& rows);
};

// Fills targets, their totals and the worst from summary.total, measured_s and what is handed in;
// targets that are NaN or 0 were not asked for and are left out.
// utilization: capacity-weighted share of core time; NaN where nothing is known, as is
// scaling_response_s, the time from wanting a node to having it.
void judge_targets(const ControlTargets& asked, double utilization, double scaling_response_s,
                   RunSummary& summary);

}  // namespace phoenix
