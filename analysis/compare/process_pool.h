// Runs jobs in processes of their own, some at a time: a job that crashes takes nobody with it. For
// simulations, of which a process can hold one, and anything else that may die.
//
// REQUIRES: no other thread in this process when a job starts, and nothing open that a child must
// not inherit (HDF5 files). Children die with this process.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace phoenix {

struct JobEnd {
  std::uint64_t job = 0;
  bool ok = false;
  std::string why;  // of one that failed: its exit code or signal, and the end of what it told
};

class ProcessPool {
 public:
  // In the child: does the job, returns its exit code, 0 for good. What it writes to stdout is
  // dropped, what it writes to stderr is kept for JobEnd::why.
  using Job = std::function<int(std::uint64_t job)>;
  // In this process, one at a time, in the order in which jobs end.
  using OnEnd = std::function<void(const JobEnd& end)>;
  // The next job, or false when there are no more.
  using Next = std::function<bool(std::uint64_t& job)>;

  // REQUIRES: jobs >= 1.
  ProcessPool(int jobs, Job job, OnEnd on_end);

  // Until `next` has no more and all have ended, or `stop` is set: then running ones are killed and
  // told to nobody. A job that fails is tried once more; on_end gets the second end. Where there is
  // no process for a job, it waits for a running one to end, and fails when none runs. `on_wait` is
  // called now and then while all wait. True unless stopped.
  bool run(const Next& next, const std::atomic<bool>& stop, const std::function<void()>& on_wait);

 private:
  int jobs_;
  Job job_;
  OnEnd on_end_;
};

}  // namespace phoenix
