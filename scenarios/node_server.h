// One machine's CPU: cores that serve jobs by processor sharing or first come first served, with
// bounded room per service. The simulated node and the real node's synthetic handler run exactly
// this model. Service advances in "virtual work time" whose rate is the speed each job gets, so a
// change of speed (slow CPU, pause, more jobs sharing) costs O(1) however many jobs are in service.
// Source of the method: virtual time for egalitarian processor sharing (e.g. Harchol-Balter,
// Performance Modeling and Design, ch. 30).
//
// Knows nothing of networks or gateways and reads no clock: who drives it tells it the date, which
// never falls, and calls collect_finished() at next_finish(). Jobs stay in the caller's slab, by
// whose index the server knows them. One thread. Costs O(log jobs on the node) per job.
#pragma once

#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scenarios/key_cache.h"
#include "scenarios/scenario.h"
#include "strategies/core/slab.h"
#include "strategies/core/time.h"

namespace phoenix {

// What the server needs to know of a job; worlds derive their own from it.
struct ServiceJob {
  double work = 0;  // ns at speed 1
  float memory_bytes = 0;
  std::uint32_t next = kNoIndex;  // in the list of those that wait
  std::uint16_t service = 0;
  bool has_key = false;
  std::uint64_t key = 0;
  bool in_service = false;  // kept by the server, like all below
  std::uint32_t load = 0;   // jobs there when it came
  Time came = kStart;
  Time began = kStart;  // its service
};

template <std::derived_from<ServiceJob> Job>
class NodeServer {
 public:
  using Jobs = Slab<Job>;

  // `queue_by_service` is the room for jobs that wait; minus `cores` is a service not hosted.
  NodeServer(int cores, double speed, Discipline discipline,
             const std::vector<int>& queue_by_service)
      : cores_(cores), speed_(speed) {
    const bool shares = discipline == Discipline::kProcessorSharing;
    own_workers_ = shares ? kNoLimit : static_cast<std::uint32_t>(cores);
    workers_ = own_workers_;
    for (const int queue : queue_by_service) rooms_.push_back({cores + queue, cores + queue, 0});
  }

  // At most this many jobs in service, which share the cores; 0: as the discipline has it. Those in
  // service already stay; refill() starts what may start now.
  void set_workers(int workers) {
    workers_ = workers == 0 ? own_workers_ : static_cast<std::uint32_t>(workers);
  }
  // Room for jobs that wait, beyond the cores, of every service hosted; 0: as at the beginning.
  // Those that are there stay.
  void set_queue(int queue) {
    for (Room& room : rooms_) {
      if (room.own_jobs_max > 0) room.jobs_max = queue == 0 ? room.own_jobs_max : cores_ + queue;
    }
  }

  // True when the job was taken; false when its service's room is full.
  bool admit(Jobs& jobs, std::uint32_t job, Time now) {
    if (!make_room(jobs[job])) return false;
    advance(now);
    note_arrival(jobs[job]);
    if (may_start()) {
      begin_service(jobs, job);
      update_rate();
    } else {
      push_waiting(jobs, job);
    }
    return true;
  }

  // Jobs that are done by `now`, in the order they finish; starts waiting ones in their place.
  // Appends.
  void collect_finished(Jobs& jobs, Time now, std::vector<std::uint32_t>& finished) {
    advance(now);
    while (!heap_.empty() && heap_.front().finish <= virtual_now_ + kTolerance) {
      std::pop_heap(heap_.begin(), heap_.end(), kLaterFinish);
      const std::uint32_t job = heap_.back().job;
      heap_.pop_back();
      --serving_;
      work_done_ += jobs[job].work;
      forget(jobs[job]);
      finished.push_back(job);
      if (waiting_ > 0 && may_start()) begin_service(jobs, pop_waiting(jobs));
    }
    update_rate();
  }

  // When the next job will be done if nothing changes; kNever if none.
  Time next_finish() const {
    if (heap_.empty() || rate_ <= 0) return kNever;
    const double wait = std::max(0.0, heap_.front().finish - virtual_now_) * ns_per_work_;
    if (wait > 9e18) return kNever;
    const auto whole = static_cast<std::int64_t>(wait);
    return add_saturating(last_, Duration{static_cast<double>(whole) < wait ? whole + 1 : whole});
  }

  // Rate of service relative to `speed`: product of slow-downs; 0 is a pause.
  void set_factor(double factor, Time now) {
    advance(now);
    factor_ = factor;
    update_rate();
  }

  // Takes out everything: in service first, then waiting, each in order. `keep_waiting` leaves the
  // waiting ones. Appends.
  void evict(Jobs& jobs, Time now, bool keep_waiting, std::vector<std::uint32_t>& evicted) {
    advance(now);
    const std::size_t first = evicted.size();
    std::sort(heap_.begin(), heap_.end(),
              [](const InService& a, const InService& b) { return a.order < b.order; });
    for (const InService& entry : heap_) evicted.push_back(entry.job);
    heap_.clear();
    serving_ = 0;
    while (!keep_waiting && waiting_ > 0) evicted.push_back(pop_waiting(jobs));
    for (std::size_t i = first; i < evicted.size(); ++i) forget(jobs[evicted[i]]);
    update_rate();
  }

  // Starts what waits as far as there are cores; after a restart that kept the queue.
  void refill(Jobs& jobs, Time now) {
    advance(now);
    while (waiting_ > 0 && may_start()) begin_service(jobs, pop_waiting(jobs));
    update_rate();
  }

