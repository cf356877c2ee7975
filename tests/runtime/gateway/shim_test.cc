// A lab's faults at the frame layer: each message meets the fate it would meet in the simulator.
#include "runtime/gateway/shim.h"

#include <gtest/gtest.h>

namespace phoenix::gateway {
namespace {

using std::chrono::milliseconds;

constexpr NodeId kNode{5};  // of the gateway; in the lab's world it is node 1

// The real upstream's place.
struct Inner {
  std::vector<AttemptId> sent, forgotten;
  std::vector<std::uint64_t> probes;
  UpstreamUser* user = nullptr;
};

class InnerUpstream final : public Upstream {
 public:
  explicit InnerUpstream(Inner& inner) : inner_(inner) {}
  void send(AttemptId attempt, const Request&, std::string_view, std::string_view,
            Duration) override {
    inner_.sent.push_back(attempt);
  }
  void forget(AttemptId attempt) override { inner_.forgotten.push_back(attempt); }
  bool probe(std::uint64_t probe) override {
    inner_.probes.push_back(probe);
    return true;
  }
  void resume(AttemptId) override {}
  void apply(const Knobs&) override {}
  std::size_t connections() const override { return 1; }
  std::size_t under_way() const override { return 0; }

 private:
  Inner& inner_;
};

class KeepingUser final : public UpstreamUser {
 public:
  void on_attempt(AttemptId attempt, AttemptResult result, const AttemptReply* reply) override {
    results.emplace_back(attempt, result);
    if (reply != nullptr) bodies.emplace_back(reply->body);
  }
  bool on_attempt_body(AttemptId, std::string_view, bool) override { return true; }
  void on_attempt_broken(AttemptId) override {}
  void on_node_report(NodeId, const wire::Report&) override {}
  void on_piggybacked(NodeId, const LoadReport& report) override {
    reports.push_back(report.queue_length);
  }
  void on_probe_answered(NodeId, std::uint64_t, const LoadReport& report) override {
    reports.push_back(report.queue_length);
  }
  void on_reachable(NodeId, bool reachable) override { reachabilities.push_back(reachable); }

  std::vector<std::pair<AttemptId, AttemptResult>> results;
  std::vector<std::string> bodies;
  std::vector<std::uint32_t> reports;
  std::vector<bool> reachabilities;
};

class Shim : public ::testing::Test {
 protected:
  Shim() {
    LabWorld world;
    world.seed = 11;
    world.nodes = {"web-0", "web-1"};
    shim_.enter(world);
    NodeView view;
    view.id = kNode;
    view.name = "web-1";
    upstream_ = shim_.wrap(view, user_, [this](UpstreamUser& user) {
      inner_.user = &user;
      return std::make_unique<InnerUpstream>(inner_);
    });
  }

  FaultEvent fault(FaultAction action, bool to_node = true) {
    FaultEvent event;
    event.action = action;
    event.effect = 3;
    event.from = {{to_node, to_node ? 0U : 1U}};
    event.to = {{!to_node, to_node ? 1U : 0U}};
    event.node = NodeId{1};
    event.capacity = 100;
    return event;
  }
  void play(const FaultEvent& event) { ASSERT_TRUE(shim_.play(event)); }
  void end() {
    FaultEvent event;
    event.phase = FaultPhase::kEnd;
    event.effect = 3;
    play(event);
  }
  // The attempt's id is the request's number.
  void send(std::uint64_t number, std::uint32_t attempts = 0) {
    Request request;
    request.number = number;
    request.attempts = attempts;
    upstream_->send(number, request, "api", "default", Duration::max());
  }
  void answer(std::uint64_t number, const std::string& body = "") {
    AttemptReply reply;
    reply.body = body;
    inner_.user->on_attempt(number, AttemptResult::kOk, &reply);
  }
  void wait(Duration time) { loop_.run_until(loop_.now() + time); }

