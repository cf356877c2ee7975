#include "runtime/node/synthetic_cores.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/node/synthetic_body.h"

namespace phoenix::node {

SyntheticCores::SyntheticCores(net::Loop& loop, int cores, double speed, Discipline discipline)
    : loop_(loop),
      cores_(cores),
      speed_(speed),
      discipline_(discipline),
      server_(cores, speed, discipline, {}),
      timer_(loop, [this] {
        catch_up(loop_.now());
        rearm();
        answer_finished();
      }) {}

std::uint16_t SyntheticCores::add_service(int queue, double resident_bytes, int cache_keys,
                                          double miss_work_ns) {
  assert(jobs_.capacity() == 0);
  queues_.push_back(queue);
  caches_.emplace_back(cache_keys, miss_work_ns);
  resident_bytes_ += resident_bytes;
  server_ = NodeServer<Job>(cores_, speed_, discipline_, queues_);
  for (std::size_t i = 0; i < caches_.size(); ++i) {
    const auto& [keys, miss_ns] = caches_[i];
    if (keys == 0) continue;
    server_.set_cache(static_cast<std::uint16_t>(i), static_cast<std::size_t>(keys), miss_ns);
  }
  return static_cast<std::uint16_t>(queues_.size() - 1);
}

void SyntheticCores::submit(std::uint16_t service, double work_ns, double memory_bytes,
                            std::uint32_t response_bytes, Call call) {
  const Time now = loop_.now();
  catch_up(now);
  const std::uint32_t id = jobs_.acquire();
  Job& job = jobs_[id];
  job.work = work_ns;
  job.memory_bytes = static_cast<float>(memory_bytes);
  job.service = service;
  job.has_key = call.request().has_key;
  job.key = call.request().key;
  job.response_bytes = response_bytes;
  if (server_.admit(jobs_, id, now)) {
    job.call.emplace(std::move(call));
    catch_up(now);
  } else {
    jobs_.release(id);
    call.answer({503, {}, {}, AttemptResult::kQueueFull});
  }
  rearm();
  answer_finished();
}

void SyntheticCores::set_limits(int workers, int queue) {
  const Time now = loop_.now();
  catch_up(now);
  server_.set_workers(workers);
  server_.set_queue(queue);
  server_.refill(jobs_, now);
  rearm();
  answer_finished();
}

void SyntheticCores::set_factor(double factor) {
  const Time now = loop_.now();
  catch_up(now);
  server_.set_factor(factor, now);
  rearm();
  answer_finished();
}

// Not beyond the next finish, which may be due but not played: nobody may be busy after it, and
// what was told must never be more than what is told later.
double SyntheticCores::busy_core_ns() const {
  return server_.busy_core_ns(std::min(loop_.now(), server_.next_finish()));
}

// Plays the finishes that are due at their own dates, so that whoever was waiting starts when the
// core became free and not when this process was woken.
void SyntheticCores::catch_up(Time now) {
  while (server_.next_finish() <= now) {
    finished_.clear();
    const Time finish = server_.next_finish();
    server_.collect_finished(jobs_, finish, finished_);
    for (const std::uint32_t id : finished_) {
      Job& job = jobs_[id];
      due_.push_back({std::move(*job.call), job.response_bytes, finish - job.began});
      job.call.reset();
      jobs_.release(id);
    }
  }
}

void SyntheticCores::answer_finished() {
  std::vector<Finished> due;
  due.swap(due_);  // answering may bring the next request
  for (auto& [call, response_bytes, service] : due) {
    CallReply reply;
    reply.service = service;
    append_filler(response_bytes, reply.body);
    call.answer(std::move(reply));
  }
}

}  // namespace phoenix::node
