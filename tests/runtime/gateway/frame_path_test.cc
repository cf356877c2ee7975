// A gateway in process: its threads between a client and nodes that speak frames.
#include <algorithm>

#include <gtest/gtest.h>

#include "runtime/gateway/frame_upstream.h"
#include "runtime/gateway/gateway.h"
#include "runtime/wire/node_knobs.h"
#include "tests/runtime/gateway/frame_parties.h"

namespace phoenix::gateway {
namespace {

using testing::FakeClient;
using testing::FakeNode;
using testing::serve_until;

GatewayConfig plain_config(int threads = 1) {
  GatewayConfig config;
  config.threads = threads;
  config.http = "";
  config.frames = "127.0.0.1:0";
  config.admin = "";
  ServiceConfig service;
  service.name = "api";
  service.classes.emplace_back();
  config.services.push_back(service);
  return config;
}

class FramePath : public ::testing::Test {
 protected:
  void open(GatewayConfig config) {
    auto started = Gateway::start(loop_, std::move(config), {});
    ASSERT_TRUE(started) << started.error();
    gateway_ = std::move(*started);
  }
  net::Address frames() const { return *gateway_->frames(); }
  GatewayStatus status() {
    std::optional<GatewayStatus> got;
    gateway_->status([&](const GatewayStatus& now) { got = now; });
    EXPECT_TRUE(serve_until(loop_, [&] { return got.has_value(); }));
    return std::move(*got);
  }
  // All threads have `count` nodes that they reach.
  bool wait_for_connections(std::uint64_t count) {
    return serve_until(loop_, [&] {
      std::uint64_t connections = 0;
      for (const NodeStatus& node : status().nodes) connections += node.connections;
      return connections == count;
    });
  }

  net::Loop loop_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(FramePath, RequestsOfNativeClientsAreAnsweredByTheNodeThatAnnouncedItself) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  for (std::uint64_t i = 1; i <= 100; ++i) client.ask(i, "body " + std::to_string(i));
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 100; }));
  for (std::uint64_t i = 1; i <= 100; ++i) {
    EXPECT_EQ(client.answers[i].reason, FailureReason::kNone);
    EXPECT_EQ(client.answers[i].body, "body " + std::to_string(i));
    EXPECT_EQ(client.answers[i].times, 1);
    EXPECT_EQ(client.answers[i].attempts, 1);
  }
  EXPECT_EQ(node.served, 100U);
  EXPECT_EQ(node.connections(), 2U);
  const GatewayStatus now = status();
  EXPECT_EQ(now.classes[0].offered, 100U);
  EXPECT_EQ(now.classes[0].latency.count(), 100U);
  EXPECT_EQ(now.nodes[0].attempts, 100U);
  EXPECT_EQ(now.open_requests, 0U);
}

TEST_F(FramePath, WithoutANodeRequestsAreRefusedAtOnce) {
  open(plain_config());
  FakeClient client(loop_, frames());
  client.ask(7, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(7); }));
  EXPECT_EQ(client.answers[7].reason, FailureReason::kNoHealthyNodes);
  EXPECT_EQ(client.answers[7].status, 503);
}

TEST_F(FramePath, AnUnknownServiceIsRefused) {
  open(plain_config());
  FakeClient client(loop_, frames());
  wire::Request request;
  request.service = "nobody";
  client.ask(7, "", request);
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(7); }));
  EXPECT_EQ(client.answers[7].status, 404);
}

TEST_F(FramePath, TheTimeThatIsLeftIsPassedOn) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  std::uint32_t left = 0;
  node.serve = [&](const FakeNode::Got& got) {
    left = got.time_left_us;
    node.answer(got);
  };
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  wire::Request request;
  request.time_left_us = 5'000'000;
  client.ask(1, "", request);
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(1); }));
  EXPECT_GT(left, 0U);
  EXPECT_LE(left, 5'000'000U);
}

TEST_F(FramePath, ARequestThatIsNotAnsweredInTimeIsAnsweredByTheGatewayOnce) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  std::vector<FakeNode::Got> kept;
  node.serve = [&](const FakeNode::Got& got) { kept.push_back(got); };
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  wire::Request request;
  request.time_left_us = 30'000;
  client.ask(1, "late", request);
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(1); }));
  EXPECT_EQ(client.answers[1].reason, FailureReason::kDeadline);
  EXPECT_EQ(client.answers[1].status, 504);
  node.answer(kept.at(0));  // nobody waits any more
  client.ask(2, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return kept.size() == 2; }));
  node.answer(kept[1]);
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(2); }));
  EXPECT_EQ(client.answers[1].times, 1);
}

