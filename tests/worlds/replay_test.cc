// The same decisions in both worlds: what a simulated run told its Routers reaches a gateway's
// worker as real requests, replies and membership, and its Router decides the same every time.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/gateway/lab_config.h"
#include "runtime/gateway/worker.h"
#include "scenarios/parser.h"
#include "sim/simulate.h"

namespace phoenix {
namespace {

constexpr const char* kScenario = R"toml(
name = "replayed"
duration = "6 s"
seed = 21
[[cluster.group]]
name = "n"
count = 8
cores = 2
boot_time = "300 ms"
[reports]
interval = "200 ms"
[router]
retries = 2
retry_budget = 0.5
hedge_quantile = 0.9
hedge_min = "5 ms"
hedge_max_utilization = 1
report_timeout = "1 s"
ejection_time = "1 s"
[[service]]
name = "shop"
queue = 16
[[service.class]]
name = "read"
share = 0.8
work = "exponential(5 ms)"
deadline = "300 ms"
attempt_timeout = "100 ms"
[[service.class]]
name = "write"
share = 0.2
work = "exponential(8 ms)"
deadline = "1 s"
repeatable = false
[workload]
rate = "2200 /s"
[[fault]]
kind = "chaos"
start = "500 ms"
duration = "5 s"
rate = "3 /s"
kinds = "crash_restart, crash_notify, pause, slow_cpu, delay, loss, stop_graceful, metrics_missing"
mean_length = "800 ms"
)toml";

// Decisions as text, requests by the order they came in, so that each world's own names for them do
// not matter.
class Decisions : public RouterTap {
 public:
  void on_event(const RouterEvent& event) override {
    now_ = event.now;
    if (event.kind == RouterEvent::Kind::kRequest) {
      ordinals_.try_emplace(event.request.token, 0).first->second = ++requests_;
    }
    if (keeps_events) events.push_back(event);
  }
  void on_action(const RouterAction& action) override {
    const bool sends = action.kind == RouterAction::Kind::kSend;
    if (sends) sent.push_back(action.attempt);
    lines.push_back(std::to_string(now_.time_since_epoch().count()) +
                    (sends ? " send " : " answer ") + std::to_string(ordinals_[action.request]) +
                    " node " + std::to_string(index(action.node)) + " attempt " +
                    std::to_string(action.attempt) + (action.hedge ? " hedge " : " ") +
                    std::string(to_text(action.reason)));
  }

  bool keeps_events = true;
  std::vector<RouterEvent> events;
  std::vector<std::string> lines;
  std::deque<AttemptId> sent;  // the Router's names, in order

 private:
  Time now_ = kStart;
  std::uint64_t requests_ = 0;
  std::map<RequestToken, std::uint64_t> ordinals_;
};

}  // namespace

namespace gateway {
namespace {

class Replay;

class ScriptedUpstream final : public Upstream {
 public:
  explicit ScriptedUpstream(Replay& replay) : replay_(replay) {}
  void send(AttemptId attempt, const Request&, std::string_view, std::string_view,
            Duration) override;
  void forget(AttemptId) override {}
  void resume(AttemptId) override {}
  void apply(const Knobs&) override {}
  std::size_t connections() const override { return 1; }
  std::size_t under_way() const override { return 0; }

 private:
  Replay& replay_;
};

class Replay final : public Client {
 public:
  Replay(const Scenario& scenario, Decisions& decisions) : decisions_(decisions) {
    auto config = std::make_shared<const GatewayConfig>(lab_config(scenario, 0, "a long secret"));
    auto catalog = Catalog::make(*config, nullptr);
    WorkerOptions options;
    options.seed = scenario.seed;
    options.router_tap = &decisions_;
    options.clock = [this] { return now_; };
    options.make_upstream = [this](const NodeView&, UpstreamUser& user) {
      user_ = &user;
      return std::make_unique<ScriptedUpstream>(*this);
    };
    worker_ = std::make_unique<Worker>(loop_, config, catalog, std::move(options));
  }

  void play(const RouterEvent& event) {
    now_ = event.now;
    switch (event.kind) {
      case RouterEvent::Kind::kRequest:
        return accept(event.request);
      case RouterEvent::Kind::kResult:
        return answer(event);
      case RouterEvent::Kind::kReport:
        return worker_->on_report(event.node, {event.report, {}});
      case RouterEvent::Kind::kMembership:
        return change(event.change);
      case RouterEvent::Kind::kWake:
        return worker_->lane().driver().wake(now_);
    }
  }

