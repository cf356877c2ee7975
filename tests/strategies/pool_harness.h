// Drives a NodePool and a Balancer the way the Router does: the pool changes first, then the
// balancer hears of it, and only of what it asked for.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "strategies/registry.h"

namespace phoenix::testing {

class PoolHarness {
 public:
  PoolHarness(std::string_view strategy, std::size_t nodes, std::uint64_t seed = 1)
      : random_(seed, 7) {
    install(strategy);
    for (std::size_t i = 0; i < nodes; ++i) join(id_at<NodeId>(i));
  }

  void install(std::string_view strategy) {
    Result<MadeBalancer> made = make_balancer(strategy);
    if (!made) {
      ADD_FAILURE() << made.error();
      std::abort();
    }
    balancer_ = std::move(made->strategy);
    interests_ = balancer_->interests();
    for (const NodeId node : pool.eligible()) tell(PoolEvent::Kind::kEntered, node);
  }

  void join(NodeId node, double weight = 1.0, ZoneId zone = kNoZone, std::uint64_t identity = 0) {
    pool.add(node, weight, zone, identity);
    sent_.resize(pool.capacity());
    enter(node);
  }
  void enter(NodeId node) {
    if (pool.set_eligible(node, true)) tell(PoolEvent::Kind::kEntered, node);
  }
  void leave(NodeId node) {
    if (pool.set_eligible(node, false)) tell(PoolEvent::Kind::kLeft, node);
  }
  void set_weight(NodeId node, double weight) {
    pool.set_weight(node, weight);
    if (pool.is_eligible(node)) tell(PoolEvent::Kind::kWeight, node);
  }

  NodeId pick() {
    const NodeId node = balancer_->pick(request, pool, now, random_);
    EXPECT_TRUE(pool.is_eligible(node)) << index(node);
    return node;
  }

  // Picks and sends.
  NodeId send() {
    const NodeId node = pick();
    send_to(node);
    return node;
  }
  void send_to(NodeId node) {
    sent_[index(node)].push_back({pool.in_flight(node), request});
    pool.sent(node);
    tell(PoolEvent::Kind::kSent, node);
  }

  // The oldest attempt at `node` ends.
  void done(NodeId node, Duration latency, bool ok = true) {
    const Attempt attempt = sent_[index(node)].front();
    sent_[index(node)].pop_front();
    pool.done(node);
    PoolEvent event{PoolEvent::Kind::kDone, node, now};
    event.latency = latency;
    event.ok = ok;
    event.request_class = attempt.request.request_class;
    event.in_flight_when_sent = attempt.in_flight_when_sent;
    event.size = static_cast<float>(attempt.request.size);
    event.has_key = attempt.request.has_key;
    event.key = attempt.request.key;
    deliver(event);
  }

  void report(NodeId node, const LoadReport& report) {
    pool.set_report(node, report);
    tell(PoolEvent::Kind::kReport, node);
  }
  // Whom the balancer wants to hear of, as of the last pick or tick.
  std::vector<NodeId> probes() const {
    const auto asked = balancer_->probes();
    return {asked.begin(), asked.end()};
  }
  void tick() { tell(PoolEvent::Kind::kTick, kNoNode); }

  // Lets time pass with a tick each second, as the Router's sweep does.
  void advance(Duration time) {
    const Time end = now + time;
    while (now < end) {
      now = std::min(end, now + Duration(std::chrono::seconds(1)));
      tick();
    }
  }

  // Picks per node of `count` picks; each is sent and answered at once after `latency_of(node)`.
  template <class LatencyOf>
  std::vector<int> shares(int count, LatencyOf latency_of) {
    std::vector<int> picks(pool.capacity(), 0);
    for (int i = 0; i < count; ++i) {
      const NodeId node = send();
      ++picks[index(node)];
      done(node, latency_of(node));
    }
    return picks;
  }
  std::vector<int> shares(int count) {
    return shares(count, [](NodeId) { return Duration(std::chrono::milliseconds(10)); });
  }

  NodePool pool;
  RequestInfo request;
  Time now = kStart;

 private:
  struct Attempt {
    std::uint32_t in_flight_when_sent;
    RequestInfo request;
  };

  void tell(PoolEvent::Kind kind, NodeId node) { deliver(PoolEvent{kind, node, now}); }
  void deliver(const PoolEvent& event) {
    if ((interests_ & mask_of(event.kind)) != 0) balancer_->observe(event, pool);
  }

  std::unique_ptr<Balancer> balancer_;
  PoolEventMask interests_ = 0;
  Random random_;
  std::vector<std::deque<Attempt>> sent_;
};

inline LoadReport report_of(Time measured_at, float cpu, float memory, float network) {
  LoadReport report;
  report.measured_at = measured_at;
  report.cpu = cpu;
  report.memory = memory;
  report.network = network;
  return report;
}

}  // namespace phoenix::testing
