// The frames between native clients, gateways and nodes: encoding and decoding as pure functions of
// bytes. Who needs this: FrameLink, tests and the fuzz target.
//
// Layout, little endian, version 4:
//   0  u8  'P'           8  u64 id (of the request it belongs to; 0 where there is none)
//   1  u8  version      16  u32 checksum: low half of XXH3-64 of the payload, seeded by XXH3-64 of
//                               bytes 0..15
//   2  u8  type         20  payload, `length` bytes
//   3  u8  flags
//   4  u32 length
// Flag 1: the payload is u32 original length and an LZ4 block. A sender compresses only where it
// gets smaller. A batch's payload is whole frames, one after another, at least one; batches do not
// nest and what is in them is not compressed by itself, so no input grows more than LZ4's 255
// times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace phoenix::wire {

inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::uint8_t kVersion = 4;

enum class FrameType : std::uint8_t {
  kHello = 1,  // first frame either way: who I am; see messages.h
  kRequest = 2,
  kResponse = 3,
  kReport = 4,   // load report of a node: periodic, or the answer to a probe, with its id
  kGoodbye = 5,  // a node drains: send nothing new
  kControl = 6,  // JSON: of a lab, answered by kControl; of a gateway, see node_knobs.h
  kBatch = 7,
  kProbe = 8,  // of a gateway, empty: how busy is this node now? Answered at once by kReport
};

enum class FrameError : std::uint8_t {
  kNone,
  kBadMagic,
  kBadVersion,
  kUnknownType,
  kUnknownFlags,
  kTooLong,  // `length`, or the original length, is over the limit
  kBadChecksum,
  kBadCompression,  // not LZ4, or not of the length it says
  kBadBatch,        // nested, compressed inside, or not made of whole frames
  kBadPayload,      // the message inside does not decode
  kUnexpected,      // a type this party does not take at this point
  kCount,
};
std::string_view to_text(FrameError error);

struct Frame {
  FrameType type{};
  std::uint64_t id = 0;
  std::string_view payload;  // decompressed; into the input or the scratch
};

struct FrameLimits {
  std::size_t payload = 16 * 1024 * 1024;  // compressed and original, each
};

// Appends one frame. Payloads of `compress_above` bytes and more are compressed where that helps;
// 0 is never. Returns the bytes saved by it. REQUIRES: the payload fits the peer's limit and is not
// part of `out`.
std::size_t append_frame(std::string& out, FrameType type, std::uint64_t id,
                         std::string_view payload, std::size_t compress_above);

// For encoding in place: begin_frame() appends a header and returns where it is; append the payload
// to `out`; end_frame() completes it (compressing what is long enough) and returns the bytes saved.
std::size_t begin_frame(std::string& out, FrameType type, std::uint64_t id);
std::size_t end_frame(std::string& out, std::size_t begun, std::size_t compress_above);

// Takes the first frame off `bytes`. `scratch` holds decompressed payloads and must live as long as
// the frame is looked at. A wrong byte of the header is an error as soon as it is there. Grows
// `scratch` by no more than the limit, and than the bytes received can stand for.
struct Decoded {
  std::size_t consumed = 0;  // 0: more bytes are needed (never with an error)
  FrameError error = FrameError::kNone;
  Frame frame;
};
Decoded decode_frame(std::string_view bytes, const FrameLimits& limits, std::string& scratch);

// Takes the first frame off what is left of a batch's payload. The bytes are all there, so that
// `consumed` is 0 only with an error. REQUIRES: not empty.
Decoded decode_batched(std::string_view bytes, const FrameLimits& limits);

// Bytes the first frame needs in all, when its header is there; 0 otherwise.
std::size_t frame_size(std::string_view bytes);

}  // namespace phoenix::wire
