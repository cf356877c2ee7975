// A whole node over loopback: it serves, reports, announces itself, drains, and stays well whatever
// strangers send.
#include "runtime/node/node.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/node/announcer.h"
#include "runtime/node/kv_handler.h"
#include "runtime/node/synthetic_body.h"
#include "runtime/wire/node_knobs.h"
#include "tests/runtime/node/peers.h"
#include "tests/runtime/node/serve.h"

namespace phoenix::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string work(double ms, std::uint32_t response_bytes = 0) {
  std::string body;
  encode_synthetic({static_cast<std::uint64_t>(ms * 1e6), response_bytes, 0}, 0, body);
  return body;
}

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() {
    settings_.services = {{"echo", "echo"}, {"shop", "synthetic"}, {"cache", "kv"}};
    settings_.serving.cores = 2;
  }

  void start() {
    Result<std::unique_ptr<Node>> node = Node::make(loop_, settings_);
    ASSERT_TRUE(node.ok()) << node.error();
    node_ = std::move(*node);
    const Status started = node_->start();
    ASSERT_TRUE(started.ok()) << started.error();
  }
  TestClient& client(wire::Role role = wire::Role::kClient, const std::string& token = {},
                     bool says_hello = true) {
    clients_.push_back(
        std::make_unique<TestClient>(loop_, node_->local(), role, token, says_hello));
    return *clients_.back();
  }
  template <class Condition>
  bool await(Condition condition) {
    return serve_until(loop_, condition);
  }
  // The response to a request sent now.
  ReceivedResponse ask(TestClient& client, std::uint64_t id, const std::string& service,
                       const std::string& body = {}) {
    client.request(id, service, body);
    EXPECT_TRUE(await([&] { return client.responses.contains(id); }));
    return client.responses[id];
  }
  void expect_serving() { EXPECT_EQ(ask(client(), 1, "echo", "still here").body, "still here"); }

  net::Loop loop_;
  NodeSettings settings_;
  std::unique_ptr<Node> node_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

TEST_F(NodeTest, ServesRequestsAndSaysHowLoadedItIs) {
  start();
  TestClient& peer = client(wire::Role::kGateway);
  const ReceivedResponse response = ask(peer, 42, "echo", "hello");
  EXPECT_EQ(response.result, AttemptResult::kOk);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_TRUE(response.has_report);
  EXPECT_TRUE(peer.has_hello);
  EXPECT_EQ(node_->status().served.completed, 1U);
}

TEST_F(NodeTest, ReportsWhatIsUnderWay) {
  settings_.serving.discipline = Discipline::kFifo;
  start();
  TestClient& peer = client();
  for (std::uint64_t id = 1; id <= 4; ++id) peer.request(id, "shop", work(30));
  const ReceivedResponse response = ask(peer, 5, "echo");
  EXPECT_EQ(response.report.in_service, 2U) << "two cores";
  EXPECT_EQ(response.report.queue_length, 2U);
  EXPECT_TRUE(await([&] { return peer.responses.size() == 5; }));
}

TEST_F(NodeTest, PiggybackingCanBeTurnedOff) {
  settings_.piggyback = false;
  start();
  EXPECT_FALSE(ask(client(), 1, "echo").has_report);
}

TEST_F(NodeTest, AProbeIsAnsweredAtOnceWhateverWaits) {
  settings_.report_interval = Duration{0};
  settings_.services = {{"shop", "synthetic[queue=10]"}};
  settings_.serving.discipline = Discipline::kFifo;
  start();
  TestClient& gateway = client(wire::Role::kGateway);
  for (std::uint64_t id = 1; id <= 5; ++id) gateway.request(id, "shop", work(3'600'000));
  gateway.probe(77);
  ASSERT_TRUE(await([&] { return gateway.reports.contains(77); }));
  EXPECT_EQ(gateway.reports[77].load.in_service, 2U);
  EXPECT_EQ(gateway.reports[77].load.queue_length, 3U);
  EXPECT_TRUE(gateway.responses.empty());
}