TEST_F(FramePath, ANodesOwnErrorIsPassedThroughWithItsBody) {
  GatewayConfig config = plain_config();
  config.router.retries = 0;
  open(config);
  FakeNode node(loop_, "web-1");
  node.serve = [&](const FakeNode::Got& got) { node.answer(got, AttemptResult::kError, 500); };
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  client.ask(1, "what went wrong");
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(1); }));
  EXPECT_EQ(client.answers[1].reason, FailureReason::kError);
  EXPECT_EQ(client.answers[1].status, 500);
  EXPECT_EQ(client.answers[1].body, "what went wrong");
}

TEST_F(FramePath, WhatANodeTookIntoItsGraveIsServedByAnotherNode) {
  open(plain_config());
  FakeNode first(loop_, "web-1");
  FakeNode second(loop_, "web-2");
  std::size_t held = 0;
  const auto hold = [&](const FakeNode::Got&) { ++held; };
  first.serve = hold;
  first.announce(frames());
  second.announce(frames());
  ASSERT_TRUE(wait_for_connections(4));
  FakeClient client(loop_, frames());
  for (std::uint64_t i = 1; i <= 10; ++i) client.ask(i, std::to_string(i));
  ASSERT_TRUE(serve_until(loop_, [&] { return held + client.answers.size() == 10; }));
  ASSERT_GT(held, 0U);
  first.die();
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 10; }));
  for (const auto& [id, answer] : client.answers) {
    EXPECT_EQ(answer.reason, FailureReason::kNone);
    EXPECT_EQ(answer.times, 1);
  }
  ASSERT_TRUE(serve_until(loop_, [&] { return status().nodes[0].state == NodeState::kDown; }));
}

// Eight answers of 10 MB to a client that does not read: beyond 64 MiB it gets errors instead, and
// keeps its connection.
TEST_F(FramePath, AnswersBeyondWhatAClientsConnectionMayHoldAreErrors) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  std::vector<FakeNode::Got> asked;
  node.serve = [&](const FakeNode::Got& got) { asked.push_back(got); };
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  client.party().link().channel().pause_reading();
  for (std::uint64_t id = 1; id <= 8; ++id) client.ask(id, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return asked.size() == 8; }));
  const std::string large(10'000'000, 'x');
  for (FakeNode::Got& got : asked) {
    got.body = large;
    node.answer(got);
    ASSERT_TRUE(serve_until(loop_, [&] { return got.from->link().queued_bytes() == 0; }));
  }
  ASSERT_TRUE(serve_until(loop_, [&] { return status().open_requests == 0; }));
  client.party().link().channel().resume_reading();
  ASSERT_TRUE(
      serve_until(loop_, [&] { return client.answers.size() == 8 || client.party().is_closed(); }));
  int whole = 0;
  for (const auto& [id, answer] : client.answers) {
    if (answer.body.size() == large.size()) ++whole;
    EXPECT_TRUE(answer.body.size() == large.size() || answer.status == 502) << answer.status;
  }
  EXPECT_EQ(client.answers.size(), 8U);
  EXPECT_GE(whole, 5);
  EXPECT_LT(whole, 8);
}

// 14 requests of 10 MB: 13 fit into 128 MiB.
TEST_F(FramePath, TheMemoryOfAClientsRequestsIsBounded) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  std::vector<FakeNode::Got> asked;
  node.serve = [&](const FakeNode::Got& got) { asked.push_back(got); };
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  const std::string large(10'000'000, 'x');
  for (std::uint64_t id = 1; id <= 14; ++id) {
    client.ask(id, large);
    ASSERT_TRUE(serve_until(loop_, [&] { return client.party().link().queued_bytes() == 0; }));
  }
  ASSERT_TRUE(
      serve_until(loop_, [&] { return asked.size() == 13 && client.answers.contains(14); }));
  EXPECT_EQ(client.answers[14].reason, FailureReason::kInFlightLimit);
  for (FakeNode::Got& got : asked) {
    got.body = "done";
    node.answer(got);
  }
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 14; }));
  client.ask(15, large);
  ASSERT_TRUE(serve_until(loop_, [&] { return asked.size() == 14; }));
}

