// A worker between a scripted client and scripted nodes: exactly one reply, whatever happens.
#include "runtime/gateway/worker.h"

#include <set>

#include <gtest/gtest.h>

#include "runtime/gateway/zone_list.h"

namespace phoenix::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Sent {
  AttemptId attempt;
  NodeId node;
  std::uint32_t attempts_before;
  Duration left;
};

// What all scripted nodes were asked.
struct Script {
  std::vector<Sent> sent;
  std::vector<AttemptId> forgotten, resumed;
  Knobs knobs;
  UpstreamUser* user = nullptr;
};

class ScriptedNode final : public Upstream {
 public:
  ScriptedNode(Script& script, NodeId node) : script_(script), node_(node) {}
  void send(AttemptId attempt, const Request& request, std::string_view, std::string_view,
            Duration left) override {
    script_.sent.push_back({attempt, node_, request.attempts, left});
  }
  void forget(AttemptId attempt) override { script_.forgotten.push_back(attempt); }
  void resume(AttemptId attempt) override { script_.resumed.push_back(attempt); }
  void apply(const Knobs& knobs) override { script_.knobs = knobs; }
  std::size_t connections() const override { return 1; }
  std::size_t under_way() const override { return 0; }

 private:
  Script& script_;
  NodeId node_;
};

struct Got {
  std::uint64_t tag;
  Reply reply;
  std::string body;
};

class KeepingClient final : public Client {
 public:
  void on_reply(std::uint64_t tag, const Reply& reply) override {
    got.push_back({tag, reply, std::string(reply.body)});
    if (next) std::exchange(next, nullptr)();
  }
  bool on_reply_body(std::uint64_t, std::string_view piece, bool last) override {
    pieces += piece;
    is_whole = last;
    return !is_slow;
  }
  void on_reply_broken(std::uint64_t) override { ++broken; }

  std::vector<Got> got;
  std::function<void()> next;
  std::string pieces;
  bool is_whole = false, is_slow = false;
  int broken = 0;
};

class WorkerRules : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.router.retry_backoff = Duration{0};
    config_.router.slow_start = Duration{0};
    ServiceConfig frames;
    frames.name = "api";
    frames.balancer = "round_robin";
    frames.classes.emplace_back();
    ServiceConfig http = frames;
    http.name = "web";
    http.protocol = Protocol::kHttp;
    config_.services = {frames, http};
    open();
  }

  void open() {
    WorkerOptions options;
    options.clock = [this] { return now_; };
    options.make_upstream = [this](const NodeView& node, UpstreamUser& user) {
      script_.user = &user;
      return std::make_unique<ScriptedNode>(script_, node.id);
    };
    catalog_ = Catalog::make(config_, nullptr);
    worker_ = std::make_unique<Worker>(loop_, std::make_shared<const GatewayConfig>(config_),
                                       catalog_, std::move(options));
  }

  NodeView node(std::uint32_t id, const std::string& service = "api") {
    NodeView view;
    view.id = NodeId{id};
    view.name = "n" + std::to_string(id);
    view.address = "127.0.0.1:" + std::to_string(7000 + id);
    view.protocol = service == "web" ? Protocol::kHttp : Protocol::kFrames;
    view.offers = {{service, 1.0}};
    return view;
  }
  void join(std::uint32_t id, const std::string& service = "api") {
    worker_->on_node(node(id, service));
    script_.user->on_reachable(NodeId{id}, true);
  }
  ExchangeId ask(std::uint64_t tag, const std::string& service = "api", bool repeatable = true) {
    Request request;
    EXPECT_TRUE(worker_->find_service(service, "", request.service, request.request_class));
    request.repeatable = repeatable;
    request.deadline = now_ + seconds(1);
    return worker_->accept(std::move(request), client_, tag);
  }
  void answer(const Sent& sent, AttemptResult result, const std::string& body = "",
              int status = 200) {
    AttemptReply reply;
    reply.status = status;
    reply.body = body;
    script_.user->on_attempt(sent.attempt, result, &reply);
  }
  void pass(Duration time) {
    now_ += time;
    worker_->lane().driver().wake(now_);
  }

  net::Loop loop_;
  Time now_ = kStart + seconds(100);
  GatewayConfig config_;
  std::shared_ptr<const Catalog> catalog_;
  Script script_;
  KeepingClient client_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerRules, AnAnswerGoesToTheClientThatAsked) {
  join(0);
  ask(7);
  ASSERT_EQ(script_.sent.size(), 1U);
  EXPECT_EQ(script_.sent[0].left, seconds(1));
  answer(script_.sent[0], AttemptResult::kOk, "hello", 201);
  ASSERT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(client_.got[0].tag, 7U);
  EXPECT_EQ(client_.got[0].body, "hello");
  EXPECT_EQ(client_.got[0].reply.status, 201);
  EXPECT_TRUE(client_.got[0].reply.from_node);
  EXPECT_EQ(client_.got[0].reply.attempts, 1);
  EXPECT_EQ(worker_->open_exchanges(), 0U);
}