TEST_F(NodeTest, GatewaysTurnItsKnobsAndClientsDoNot) {
  settings_.serving.discipline = Discipline::kFifo;
  settings_.services = {{"shop", "synthetic[queue=1]"}, {"echo", "echo"}};
  settings_.serving.cores = 1;
  start();
  TestClient& gateway = client(wire::Role::kGateway);
  Knobs knobs;
  knobs.workers = 2;
  knobs.queue_length = 3;
  gateway.control(1, wire::print_node_knobs(knobs));
  for (std::uint64_t id = 1; id <= 5; ++id) gateway.request(id, "shop", work(3'600'000));
  ASSERT_TRUE(await([&] { return gateway.responses.size() == 1; }));
  EXPECT_EQ(gateway.responses.begin()->second.result, AttemptResult::kQueueFull);
  EXPECT_EQ(node_->status().load.in_service, 2U);
  TestClient& stranger = client();
  stranger.control(1, wire::print_node_knobs({}));
  TestClient& confused = client(wire::Role::kGateway);
  confused.control(1, R"({"knobs": {"pool_size": 3}})");
  ASSERT_TRUE(await([&] { return stranger.is_closed && confused.is_closed; }));
  EXPECT_EQ(node_->status().load.in_service, 2U);
}

TEST_F(NodeTest, UnknownServicesAreRefused) {
  start();
  const ReceivedResponse response = ask(client(), 1, "shoe");
  EXPECT_EQ(response.result, AttemptResult::kRefused);
  EXPECT_EQ(response.reason, FailureReason::kRefused);
  EXPECT_EQ(response.status, 404);
}

TEST_F(NodeTest, AFloodIsRefusedAtTheBoundAndTheRestServed) {
  settings_.services = {{"shop", "synthetic[queue=3]"}};
  start();
  TestClient& peer = client();
  for (std::uint64_t id = 1; id <= 100; ++id) peer.request(id, "shop", work(5, 10));
  ASSERT_TRUE(await([&] { return peer.responses.size() == 100; }));
  int served = 0, full = 0;
  for (const auto& [id, response] : peer.responses) {
    served += response.result == AttemptResult::kOk && response.body.size() == 10 ? 1 : 0;
    full += response.result == AttemptResult::kQueueFull ? 1 : 0;
  }
  EXPECT_GE(served, 5) << "two cores and a queue of three";
  EXPECT_EQ(served + full, 100);
  EXPECT_GT(full, 0);
}

TEST_F(NodeTest, RequestsUnderWayAreBoundedOverAllServices) {
  settings_.serving.requests = 2;
  start();
  TestClient& peer = client();
  for (std::uint64_t id = 1; id <= 3; ++id) peer.request(id, "shop", work(20));
  ASSERT_TRUE(await([&] { return peer.responses.contains(3); }));
  EXPECT_EQ(peer.responses[3].result, AttemptResult::kQueueFull);
  EXPECT_TRUE(await([&] { return peer.responses.size() == 3; }));
}

TEST_F(NodeTest, ConnectionsAreBounded) {
  settings_.connections = 2;
  start();
  TestClient& first = client();
  TestClient& second = client();
  ASSERT_TRUE(await([&] { return first.has_hello && second.has_hello; }));
  TestClient& third = client();
  EXPECT_TRUE(await([&] { return third.is_closed; }));
  EXPECT_EQ(node_->status().listener.refused, 1U);
  EXPECT_EQ(ask(first, 1, "echo", "a").body, "a");
}

TEST_F(NodeTest, AnswersToWhoIsGoneAreDropped) {
  start();
  TestClient& peer = client();
  peer.request(1, "shop", work(100));
  ASSERT_TRUE(await([&] { return node_->status().under_way == 1; }));
  peer.disconnect();
  EXPECT_TRUE(await([&] { return node_->status().served.completed == 1; }));
  expect_serving();
}

// Echo gives the type back with a space more than came: beyond what a frame may carry.
TEST_F(NodeTest, AnAnswerThatNoFrameMayCarryIsAnError) {
  start();
  const std::string name = "Content-Type:";
  const std::string headers = name + std::string(wire::kMaxBlock - name.size() - 2, 'x') + "\r\n";
  wire::Request request;
  request.service = "echo";
  request.headers = headers;
  std::string payload, frame;
  wire::encode(request, payload);
  wire::append_frame(frame, wire::FrameType::kRequest, 7, payload, 0);
  TestClient& peer = client();
  peer.raw(frame);
  ASSERT_TRUE(await([&] { return peer.responses.contains(7); }));
  EXPECT_EQ(peer.responses[7].status, 500);
  EXPECT_EQ(peer.responses[7].result, AttemptResult::kError);
  EXPECT_EQ(ask(peer, 8, "echo", "on the same connection").status, 200);
}

