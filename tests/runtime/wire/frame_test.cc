// The frame format: what is encoded decodes from any split of the stream, and nothing else decodes.
#include "runtime/wire/frame.h"

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/frame_property.h"
#include "tests/runtime/wire/samples.h"

namespace phoenix::wire {
namespace {

using samples::dull_text;
using samples::Samples;

constexpr Time kNow{std::chrono::hours(5)};
const FrameLimits kLimits;

using Seen = std::tuple<FrameType, std::uint64_t, std::string>;

std::string frame_of(FrameType type, std::uint64_t id, std::string_view payload,
                     std::size_t compress_above = 0) {
  std::string bytes;
  append_frame(bytes, type, id, payload, compress_above);
  return bytes;
}

FrameError error_of(std::string_view bytes, const FrameLimits& limits = kLimits) {
  std::string scratch;
  return decode_frame(bytes, limits, scratch).error;
}

// A frame as any sender may make it: the checksum is right, whatever the rest is.
std::string forged(std::string bytes) {
  const std::uint32_t sum = property::checksum_of(bytes);
  std::memcpy(bytes.data() + 16, &sum, sizeof sum);
  return bytes;
}

std::string forged_compressed(FrameType type, std::uint32_t original, std::string_view block) {
  std::string payload(reinterpret_cast<const char*>(&original), sizeof original);
  payload += block;
  std::string bytes = frame_of(type, 0, payload);
  bytes[3] = 1;
  return forged(bytes);
}

TEST(Frame, LooksAsItsLayoutSays) {
  const std::string bytes = frame_of(FrameType::kRequest, 0x0102030405060708, "abc");
  ASSERT_EQ(bytes.size(), kHeaderBytes + 3);
  EXPECT_EQ(bytes.substr(0, 16), std::string("P\x04\x02\x00\x03\x00\x00\x00"
                                             "\x08\x07\x06\x05\x04\x03\x02\x01",
                                             16));
  EXPECT_EQ(bytes.substr(kHeaderBytes), "abc");
  EXPECT_EQ(bytes, forged(bytes));  // the checksum is the documented one
  EXPECT_EQ(frame_size(bytes), bytes.size());
  EXPECT_EQ(frame_size(std::string_view(bytes).substr(0, kHeaderBytes - 1)), 0U);
}

TEST(Frame, EncodingInPlaceIsTheSameAsAppending) {
  for (const std::size_t compress_above : {0, 10}) {
    std::string in_place = "before";
    const std::size_t begun = begin_frame(in_place, FrameType::kControl, 7);
    in_place += dull_text(500);
    const std::size_t saved = end_frame(in_place, begun, compress_above);
    std::string appended = "before";
    EXPECT_EQ(append_frame(appended, FrameType::kControl, 7, dull_text(500), compress_above),
              saved);
    EXPECT_EQ(in_place, appended);
    EXPECT_EQ(begun, 6U);
    EXPECT_EQ(in_place.size() + saved, 6 + kHeaderBytes + 500);
  }
}

TEST(Frame, AnySplitOfTheStreamDecodesToTheSameFrames) {
  Samples random(11);
  std::string stream;
  std::vector<Seen> sent;
  for (int i = 0; i < 200; ++i) {
    const FrameType type = random.type();
    const std::uint64_t id = random.number();
    const std::string payload = random.payload(type, kNow);
    append_frame(stream, type, id, payload, random.one_in(2) ? 1 : 0);
    sent.emplace_back(type, id, payload);
  }
  for (const std::uint64_t longest : {1ULL, 7ULL, 100ULL, 5'000ULL, 1'000'000ULL}) {
    std::string buffer, scratch;
    std::vector<Seen> got;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece =
          std::min<std::size_t>(1 + random.below(longest), stream.size() - at);
      buffer.append(stream, at, piece);
      at += piece;
      // Until a frame is whole nothing needs to be decoded; frame_size() tells.
      if (frame_size(buffer) == 0 || frame_size(buffer) > buffer.size()) continue;
      std::size_t consumed = 0;
      while (true) {
        const Decoded decoded =
            decode_frame(std::string_view(buffer).substr(consumed), kLimits, scratch);
        ASSERT_EQ(decoded.error, FrameError::kNone);
        if (decoded.consumed == 0) break;
        consumed += decoded.consumed;
        got.emplace_back(decoded.frame.type, decoded.frame.id, decoded.frame.payload);
      }
      buffer.erase(0, consumed);
    }
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(got, sent);
  }
}

TEST(Frame, TruncatedAnywhereItNeedsMore) {
  for (const std::size_t compress_above : {0, 1}) {
    const std::string bytes = frame_of(FrameType::kResponse, 9, dull_text(300), compress_above);
    std::string scratch;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      const Decoded decoded = decode_frame(std::string_view(bytes).substr(0, n), kLimits, scratch);
      ASSERT_EQ(decoded.error, FrameError::kNone) << n;
      ASSERT_EQ(decoded.consumed, 0U) << n;
    }
    EXPECT_EQ(decode_frame(bytes, kLimits, scratch).consumed, bytes.size());
  }
}

TEST(Frame, EverySingleFlippedBitIsNoticed) {
  const FrameLimits limits{.payload = 4096};
  Samples random(12);
  const std::vector<std::string> frames = {
      frame_of(FrameType::kGoodbye, 0, ""), frame_of(FrameType::kRequest, 1, dull_text(400), 1),
      frame_of(FrameType::kResponse, ~0ULL, random.payload(FrameType::kReport, kNow)),
      frame_of(FrameType::kBatch, 0, frame_of(FrameType::kRequest, 1, "x"))};
  for (const std::string& frame : frames) {
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
      std::string flipped = frame;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      std::string scratch;
      // An error, or, where the length grew, the wait for bytes that do not come.
      ASSERT_EQ(decode_frame(flipped, limits, scratch).consumed, 0U) << "bit " << bit;
      flipped.resize(flipped.size() + limits.payload);
      ASSERT_NE(decode_frame(flipped, limits, scratch).error, FrameError::kNone) << "bit " << bit;
    }
  }
}