TEST_F(WorkerRules, ANodeIsNotUsedBeforeItCanBeReached) {
  worker_->on_node(node(0));
  ask(1);
  EXPECT_EQ(client_.got.at(0).reply.reason, FailureReason::kNoHealthyNodes);
  script_.user->on_reachable(NodeId{0}, true);
  ask(2);
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(WorkerRules, ZoneAwareKeepsRequestsInTheGatewaysOwnZone) {
  config_.zone = "east";
  config_.gateway_zones = {"west", "east"};
  config_.services[0].balancer = "zone_aware[inner=round_robin, minimum=1]";
  open();
  ZoneList zones(config_);
  for (std::uint32_t id = 0; id < 4; ++id) {
    NodeView view = node(id);
    view.zone_id = zones.number(id % 2 == 0 ? "east" : "west");
    worker_->on_node(view);
    script_.user->on_reachable(view.id, true);
  }
  for (std::uint64_t tag = 0; tag < 6; ++tag) ask(tag);
  for (const Sent& sent : script_.sent) EXPECT_EQ(index(sent.node) % 2, 0U);
  NodeView moved = node(1);
  moved.zone_id = zones.number("east");
  worker_->on_node(moved);
  for (std::uint64_t tag = 6; tag < 12; ++tag) ask(tag);
  std::set<NodeId> used;
  for (const Sent& sent : script_.sent) used.insert(sent.node);
  EXPECT_EQ(used, (std::set{NodeId{0}, NodeId{1}, NodeId{2}}));
}

TEST_F(WorkerRules, AFailureIsTriedElsewhereAndThenAnswered) {
  join(0);
  join(1);
  ask(1);
  answer(script_.sent.at(0), AttemptResult::kReset);
  ASSERT_EQ(script_.sent.size(), 2U);
  EXPECT_NE(script_.sent[0].node, script_.sent[1].node);
  EXPECT_EQ(script_.sent[0].attempts_before, 0U);
  EXPECT_EQ(script_.sent[1].attempts_before, 1U);
  answer(script_.sent[1], AttemptResult::kOk, "fine");
  ASSERT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(client_.got[0].body, "fine");
  EXPECT_EQ(client_.got[0].reply.attempts, 2);
}

TEST_F(WorkerRules, WhatIsNotSafeToRepeatIsNotRepeated) {
  join(0);
  join(1);
  ask(1, "api", false);
  answer(script_.sent.at(0), AttemptResult::kReset);
  ASSERT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(client_.got[0].reply.reason, FailureReason::kReset);
  EXPECT_EQ(client_.got[0].reply.status, 502);
  EXPECT_FALSE(client_.got[0].reply.from_node);
}

TEST_F(WorkerRules, ANodesOwnFailureIsPassedOnWithItsBody) {
  join(0);
  ask(1, "api", false);
  answer(script_.sent.at(0), AttemptResult::kError, "stack trace", 500);
  EXPECT_TRUE(client_.got.at(0).reply.from_node);
  EXPECT_EQ(client_.got[0].reply.reason, FailureReason::kError);
  EXPECT_EQ(client_.got[0].reply.status, 500);
  EXPECT_EQ(client_.got[0].body, "stack trace");
}

TEST_F(WorkerRules, TheDeadlineIsAnsweredOnceAndTheLateAnswerIsCounted) {
  join(0);
  ask(1);
  pass(seconds(2));
  ASSERT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(client_.got[0].reply.reason, FailureReason::kDeadline);
  EXPECT_EQ(client_.got[0].reply.status, 504);
  EXPECT_TRUE(script_.forgotten.empty());
  answer(script_.sent.at(0), AttemptResult::kOk, "late");
  EXPECT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(worker_->snapshot().router.late_results, 1U);
  EXPECT_EQ(worker_->snapshot().nodes[0].under_way, 0U);
}

TEST_F(WorkerRules, WhoStillWaitsWhenTheTimeForDrainingIsOverIsToldOnce) {
  join(0);
  ask(1);
  ask(2);
  EXPECT_EQ(worker_->give_up_open(), 2U);
  ASSERT_EQ(client_.got.size(), 2U);
  EXPECT_EQ(client_.got[0].tag, 1U);
  EXPECT_EQ(client_.got[0].reply.status, 504);
  EXPECT_EQ(client_.got[1].tag, 2U);
  answer(script_.sent.at(0), AttemptResult::kOk, "late");
  pass(seconds(2));
  EXPECT_EQ(client_.got.size(), 2U);
  EXPECT_EQ(worker_->give_up_open(), 0U);
}

TEST_F(WorkerRules, WhatAnHttpServerWorksOnForNobodyIsTakenBack) {
  join(0, "web");
  ask(1, "web");
  pass(seconds(2));
  ASSERT_EQ(client_.got.size(), 1U);
  ASSERT_EQ(script_.forgotten.size(), 1U);
  EXPECT_EQ(script_.forgotten[0], script_.sent.at(0).attempt);
  EXPECT_EQ(worker_->snapshot().nodes[0].under_way, 0U);
}

TEST_F(WorkerRules, AClientThatLeftIsNotCalledAndTheRequestRunsOn) {
  join(0);
  const ExchangeId exchange = ask(1);
  worker_->leave(exchange);
  answer(script_.sent.at(0), AttemptResult::kOk);
  EXPECT_TRUE(client_.got.empty());
  EXPECT_EQ(worker_->open_exchanges(), 0U);
  worker_->leave(exchange);
}

TEST_F(WorkerRules, AnAnswerMayLetTheNextRequestInAtOnce) {
  join(0);
  ask(1);
  client_.next = [this] { ask(2); };
  answer(script_.sent.at(0), AttemptResult::kOk, "one");
  ASSERT_EQ(script_.sent.size(), 2U);
  answer(script_.sent[1], AttemptResult::kOk, "two");
  ASSERT_EQ(client_.got.size(), 2U);
  EXPECT_EQ(client_.got[1].body, "two");
}

TEST_F(WorkerRules, ARefusalWithinAnAnswerIsNotTakenForTheNodesAnswer) {
  join(0);
  ask(1);
  client_.next = [this] { ask(2, "web"); };
  answer(script_.sent.at(0), AttemptResult::kOk, "one");
  ASSERT_EQ(client_.got.size(), 2U);
  EXPECT_EQ(client_.got[1].reply.reason, FailureReason::kNoHealthyNodes);
  EXPECT_FALSE(client_.got[1].reply.from_node);
}

TEST_F(WorkerRules, ANodeThatLeavesResetsWhatItHad) {
  join(0);
  join(1);
  ask(1);
  const Sent first = script_.sent.at(0);
  NodeView left = node(static_cast<std::uint32_t>(first.node));
  left.has_left = true;
  worker_->on_node(left);
  ASSERT_EQ(script_.sent.size(), 2U);
  EXPECT_NE(script_.sent[1].node, first.node);
  answer(first, AttemptResult::kOk, "from beyond");
  EXPECT_TRUE(client_.got.empty());
  answer(script_.sent[1], AttemptResult::kOk, "fine");
  EXPECT_EQ(client_.got.at(0).body, "fine");
}

// Half of the usual requests take a millisecond, so that ten of them have a copy sent after the
// least time there is.
class Hedging : public WorkerRules {
 protected:
  void SetUp() override {
    config_.router.hedge_quantile = 0.5;
    config_.router.hedge_min = config_.router.hedge_max = milliseconds(10);
    WorkerRules::SetUp();
  }
  void learn(const std::string& service) {
    pass(seconds(1));
    for (std::uint64_t i = 0; i < 10; ++i) {
      ask(i, service);
      now_ += milliseconds(1);
      answer(script_.sent.back(), AttemptResult::kOk);
    }
    pass(seconds(2));
    client_.got.clear();
    script_.sent.clear();
  }
};

TEST_F(Hedging, ASlowRequestGetsACopyElsewhereAndTheFirstGoodAnswerIsTheOnlyOne) {
  join(0);
  join(1);
  learn("api");
  ask(70);
  pass(milliseconds(9));
  EXPECT_EQ(script_.sent.size(), 1U);
  pass(milliseconds(2));
  ASSERT_EQ(script_.sent.size(), 2U);
  EXPECT_NE(script_.sent[0].node, script_.sent[1].node);
  EXPECT_EQ(script_.sent[1].left, seconds(1) - milliseconds(11));
  answer(script_.sent[1], AttemptResult::kOk, "from the copy");
  ASSERT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(client_.got[0].tag, 70U);
  EXPECT_EQ(client_.got[0].body, "from the copy");
  EXPECT_EQ(client_.got[0].reply.node, script_.sent[1].node);
  EXPECT_EQ(client_.got[0].reply.attempts, 2);
  answer(script_.sent[0], AttemptResult::kOk, "late");
  EXPECT_EQ(client_.got.size(), 1U);
  const RouterCounters counted = worker_->snapshot().router;
  EXPECT_EQ(counted.hedges, 1U);
  EXPECT_EQ(counted.hedges_won, 1U);
  EXPECT_EQ(worker_->snapshot().nodes[0].under_way + worker_->snapshot().nodes[1].under_way, 0U);
}

TEST_F(Hedging, ACopyThatFailsLeavesItToTheFirst) {
  join(0);
  join(1);
  learn("api");
  ask(1);
  pass(milliseconds(11));
  answer(script_.sent.at(1), AttemptResult::kReset);
  EXPECT_TRUE(client_.got.empty());
  answer(script_.sent[0], AttemptResult::kOk, "first");
  ASSERT_EQ(client_.got.size(), 1U);
  EXPECT_EQ(client_.got[0].body, "first");
  EXPECT_EQ(worker_->snapshot().router.hedges_won, 0U);
}

TEST_F(Hedging, WhatTheSlowerHttpServerHasGotIsTakenBack) {
  join(0, "web");
  join(1, "web");
  learn("web");
  ask(1, "web");
  pass(milliseconds(11));
  answer(script_.sent.at(1), AttemptResult::kOk, "fast");
  EXPECT_EQ(script_.forgotten, std::vector<AttemptId>{script_.sent[0].attempt});
  EXPECT_EQ(client_.got.size(), 1U);
}

TEST_F(Hedging, WhatIsNotSafeToRepeatHasNoCopy) {
  join(0);
  join(1);
  learn("api");
  ask(1, "api", false);
  pass(milliseconds(500));
  EXPECT_EQ(script_.sent.size(), 1U);
}

class Streaming : public WorkerRules {
 protected:
  Sent begin() {
    join(0, "web");
    exchange_ = ask(1, "web");
    AttemptReply reply;
    reply.body = "one ";
    reply.more = true;
    script_.user->on_attempt(script_.sent.at(0).attempt, AttemptResult::kOk, &reply);
    return script_.sent[0];
  }
  ExchangeId exchange_;
};

TEST_F(Streaming, PiecesArePassedOnUntilTheLast) {
  const Sent sent = begin();
  EXPECT_TRUE(client_.got.at(0).reply.more);
  EXPECT_TRUE(script_.user->on_attempt_body(sent.attempt, "two ", false));
  EXPECT_TRUE(script_.user->on_attempt_body(sent.attempt, "three", true));
  EXPECT_EQ(client_.pieces, "two three");
  EXPECT_TRUE(client_.is_whole);
  EXPECT_EQ(worker_->open_exchanges(), 0U);
}

TEST_F(Streaming, ASlowClientPausesTheNodeAndResumesIt) {
  const Sent sent = begin();
  client_.is_slow = true;
  EXPECT_FALSE(script_.user->on_attempt_body(sent.attempt, "two ", false));
  worker_->resume_reply(exchange_);
  EXPECT_EQ(script_.resumed, std::vector<AttemptId>{sent.attempt});
}

TEST_F(Streaming, ABrokenStreamIsToldOnce) {
  const Sent sent = begin();
  script_.user->on_attempt_broken(sent.attempt);
  script_.user->on_attempt_broken(sent.attempt);
  EXPECT_EQ(client_.broken, 1);
  EXPECT_EQ(worker_->open_exchanges(), 0U);
}

TEST_F(Streaming, AClientThatLeavesLetsTheNodeGoToo) {
  const Sent sent = begin();
  worker_->leave(exchange_);
  EXPECT_TRUE(script_.user->on_attempt_body(sent.attempt, "two ", false));
  EXPECT_EQ(client_.pieces, "");
  loop_.run_until(loop_.now() + milliseconds(5));
  EXPECT_EQ(script_.forgotten, std::vector<AttemptId>{sent.attempt});
}

TEST_F(Streaming, ANodeThatLeavesBreaksTheStream) {
  begin();
  NodeView left = node(0, "web");
  left.has_left = true;
  worker_->on_node(left);
  EXPECT_EQ(client_.broken, 1);
}

TEST_F(WorkerRules, ANewBalancerTakesOverAndRequestsUnderWayGoOn) {
  join(0);
  ask(1);
  config_.services[0].balancer = "least_connections";
  Lane* const lane = &worker_->lane();
  worker_->apply(std::make_shared<const GatewayConfig>(config_),
                 Catalog::make(config_, catalog_.get()));
  EXPECT_EQ(&worker_->lane(), lane);
  answer(script_.sent.at(0), AttemptResult::kOk, "fine");
  EXPECT_EQ(client_.got.at(0).body, "fine");
}

TEST_F(WorkerRules, NewLimitsOpenANewLaneWithTheNodesThereAreAndTheOldOneAnswersWhatItHas) {
  join(0);
  ask(1);
  config_.router.max_in_flight = 1;
  config_.router.queue = 0;
  Lane* const lane = &worker_->lane();
  worker_->apply(std::make_shared<const GatewayConfig>(config_),
                 Catalog::make(config_, catalog_.get()));
  EXPECT_NE(&worker_->lane(), lane);
  ask(2);
  ask(3);
  ASSERT_EQ(script_.sent.size(), 2U);
  EXPECT_EQ(client_.got.at(0).reply.reason, FailureReason::kInFlightLimit);
  answer(script_.sent[0], AttemptResult::kOk, "old");
  answer(script_.sent[1], AttemptResult::kOk, "new");
  ASSERT_EQ(client_.got.size(), 3U);
  EXPECT_EQ(client_.got[1].body, "old");
  EXPECT_EQ(client_.got[2].body, "new");
  EXPECT_EQ(worker_->snapshot().router.requests, 3U);
}

TEST_F(WorkerRules, NumbersLookedUpBeforeAReloadMeanTheSameAfterIt) {
  ServiceId web{0};
  ClassId web_class{0};
  ASSERT_TRUE(worker_->find_service("web", "", web, web_class));
  config_.services.erase(config_.services.begin());
  worker_->apply(std::make_shared<const GatewayConfig>(config_),
                 Catalog::make(config_, catalog_.get()));
  ServiceId again{0};
  ClassId again_class{0};
  ASSERT_TRUE(worker_->find_service("web", "", again, again_class));
  EXPECT_EQ(again, web);
  EXPECT_EQ(again_class, web_class);
  EXPECT_FALSE(worker_->find_service("api", "", again, again_class));
}

}  // namespace
}  // namespace phoenix::gateway