// 12 answers of 8 MiB to a peer that does not read: some have to go, the connection stays.
TEST_F(NodeTest, AnswersBeyondWhatAConnectionMayHoldAreErrorsAndTheRestArrive) {
  start();
  TestClient& peer = client();
  ask(peer, 1, "echo");
  peer.pause();
  for (std::uint64_t id = 2; id < 14; ++id) peer.request(id, "shop", work(0, 8 * 1024 * 1024));
  ASSERT_TRUE(await([&] { return node_->status().served.completed == 13; }));
  peer.resume();
  ASSERT_TRUE(await([&] { return peer.responses.size() == 13 || peer.is_closed; }));
  ASSERT_FALSE(peer.is_closed);
  int arrived = 0;
  for (std::uint64_t id = 2; id < 14; ++id) {
    const ReceivedResponse& response = peer.responses[id];
    if (response.status == 200) ++arrived;
    EXPECT_EQ(response.body.size() == 8 * 1024 * 1024, response.status == 200) << id;
    EXPECT_TRUE(response.status == 200 || response.status == 503) << response.status;
  }
  EXPECT_GE(arrived, 7);
  EXPECT_LT(arrived, 12);
  EXPECT_EQ(node_->status().answers.full, 12U - static_cast<unsigned>(arrived));
}

