// Little-endian numbers in and out of bytes, for encoders and decoders.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace phoenix::wire {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

template <typename T>
T load(const char* at) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
char* store(char* at, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

template <typename T>
void append(std::string& out, T value) {
  char bytes[sizeof value];
  store(bytes, value);
  out.append(bytes, sizeof bytes);
}

inline char* store_bytes(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// Reads fields one after another. What is not there reads as zero or empty and is remembered.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  template <typename T>
  T number() {
    if (left_.size() < sizeof(T)) return fail(), T{};
    const T value = load<T>(left_.data());
    left_.remove_prefix(sizeof(T));
    return value;
  }

  std::string_view text(std::size_t length) {
    if (left_.size() < length) return fail(), std::string_view{};
    const std::string_view found = left_.substr(0, length);
    left_.remove_prefix(length);
    return found;
  }

  std::string_view name() { return text(number<std::uint8_t>()); }
  std::string_view rest() { return text(left_.size()); }
  std::size_t left() const { return left_.size(); }

  void require(bool condition) {
    if (!condition) fail();
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && left_.empty(); }

 private:
  void fail() {
    ok_ = false;
    left_ = {};
  }

  std::string_view left_;
  bool ok_ = true;
};

}  // namespace phoenix::wire