TEST_F(FramePath, KeyedRequestsLearnWhereTheirKeyIsServedWhenDirectRoutingIsOn) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  FakeClient client(loop_, frames());
  wire::Request keyed;
  keyed.has_key = true;
  keyed.key = 42;
  client.ask(1, "", keyed);
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.contains(1); }));
  EXPECT_EQ(client.answers[1].direct, "");
  Knobs knobs;
  knobs.direct_routing = true;
  ASSERT_TRUE(gateway_->set_knobs(knobs));
  status();  // comes after the knobs on every thread
  client.ask(2, "", keyed);
  client.ask(3, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 3; }));
  EXPECT_EQ(client.answers[2].direct, node.address());
  EXPECT_EQ(client.answers[3].direct, "");
}

TEST_F(FramePath, AWrongTokenEndsTheConnectionAndIsCounted) {
  GatewayConfig config = plain_config();
  config.token = "a long secret";
  open(config);
  FakeClient stranger(loop_, frames(), "a wrong one");
  EXPECT_FALSE(stranger.is_welcome);
  FakeClient friendly(loop_, frames(), "a long secret");
  EXPECT_TRUE(friendly.is_welcome);
  EXPECT_EQ(status().frames_refused["wrong_token"], 1U);
}

TEST_F(FramePath, AFirstFrameOtherThanHelloEndsTheConnectionAndIsCounted) {
  open(plain_config());
  const auto party = testing::dial_party(loop_, frames(), [](auto&, const auto&) {});
  wire::Request request;
  request.service = "api";
  party->link().send(1, request);
  ASSERT_TRUE(serve_until(loop_, [&] { return party->is_closed(); }));
  EXPECT_EQ(status().frames_refused["no_hello"], 1U);
}

TEST_F(FramePath, TheLabIsTurnedAwayWhereThereIsNone) {
  GatewayConfig config = plain_config();
  config.token = "a long secret";
  open(config);
  FakeClient lab(loop_, frames(), "a long secret", wire::Role::kLab);
  EXPECT_FALSE(lab.is_welcome);
  EXPECT_EQ(status().frames_refused["wrong_role"], 1U);
}

TEST_F(FramePath, NodesAreAskedForTheirLoadWhereTheBalancerWishesIt) {
  GatewayConfig config = plain_config();
  config.services[0].balancer = "prequal";
  open(config);
  FakeNode one(loop_, "web-1"), other(loop_, "web-2");
  one.announce(frames());
  other.announce(frames());
  ASSERT_TRUE(wait_for_connections(4));
  FakeClient client(loop_, frames());
  for (std::uint64_t i = 1; i <= 20; ++i) client.ask(i, "");
  const auto is_heard = [](const NodeStatus& node) { return node.load.queue_length == 17; };
  ASSERT_TRUE(serve_until(loop_, [&] { return std::ranges::all_of(status().nodes, is_heard); }));
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 20; }));
  const GatewayStatus now = status();
  EXPECT_GT(one.probes, 0U);
  EXPECT_GT(other.probes, 0U);
  EXPECT_EQ(one.probes + other.probes, now.router.probes);
  EXPECT_EQ(now.probes_unsent, 0U);
}

TEST_F(FramePath, ProbesWithoutAnAnswerAreBoundedAndCounted) {
  GatewayConfig config = plain_config();
  config.services[0].balancer = "prequal";
  config.knobs.pool_size = 1;
  open(config);
  FakeNode node(loop_, "web-1");
  node.answers_probes = false;
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(1));
  FakeClient client(loop_, frames());
  for (std::uint64_t i = 1; i <= 200; ++i) client.ask(i, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 200; }));
  ASSERT_TRUE(serve_until(loop_, [&] { return node.probes == kProbesMax; }));
  const GatewayStatus now = status();
  EXPECT_EQ(now.router.probes, kProbesMax + now.probes_unsent);
  EXPECT_GT(now.probes_unsent, 0U);
  EXPECT_EQ(node.connections(), 1U);
}

