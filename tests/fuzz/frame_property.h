// What must hold for any bytes that reach the frame and message decoders. Used by the fuzz target
// and, with inputs mutated from a fixed seed, by an ordinary test. A broken property aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "runtime/wire/frame.h"
#include "runtime/wire/messages.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace phoenix::wire::property {

// How deep inputs got, so that a test can tell that it tests something.
struct Depth {
  std::uint64_t frames = 0;    // decoded
  std::uint64_t batched = 0;   // of them within batches
  std::uint64_t messages = 0;  // decoded
  std::uint64_t refused = 0;   // streams that ended with an error
};

inline constexpr FrameLimits kLimits{.payload = 256 * 1024};
inline constexpr Time kNow{std::chrono::hours(5)};

inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

// As frame.h says it; written again here, so that both must agree.
inline std::uint32_t checksum_of(std::string_view frame) {
  const std::string_view payload = frame.substr(kHeaderBytes);
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(payload.data(), payload.size(), XXH3_64bits(frame.data(), 16)));
}

// Makes every checksum in a stream right, also within plain batches: mutations get past it.
inline void repair(char* bytes, std::size_t size) {
  while (const std::size_t frame = frame_size({bytes, size})) {
    if (frame > size) return;
    const bool is_batch = bytes[2] == static_cast<char>(FrameType::kBatch) && bytes[3] == 0;
    if (is_batch) repair(bytes + kHeaderBytes, frame - kHeaderBytes);
    const std::uint32_t sum = checksum_of({bytes, frame});
    std::memcpy(bytes + 16, &sum, sizeof sum);
    bytes += frame;
    size -= frame;
  }
}

// There is one encoding of each message: what decodes encodes to the same bytes.
template <typename Message, typename... At>
void check_message(std::string_view payload, Depth& depth, At... now) {
  Message message;
  if (!decode(payload, now..., message)) return;
  ++depth.messages;
  require(within_bounds(message), "what decodes is within bounds");
  std::string again;
  encode(message, now..., again);
  require(again == payload, "a message encodes to what it was decoded from");
}

inline void check_messages(std::string_view payload, Depth& depth) {
  check_message<Hello>(payload, depth);
  check_message<Request>(payload, depth);
  check_message<Response>(payload, depth, kNow);
  check_message<Report>(payload, depth, kNow);
}

inline void check_round_trip(const Frame& frame) {
  for (const std::size_t compress_above : {std::size_t{0}, std::size_t{1}}) {
    std::string bytes, scratch;
    append_frame(bytes, frame.type, frame.id, frame.payload, compress_above);
    const Decoded again = decode_frame(bytes, kLimits, scratch);
    require(again.error == FrameError::kNone, "an encoded frame decodes");
    require(again.consumed == bytes.size(), "an encoded frame is consumed whole");
    require(again.frame.type == frame.type && again.frame.id == frame.id &&
                again.frame.payload == frame.payload,
            "a frame decodes to what was encoded");
  }
}

inline void check_batch(std::string_view payload, Depth& depth) {
  while (!payload.empty()) {
    const Decoded decoded = decode_batched(payload, kLimits);
    require((decoded.consumed == 0) == (decoded.error != FrameError::kNone),
            "within a batch there is a frame or an error");
    if (decoded.error != FrameError::kNone) return;
    require(decoded.frame.type != FrameType::kBatch, "batches do not nest");
    ++depth.frames;
    ++depth.batched;
    check_round_trip(decoded.frame);
    check_messages(decoded.frame.payload, depth);
    payload.remove_prefix(decoded.consumed);
  }
}

inline void check_stream(std::string_view bytes, Depth& depth) {
  std::string scratch;
  while (true) {
    const Decoded decoded = decode_frame(bytes, kLimits, scratch);
    require(scratch.size() <= kLimits.payload, "memory stays within the limit");
    require(decoded.consumed == 0 || decoded.error == FrameError::kNone,
            "nothing is consumed with an error");
    if (decoded.consumed == 0) {
      depth.refused += decoded.error != FrameError::kNone;
      return;
    }
    require(decoded.consumed == frame_size(bytes) && decoded.consumed <= bytes.size(),
            "no more than one frame is consumed");
    require(decoded.frame.payload.size() <= kLimits.payload, "payloads stay within the limit");
    ++depth.frames;
    check_round_trip(decoded.frame);
    check_messages(decoded.frame.payload, depth);
    if (decoded.frame.type == FrameType::kBatch) check_batch(decoded.frame.payload, depth);
    bytes.remove_prefix(decoded.consumed);
  }
}

inline void check_input(std::string_view input, Depth& depth) {
  check_messages(input, depth);
  check_stream(input, depth);
  std::string repaired(input);
  repair(repaired.data(), repaired.size());
  check_stream(repaired, depth);
}

}  // namespace phoenix::wire::property
