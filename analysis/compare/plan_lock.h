// Whoever makes or changes the plan of a results folder holds this lock, so that all who play runs
// of it, on whatever machine, play the same ones. Unlike the master's lock it is waited for: it is
// held for as long as pilot runs take, and not for a whole comparison. The operating system drops
// it with the process, however it dies; the file stays.
#pragma once

#include <atomic>
#include <string>

#include "strategies/core/result.h"

namespace phoenix {

class PlanLock {
 public:
  // The error: the file cannot be made or locked, or `stop` was set while it was waited for.
  static Result<PlanLock> wait_for(const std::string& folder, const std::atomic<bool>& stop);

  PlanLock(PlanLock&& other) noexcept;
  PlanLock& operator=(PlanLock&& other) noexcept;
  ~PlanLock();

 private:
  explicit PlanLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
};

}  // namespace phoenix
