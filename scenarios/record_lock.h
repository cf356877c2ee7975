// Holds `<path>.lock` for as long as a record is being written, so that two writers cannot meet and
// readers can tell a live writer from a dead one. The operating system drops the lock with the
// process, however it dies; the file is removed with the object.
#pragma once

#include <string>

#include "strategies/core/result.h"

namespace phoenix {

class RecordLock {
 public:
  RecordLock() = default;
  RecordLock(RecordLock&& other) noexcept;
  RecordLock& operator=(RecordLock&& other) noexcept;
  ~RecordLock();

  // The error says who holds the lock, or why it cannot be made.
  static Result<RecordLock> acquire(const std::string& record_path);

  static bool is_held(const std::string& record_path);

 private:
  RecordLock(std::string path, int descriptor);

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace phoenix
