// What a lab may write to a gateway, and how it is told what it may not.
#include "runtime/gateway/lab_command.h"

#include <gtest/gtest.h>

namespace phoenix::gateway {
namespace {

TEST(LabCommands, AFaultIsReadBackAsItWasWritten) {
  FaultEvent event;
  event.effect = 9;
  event.action = FaultAction::kClog;
  event.from = {{true, 0}};
  event.to = {{false, 2}, {false, 3}};
  event.node = NodeId{2};
  event.magnitude = 0.25;
  event.duration2 = std::chrono::milliseconds(3);
  event.jitter = std::chrono::microseconds(7);
  event.capacity = 50;
  const Result<LabCommand> read = parse_lab_command(print_lab_fault(event));
  ASSERT_TRUE(read) << read.error();
  const FaultEvent& again = std::get<LabFault>(*read).event;
  EXPECT_EQ(again.phase, FaultPhase::kBegin);
  EXPECT_EQ(again.effect, event.effect);
  EXPECT_EQ(again.action, event.action);
  EXPECT_EQ(again.from, event.from);
  EXPECT_EQ(again.to, event.to);
  EXPECT_EQ(again.node, event.node);
  EXPECT_EQ(again.magnitude, event.magnitude);
  EXPECT_EQ(again.duration2, event.duration2);
  EXPECT_EQ(again.jitter, event.jitter);
  EXPECT_EQ(again.capacity, event.capacity);
}

TEST(LabCommands, TheEndOfAFaultNeedsItsEffectOnly) {
  const auto read = parse_lab_command(R"({"fault": {"phase": "end", "effect": 4}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<LabFault>(*read).event.phase, FaultPhase::kEnd);
  EXPECT_FALSE(parse_lab_command(R"({"fault": {"phase": "end"}})"));
}

TEST(LabCommands, AWorldIsReadBackAsItWasWritten) {
  LabWorld world;
  world.seed = ~0ULL;
  world.replication = 3;
  world.gateways = 2;
  world.gateway = 1;
  world.nodes = {"a", "b"};
  world.bandwidth = {1e9, 1e9, 5e8, 5e8};
  const Result<LabCommand> read = parse_lab_command(print_lab_world(world));
  ASSERT_TRUE(read) << read.error();
  const auto& again = std::get<LabWorld>(*read);
  EXPECT_EQ(again.seed, world.seed);
  EXPECT_EQ(again.gateways, 2U);
  EXPECT_EQ(again.gateway, 1U);
  EXPECT_EQ(again.nodes, world.nodes);
  EXPECT_EQ(again.bandwidth, world.bandwidth);
}

TEST(LabCommands, SilenceAndHits) {
  const auto silence = parse_lab_command(R"({"silence": "web-1"})");
  ASSERT_TRUE(silence);
  EXPECT_TRUE(std::get<LabSilence>(*silence).on);
  const auto hits = parse_lab_command(R"({"hits": 12})");
  ASSERT_TRUE(hits);
  EXPECT_EQ(std::get<LabHits>(*hits).effect, 12U);
}

TEST(LabCommands, WhatIsWrongIsNamedWithWhatIsAllowed) {
  EXPECT_FALSE(parse_lab_command("not json"));
  EXPECT_FALSE(parse_lab_command("[]"));
  EXPECT_FALSE(parse_lab_command(R"({"explode": 1})"));
  EXPECT_FALSE(parse_lab_command(R"({"world": {"gateways": 0}})"));
  const auto action =
      parse_lab_command(R"({"fault": {"phase": "begin", "effect": 1, "action": "crash"}})");
  ASSERT_FALSE(action);
  EXPECT_TRUE(action.error().starts_with("fault.action: found \"crash\"; allowed delay, "))
      << action.error();
  const auto from = parse_lab_command(
      R"({"fault": {"phase": "begin", "effect": 1, "action": "cut", "from": ["node:x"]}})");
  ASSERT_FALSE(from);
  EXPECT_TRUE(from.error().starts_with("fault.from: found [\"node:x\"]; allowed"));
}

}  // namespace
}  // namespace phoenix::gateway
