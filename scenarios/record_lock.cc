#include "scenarios/record_lock.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace phoenix {
namespace {

std::string holder(int descriptor) {
  char text[32] = {};
  const ssize_t bytes = pread(descriptor, text, sizeof(text) - 1, 0);
  return bytes > 0 ? " (process " + std::string(text, static_cast<std::size_t>(bytes)) + ")" : "";
}

// False when the file was removed between opening and locking: the lock is then on a name that
// nobody else can find.
bool is_still_there(const std::string& path, int descriptor) {
  struct stat here {};
  struct stat there {};
  return fstat(descriptor, &here) == 0 && stat(path.c_str(), &there) == 0 &&
         here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

}  // namespace

RecordLock::RecordLock(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

RecordLock::RecordLock(RecordLock&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

RecordLock& RecordLock::operator=(RecordLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

RecordLock::~RecordLock() {
  if (descriptor_ < 0) return;
  unlink(path_.c_str());  // while locked, so that nobody's new lock file is taken away
  close(descriptor_);
}

Result<RecordLock> RecordLock::acquire(const std::string& record_path) {
  const std::string path = record_path + ".lock";
  for (;;) {
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return Error{"cannot create " + path + ": " + std::strerror(errno)};
    RecordLock lock(path, descriptor);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      const std::string who = holder(descriptor);
      lock.descriptor_ = -1;
      close(descriptor);
      if (reason == EINTR) continue;
      if (reason != EWOULDBLOCK) return Error{"cannot lock " + path + ": " + std::strerror(reason)};
      return Error{record_path + " is being written by another run" + who +
                   "; choose another output or wait for it to end"};
    }
    if (!is_still_there(path, descriptor)) {
      lock.descriptor_ = -1;
      close(descriptor);
      continue;
    }
    const std::string pid = std::to_string(getpid());
    if (ftruncate(descriptor, 0) != 0 ||
        pwrite(descriptor, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
      return Error{"cannot write " + path + ": " + std::strerror(errno)};
    }
    return lock;
  }
}

bool RecordLock::is_held(const std::string& record_path) {
  const int descriptor = open((record_path + ".lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_free = flock(descriptor, LOCK_SH | LOCK_NB) == 0;
  close(descriptor);
  return !is_free;
}

}  // namespace phoenix
