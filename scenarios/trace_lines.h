// A text file, line by line, in bounded memory. For trace files, which may be larger than memory.
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "strategies/core/result.h"

namespace phoenix {

class TraceLines {
 public:
  explicit TraceLines(std::string file);

  bool is_open() const { return in_.is_open() && in_.good(); }

  // Goes to the next line that is not blank; false at the end. The error says where.
  Result<bool> next();

  // The present line without its end; may be written to. Valid until next().
  std::span<char> line() { return {buffer_.data(), length_}; }

  std::string where() const { return file_ + ":" + std::to_string(number_) + ": "; }

  // Back to before the first line.
  void rewind();

 private:
  bool is_blank() const;

  std::string file_;
  std::ifstream in_;
  std::vector<char> buffer_;
  std::size_t length_ = 0;
  std::int64_t number_ = 0;
};

}  // namespace phoenix
