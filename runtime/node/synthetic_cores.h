// The modelled cores of a node that only pretends to work: requests of the `synthetic` handlers in
// waiting mode are served by exactly the CPU model of the simulated node and answered by timer at
// the date it computes. A late wake-up delays the answers it carries, never the model.
//
// On the loop's thread.
#pragma once

#include <optional>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/node/handler.h"
#include "scenarios/node_server.h"

namespace phoenix::node {

class SyntheticCores {
 public:
  SyntheticCores(net::Loop& loop, int cores, double speed, Discipline discipline);

  // Room for another service, whose number is returned; `resident_bytes` count as memory for good.
  // REQUIRES: nothing was submitted yet.
  // `cache_keys` and `miss_work_ns`: see scenarios/key_cache.h.
  std::uint16_t add_service(int queue, double resident_bytes, int cache_keys = 0,
                            double miss_work_ns = 0);

  // Takes the call and answers it with `response_bytes` of body when `work_ns` is done; answers
  // kQueueFull at once where the service's room is full.
  void submit(std::uint16_t service, double work_ns, double memory_bytes,
              std::uint32_t response_bytes, Call call);

  // See NodeServer::set_workers() and set_queue().
  void set_limits(int workers, int queue);

  // Rate of service from now on; 0 is a stall.
  void set_factor(double factor);

  std::uint32_t waiting() const { return server_.waiting(); }
  std::uint32_t in_service() const { return server_.in_service(); }
  double busy_core_ns() const;
  double memory_bytes() const { return resident_bytes_ + server_.memory_bytes(); }

 private:
  struct Job : ServiceJob {
    std::optional<Call> call;
    std::uint32_t response_bytes = 0;
  };

  void catch_up(Time now);
  void answer_finished();
  void rearm() { timer_.arm(server_.next_finish()); }

  net::Loop& loop_;
  int cores_;
  double speed_;
  Discipline discipline_;
  std::vector<int> queues_;
  std::vector<std::pair<int, double>> caches_;  // by service: keys, ns of a miss
  double resident_bytes_ = 0;
  Slab<Job> jobs_;
  NodeServer<Job> server_;
  std::vector<std::uint32_t> finished_;
  struct Finished {
    Call call;
    std::uint32_t response_bytes = 0;
    Duration service{0};
  };
  std::vector<Finished> due_;
  net::Timer timer_;
};

}  // namespace phoenix::node
