#include "scenarios/trace_lines.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "scenarios/trace_rows.h"

namespace phoenix {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

TraceLines::TraceLines(std::string file)
    : file_(std::move(file)), in_(file_, std::ios::binary), buffer_(kTraceLineBytesMax + 2) {}

Result<bool> TraceLines::next() {
  do {
    in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    const auto read = static_cast<std::size_t>(in_.gcount());
    ++number_;
    if (in_.bad()) return Error{where() + "cannot be read"};
    if (in_.fail() && read == 0) return false;
    if (in_.fail()) {
      return Error{where() + "found a line of more than 1048576 bytes; allowed are shorter ones"};
    }
    length_ = in_.eof() ? read : read - 1;
    if (length_ > 0 && buffer_[length_ - 1] == '\r') --length_;
    const bool is_marked =
        number_ == 1 && std::string_view(buffer_.data(), length_).starts_with(kByteOrderMark);
    if (is_marked) std::fill_n(buffer_.begin(), kByteOrderMark.size(), ' ');
  } while (is_blank());
  return true;
}

void TraceLines::rewind() {
  in_.clear();
  in_.seekg(0);
  number_ = 0;
}

bool TraceLines::is_blank() const {
  return std::string_view(buffer_.data(), length_).find_first_not_of(" \t") ==
         std::string_view::npos;
}

}  // namespace phoenix