  void sent(AttemptId own) {
    own_names_[decisions_.sent.front()] = own;
    decisions_.sent.pop_front();
  }
  void on_reply(std::uint64_t tag, const Reply&) override { ++replies[tag]; }
  bool on_reply_body(std::uint64_t, std::string_view, bool) override { return true; }
  void on_reply_broken(std::uint64_t) override {}

  std::map<std::uint64_t, int> replies;  // by the recorded token's ordinal
  std::uint64_t accepted = 0;

 private:
  void accept(const RequestInfo& info) {
    Request request;
    request.service = info.service;
    request.request_class = info.request_class;
    request.key = info.key;
    request.has_key = info.has_key;
    request.repeatable = info.repeatable;
    request.size = info.size;
    request.deadline = info.deadline;
    request.arrived = now_;
    worker_->accept(std::move(request), *this, accepted++);
  }
  void answer(const RouterEvent& event) {
    const AttemptReply reply;
    user_->on_attempt(own_names_.at(event.attempt), event.result, &reply);
  }
  void change(const MembershipChange& change) {
    NodeView& node = nodes_[change.node];
    const bool is_new = node.id == kNoNode;
    node.id = change.node;
    node.address = "127.0.0.1:1";
    using Kind = MembershipChange::Kind;
    if (change.kind == Kind::kJoin) node.offers = {{"shop", change.weight}};
    if (change.kind == Kind::kWeight) node.offers = {{"shop", change.weight}};
    if (change.kind == Kind::kLeave) node.offers.clear();
    if (change.kind == Kind::kDown) node.state = NodeState::kDown;
    if (change.kind == Kind::kDrain) node.state = NodeState::kDraining;
    if (change.kind == Kind::kUp) {
      node.state = NodeState::kUp;
      ++node.incarnation;
    }
    worker_->on_node(node);
    if (is_new) user_->on_reachable(node.id, true);
  }

  Decisions& decisions_;
  net::Loop loop_;
  Time now_ = kStart;
  UpstreamUser* user_ = nullptr;
  std::map<NodeId, NodeView> nodes_;
  std::map<AttemptId, AttemptId> own_names_;  // the worker's, by the Router's
  std::unique_ptr<Worker> worker_;
};

void ScriptedUpstream::send(AttemptId attempt, const Request&, std::string_view, std::string_view,
                            Duration) {
  replay_.sent(attempt);
}

}  // namespace
}  // namespace gateway

namespace {

// Runs in a child, as SimGrid allows one engine a process. Says on stderr what came of it.
int record_and_replay(const std::string& balancer) {
  const std::vector<std::string> overrides = {"strategies.balancer=" + balancer};
  const ParsedScenario parsed = parse_scenario_text(kScenario, "replayed.toml", overrides);
  if (!parsed.scenario) {
    print_problems(std::cerr, parsed.problems);
    return 2;
  }
  Decisions simulated;
  sim::SimulationOptions options;
  options.tap = [&simulated](std::uint32_t) { return &simulated; };
  const Result<sim::SimulationResult> run = sim::simulate(*parsed.scenario, options);
  if (!run || run->summary.retries < 50 || run->summary.hedges_won < 50) return 3;

  Decisions served;
  served.keeps_events = false;
  gateway::Replay replay(*parsed.scenario, served);
  for (const RouterEvent& event : simulated.events) replay.play(event);
  for (std::size_t i = 0; i < simulated.lines.size() || i < served.lines.size(); ++i) {
    const std::string one = i < simulated.lines.size() ? simulated.lines[i] : "nothing";
    const std::string other = i < served.lines.size() ? served.lines[i] : "nothing";
    if (one == other) continue;
    std::fprintf(stderr, "decision %zu: %s / %s\n", i, one.c_str(), other.c_str());
    return 1;
  }
  for (const auto& [tag, times] : replay.replies) {
    if (times != 1) return 4;
  }
  if (replay.replies.size() < 5'000) return 5;
  std::fprintf(stderr, "all the same\n");
  return 0;
}

class WorkerReplay : public ::testing::TestWithParam<const char*> {};

TEST_P(WorkerReplay, DecidesAsTheSimulatedGatewayDid) {
  EXPECT_EXIT(std::_Exit(record_and_replay(GetParam())), ::testing::ExitedWithCode(0),
              "all the same");
}

INSTANTIATE_TEST_SUITE_P(Balancers, WorkerReplay,
                         ::testing::Values("p2c", "least_connections", "peak_ewma",
                                           "resource_aware"));

}  // namespace
}  // namespace phoenix
