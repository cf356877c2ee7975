// Worker threads for handlers that take their time, and the bounded queues in front of them: one
// lane per service. Lanes take turns, so a flood of one service does not starve another. A request
// is in service until its Call is answered, also where the handler answers later from elsewhere.
//
// submit() and load() from any thread, set_limits() from one. Requests whose deadline passes before
// their turn are answered "not carried out" (504, kRefused) and counted. The destructor lets what
// is in service finish; what waits is answered 500 by its Call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/node/handler.h"
#include "strategies/core/time.h"

namespace phoenix::node {

struct LaneSettings {
  Handler* handler = nullptr;  // outlives the queue
  int at_once = 1;             // in service
  int queue = 0;               // waiting beyond those
  bool is_fifo = false;        // one after another, whatever the knobs say
};

struct LaneLoad {
  std::uint32_t waiting = 0;
  std::uint32_t in_service = 0;
  std::uint64_t expired = 0;
};

class WorkQueue {
 public:
  using Clock = std::function<Time()>;  // any thread

  WorkQueue(int threads, std::vector<LaneSettings> lanes, Clock clock);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Takes the call, or leaves it to the caller: false where the lane is full.
  [[nodiscard]] bool submit(std::size_t lane, Call& call);

  // At most `workers` calls in service in all lanes together, and in each that is not fifo, on as
  // many threads as that takes and the system has; room for `queue` that wait in each. 0: as at the
  // beginning. What is in service or waits already stays, and so do threads.
  void set_limits(int workers, int queue);

  LaneLoad load(std::size_t lane) const;
  // Time that threads have spent in handlers, those under way included.
  double busy_ns() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with calls that are still in service
};

}  // namespace phoenix::node
