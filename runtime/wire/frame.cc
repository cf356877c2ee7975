#include "runtime/wire/frame.h"

#include <cassert>
#include <limits>

#include <lz4.h>

#include "runtime/wire/bytes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace phoenix::wire {
namespace {

constexpr char kMagic = 'P';
constexpr std::uint8_t kCompressed = 1;
constexpr std::size_t kFlagsAt = 3;
constexpr std::size_t kLengthAt = 4;
constexpr std::size_t kIdAt = 8;
constexpr std::size_t kChecksumAt = 16;
constexpr std::size_t kOriginalBytes = sizeof(std::uint32_t);
constexpr std::size_t kLz4Growth = 255;

std::uint32_t checksum(const char* header, std::string_view payload) {
  const XXH64_hash_t seed = XXH3_64bits(header, kChecksumAt);
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(payload.data(), payload.size(), seed));
}

bool is_known(std::uint8_t type) {
  return type >= static_cast<std::uint8_t>(FrameType::kHello) &&
         type <= static_cast<std::uint8_t>(FrameType::kProbe);
}

// Judges as much of a header as is there.
FrameError check_header(std::string_view bytes, const FrameLimits& limits) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (!bytes.empty() && bytes[0] != kMagic) return FrameError::kBadMagic;
  if (bytes.size() > 1 && at(1) != kVersion) return FrameError::kBadVersion;
  if (bytes.size() > 2 && !is_known(at(2))) return FrameError::kUnknownType;
  if (bytes.size() > kFlagsAt && at(kFlagsAt) > kCompressed) return FrameError::kUnknownFlags;
  if (bytes.size() >= kIdAt && load<std::uint32_t>(bytes.data() + kLengthAt) > limits.payload) {
    return FrameError::kTooLong;
  }
  return FrameError::kNone;
}

FrameError decompress(std::string_view payload, const FrameLimits& limits, std::string& scratch,
                      std::string_view& original) {
  if (payload.size() < kOriginalBytes) return FrameError::kBadCompression;
  const std::size_t length = load<std::uint32_t>(payload.data());
  const std::string_view block = payload.substr(kOriginalBytes);
  if (length > limits.payload) return FrameError::kTooLong;
  constexpr std::size_t kMost = std::numeric_limits<int>::max();
  if (block.size() > kMost || length > kMost || length > block.size() * kLz4Growth) {
    return FrameError::kBadCompression;
  }
  if (scratch.size() < length) scratch.resize(length);
  const int got = LZ4_decompress_safe(block.data(), scratch.data(), static_cast<int>(block.size()),
                                      static_cast<int>(length));
  if (got < 0 || static_cast<std::size_t>(got) != length) return FrameError::kBadCompression;
  original = std::string_view(scratch).substr(0, length);
  return FrameError::kNone;
}

Decoded failed(FrameError error) { return {0, error, {}}; }

// Replaces the payload at the end of `out` by its compressed form where that is shorter. Compresses
// into `out` itself, behind the payload.
std::size_t compress_in_place(std::string& out, std::size_t payload_at) {
  const std::size_t length = out.size() - payload_at;
  if (length <= kOriginalBytes + 1 || length > LZ4_MAX_INPUT_SIZE) return 0;
  const std::size_t room = length - kOriginalBytes - 1;
  const std::size_t end = out.size();
  out.resize(end + room);
  char* const payload = out.data() + payload_at;
  const int got = LZ4_compress_default(payload, out.data() + end, static_cast<int>(length),
                                       static_cast<int>(room));
  if (got <= 0) {
    out.resize(end);
    return 0;
  }
  const auto block = static_cast<std::size_t>(got);
  store(payload, static_cast<std::uint32_t>(length));
  std::memmove(payload + kOriginalBytes, out.data() + end, block);
  out.resize(payload_at + kOriginalBytes + block);
  return length - kOriginalBytes - block;
}

}  // namespace

std::string_view to_text(FrameError error) {
  constexpr std::string_view kNames[] = {
      "none",         "bad_magic",       "bad_version", "unknown_type", "unknown_flags", "too_long",
      "bad_checksum", "bad_compression", "bad_batch",   "bad_payload",  "unexpected"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(FrameError::kCount));
  return kNames[static_cast<std::size_t>(error)];
}

std::size_t begin_frame(std::string& out, FrameType type, std::uint64_t id) {
  const std::size_t begun = out.size();
  char header[kHeaderBytes] = {kMagic, static_cast<char>(kVersion), static_cast<char>(type)};
  store(header + kIdAt, id);
  out.append(header, kHeaderBytes);
  return begun;
}

std::size_t end_frame(std::string& out, std::size_t begun, std::size_t compress_above) {
  const std::size_t payload_at = begun + kHeaderBytes;
  assert(out.size() >= payload_at);
  std::size_t saved = 0;
  if (compress_above > 0 && out.size() - payload_at >= compress_above) {
    saved = compress_in_place(out, payload_at);
  }
  const std::size_t length = out.size() - payload_at;
  assert(length <= std::numeric_limits<std::uint32_t>::max());
  char* const header = out.data() + begun;
  header[kFlagsAt] = static_cast<char>(saved > 0 ? kCompressed : 0);
  store(header + kLengthAt, static_cast<std::uint32_t>(length));
  store(header + kChecksumAt, checksum(header, {out.data() + payload_at, length}));
  return saved;
}

std::size_t append_frame(std::string& out, FrameType type, std::uint64_t id,
                         std::string_view payload, std::size_t compress_above) {
  const std::size_t begun = begin_frame(out, type, id);
  out.append(payload);
  return end_frame(out, begun, compress_above);
}

Decoded decode_frame(std::string_view bytes, const FrameLimits& limits, std::string& scratch) {
  if (const FrameError error = check_header(bytes, limits); error != FrameError::kNone) {
    return failed(error);
  }
  const std::size_t size = frame_size(bytes);
  if (size == 0 || bytes.size() < size) return {};
  const char* const header = bytes.data();
  Decoded decoded;
  decoded.frame.type = static_cast<FrameType>(header[2]);
  decoded.frame.id = load<std::uint64_t>(header + kIdAt);
  decoded.frame.payload = bytes.substr(kHeaderBytes, size - kHeaderBytes);
  if (checksum(header, decoded.frame.payload) != load<std::uint32_t>(header + kChecksumAt)) {
    return failed(FrameError::kBadChecksum);
  }
  if (header[kFlagsAt] == kCompressed) {
    const FrameError error =
        decompress(decoded.frame.payload, limits, scratch, decoded.frame.payload);
    if (error != FrameError::kNone) return failed(error);
  }
  if (decoded.frame.type == FrameType::kBatch && decoded.frame.payload.size() < kHeaderBytes) {
    return failed(FrameError::kBadBatch);
  }
  decoded.consumed = size;
  return decoded;
}

Decoded decode_batched(std::string_view bytes, const FrameLimits& limits) {
  assert(!bytes.empty());
  const bool is_compressed = bytes.size() > kFlagsAt && bytes[kFlagsAt] == kCompressed;
  const bool is_nested = bytes.size() > 2 && bytes[2] == static_cast<char>(FrameType::kBatch);
  if (is_compressed || is_nested) return failed(FrameError::kBadBatch);
  std::string unused;
  const Decoded decoded = decode_frame(bytes, limits, unused);
  if (decoded.consumed == 0 && decoded.error == FrameError::kNone) {
    return failed(FrameError::kBadBatch);
  }
  return decoded;
}

std::size_t frame_size(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return 0;
  return kHeaderBytes + load<std::uint32_t>(bytes.data() + kLengthAt);
}

}  // namespace phoenix::wire
