// What a lab may ask of a gateway over kControl frames (role kLab; `lab = true` in the
// configuration), each answered by one kControl frame with the same id: "ok": true, or "error":
// why. A payload is one JSON object:
//
//   {"world": {"seed": 7, "replication": 0, "gateways": 1, "gateway": 0,
//              "nodes": ["web-0", ...], "bandwidth": [1.25e9, ...]}}
//       who is who in the scenario, before any fault: nodes by number, this process's first thread
//       as `gateway` (the others follow); bandwidth in bytes/s, gateways first, then nodes, is
//       optional: without it bandwidth faults only count what they met
//   {"fault": {"phase": "begin", "effect": 3, "action": "delay",
//              "from": ["gateway:0"], "to": ["node:2"], "node": 2,
//              "magnitude": 0.1, "duration2_ns": 1000000, "jitter_ns": 0, "capacity": 100}}
//       phase is begin, step or end; action is delay, bandwidth, loss, cut, clog, metrics_missing,
//       metrics_stale or metrics_frozen; fields as in FaultEvent. End needs the effect only
//   {"silence": "web-2"}   from now on the end of this node's connections goes unnoticed and what
//                          is sent there vanishes, as if it had died without a word
//   {"unsilence": "web-2"} once it is back
//   {"forget": "web-2"}    it is gone for good; nothing where it is connected or unknown
//   {"knob": {"name": "batch_size", "value": 16}}   in base units, see strategies/tuning/knobs.h
//   {"hits": 3}            -> {"ok": true, "hits": N}: messages and reports the effect has hit
//   {"status": 17}         -> what a run's record needs: the Router's counters, attempts,
//   connections,
//                          services and newest load report by node, and the decisions numbered
//                          above 17, dated on this process's time line
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "scenarios/fault_plan.h"
#include "strategies/core/result.h"
#include "strategies/tuning/knobs.h"

namespace phoenix::gateway {

struct LabWorld {
  std::uint64_t seed = 0;
  std::uint32_t replication = 0;
  std::uint32_t gateways = 1;
  std::uint32_t gateway = 0;
  std::vector<std::string> nodes;  // names by number
  std::vector<double> bandwidth;   // bytes/s by endpoint; empty: unknown
};

struct LabFault {
  FaultEvent event;
};
struct LabSilence {
  std::string node;
  bool on = true;
};
struct LabForget {
  std::string node;
};
struct LabKnob {
  KnobId knob{};
  double value = 0;
};
struct LabHits {
  std::uint32_t effect = 0;
};
struct LabStatus {
  std::uint64_t since = 0;
};
using LabCommand =
    std::variant<LabWorld, LabFault, LabSilence, LabForget, LabKnob, LabHits, LabStatus>;

// The error names what was found and what is allowed.
Result<LabCommand> parse_lab_command(std::string_view text);

// As lab commands name actions: "delay", "metrics_stale", ...; empty for those of machines.
std::string_view lab_action_text(FaultAction action);

// The commands, for those who give them.
std::string print_lab_fault(const FaultEvent& event);
std::string print_lab_world(const LabWorld& world);

}  // namespace phoenix::gateway