TEST(Frame, AWrongByteOfTheHeaderIsRefusedAsSoonAsItIsThere) {
  EXPECT_EQ(error_of("G"), FrameError::kBadMagic);
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\n"), FrameError::kBadMagic);
  EXPECT_EQ(error_of(std::string("P\x02", 2)), FrameError::kBadVersion);
  EXPECT_EQ(error_of(std::string("P\x00", 2)), FrameError::kBadVersion);
  EXPECT_EQ(error_of(std::string("P\x04\x00", 3)), FrameError::kUnknownType);
  EXPECT_EQ(error_of(std::string("P\x04\x09", 3)), FrameError::kUnknownType);
  EXPECT_EQ(error_of(std::string("P\x04\x01\x02", 4)), FrameError::kUnknownFlags);
  EXPECT_EQ(error_of(std::string("P\x04\x01\x80", 4)), FrameError::kUnknownFlags);
  EXPECT_EQ(error_of(std::string("P\x04\x01\x00\xff\xff\xff\xff", 8)), FrameError::kTooLong);
}

TEST(Frame, UnknownTypesFlagsAndVersionsAreRefusedWithARightChecksumToo) {
  const std::string good = frame_of(FrameType::kControl, 3, "{}");
  const auto with = [&](std::size_t at, int value) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(value);
    return error_of(forged(bytes));
  };
  EXPECT_EQ(with(1, kVersion + 1), FrameError::kBadVersion);
  for (int type = 0; type < 256; ++type) {
    EXPECT_EQ(with(2, type) == FrameError::kUnknownType, type == 0 || type > 8) << type;
  }
  for (int flags = 2; flags < 256; ++flags) {
    EXPECT_EQ(with(3, flags), FrameError::kUnknownFlags) << flags;
  }
}

TEST(Frame, ThePayloadLimitHoldsToTheByte) {
  const FrameLimits limits{.payload = 100};
  std::string scratch;
  EXPECT_EQ(error_of(frame_of(FrameType::kRequest, 1, std::string(101, 'x')), limits),
            FrameError::kTooLong);
  const std::string fits = frame_of(FrameType::kRequest, 1, std::string(100, 'x'));
  EXPECT_EQ(decode_frame(fits, limits, scratch).consumed, fits.size());
  // Short on the wire, too long when decompressed.
  EXPECT_EQ(error_of(frame_of(FrameType::kRequest, 1, dull_text(101), 1), limits),
            FrameError::kTooLong);
  const std::string compressed = frame_of(FrameType::kRequest, 1, dull_text(100), 1);
  EXPECT_LT(compressed.size(), kHeaderBytes + 100);
  EXPECT_EQ(decode_frame(compressed, limits, scratch).frame.payload, dull_text(100));
}

TEST(Compression, HappensFromTheSizeOnAndOnlyWhereItGetsSmaller) {
  const auto is_compressed = [](const std::string& payload, std::size_t above) {
    const std::string bytes = frame_of(FrameType::kResponse, 1, payload, above);
    EXPECT_LE(bytes.size(), kHeaderBytes + payload.size());
    EXPECT_EQ(bytes[3] == 1, bytes.size() < kHeaderBytes + payload.size());
    return bytes[3] == 1;
  };
  EXPECT_FALSE(is_compressed(dull_text(1000), 0));
  EXPECT_FALSE(is_compressed(dull_text(1000), 1001));
  EXPECT_TRUE(is_compressed(dull_text(1000), 1000));
  for (std::size_t length = 0; length < 64; ++length) is_compressed(dull_text(length), 1);
  Samples random(13);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(random.below(256));
  EXPECT_FALSE(is_compressed(noise, 1));
}

