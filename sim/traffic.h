// The two things that move through the simulated cluster: a client's request, and a job, which is
// one attempt of a request at one node. A job may outlive its request (nobody waits for the answer
// any more), so they are kept apart.
#pragma once

#include <cstdint>

#include "scenarios/node_server.h"
#include "strategies/core/load_report.h"
#include "strategies/core/request.h"
#include "strategies/core/slab.h"

namespace phoenix::sim {

inline constexpr double kSmallReplyBytes = 128;  // refusals, failures and resets

struct Request {
  Time arrived = kStart;
  double work = 0;  // ns at speed 1
  std::uint64_t seq = 0;
  std::uint64_t key = 0;
  double size = 1;
  float request_bytes = 0;
  float response_bytes = 0;
  std::uint32_t request_class = 0;
  std::uint32_t user = 0;
  std::uint32_t last_node = kNoIndex;
  std::uint16_t gateway = 0;
  std::uint16_t attempts = 0;
  bool has_key = false;
  bool is_direct = false;  // the Router does not know of it
};

struct Job : ServiceJob {
  AttemptId attempt = kNoAttempt;
  std::uint64_t message = 0;  // number of its way to the node, see link_faults.h
  float request_bytes = 0;
  float response_bytes = 0;
  std::uint32_t node = 0;
  std::uint32_t incarnation = 0;
  std::uint16_t gateway = 0;
  AttemptResult result = AttemptResult::kOk;
  bool has_report = false;
  std::uint32_t activity = kNoIndex;  // its execution, in flow fidelity
  LoadReport report;                  // piggy-backed on the answer
};

using Requests = Slab<Request>;
using Jobs = Slab<Job>;
using Server = NodeServer<Job>;

}  // namespace phoenix::sim