  // Where service itself happens elsewhere (on real cores, or as SimGrid executions): start_next()
  // hands out the jobs that may run now, kNoIndex when none may; finish_elsewhere() takes a served
  // one out.
  bool admit_elsewhere(Jobs& jobs, std::uint32_t job, Time now) {
    if (!make_room(jobs[job])) return false;
    advance(now);
    note_arrival(jobs[job]);
    push_waiting(jobs, job);
    return true;
  }
  std::uint32_t start_next(Jobs& jobs, Time now) {
    advance(now);
    if (waiting_ == 0 || !may_start()) return kNoIndex;
    const std::uint32_t job = pop_waiting(jobs);
    jobs[job].in_service = true;
    jobs[job].began = last_;
    ++serving_;
    heap_.push_back({0, order_++, job});
    return job;
  }
  void finish_elsewhere(Jobs& jobs, std::uint32_t job, Time now) {
    advance(now);
    std::erase_if(heap_, [job](const InService& entry) { return entry.job == job; });
    --serving_;
    work_done_ += jobs[job].work;
    forget(jobs[job]);
  }

  // From now on the service's keyed jobs take `miss_work` ns longer, at speed 1, where their key is
  // not among the last `keys` ones.
  void set_cache(std::uint16_t service, std::size_t keys, double miss_work) {
    caches_.resize(rooms_.size(), Cache{KeyCache(0), 0});
    caches_[service] = {KeyCache(keys), miss_work};
  }
  // What a node remembers dies with its process.
  void forget_keys() {
    for (Cache& cache : caches_) cache.keys.clear();
  }

  std::uint32_t waiting() const { return waiting_; }
  std::uint32_t in_service() const { return serving_; }
  int cores() const { return cores_; }
  double memory_bytes() const { return memory_bytes_; }

  // Core time in use since the beginning, in ns of cores, and work done, in ns at speed 1.
  double busy_core_ns(Time now) const {
    if (serving_ == 0 || factor_ == 0) return busy_;
    return busy_ + static_cast<double>((now - last_).count()) * std::min<double>(serving_, cores_);
  }
  double work_done_ns() const { return work_done_; }

 private:
  // Half a nanosecond of work: dates are whole nanoseconds, so nothing finer can be told apart.
  static constexpr double kTolerance = 0.5;
  static constexpr std::uint32_t kNoLimit = ~std::uint32_t{0};

  struct Room {
    int own_jobs_max = 0;  // cores plus queue of the service
    int jobs_max = 0;
    int jobs = 0;
  };
  struct Cache {
    KeyCache keys;
    double miss_work;
  };
  struct InService {
    double finish;  // in virtual work time
    std::uint32_t order;
    std::uint32_t job;
  };
  static constexpr auto kLaterFinish = [](const InService& a, const InService& b) {
    return a.finish > b.finish || (a.finish == b.finish && a.order > b.order);
  };

  void advance(Time now) {
    assert(now >= last_);
    const auto elapsed = static_cast<double>((now - last_).count());
    last_ = now;
    if (serving_ == 0 || factor_ == 0) return;
    virtual_now_ += elapsed * rate_;
    busy_ += elapsed * std::min<double>(serving_, cores_);
  }

  void update_rate() {
    if (serving_ == 0) virtual_now_ = 0;  // keeps the numbers small, so rounding never adds up
    rate_ = speed_ * factor_;
    if (serving_ > static_cast<unsigned>(cores_)) {
      rate_ *= static_cast<double>(cores_) / serving_;
    }
    if (rate_ != rate_of_reciprocal_) {
      rate_of_reciprocal_ = rate_;
      ns_per_work_ = rate_ > 0 ? 1.0 / rate_ : 0;
    }
  }

  bool may_start() const { return serving_ < workers_; }

  bool make_room(const Job& job) {
    Room& room = rooms_[job.service];
    if (room.jobs >= room.jobs_max) return false;
    ++room.jobs;
    memory_bytes_ += static_cast<double>(job.memory_bytes);
    return true;
  }

  void note_arrival(Job& job) {
    if (!caches_.empty() && job.has_key && caches_[job.service].miss_work > 0 &&
        !caches_[job.service].keys.touch(job.key)) {
      job.work += caches_[job.service].miss_work;
    }
    job.load = serving_ + waiting_;
    job.came = last_;
  }

  void forget(Job& job) {
    job.in_service = false;
    --rooms_[job.service].jobs;
    memory_bytes_ -= static_cast<double>(job.memory_bytes);
    assert(rooms_[job.service].jobs >= 0);
  }

  void begin_service(Jobs& jobs, std::uint32_t job) {
    jobs[job].in_service = true;
    jobs[job].began = last_;
    ++serving_;
    heap_.push_back({virtual_now_ + jobs[job].work, order_++, job});
    std::push_heap(heap_.begin(), heap_.end(), kLaterFinish);
  }

  void push_waiting(Jobs& jobs, std::uint32_t job) {
    jobs[job].next = kNoIndex;
    if (tail_ == kNoIndex) {
      head_ = job;
    } else {
      jobs[tail_].next = job;
    }
    tail_ = job;
    ++waiting_;
  }

  std::uint32_t pop_waiting(Jobs& jobs) {
    const std::uint32_t job = head_;
    head_ = jobs[job].next;
    if (head_ == kNoIndex) tail_ = kNoIndex;
    --waiting_;
    return job;
  }

  int cores_;
  double speed_;
  std::uint32_t own_workers_ = 0;  // of the discipline
  std::uint32_t workers_ = 0;
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
  std::vector<Cache> caches_;  // by service, or empty
};

}  // namespace phoenix