TEST(Compression, ALieAboutTheOriginalLengthIsRefused) {
  const std::string honest = frame_of(FrameType::kResponse, 1, dull_text(5000), 1);
  const std::string block = honest.substr(kHeaderBytes + 4);
  EXPECT_EQ(error_of(forged_compressed(FrameType::kResponse, 5000, block)), FrameError::kNone);
  for (const std::uint32_t lie : {0U, 1U, 4999U, 5001U, 10'000U}) {
    EXPECT_EQ(error_of(forged_compressed(FrameType::kResponse, lie, block)),
              FrameError::kBadCompression)
        << lie;
  }
  EXPECT_EQ(error_of(forged_compressed(FrameType::kResponse, 0xffff'ffffU, block)),
            FrameError::kTooLong);
}

TEST(Compression, MemoryIsNotTakenOnTrust) {
  // 16 MiB promised by ten bytes, which can stand for 2,550 at most.
  std::string scratch;
  const std::string bomb = forged_compressed(FrameType::kResponse, 16U << 20, "0123456789");
  EXPECT_EQ(decode_frame(bomb, kLimits, scratch).error, FrameError::kBadCompression);
  EXPECT_LT(scratch.capacity(), 64U);
}

TEST(Compression, WhatIsNotLz4IsRefused) {
  EXPECT_EQ(error_of(forged_compressed(FrameType::kResponse, 100, std::string(50, '\xff'))),
            FrameError::kBadCompression);
  EXPECT_EQ(error_of(forged_compressed(FrameType::kResponse, 0, "")), FrameError::kBadCompression);
  std::string no_length = frame_of(FrameType::kResponse, 0, "abc");
  no_length[3] = 1;
  EXPECT_EQ(error_of(forged(no_length)), FrameError::kBadCompression);
}

TEST(Compression, TheLargestFrameStillGoesThroughInBothForms) {
  const std::string payload = dull_text(kLimits.payload);
  for (const std::size_t compress_above : {0, 1}) {
    std::string scratch;
    const std::string bytes = frame_of(FrameType::kRequest, 1, payload, compress_above);
    const Decoded decoded = decode_frame(bytes, kLimits, scratch);
    ASSERT_EQ(decoded.error, FrameError::kNone);
    EXPECT_TRUE(decoded.frame.payload == payload);
  }
}

TEST(Batch, HoldsFramesThatDecodeOneAfterAnother) {
  const std::string inside = frame_of(FrameType::kRequest, 1, "one") +
                             frame_of(FrameType::kRequest, 2, dull_text(500)) +
                             frame_of(FrameType::kReport, 0, "");
  for (const std::size_t compress_above : {0, 1}) {
    std::string scratch;
    const std::string bytes = frame_of(FrameType::kBatch, 0, inside, compress_above);
    const Decoded batch = decode_frame(bytes, kLimits, scratch);
    ASSERT_EQ(batch.error, FrameError::kNone);
    EXPECT_EQ(batch.frame.type, FrameType::kBatch);
    std::string_view left = batch.frame.payload;
    std::vector<Seen> got;
    while (!left.empty()) {
      const Decoded decoded = decode_batched(left, kLimits);
      ASSERT_EQ(decoded.error, FrameError::kNone);
      got.emplace_back(decoded.frame.type, decoded.frame.id, decoded.frame.payload);
      left.remove_prefix(decoded.consumed);
    }
    const std::vector<Seen> sent = {{FrameType::kRequest, 1, "one"},
                                    {FrameType::kRequest, 2, dull_text(500)},
                                    {FrameType::kReport, 0, ""}};
    EXPECT_EQ(got, sent);
  }
}

TEST(Batch, NeitherNestsNorHoldsCompressedOrHalfFrames) {
  const std::string one = frame_of(FrameType::kRequest, 1, dull_text(100));
  EXPECT_EQ(decode_batched(frame_of(FrameType::kBatch, 0, one), kLimits).error,
            FrameError::kBadBatch);
  EXPECT_EQ(decode_batched(frame_of(FrameType::kRequest, 1, dull_text(100), 1), kLimits).error,
            FrameError::kBadBatch);
  for (std::size_t n = 1; n < one.size(); ++n) {
    ASSERT_EQ(decode_batched(std::string_view(one).substr(0, n), kLimits).error,
              FrameError::kBadBatch)
        << n;
  }
  EXPECT_EQ(decode_batched("garbage", kLimits).error, FrameError::kBadMagic);
  EXPECT_EQ(error_of(frame_of(FrameType::kBatch, 0, "")), FrameError::kBadBatch);
}

TEST(Frame, GarbageIsNeverAFrame) {
  Samples random(14);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(kHeaderBytes + random.below(60), '\0');
    for (char& c : bytes) c = static_cast<char>(random.below(256));
    if (random.one_in(2)) bytes.replace(0, 4, std::string("P\x01\x02\x00", 4));
    if (random.one_in(2)) {
      bytes.replace(4, 4, std::string{static_cast<char>(bytes.size() - kHeaderBytes), 0, 0, 0});
    }
    std::string scratch;
    ASSERT_EQ(decode_frame(bytes, kLimits, scratch).consumed, 0U) << i;
  }
}

TEST(Frame, EveryErrorHasItsOwnName) {
  std::vector<std::string_view> names;
  for (int i = 0; i < static_cast<int>(FrameError::kCount); ++i) {
    names.push_back(to_text(static_cast<FrameError>(i)));
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace phoenix::wire
