#include "analysis/compare/plan_lock.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace phoenix {
namespace {

constexpr useconds_t kPauseUs = 50'000;

}  // namespace

PlanLock::PlanLock(PlanLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

PlanLock& PlanLock::operator=(PlanLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

PlanLock::~PlanLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<PlanLock> PlanLock::wait_for(const std::string& folder, const std::atomic<bool>& stop) {
  const std::string path = folder + "/plan.lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return Error{fmt::format("cannot write {}: {}", path, std::strerror(errno))};
  }
  PlanLock lock(descriptor);
  while (!stop) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return Error{fmt::format("cannot lock {}: {}", path, std::strerror(errno))};
    }
    ::usleep(kPauseUs);
  }
  return Error{"stopped"};
}

}  // namespace phoenix
