#include "sim/node_server.h"

#include <algorithm>
#include <cassert>

namespace phoenix::sim {
namespace {

// Half a nanosecond of work: dates are whole nanoseconds, so nothing finer can be told apart.
constexpr double kTolerance = 0.5;

struct LaterFinish {
  template <class Entry>
  bool operator()(const Entry& a, const Entry& b) const {
    return a.finish > b.finish || (a.finish == b.finish && a.order > b.order);
  }
};

}  // namespace

NodeServer::NodeServer(int cores, double speed, Discipline discipline,
                       const std::vector<int>& queue_by_service)
    : cores_(cores), speed_(speed), discipline_(discipline) {
  for (const int queue : queue_by_service) rooms_.push_back({cores + queue, 0});
}

void NodeServer::advance(Time now) {
  assert(now >= last_);
  const auto elapsed = static_cast<double>((now - last_).count());
  last_ = now;
  if (serving_ == 0 || factor_ == 0) return;
  virtual_now_ += elapsed * rate_;
  busy_ += elapsed * std::min<double>(serving_, cores_);
}

void NodeServer::update_rate() {
  if (serving_ == 0) virtual_now_ = 0;  // keeps the numbers small, so rounding never adds up
  rate_ = speed_ * factor_;
  if (discipline_ == Discipline::kProcessorSharing && serving_ > static_cast<unsigned>(cores_)) {
    rate_ *= static_cast<double>(cores_) / serving_;
  }
  if (rate_ != rate_of_reciprocal_) {
    rate_of_reciprocal_ = rate_;
    ns_per_work_ = rate_ > 0 ? 1.0 / rate_ : 0;
  }
}

bool NodeServer::may_start() const {
  return discipline_ == Discipline::kProcessorSharing || serving_ < static_cast<unsigned>(cores_);
}

void NodeServer::push_waiting(Jobs& jobs, std::uint32_t job) {
  jobs[job].place = JobPlace::kWaiting;
  jobs[job].next = kNoIndex;
  if (tail_ == kNoIndex) {
    head_ = job;
  } else {
    jobs[tail_].next = job;
  }
  tail_ = job;
  ++waiting_;
}

std::uint32_t NodeServer::pop_waiting(Jobs& jobs) {
  const std::uint32_t job = head_;
  head_ = jobs[job].next;
  if (head_ == kNoIndex) tail_ = kNoIndex;
  --waiting_;
  return job;
}

void NodeServer::begin_service(Jobs& jobs, std::uint32_t job) {
  jobs[job].place = JobPlace::kInService;
  ++serving_;
  heap_.push_back({virtual_now_ + jobs[job].work, order_++, job});
  std::push_heap(heap_.begin(), heap_.end(), LaterFinish{});
}

void NodeServer::forget(const Job& job) {
  --rooms_[job.service].jobs;
  memory_bytes_ -= static_cast<double>(job.memory_bytes);
  assert(rooms_[job.service].jobs >= 0);
}

bool NodeServer::admit_elsewhere(Jobs& jobs, std::uint32_t job, Time now) {
  Room& room = rooms_[jobs[job].service];
  if (room.jobs >= room.jobs_max) return false;
  ++room.jobs;
  memory_bytes_ += static_cast<double>(jobs[job].memory_bytes);
  advance(now);
  push_waiting(jobs, job);
  return true;
}

bool NodeServer::admit(Jobs& jobs, std::uint32_t job, Time now) {
  Room& room = rooms_[jobs[job].service];
  if (room.jobs >= room.jobs_max) return false;
  ++room.jobs;
  memory_bytes_ += static_cast<double>(jobs[job].memory_bytes);
  advance(now);
  if (may_start()) {
    begin_service(jobs, job);
    update_rate();
  } else {
    push_waiting(jobs, job);
  }
  return true;
}

void NodeServer::collect_finished(Jobs& jobs, Time now, std::vector<std::uint32_t>& finished) {
  advance(now);
  while (!heap_.empty() && heap_.front().finish <= virtual_now_ + kTolerance) {
    std::pop_heap(heap_.begin(), heap_.end(), LaterFinish{});
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

Time NodeServer::next_finish() const {
  if (heap_.empty() || rate_ <= 0) return kNever;
  const double wait = std::max(0.0, heap_.front().finish - virtual_now_) * ns_per_work_;
  if (wait > 9e18) return kNever;
  const auto whole = static_cast<std::int64_t>(wait);
  return add_saturating(last_, Duration{static_cast<double>(whole) < wait ? whole + 1 : whole});
}

void NodeServer::set_factor(double factor, Time now) {
  advance(now);
  factor_ = factor;
  update_rate();
}

void NodeServer::evict(Jobs& jobs, Time now, bool keep_waiting,
                       std::vector<std::uint32_t>& evicted) {
  advance(now);
  std::sort(heap_.begin(), heap_.end(),
            [](const InService& a, const InService& b) { return a.order < b.order; });
  for (const InService& entry : heap_) evicted.push_back(entry.job);
  heap_.clear();
  serving_ = 0;
  while (!keep_waiting && waiting_ > 0) evicted.push_back(pop_waiting(jobs));
  for (const std::uint32_t job : evicted) forget(jobs[job]);
  update_rate();
}

std::uint32_t NodeServer::start_next(Jobs& jobs, Time now) {
  advance(now);
  if (waiting_ == 0 || !may_start()) return kNoIndex;
  const std::uint32_t job = pop_waiting(jobs);
  jobs[job].place = JobPlace::kInService;
  ++serving_;
  heap_.push_back({0, order_++, job});
  return job;
}

void NodeServer::finish_elsewhere(Jobs& jobs, std::uint32_t job, Time now) {
  advance(now);
  std::erase_if(heap_, [job](const InService& entry) { return entry.job == job; });
  --serving_;
  work_done_ += jobs[job].work;
  forget(jobs[job]);
}

void NodeServer::refill(Jobs& jobs, Time now) {
  advance(now);
  while (waiting_ > 0 && may_start()) begin_service(jobs, pop_waiting(jobs));
  update_rate();
}

double NodeServer::busy_core_ns(Time now) const {
  if (serving_ == 0 || factor_ == 0) return busy_;
  return busy_ + static_cast<double>((now - last_).count()) * std::min<double>(serving_, cores_);
}

}  // namespace phoenix::sim
