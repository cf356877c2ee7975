// What travels between a world and its Router: requests, attempts, and how they ended.
// Plain data, no ownership, safe to copy.
#pragma once

#include <cstdint>
#include <string_view>

#include "strategies/core/ids.h"
#include "strategies/core/time.h"

namespace phoenix {

// The world's own name for a request; the Router hands it back untouched.
using RequestToken = std::uint64_t;

// One try at one node. Never reused, so a late answer can be told from a current one.
using AttemptId = std::uint64_t;
inline constexpr AttemptId kNoAttempt = ~AttemptId{0};

struct RequestInfo {
  RequestToken token = 0;
  ServiceId service{0};
  ClassId request_class{0};
  std::uint64_t key = 0;  // hash of the request's key; meaningless without has_key
  bool has_key = false;
  bool repeatable = true;  // may be sent again after it was perhaps carried out
  double size = 1.0;       // what a gateway can see of the work ahead: bytes, tokens; > 0
  Time deadline = kNever;  // the answer is worthless after this
};

// How one attempt ended, as the gateway sees it.
enum class AttemptResult : std::uint8_t {
  kOk,
  kError,      // the node answered with a failure
  kQueueFull,  // the node refused: its queue is full
  kRefused,    // the node refused: draining or not serving this service
  kReset,      // the connection broke; nobody knows whether the request was carried out
  kLate,       // the node carried it out, but its answer would have come after the deadline
  kTimeout,    // only made by the Router itself
  kStopped,    // the world let go of it after the answer; for attempts that lost against a copy
};

// Why a request was not answered well. Fixed set: records, metrics and reports count by it.
enum class FailureReason : std::uint8_t {
  kNone,
  kNoHealthyNodes,   // no eligible node
  kInFlightLimit,    // the gateway's limit of requests under way, and its waiting queue, are full
  kNodeLimit,        // every node tried is at its limit of requests under way
  kGatewayOverload,  // the gateway's own CPU backlog is full
  kQueueFull,        // the node's queue is full
  kRefused,          // the node is draining
  kError,            // the node answered with a failure
  kReset,            // the connection broke
  kDeadline,         // not answered by its deadline
  kCircuitOpen,      // the service fails too much and is left alone for a while
  kThrottled,        // refused in advance, since most of what is sent fails
  kCount,
};

constexpr std::string_view to_text(FailureReason reason) {
  constexpr std::string_view kNames[] = {
      "none",         "no_healthy_nodes", "in_flight_limit", "node_limit", "gateway_overload",
      "queue_full",   "refused",          "error",           "reset",      "deadline",
      "circuit_open", "throttled"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace phoenix