// A peer that stops reading: what waits for it is not made longer by answers it could not use.
TEST_F(NodeTest, AnswersThatWouldComeTooLateGiveWayToAShortFailure) {
  start();
  TestClient& peer = client();
  ask(peer, 1, "echo");
  peer.pause();
  const std::string body(16 * 1024, 'b');
  std::uint64_t asked = 1;
  const auto late = [&] { return node_->status().answers.late; };
  ASSERT_TRUE(await([&] {
    peer.request(++asked, "echo", body, 50'000);
    return late() >= 10;
  }));
  peer.request(++asked, "echo", body);  // whoever has no deadline gets the whole answer
  peer.request(++asked, "echo", "short", 50'000);
  ASSERT_TRUE(await([&] { return node_->status().served.completed == asked; }));
  peer.resume();
  ASSERT_TRUE(await([&] { return peer.responses.size() == asked; }));
  EXPECT_EQ(peer.received, asked) << "one answer each";
  std::uint64_t failures = 0;
  for (std::uint64_t id = 2; id < asked - 1; ++id) {
    const ReceivedResponse& response = peer.responses[id];
    EXPECT_EQ(response.body == body, response.status == 200) << id;
    if (response.status == 200) continue;
    ++failures;
    EXPECT_EQ(response.status, 504);
    EXPECT_EQ(response.result, AttemptResult::kLate);
    EXPECT_EQ(response.reason, FailureReason::kDeadline);
  }
  EXPECT_EQ(failures, late());
  EXPECT_EQ(peer.responses[asked - 1].body, body);
  EXPECT_EQ(peer.responses[asked].body, "short");
  // The line is free again.
  peer.request(++asked, "echo", body, 10'000'000);
  ASSERT_TRUE(await([&] { return peer.responses.contains(asked); }));
  EXPECT_EQ(peer.responses[asked].status, 200);
}

TEST_F(NodeTest, ADrainWaitsUntilAnswersHaveLeft) {
  start();
  TestClient& peer = client();
  ask(peer, 1, "echo");
  peer.pause();
  for (std::uint64_t id = 2; id < 6; ++id) peer.request(id, "shop", work(0, 8 * 1024 * 1024));
  ASSERT_TRUE(await([&] { return node_->status().served.completed == 5; }));
  bool is_left = false;
  node_->drain([&](std::size_t) { is_left = true; });
  loop_.run_until(loop_.now() + std::chrono::milliseconds(500));
  EXPECT_FALSE(is_left) << "answers were still queued";
  peer.resume();
  ASSERT_TRUE(await([&] { return is_left; }));
  EXPECT_TRUE(await([&] { return peer.responses.size() == 5; })) << "what has left arrives";
}

TEST_F(NodeTest, OnlyWhoKnowsTheTokenIsServed) {
  settings_.token = "secret";
  start();
  for (const char* wrong : {"", "secre", "secrets", "SECRET"}) {
    TestClient& stranger = client(wire::Role::kGateway, wrong);
    stranger.request(1, "echo");
    ASSERT_TRUE(await([&] { return stranger.is_closed; })) << wrong;
    EXPECT_TRUE(stranger.responses.empty());
    EXPECT_FALSE(stranger.has_hello);
  }
  EXPECT_EQ(node_->status().peers.wrong_token, 4U);
  EXPECT_EQ(ask(client(wire::Role::kGateway, "secret"), 1, "echo", "a").body, "a");
}

TEST_F(NodeTest, GarbageEndsThatConnectionOnly) {
  start();
  TestClient& friendly = client();
  ASSERT_TRUE(await([&] { return friendly.has_hello; }));
  std::string request_first;
  wire::append_frame(request_first, wire::FrameType::kRequest, 1, "", 0);
  std::string huge;
  wire::append_frame(huge, wire::FrameType::kHello, 1, "x", 0);
  huge[7] = '\x7f';  // the length's highest byte
  for (const std::string& bytes : {std::string(100, 'G'), request_first, huge}) {
    TestClient& stranger = client(wire::Role::kClient, {}, false);
    stranger.raw(bytes);
    EXPECT_TRUE(await([&] { return stranger.is_closed; }));
  }
  std::string bad_payload;
  wire::append_frame(bad_payload, wire::FrameType::kRequest, 1, "not a request", 0);
  TestClient& known = client();
  known.raw(bad_payload);
  EXPECT_TRUE(await([&] { return known.is_closed; }));
  std::uint64_t errors = 0;
  for (const std::uint64_t count : node_->status().links.errors) errors += count;
  EXPECT_EQ(errors, 4U);
  EXPECT_EQ(ask(friendly, 1, "echo", "a").body, "a");
}

TEST_F(NodeTest, WhoSaysNothingIsTurnedAway) {
  settings_.hello_timeout = std::chrono::milliseconds(10);
  start();
  TestClient& silent = client(wire::Role::kClient, {}, false);
  EXPECT_TRUE(await([&] { return silent.is_closed; }));
  EXPECT_EQ(node_->status().peers.no_hello, 1U);
}

TEST_F(NodeTest, AnnouncesItselfAndReports) {
  TestGateway gateway(loop_);
  settings_.gateways = {gateway.address()};
  settings_.name = "web-3";
  settings_.zone = "east";
  settings_.token = "secret";
  settings_.services = {{"shop", "synthetic[memory=250]", 2.5}};
  settings_.readings.memory_bytes = 1000;
  settings_.report_interval = std::chrono::milliseconds(5);
  start();
  ASSERT_TRUE(await([&] { return gateway.reports.size() >= 3; }));
  ASSERT_EQ(gateway.hellos.size(), 1U);
  const TestGateway::NodeHello& hello = gateway.hellos.front();
  EXPECT_EQ(hello.name, "web-3");
  EXPECT_EQ(hello.token, "secret");
  EXPECT_EQ(hello.zone, "east");
  EXPECT_EQ(hello.address, node_->local().text());
  EXPECT_EQ(hello.cores, 2);
  EXPECT_THAT(hello.offers, ElementsAre(Pair("shop", 2.5)));
  EXPECT_EQ(hello.incarnation, node_->status().incarnation);
  EXPECT_FLOAT_EQ(gateway.reports.back().load.memory, 0.25F);
  EXPECT_EQ(gateway.reports.back().load.cpu, 0.0F) << "modelled cores that do nothing";
  EXPECT_EQ(node_->status().gateways_connected, 1U);
}

// What Prequal and the tuner's formulas go by.
TEST_F(NodeTest, ReportsWhatItsRequestsSee) {
  TestGateway gateway(loop_);
  settings_.gateways = {gateway.address()};
  settings_.report_interval = std::chrono::milliseconds(20);
  start();
  TestClient& peer = client();
  peer.probe(77);
  ASSERT_TRUE(await([&] { return peer.reports.contains(77); }));
  EXPECT_TRUE(std::isnan(peer.reports[77].load.latency)) << "nothing is known yet";
  const LoadReport piggybacked = ask(peer, 1, "shop", work(15)).report;
  EXPECT_GE(piggybacked.latency, 0.015F);
  EXPECT_NEAR(piggybacked.service_time, 0.015, 1e-6);
  const LoadReport of_echo = ask(client(), 1, "echo").report;
  EXPECT_LT(of_echo.service_time, 0.015) << "served on the loop, at once";
  EXPECT_GT(of_echo.latency, 0);
  std::uint64_t asked = 1;
  const auto newest = [&] { return gateway.reports.back().load; };
  ASSERT_TRUE(await([&] {
    peer.request(++asked, "echo");
    return !gateway.reports.empty() && newest().rate > 0 && newest().error_rate == 0.0F;
  }));
  ASSERT_TRUE(await([&] {
    peer.request(++asked, "no such service");
    return newest().error_rate > 0;
  }));
}

// Two cores with work for longer than the interval: all of a full interval is busy.
TEST_F(NodeTest, AModelledNodeReportsItsModelledCores) {
  TestGateway gateway(loop_);
  settings_.gateways = {gateway.address()};
  settings_.services = {{"shop", "synthetic"}};
  settings_.report_interval = std::chrono::milliseconds(10);
  start();
  TestClient& peer = client();
  for (std::uint64_t id = 1; id <= 2; ++id) peer.request(id, "shop", work(10'000));
  EXPECT_TRUE(
      await([&] { return !gateway.reports.empty() && gateway.reports.back().load.cpu > 0.999F; }));
}

TEST_F(NodeTest, ComesBackToARestartedGateway) {
  auto gateway = std::make_unique<TestGateway>(loop_);
  const net::Address address = gateway->address();
  settings_.gateways = {address};
  start();
  ASSERT_TRUE(await([&] { return node_->status().gateways_connected == 1; }));
  gateway.reset();
  ASSERT_TRUE(await([&] { return node_->status().gateways_connected == 0; }));
  gateway = std::make_unique<TestGateway>(loop_, address);
  EXPECT_TRUE(await([&] { return gateway->hellos.size() == 1; }));
  EXPECT_TRUE(await([&] { return node_->status().gateways_connected == 1; }));
}

TEST(AnnouncerTest, PausesGrowUpToACapAndDiffer) {
  Random random(1);
  std::vector<Duration> pauses;
  for (int attempt = 0; attempt < 40; ++attempt) pauses.push_back(reconnect_pause(attempt, random));
  for (int attempt = 0; attempt < 40; ++attempt) {
    const double full = std::min(5.0, 0.1 * std::pow(2.0, attempt));
    EXPECT_GE(to_seconds(pauses[static_cast<std::size_t>(attempt)]), full / 2 - 1e-9);
    EXPECT_LE(to_seconds(pauses[static_cast<std::size_t>(attempt)]), full + 1e-9);
  }
  EXPECT_NE(pauses[30], pauses[31]);
}

TEST_F(NodeTest, DrainingFinishesWhatIsUnderWayAndRefusesTheRest) {
  TestGateway gateway(loop_);
  settings_.gateways = {gateway.address()};
  start();
  TestClient& peer = client(wire::Role::kGateway);
  peer.request(1, "shop", work(400, 5));
  ASSERT_TRUE(await(
      [&] { return node_->status().under_way == 1 && node_->status().gateways_connected == 1; }));
  std::optional<std::size_t> cut_off;
  node_->drain([&](std::size_t count) { cut_off = count; });
  EXPECT_EQ(ask(peer, 2, "echo").result, AttemptResult::kRefused);
  EXPECT_FALSE(cut_off.has_value());
  ASSERT_TRUE(await([&] { return cut_off.has_value(); }));
  EXPECT_EQ(cut_off, 0U);
  ASSERT_TRUE(await([&] { return peer.is_closed && gateway.closed == 1; }));
  EXPECT_EQ(peer.responses[1].body.size(), 5U);
  EXPECT_EQ(gateway.goodbyes, 1);
}

TEST_F(NodeTest, ADrainEndsWithItsGrace) {
  settings_.grace = std::chrono::milliseconds(10);
  start();
  TestClient& peer = client();
  peer.request(1, "shop", work(3'000'000));
  ASSERT_TRUE(await([&] { return node_->status().under_way == 1; }));
  std::optional<std::size_t> cut_off;
  node_->drain([&](std::size_t count) { cut_off = count; });
  ASSERT_TRUE(await([&] { return cut_off.has_value(); }));
  EXPECT_EQ(cut_off, 1U);
  EXPECT_TRUE(await([&] { return peer.is_closed; }));
}

TEST_F(NodeTest, SettingsThatCannotWorkAreErrors) {
  const auto error_of = [this] {
    const auto node = Node::make(loop_, settings_);
    if (!node.ok()) return node.error();
    const Status started = (*node)->start();
    return started.ok() ? "" : started.error();
  };
  settings_.name = std::string(256, 'n');
  EXPECT_THAT(error_of(), HasSubstr("at most 255 bytes"));
  settings_.name = {};
  settings_.services = {{"a", "echo"}, {"a", "kv"}};
  EXPECT_THAT(error_of(), HasSubstr("service a is given twice"));
  settings_.services = {{"a", "ecko"}};
  EXPECT_THAT(error_of(), HasSubstr("did you mean \"echo\""));
  settings_.services = {};
  EXPECT_THAT(error_of(), HasSubstr("at least one service"));
  settings_.services = {{"a", "echo"}};
  start();
  settings_.listen = node_->local();
  EXPECT_THAT(error_of(), HasSubstr(node_->local().text()));
}

}  // namespace
}  // namespace phoenix::node
