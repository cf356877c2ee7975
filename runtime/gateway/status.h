// What a gateway says of itself: for /status, /metrics, the live page and the recorder. Plain data,
// merged over threads.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/gateway/config.h"
#include "runtime/net/connect.h"
#include "runtime/wire/frame_link.h"
#include "strategies/metrics/histogram.h"
#include "strategies/router.h"

namespace phoenix::gateway {

enum class NodeState : std::uint8_t { kUp, kDown, kDraining };

struct NodeStatus {
  NodeId node{0};
  std::string name, address, zone;
  Protocol protocol = Protocol::kFrames;
  NodeState state = NodeState::kUp;
  bool ejected = false;  // by any thread
  std::uint64_t incarnation = 0;
  int cores = 0;
  std::vector<std::string> services;
  std::uint64_t under_way = 0;  // attempts, all threads
  std::uint64_t attempts = 0;
  std::uint64_t failures = 0;  // attempts that ended otherwise than kOk
  std::uint64_t connections = 0;
  std::uint64_t dials_failed = 0;  // see Upstream
  LoadReport load;                 // newest
  Time reported_at = kStart;       // kStart: never
  wire::NodeTotals totals;
};

struct ClassStatus {
  std::string service, name;
  std::uint64_t offered = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(FailureReason::kCount)>
      answers{};      // by reason
  Histogram latency;  // of requests answered well, since start
};

struct ServiceStatus {
  std::string name, balancer;
  bool panic = false;
};

// A decision as the record has it, and as the page lists it.
struct Decision {
  std::uint64_t number = 0;  // from 1, in order, never reused
  Time at = kStart;
  std::string family, action, subject, reason, outcome;
  double value = 0;
  // Of the control plane's only: what the value was, from decision to outcome, the inputs, and how
  // far it got.
  double from = std::numeric_limits<double>::quiet_NaN();
  double took_s = std::numeric_limits<double>::quiet_NaN();
  std::string seen = {};
  std::string note = {};
};

struct HttpCounters {
  std::uint64_t requests = 0;
  std::map<std::string, std::uint64_t> refused;  // by reason: "bad_message", "head_too_long", ...
  std::uint64_t timeouts = 0;                    // slow clients
};

struct GatewayStatus {
  std::string name;
  Time now = kStart;
  Time started = kStart;
  int threads = 0;
  bool draining = false;
  std::uint64_t reloads = 0, reloads_failed = 0;
  std::vector<ServiceStatus> services;
  std::vector<ClassStatus> classes;
  std::vector<NodeStatus> nodes;    // by NodeId
  std::vector<Decision> decisions;  // the newest, at most 256, oldest first
  RouterCounters router;            // sums
  std::uint64_t probes_unsent = 0;  // wishes of the Routers that Upstream::probe() left
  std::uint64_t open_requests = 0;
  net::ListenCounters http_listener, frame_listener, admin_listener;
  HttpCounters http;
  wire::LinkCounters links;
  std::map<std::string, std::uint64_t> frames_refused;  // peers, by why: "wrong_token", ...
  Knobs knobs;
  std::shared_ptr<const ControllerStatus> control;  // null: there is no control plane
  std::map<NodeId, std::string> control_nodes;      // names of the nodes its alerts are about
  std::uint64_t records_written = 0, records_dropped = 0;
  std::string record_error;
};

}  // namespace phoenix::gateway