TEST_F(FramePath, NodesAreToldTheirKnobsWhenTheyComeAndWhenTheyAreTurned) {
  open(plain_config());
  FakeNode early(loop_, "web-1");
  early.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  EXPECT_TRUE(early.controls.empty());  // nobody has turned any
  ASSERT_TRUE(gateway_->turn_knob(KnobId::kWorkers, 3));
  ASSERT_TRUE(gateway_->turn_knob(KnobId::kQueueLength, 9));
  FakeNode late(loop_, "web-2");
  late.announce(frames());
  Knobs told;
  told.workers = 3;
  told.queue_length = 9;
  const std::string text = wire::print_node_knobs(told);
  const auto was_told = [&](const FakeNode& node) {
    return std::ranges::count(node.controls, text) == 2;  // on either connection
  };
  ASSERT_TRUE(serve_until(loop_, [&] { return was_told(early) && was_told(late); }));
  ASSERT_TRUE(gateway_->turn_knob(KnobId::kBatchSize, 2));  // not theirs
  ASSERT_TRUE(gateway_->set_knobs({}));
  const std::string as_started = wire::print_node_knobs({});
  ASSERT_TRUE(serve_until(
      loop_, [&] { return late.controls.size() == 4 && late.controls.back() == as_started; }));
}

TEST_F(FramePath, WhereANodeIsComesWithItsAnnouncement) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  node.zone = "west";
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  EXPECT_EQ(status().nodes.at(0).zone, "west");
}

TEST_F(FramePath, APoolGrowsAndShrinksWithItsKnob) {
  open(plain_config());
  FakeNode node(loop_, "web-1");
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(2));
  Knobs knobs;
  knobs.pool_size = 5;
  ASSERT_TRUE(gateway_->set_knobs(knobs));
  EXPECT_TRUE(wait_for_connections(5));
  knobs.pool_size = 1;
  ASSERT_TRUE(gateway_->set_knobs(knobs));
  EXPECT_TRUE(wait_for_connections(1));
  knobs.pool_size = 0;
  EXPECT_FALSE(gateway_->set_knobs(knobs));
}

TEST_F(FramePath, ADrainedNodeGetsNothingNewUntilItIsUndrained) {
  open(plain_config());
  FakeNode first(loop_, "web-1");
  FakeNode second(loop_, "web-2");
  first.announce(frames());
  second.announce(frames());
  ASSERT_TRUE(wait_for_connections(4));
  ASSERT_TRUE(gateway_->drain_node("web-1"));
  EXPECT_FALSE(gateway_->drain_node("web-3"));
  status();
  FakeClient client(loop_, frames());
  for (std::uint64_t i = 1; i <= 50; ++i) client.ask(i, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 50; }));
  EXPECT_EQ(first.served, 0U);
  EXPECT_EQ(second.served, 50U);
  ASSERT_TRUE(gateway_->undrain_node("web-1"));
  ASSERT_TRUE(gateway_->drain_node("web-2"));
  status();
  for (std::uint64_t i = 51; i <= 100; ++i) client.ask(i, "");
  ASSERT_TRUE(serve_until(loop_, [&] { return client.answers.size() == 100; }));
  EXPECT_EQ(first.served, 50U);
}

TEST_F(FramePath, ADrainingGatewayAnswersWhatIsUnderWayAndTakesNoNewConnections) {
  open(plain_config(2));
  FakeNode node(loop_, "web-1");
  std::vector<FakeNode::Got> kept;
  node.serve = [&](const FakeNode::Got& got) { kept.push_back(got); };
  node.announce(frames());
  ASSERT_TRUE(wait_for_connections(4));
  FakeClient client(loop_, frames());
  client.ask(1, "under way");
  ASSERT_TRUE(serve_until(loop_, [&] { return kept.size() == 1; }));
  std::optional<std::size_t> left;
  gateway_->drain([&](std::size_t count) { left = count; });
  const GatewayStatus now = status();
  EXPECT_TRUE(now.draining);
  EXPECT_FALSE(left.has_value());
  EXPECT_EQ(testing::dial_party(loop_, frames(), [](auto&, const auto&) {}), nullptr);
  node.answer(kept[0]);
  ASSERT_TRUE(serve_until(loop_, [&] { return left.has_value(); }));
  EXPECT_EQ(*left, 0U);
  EXPECT_EQ(client.answers[1].body, "under way");
}

}  // namespace
}  // namespace phoenix::gateway