  net::Loop loop_;
  ShimWorld shim_{loop_, 0};
  Inner inner_;
  KeepingUser user_;
  std::unique_ptr<Upstream> upstream_;
};

TEST_F(Shim, WithoutFaultsEverythingPassesAtOnce) {
  send(1);
  EXPECT_EQ(inner_.sent, std::vector<AttemptId>{1});
  answer(1, "hello");
  EXPECT_EQ(user_.bodies, std::vector<std::string>{"hello"});
}

TEST_F(Shim, RequestsAndAnswersMeetTheFateTheSimulatedNetworkDecidesByTheirNumber) {
  const Streams streams(11, 0);
  LinkFaults simulated(streams, 1, 2);
  for (const bool to_node : {true, false}) {
    FaultEvent loss = fault(FaultAction::kLoss, to_node);
    loss.effect = to_node ? 3 : 4;
    loss.magnitude = 0.4;
    play(loss);
    simulated.begin(loss);
  }
  std::vector<AttemptId> expected_sent;
  std::vector<std::pair<AttemptId, AttemptResult>> expected_results;
  for (std::uint64_t number = 1; number <= 400; ++number) {
    const auto attempts = static_cast<std::uint32_t>(number % 3);
    const std::uint64_t message = request_number(number, attempts);
    const bool arrives = simulated.on_send(0, 2, message).kind == LinkFate::Kind::kPasses;
    send(number, attempts);
    if (!arrives) continue;
    expected_sent.push_back(number);
    answer(number);
    if (simulated.on_send(2, 0, answer_number(message)).kind == LinkFate::Kind::kPasses) {
      expected_results.emplace_back(number, AttemptResult::kOk);
    }
  }
  EXPECT_EQ(inner_.sent, expected_sent);
  EXPECT_EQ(user_.results, expected_results);
  EXPECT_GT(expected_sent.size(), 200U);  // 240 expected, deviation 10
  EXPECT_LT(expected_sent.size(), 280U);
  EXPECT_EQ(shim_.hits(3), simulated.affected(3));
  EXPECT_EQ(shim_.hits(4), simulated.affected(4));
}

TEST_F(Shim, ProbesAndTheirAnswersMeetTheSameFateAsInTheSimulator) {
  const Streams streams(11, 0);
  LinkFaults simulated(streams, 1, 2);
  for (const bool to_node : {true, false}) {
    FaultEvent loss = fault(FaultAction::kLoss, to_node);
    loss.effect = to_node ? 3 : 4;
    loss.magnitude = 0.4;
    play(loss);
    simulated.begin(loss);
  }
  std::vector<std::uint64_t> expected_probes;
  std::vector<std::uint32_t> expected_reports;
  for (std::uint32_t probe = 0; probe < 400; ++probe) {
    const std::uint64_t message = probe_number(probe);
    const bool arrives = simulated.on_send(0, 2, message).kind == LinkFate::Kind::kPasses;
    EXPECT_TRUE(upstream_->probe(probe));  // lost or not: nobody can tell yet
    if (!arrives) continue;
    expected_probes.push_back(probe);
    LoadReport report;
    report.queue_length = probe;
    inner_.user->on_probe_answered(kNode, probe, report);
    if (simulated.on_send(2, 0, answer_number(message)).kind == LinkFate::Kind::kPasses) {
      expected_reports.push_back(probe);
    }
  }
  EXPECT_EQ(inner_.probes, expected_probes);
  EXPECT_EQ(user_.reports, expected_reports);
  EXPECT_GT(expected_reports.size(), 100U);  // 144 expected, deviation 10
}

TEST_F(Shim, ACutLosesWhatIsSentAndNothingElse) {
  play(fault(FaultAction::kCut));
  send(1);
  EXPECT_TRUE(inner_.sent.empty());
  end();
  send(2);
  EXPECT_EQ(inner_.sent, std::vector<AttemptId>{2});
  EXPECT_TRUE(user_.results.empty());
  EXPECT_EQ(shim_.hits(3), 1U);
}

TEST_F(Shim, AClogHoldsMessagesAndReleasesThemInOrder) {
  play(fault(FaultAction::kClog));
  for (std::uint64_t i = 1; i <= 5; ++i) send(i);
  EXPECT_TRUE(inner_.sent.empty());
  end();
  EXPECT_EQ(inner_.sent, (std::vector<AttemptId>{1, 2, 3, 4, 5}));
}

TEST_F(Shim, WhatAClogHeldReachesTheNodeThoughNobodyWaitsForItAnyMore) {
  play(fault(FaultAction::kClog));
  send(1);
  upstream_->forget(1);
  inner_.forgotten.clear();
  end();
  EXPECT_EQ(inner_.sent, std::vector<AttemptId>{1});
  EXPECT_EQ(inner_.forgotten, std::vector<AttemptId>{1});
}

TEST_F(Shim, DelayHoldsEachMessageForItsTime) {
  FaultEvent delay = fault(FaultAction::kDelay);
  delay.duration2 = milliseconds(20);
  play(delay);
  const Time before = loop_.now();
  send(1);
  EXPECT_TRUE(inner_.sent.empty());
  while (inner_.sent.empty() && loop_.now() < before + std::chrono::seconds(10)) {
    wait(milliseconds(1));
  }
  EXPECT_EQ(inner_.sent, std::vector<AttemptId>{1});
  EXPECT_GE(loop_.now() - before, milliseconds(20));
}

TEST_F(Shim, ADelayedAnswerIsKeptWhole) {
  FaultEvent delay = fault(FaultAction::kDelay, false);
  delay.duration2 = milliseconds(1);
  play(delay);
  send(1);
  answer(1, std::string(1000, 'x'));
  EXPECT_TRUE(user_.bodies.empty());
  for (int i = 0; i < 1000 && user_.bodies.empty(); ++i) wait(milliseconds(2));
  EXPECT_EQ(user_.bodies, std::vector<std::string>{std::string(1000, 'x')});
}

TEST_F(Shim, ASilentNodesEndGoesUnnoticed) {
  inner_.user->on_reachable(kNode, true);
  send(1);
  shim_.set_silent("web-1", true);
  inner_.user->on_reachable(kNode, false);
  inner_.user->on_attempt(1, AttemptResult::kReset, nullptr);
  send(2);
  EXPECT_EQ(inner_.sent, std::vector<AttemptId>{1});
  EXPECT_TRUE(user_.results.empty());
  EXPECT_EQ(user_.reachabilities, std::vector<bool>{true});
  shim_.set_silent("web-1", false);
  EXPECT_EQ(user_.reachabilities, (std::vector<bool>{true, false}));
  inner_.user->on_reachable(kNode, true);
  send(3);
  EXPECT_EQ(inner_.sent, (std::vector<AttemptId>{1, 3}));
}

TEST_F(Shim, AnAnswerThatHadLeftASilentNodeArrives) {
  send(1);
  shim_.set_silent("web-1", true);
  answer(1);
  EXPECT_EQ(user_.results.size(), 1U);
}

TEST_F(Shim, ReportsAreDroppedAndFrozenAsTheSimulatedOnesAre) {
  FaultEvent frozen = fault(FaultAction::kMetricsFrozen);
  play(frozen);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    send(i);
    LoadReport report;
    report.queue_length = static_cast<std::uint32_t>(i);
    inner_.user->on_piggybacked(kNode, report);
    answer(i);
  }
  EXPECT_EQ(user_.reports, (std::vector<std::uint32_t>{1, 1, 1}));
  end();
  FaultEvent missing = fault(FaultAction::kMetricsMissing);
  missing.magnitude = 1;
  play(missing);
  send(4);
  inner_.user->on_piggybacked(kNode, {});
  answer(4);
  EXPECT_EQ(user_.reports.size(), 3U);
  EXPECT_EQ(user_.results.size(), 4U);
  EXPECT_EQ(shim_.hits(3), 4U);
}

TEST_F(Shim, PeriodicReportsAreMessagesToo) {
  play(fault(FaultAction::kCut, false));
  int arrived = 0;
  shim_.carry_report("web-1", {}, [&](const wire::Report&) { ++arrived; });
  EXPECT_EQ(arrived, 0);
  shim_.carry_report("web-0", {}, [&](const wire::Report&) { ++arrived; });
  EXPECT_EQ(arrived, 1);
  end();
  shim_.carry_report("web-1", {}, [&](const wire::Report&) { ++arrived; });
  EXPECT_EQ(arrived, 2);
}

TEST_F(Shim, FaultsNeedAWorldFirst) {
  ShimWorld bare(loop_, 0);
  const Status played = bare.play(fault(FaultAction::kCut));
  ASSERT_FALSE(played);
  EXPECT_NE(played.error().find("before any world"), std::string::npos);
}

}  // namespace
}  // namespace phoenix::gateway
