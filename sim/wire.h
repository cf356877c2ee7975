// What the simulated world keeps of the way between gateways and nodes beyond the network itself:
// batches that fill, connections and their socket buffers, requests that wait for a connection, and
// what it all came to. world_wire.cc holds the rules.
//
// The way of a request, where any of this is turned on (World::is_plain_ is false):
//
//   Router: send -> batch fills (frames) or a connection is free (HTTP)
//     -> gateway CPU for the batch and its compression -> room in the socket buffer
//     -> Network::send -> node: its agent wakes or starts -> service, with the node's codec work
//     -> room in the node's socket buffer, unless the answer would be late
//     -> Network::send -> gateway CPU, with decompression
//
// A batch travels as its messages, back to back, with one packet header: so each meets the same
// faults as it does alone. Only gateways batch; both ends compress. What a knob changes holds for
// messages that set out later; nothing is lost by it.
//
// Plain state; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "sim/keyed_agents.h"
#include "sim/wire_model.h"
#include "strategies/core/slab.h"
#include "strategies/core/time.h"

namespace phoenix::sim {

// A batch is sent as soon as it holds this much; longer messages go by themselves. As real ones.
inline constexpr double kBatchBytes = 64 * 1024;
// Attempts that may wait for a connection to one node; more are refused. As real ones.
inline constexpr std::size_t kConnectionWaitMax = 1024;
// Answers that may wait on one connection; what comes on top is a failure. As real ones.
inline constexpr double kAnswerQueueBytes = 63.0 * 1024 * 1024;
// Keys whose node the clients of a gateway remember; then they forget all. As real ones.
inline constexpr std::size_t kOwnersMax = 65'536;

// Of the whole run.
struct WireCounters {
  std::uint64_t batches = 0, batched = 0;  // batches, and the requests in them
  double batch_wait_ns = 0;                // of all those
  std::uint64_t compressed = 0;            // messages
  double saved_bytes = 0;
  std::uint64_t connection_waits = 0;  // attempts that found no free connection and got one later
  double connection_wait_ns = 0;
  std::uint64_t connection_refusals = 0;  // too many waited already
  std::uint64_t connection_give_ups = 0;  // their time was over first
  std::uint64_t buffer_waits = 0;         // messages that found no room in a socket buffer
  double buffer_wait_ns = 0;
  // Answers in whose place a short failure went: they would have come after their deadline; too
  // many waited already.
  std::uint64_t unsent_late = 0, unsent_full = 0;
  std::uint64_t direct = 0,
                direct_misses = 0;  // requests sent past the gateway; that had to return
  std::uint64_t cold_starts = 0, wakes = 0, hibernations = 0;
};

// What the wire knows of a job.
struct WireJob {
  std::uint64_t key = 0;
  std::uint64_t seq = 0;                // of the request that went past the gateway
  std::uint32_t request = kNoIndex;     // its place
  std::uint32_t node = 0;               // where its path leads; a move may have taken the job on
  std::uint32_t connection = kNoIndex;  // on its path
  std::uint32_t serial = 0;             // of a connection of its own; 0: it shares one
  float compression = 1;
  float answer_cpu_ns = 0;  // of the gateway, on top of a message's
  bool is_paced = false;    // it has waited for room in the socket buffer
  KeyedAgents::Hold agent;
  Time queued_at = kStart;  // in a batch or for a connection
  Time deadline = kNever;   // of the request
  bool is_direct() const { return request != kNoIndex; }
};

// Connections that carry one request at a time, at most so many. A connection whose request is
// given up is closed, which makes room for a new one.
class ConnectionPool {
 public:
  struct Taken {
    std::uint32_t connection = kNoIndex;  // none: all are busy
    std::uint32_t serial = 0;
  };
  Taken take(int pool_size, Time give_up, Time now) {
    std::uint32_t found = kNoIndex;
    if (busy_ < static_cast<std::size_t>(pool_size)) {
      found = take_free();
      ++busy_;
    } else {
      for (std::uint32_t i = 0; i < uses_.size() && found == kNoIndex; ++i) {
        if (uses_[i].serial != 0 && uses_[i].give_up <= now) found = i;
      }
      if (found == kNoIndex) return {};
    }
    uses_[found] = {give_up, ++last_serial_};
    return {found, last_serial_};
  }
  // Ignored where the connection was closed since.
  void release(std::uint32_t connection, std::uint32_t serial) {
    if (uses_[connection].serial != serial) return;
    uses_[connection].serial = 0;
    free_.push_back(connection);
    --busy_;
  }
  // When the first of the requests under way is given up; kNever without any.
  Time first_give_up() const {
    Time first = kNever;
    for (const Use& use : uses_) {
      if (use.serial != 0) first = std::min(first, use.give_up);
    }
    return first;
  }
  std::size_t busy() const { return busy_; }

 private:
  struct Use {
    Time give_up = kNever;
    std::uint32_t serial = 0;  // 0: free
  };
  std::uint32_t take_free() {
    if (free_.empty()) {
      uses_.emplace_back();
      return static_cast<std::uint32_t>(uses_.size() - 1);
    }
    const std::uint32_t connection = free_.back();
    free_.pop_back();
    return connection;
  }

  std::vector<Use> uses_;
  std::vector<std::uint32_t> free_;
  std::size_t busy_ = 0;
  std::uint32_t last_serial_ = 0;
};

// From one gateway to one node and back.
struct WirePath {
  std::vector<std::uint32_t> batch;  // jobs
  double batch_bytes = 0;
  Time batch_due = kNever;  // other events are stale

  struct Waiting {
    std::uint32_t job = 0;
    Time give_up = kNever;
  };
  ConnectionPool pool;
  std::deque<Waiting> waiting;
  Time pool_due = kNever;

  std::vector<Window> out;  // by connection
  std::vector<Window> back;
};

class Wire {
 public:
  WireJob& renew(std::uint32_t job) {
    if (job >= jobs_.size()) jobs_.resize(job + 1);
    return jobs_[job] = {};
  }
  // Jobs that are under way as the wire is turned on are ones it knows nothing of.
  void cover(std::size_t jobs) { jobs_.assign(jobs, {}); }
  WireJob& job(std::uint32_t id) { return jobs_[id]; }

  WirePath& path(std::uint32_t gateway, std::uint32_t node) {
    if (gateway >= paths_.size()) paths_.resize(gateway + 1);
    if (node >= paths_[gateway].size()) paths_[gateway].resize(node + 1);
    return paths_[gateway][node];
  }
  template <class Visit>
  void for_each_path(Visit visit) {
    for (std::uint32_t g = 0; g < paths_.size(); ++g) {
      for (std::uint32_t n = 0; n < paths_[g].size(); ++n) visit(g, n);
    }
  }

  WireCounters counters;

 private:
  std::vector<WireJob> jobs_;
  std::vector<std::vector<WirePath>> paths_;
};

}  // namespace phoenix::sim
