// Turns the faults a scenario asks for into dated events, before the run: the same victims, dates
// and random choices under every strategy and in both worlds. Worlds play the plan; they never draw
// anything for a fault themselves, except per-message chances, which are indexed by (fault, message
// number).
//
// Rules (same words in both worlds): heal before inject before requests at one date, ties by id;
// overlapping slow-downs multiply, delays add, losses combine 1 - (1-p)(1-q), cuts are or-ed and
// counted, so that healing one does not heal another; crash dominates.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.h"
#include "strategies/core/ids.h"
#include "strategies/core/random.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

// What a world has to be able to do. Composites are expanded into these.
enum class FaultAction : std::uint8_t {
  kCrash,         // begin: node dies silently; end (if any): it is started again
  kCrashNotify,   // as kCrash, peers are told after one message delay
  kStopGraceful,  // begin: drains, then leaves; end: started again. `duration2` is the grace limit
  kPause,         // no progress while it lasts; everything kept
  kSlowCpu,       // service rate times `magnitude` in (0, 1] while it lasts; steps change it
  kStartFail,     // while it lasts, an attempt to start the node fails with `magnitude` probability
  kStartDelay,    // while it lasts, starting takes `duration2` longer
  kDelay,         // every message a->b takes `duration2` longer, plus `jitter` (exponential mean)
  kBandwidth,     // capacity of the node's links times `magnitude`
  kLoss,          // a message is lost with probability `magnitude`
  kCut,           // nothing passes
  kClog,  // messages are held and released in order at the end; at most `capacity`, more are lost
  kMetricsMissing,  // a report is not delivered with probability `magnitude`
  kMetricsStale,    // reports arrive `duration2` later
  kMetricsFrozen,   // the last values are repeated with fresh time stamps
  kMetricsWrong,    // reported values are `magnitude` times the truth
};

enum class FaultPhase : std::uint8_t { kBegin, kStep, kEnd, kSkipped };

// An end of a message path: a node or a gateway.
struct Endpoint {
  bool is_gateway = false;
  std::uint32_t number = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// One effect on one target. Begin, steps and end share `effect`.
struct FaultEvent {
  Time at = kStart;
  FaultPhase phase = FaultPhase::kBegin;
  FaultAction action = FaultAction::kCrash;
  std::uint32_t effect = 0;      // dense, unique per (fault, repetition, victim)
  std::int32_t fault = -1;       // index into FaultPlan::names
  std::int32_t parent = -1;      // index of the composite
  NodeId node = kNoNode;         // node actions
  bool resolve_busiest = false;  // node is chosen when it begins: most work, ties to the lowest id
  bool keeps_state = false;  // kCrash, kCrashNotify: what waits survives a restart ("kept"); under
                             // ps nothing waits
  int max_unavailable = -1;  // skipped when this many or more nodes are unavailable at the date
  std::vector<Endpoint>
      from;  // link actions: every pair (from, to) is affected; kBegin carries them
  std::vector<Endpoint> to;
  double magnitude = std::numeric_limits<double>::quiet_NaN();
  Duration duration2{0};
  Duration jitter{0};
  std::int64_t capacity = 0;
  std::string target;  // for the log: "node:7", "link:gateway:0->node:2"
  std::string cause;   // kSkipped
};

struct FaultPlan {
  std::vector<std::string> names;  // fault ids, in file order; composites' children as "<id>/<n>"
  std::vector<std::string> kinds;  // the kind of each name
  std::vector<FaultEvent> events;  // by (at, end < step < begin, id order)
};

// What the plan needs to know of the cluster: where every node is.
struct FaultTopology {
  int gateways = 1;
  std::vector<int> node_group;  // by NodeId
  std::size_t initial = 0;      // nodes there from the beginning; random victims are among these
  std::vector<std::string> group_names;
  std::vector<std::string> group_zones;    // by group
  std::vector<std::string> gateway_zones;  // by gateway
};
FaultTopology fault_topology(const Scenario& scenario);

// The kinds, for `phoenix list faults` and for error messages.
struct FaultKindInfo {
  std::string_view name;
  std::string_view summary;
  std::string_view parameters;  // "factor in (0, 1], ramp"
  bool built = true;            // false: known, refused by name at load time
};
std::span<const FaultKindInfo> fault_kinds();

// Everything wrong with one fault that can be known at load time: unknown kind, target or
// parameter, value out of bounds, or a kind this world or fidelity cannot do. Empty when fine.
// `key` is the one it is about ("kind", "target", ...); the message does not repeat it.
struct FaultProblem {
  std::string key;
  std::string message;
};
std::vector<FaultProblem> check_fault(const FaultSpec& spec, const FaultTopology& topology,
                                      Fidelity fidelity);

// REQUIRES: check_fault() found nothing in any fault of the scenario.
FaultPlan plan_faults(const Scenario& scenario, const Streams& streams);

}  // namespace phoenix
