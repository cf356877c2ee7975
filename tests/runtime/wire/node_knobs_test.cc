// What nodes are told of their knobs: printed and read back, and refused with a reason.
#include "runtime/wire/node_knobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phoenix::wire {
namespace {

using ::testing::HasSubstr;

TEST(NodeKnobs, WhatIsPrintedReadsBack) {
  Knobs knobs;
  knobs.workers = 3;
  knobs.queue_length = 40;
  knobs.hibernate_idle = std::chrono::milliseconds(1500);
  knobs.batch_size = 16;  // a gateway's own
  const Result<Knobs> read = parse_node_knobs(print_node_knobs(knobs));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, node_part(knobs));
  EXPECT_EQ(read->workers, 3);
  EXPECT_EQ(read->batch_size, Knobs{}.batch_size);
}

TEST(NodeKnobs, OthersAreRefusedWithAReason) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "found no knobs"},
      {"[]", "found no knobs"},
      {R"({"knobs": 3})", "found no knobs"},
      {R"({"knobs": {"worker": 3}})", "did you mean"},
      {R"({"knobs": {"workers": "3"}})", "workers: found no number"},
      {R"({"knobs": {"workers": -1}})", "workers: found -1"},
      {R"({"knobs": {"workers": 1.5}})", "whole number"},
      {R"({"knobs": {"batch_size": 4}})", "a gateway's"},
  };
  for (const auto& [text, why] : wrong) {
    const Result<Knobs> read = parse_node_knobs(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error(), HasSubstr(why)) << text;
  }
}

}  // namespace
}  // namespace phoenix::wire
