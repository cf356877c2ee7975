// What the fuzz target looks for, on inputs mutated from a fixed seed: 100,000 of them, so that
// every compiler and sanitizer sees them without libFuzzer.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/core/random.h"
#include "tests/fuzz/frame_property.h"
#include "tests/runtime/wire/samples.h"

namespace phoenix::wire {
namespace {

// Streams of valid frames: alone, compressed, in batches; and bare messages.
std::vector<std::string> corpus() {
  samples::Samples random(21);
  std::vector<std::string> inputs;
  while (inputs.size() < 400) {
    std::string frames;
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      const FrameType type = random.type();
      const std::string payload = random.payload(type, property::kNow);
      if (payload.size() > 2000) continue;
      if (random.one_in(8)) inputs.push_back(payload);
      append_frame(frames, type, random.number(), payload, 0);
    }
    if (frames.empty()) continue;
    std::string input;
    const std::size_t compress_above = random.one_in(3) ? 1 : 0;
    if (random.one_in(2)) {
      append_frame(input, FrameType::kBatch, 0, frames, compress_above);
    } else {
      append_frame(input, FrameType::kControl, 1, samples::dull_text(200), compress_above);
      input += frames;
    }
    inputs.push_back(input);
  }
  return inputs;
}

void mutate(std::string& input, const std::string& other, Random& random) {
  const auto place = [&] { return random.below(input.size() + 1); };
  switch (random.below(7)) {
    case 0:
      if (!input.empty())
        input[random.below(input.size())] ^= static_cast<char>(1 << random.below(8));
      break;
    case 1:
      if (!input.empty()) input[random.below(input.size())] = static_cast<char>(random.below(256));
      break;
    case 2:
      input.resize(place());
      break;
    case 3:
      input.insert(place(), random.below(20), static_cast<char>(random.below(256)));
      break;
    case 4:
      input.erase(place(), random.below(20));
      break;
    case 5:
      input.insert(place(), other, random.below(other.size() + 1), random.below(100));
      break;
    default:
      if (input.size() >= 4) {
        constexpr std::uint32_t kEdges[] = {0,      1,       19,          20,          0xff,
                                            0xffff, 0x3ffff, 0x0100'0000, 0x7fff'ffff, 0xffff'ffff};
        std::memcpy(input.data() + random.below(input.size() - 3),
                    &kEdges[random.below(std::size(kEdges))], 4);
      }
  }
}

TEST(FrameMutations, ObeyTheProperties) {
  const std::vector<std::string> inputs = corpus();
  Random random(22);
  property::Depth depth;
  for (int i = 0; i < 100'000; ++i) {
    std::string input = inputs[random.below(inputs.size())];
    for (std::uint64_t n = random.below(5); n > 0; --n) {
      mutate(input, inputs[random.below(inputs.size())], random);
    }
    property::check_input(input, depth);
  }
  // Not only the first check was reached.
  EXPECT_GT(depth.frames, 100'000U);
  EXPECT_GT(depth.batched, 10'000U);
  EXPECT_GT(depth.messages, 50'000U);
  EXPECT_GT(depth.refused, 50'000U);
}

TEST(FrameMutations, ABrokenPropertyIsNoticed) {
  EXPECT_DEATH(property::require(false, "canary"), "broken: canary");
}

}  // namespace
}  // namespace phoenix::wire
