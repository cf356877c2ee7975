// A gateway made of numbers, for tests of what operators see and do: answers at once or when told,
// remembers what it was asked to change.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/gateway/control.h"
#include "strategies/core/units.h"

namespace phoenix::admin::testing {

using namespace gateway;

inline NodeStatus fake_node(int number, const std::string& name) {
  NodeStatus node;
  node.node = id_at<NodeId>(static_cast<std::size_t>(number));
  node.name = name;
  node.address = "127.0.0.1:" + std::to_string(7001 + number);
  node.incarnation = 1;
  node.cores = 4;
  node.services = {"shop"};
  node.under_way = static_cast<std::uint64_t>(3 + number);
  node.attempts = 1'000;
  node.failures = 7;
  node.connections = 2;
  node.load.cpu = 0.25F + 0.125F * static_cast<float>(number);
  node.load.memory = 0.5F;
  node.load.queue_length = 1;
  node.load.in_service = 2;
  node.reported_at = Time{std::chrono::milliseconds(59'500)};
  node.totals.completed = 990;
  node.totals.refused = 3;
  node.totals.busy_core_ns = 12.5e9;
  node.totals.bytes = 4096;
  node.totals.memory_bytes = 1 << 20;
  return node;
}

inline GatewayStatus fake_status() {
  GatewayStatus status;
  status.name = "edge";
  status.started = Time{std::chrono::seconds(1)};
  status.now = Time{std::chrono::seconds(60)};
  status.threads = 2;
  status.reloads = 3;
  status.reloads_failed = 1;
  status.services = {{"shop", "p2c[choices=2]", false}};
  for (const char* name : {"browse", "checkout"}) {
    ClassStatus one;
    one.service = "shop";
    one.name = name;
    one.offered = 105;
    one.answers[0] = 100;
    one.answers[static_cast<std::size_t>(FailureReason::kDeadline)] = 4;
    for (int i = 1; i <= 100; ++i) one.latency.record(std::chrono::milliseconds(i));
    status.classes.push_back(std::move(one));
  }
  status.nodes = {fake_node(0, "web-1"), fake_node(1, "web-2"), fake_node(2, "web-3")};
  status.nodes[1].ejected = true;
  status.nodes[2].state = gateway::NodeState::kDown;
  status.nodes[2].load.cpu = LoadReport::kUnknown;
  status.decisions = {
      {1, Time{std::chrono::seconds(30)}, "router", "eject", "web-2", "success_rate", "done", 0.5}};
  status.router.requests = 210;
  status.router.attempts = 220;
  status.router.retries = 10;
  status.open_requests = 2;
  status.http_listener = {12, 1, 0, 5};
  status.frame_listener = {4, 0, 2, 3};
  status.http.requests = 210;
  status.http.refused = {{"bad_message", 2}};
  status.http.timeouts = 1;
  status.links.frames_in = 500;
  status.frames_refused = {{"wrong_token", 6}};
  status.records_written = 42;
  return status;
}

class FakeGateway final : public GatewayControl {
 public:
  using Done = std::function<void(const GatewayStatus&)>;

  void status(Done done) override {
    ++asked;
    if (before_status) before_status();
    if (is_silent) {
      unanswered.push_back(std::move(done));
    } else {
      done(now);
    }
  }
  void answer_all() {
    for (const Done& done : std::exchange(unanswered, {})) done(now);
  }
  Status set_balancer(const std::string& service, const std::string& text) override {
    return note("balancer " + service + " " + text);
  }
  Status set_knobs(const Knobs& knobs) override {
    if (Status checked = check_knobs(knobs); !checked) return checked;
    now.knobs = knobs;
    return note("knobs");
  }
  Status command(const Command& command) override {
    if (command.subject == unknown_target) return Error{"found " + command.subject};
    return note(std::string(to_text(command.kind)) + " " + command.subject + " " +
                (std::isnan(command.value) ? "-" : print_number(command.value)) + " " +
                command.text);
  }
  Status set_weight(const std::string& node, const std::string& service, double weight) override {
    return note("weight " + node + " " + service + " " + std::to_string(weight));
  }
  Status drain_node(const std::string& node) override { return note("drain " + node); }
  Status undrain_node(const std::string& node) override { return note("undrain " + node); }
  Status reload() override { return note("reload"); }
  const std::string& token() const override { return secret; }

  GatewayStatus now = fake_status();
  std::string secret = "open sesame";
  std::string refusal;  // of changes; empty: they are made
  std::string unknown_target = "beauty";
  std::vector<std::string> changes;
  int asked = 0;
  bool is_silent = false;
  std::vector<Done> unanswered;
  std::function<void()> before_status;

 private:
  Status note(std::string change) {
    if (!refusal.empty()) return Error{refusal};
    changes.push_back(std::move(change));
    return success();
  }
};

// A second later: more requests, other latencies, another decision.
inline void live_on(GatewayStatus& status) {
  status.now += std::chrono::seconds(1);
  const auto tick = static_cast<double>(status.now.time_since_epoch().count()) * 1e-9;
  const int wave = static_cast<int>(60 * std::sin(tick / 7));
  for (ClassStatus& one : status.classes) {
    const int requests = 200 + wave;
    for (int i = 0; i < requests; ++i) {
      const double share = (i + 0.5) / requests;
      one.latency.record(
          from_seconds(-0.004 * (1.3 + 0.3 * std::sin(tick / 5)) * std::log(1 - share)));
    }
    one.answers[0] += static_cast<std::uint64_t>(requests);
    one.answers[static_cast<std::size_t>(FailureReason::kReset)] += wave > 40 ? 9 : 1;
    one.offered += static_cast<std::uint64_t>(requests + (wave > 40 ? 9 : 1));
  }
  for (NodeStatus& node : status.nodes) {
    if (node.state == gateway::NodeState::kDown) continue;
    const auto number = static_cast<double>(index(node.node));
    node.attempts += static_cast<std::uint64_t>(2 * (200 + wave)) / 2;
    node.failures += 1;
    node.under_way = static_cast<std::uint64_t>(6 + 4 * std::sin(tick / 3 + number));
    node.load.cpu = static_cast<float>(0.5 + 0.3 * std::sin(tick / 9 + number));
    node.reported_at = status.now - std::chrono::milliseconds(300);
  }
  status.router.retries += 2;
  if (status.decisions.size() < 40) {
    gateway::Decision decision = status.decisions.back();
    ++decision.number;
    decision.at = status.now;
    decision.action = decision.action == "eject" ? "readmit" : "eject";
    decision.reason = decision.action == "eject" ? "consecutive_errors" : "";
    status.decisions.push_back(decision);
  }
}

}  // namespace phoenix::admin::testing
