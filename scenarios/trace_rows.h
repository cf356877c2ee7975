// Rows of a trace file as text cells, whatever the file's format: CSV with a header row (quoted
// fields, CR LF and a byte order mark are fine; a field stays on its line), or JSON lines (one
// object each; numbers and arrays of plain values come as their JSON text).
//
// Reads a line at a time, in bounded memory. Blank lines are passed over. One thread at a time.
// Errors start with file and line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strategies/core/result.h"

namespace phoenix {

inline constexpr std::size_t kTraceLineBytesMax = 1 << 20;

class TraceRows {
 public:
  virtual ~TraceRows() = default;

  // Goes to the next row; false at the end of the file.
  virtual Result<bool> next() = 0;

  // Of the present row, in the order the columns were asked for. Valid until next().
  virtual std::span<const std::string_view> cells() const = 0;

  // "FILE:LINE: " of the present row.
  virtual std::string where() const = 0;

  // Back to before the first row.
  virtual void rewind() = 0;
};

enum class TraceFormat : std::uint8_t { kCsv, kJsonLines };

Result<std::unique_ptr<TraceRows>> open_trace_rows(const std::string& file, TraceFormat format,
                                                   std::vector<std::string> columns);

}  // namespace phoenix
