// Records a serving gateway in the run record of scenarios/, one finished file per rotation: a
// sample of the requests (drawn by their numbers), the windows and nodes of every interval, the
// decisions, and at each file's end histograms and summary. The files read like those of a
// simulated run; their world is "live".
//
// Nodes that join or leave while a file is written are rows of family "membership" in its decisions
// (value: the node's number); names/nodes has those known at its start. Times count from the
// file's start: a request that arrived before, and was answered after, has a negative `arrived`.
//
// Threads: on_answer() by the gateway's threads, one at a time each, never waits: what does not fit
// the queue of its thread is counted and dropped. A thread of its own does all writing. Everything
// else on the main loop.
//
// A disk that is full or cannot be written costs rows, counted, and nothing else: status says why,
// the next rotation tries again. A process that is killed leaves a readable `.part` that says it is
// not complete.
#pragma once

#include <functional>
#include <memory>

#include "runtime/gateway/control.h"
#include "runtime/net/loop.h"

namespace phoenix::gateway {

class Recorder final : public AnswerTap {
 public:
  // REQUIRES: config.record.path is set. `threads`: how many will call on_answer().
  Recorder(net::Loop& loop, const GatewayConfig& config, int threads, std::uint64_t seed);
  ~Recorder() override;  // without finish(): the file stays as it is, not complete

  // Begins: asks `gateway`, which must outlive finish(), for a picture now and every interval.
  void watch(GatewayControl& gateway);

  // After a reload: sample and interval from now on, the rest from the next file on. An empty path
  // and another size of buffer are left for the next process.
  void apply(const GatewayConfig& config);

  // One more picture, then the file is made complete; then calls `done`. REQUIRES: watch().
  void finish(std::function<void()> done);

  void on_answer(const AnsweredRequest& request) override;
  void add_to(GatewayStatus& status) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix::gateway
