// One simulated machine's CPU: cores that serve jobs by processor sharing or first come first
// served, with bounded room per service. Service advances in "virtual work time" whose rate is the
// speed each job gets, so a change of speed (slow CPU, pause, more jobs sharing) costs O(1) however
// many jobs are in service. Source of the method: virtual time for egalitarian processor sharing
// (e.g. Harchol-Balter, Performance Modeling and Design, ch. 30).
//
// Knows nothing of networks, gateways or SimGrid. Costs O(log jobs on the node) per job.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/scenario.h"
#include "sim/traffic.h"
#include "strategies/core/time.h"

namespace phoenix::sim {

class NodeServer {
 public:
  struct Room {
    int jobs_max = 0;  // cores plus queue of the service
    int jobs = 0;
  };

  NodeServer(int cores, double speed, Discipline discipline,
             const std::vector<int>& queue_by_service);

  // True when the job was taken; false when its service's room is full.
  bool admit(Jobs& jobs, std::uint32_t job, Time now);

  // Jobs that are done by `now`, in the order they finish; starts waiting ones in their place.
  void collect_finished(Jobs& jobs, Time now, std::vector<std::uint32_t>& finished);

  // When the next job will be done if nothing changes; kNever if none.
  Time next_finish() const;

  // Rate of service relative to `speed`: product of slow-downs; 0 is a pause.
  void set_factor(double factor, Time now);

  // Takes out everything: in service first, then waiting, each in order. `keep_waiting` leaves the
  // waiting ones.
  void evict(Jobs& jobs, Time now, bool keep_waiting, std::vector<std::uint32_t>& evicted);

  // Starts what waits as far as there are cores; after a restart that kept the queue.
  void refill(Jobs& jobs, Time now);

  // Flow fidelity: service itself happens elsewhere. start_next() hands out the jobs that may run
  // now; finish() takes a served one out.
  bool admit_elsewhere(Jobs& jobs, std::uint32_t job, Time now);
  std::uint32_t start_next(Jobs& jobs, Time now);  // kNoIndex: none may start
  void finish_elsewhere(Jobs& jobs, std::uint32_t job, Time now);

  std::uint32_t waiting() const { return waiting_; }
  std::uint32_t in_service() const { return serving_; }
  int cores() const { return cores_; }
  double memory_bytes() const { return memory_bytes_; }

  // Core time in use since the beginning, in ns of cores, and work done, in ns at speed 1.
  double busy_core_ns(Time now) const;
  double work_done_ns() const { return work_done_; }

 private:
  struct InService {
    double finish;  // in virtual work time
    std::uint32_t order;
    std::uint32_t job;
  };

  void advance(Time now);
  void update_rate();
  void begin_service(Jobs& jobs, std::uint32_t job);
  std::uint32_t pop_waiting(Jobs& jobs);
  void push_waiting(Jobs& jobs, std::uint32_t job);
  void forget(const Job& job);
  bool may_start() const;

  int cores_;
  double speed_;
  Discipline discipline_;
  double factor_ = 1.0;
  Time last_ = kStart;
  double virtual_now_ = 0;
  double rate_ = 0;         // virtual work time per ns
  double ns_per_work_ = 0;  // 1 / rate_, 0 while nothing moves
  double rate_of_reciprocal_ = 0;
  double busy_ = 0;
  double work_done_ = 0;
  double memory_bytes_ = 0;
  std::uint32_t serving_ = 0;
  std::uint32_t waiting_ = 0;
  std::uint32_t head_ = kNoIndex;
  std::uint32_t tail_ = kNoIndex;
  std::uint32_t order_ = 0;
  std::vector<InService> heap_;
  std::vector<Room> rooms_;
};

}  // namespace phoenix::sim
