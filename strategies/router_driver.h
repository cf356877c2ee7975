// The loop around a Router, written once for both worlds: tells it what happened, carries its
// decisions to a Port, and keeps the wake-up it asks for armed.
//
// A Port is the world's side, a small handle the driver keeps a copy of:
//   void send(const RouterAction&);    kSend: send the request to the node as this attempt
//   void answer(const RouterAction&);  kAnswer: answer the client, once per request
//   void probe(const RouterAction&);   kProbe: ask the node for a report; must not call the driver
//   void arm(Time date);               call wake() at `date`; replaces an earlier, later date
// send() and answer() may call the driver again, except for wake(): an answer may let the next
// request of a connection in. wake() before the armed date does nothing, after it is late but fine.
//
// A RouterTap sees the exact sequence: every event the Router is told, followed by what it decided,
// before any of it is carried out. Replayed into another driver whose Router was built alike, the
// events lead to the same decisions, whatever its Port does. Without a tap it costs a branch.
//
// One thread, as the Router. Owns the Router; the tap must outlive the driver.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "strategies/router.h"

namespace phoenix {

// One thing a Router is told, as plain data. Only the fields of its kind mean something.
struct RouterEvent {
  enum class Kind : std::uint8_t { kRequest, kResult, kReport, kMembership, kWake };
  Kind kind = Kind::kWake;
  AttemptResult result = AttemptResult::kOk;  // kResult
  NodeId node = kNoNode;                      // kReport
  Time now = kStart;
  AttemptId attempt = kNoAttempt;                                 // kResult
  RequestInfo request;                                            // kRequest
  LoadReport report;                                              // kReport
  MembershipChange change{MembershipChange::Kind::kUp, kNoNode};  // kMembership
};

class RouterTap {
 public:
  virtual ~RouterTap() = default;
  virtual void on_event(const RouterEvent& event) = 0;
  virtual void on_action(const RouterAction& action) = 0;  // kNone is left out
};

template <class Port>
class RouterDriver {
 public:
  RouterDriver(Router router, Port port, RouterTap* tap = nullptr)
      : router_(std::move(router)), port_(std::move(port)), tap_(tap) {}

  void request(const RequestInfo& request, Time now) {
    if (tap_ != nullptr) {
      RouterEvent event = at(RouterEvent::Kind::kRequest, now);
      event.request = request;
      tap_->on_event(event);
    }
    const RouterAction action = router_.on_request(request, now);
    probe();
    carry(action);
    rearm(now);
  }

  void result(AttemptId attempt, AttemptResult result, Time now) {
    if (tap_ != nullptr) {
      RouterEvent event = at(RouterEvent::Kind::kResult, now);
      event.attempt = attempt;
      event.result = result;
      tap_->on_event(event);
    }
    const RouterAction action = router_.on_result(attempt, result, now);
    probe();
    carry(action);
    rearm(now);
  }

  // A result that brought its node's report along: the report is heard first.
  void result(AttemptId attempt, AttemptResult result, NodeId node, const LoadReport& report,
              Time now) {
    hear(node, report, now);
    this->result(attempt, result, now);
  }

  void report(NodeId node, const LoadReport& report, Time now) {
    hear(node, report, now);
    rearm(now);
  }

  void membership(const MembershipChange& change, Time now) {
    if (tap_ != nullptr) {
      RouterEvent event = at(RouterEvent::Kind::kMembership, now);
      event.change = change;
      tap_->on_event(event);
    }
    router_.on_membership(change, now);
    rearm(now);
  }

  // The armed date has come.
  void wake(Time now) {
    if (now < armed_) return;
    armed_ = kNever;
    play_wake(now);
  }

  // Replaces a service's strategy. Not told to the tap: a strategy is no plain data.
  void set_balancer(ServiceId service, std::unique_ptr<Balancer> balancer, Time now) {
    router_.set_balancer(service, std::move(balancer), now);
    rearm(now);
  }

  // Requests under way at most, from now on. Not told to the tap, as above.
  void set_max_in_flight(int max_in_flight, Time now) {
    router_.set_max_in_flight(max_in_flight, now);
    rearm(now);
  }

  // Does again what was told to another driver.
  void replay(const RouterEvent& event) {
    switch (event.kind) {
      case RouterEvent::Kind::kRequest:
        return request(event.request, event.now);
      case RouterEvent::Kind::kResult:
        return result(event.attempt, event.result, event.now);
      case RouterEvent::Kind::kReport:
        return report(event.node, event.report, event.now);
      case RouterEvent::Kind::kMembership:
        return membership(event.change, event.now);
      case RouterEvent::Kind::kWake:
        armed_ = kNever;
        return play_wake(event.now);
    }
  }

  const Router& router() const { return router_; }
  std::vector<RouterNotice> take_notices() { return router_.take_notices(); }

 private:
  static RouterEvent at(RouterEvent::Kind kind, Time now) {
    RouterEvent event;
    event.kind = kind;
    event.now = now;
    return event;
  }

  void hear(NodeId node, const LoadReport& report, Time now) {
    if (tap_ != nullptr) {
      RouterEvent event = at(RouterEvent::Kind::kReport, now);
      event.node = node;
      event.report = report;
      tap_->on_event(event);
    }
    router_.on_report(node, report, now);
  }

  void play_wake(Time now) {
    if (tap_ != nullptr) tap_->on_event(at(RouterEvent::Kind::kWake, now));
    const auto due = router_.on_wake(now);
    assert(due_.empty());
    due_.assign(due.begin(), due.end());  // the span ends with the next call, which a Port may make
    for (const RouterAction& action : due_) show(action);
    probe();
    for (const RouterAction& action : due_) carry_out(action);
    due_.clear();
    rearm(now);
  }

  void probe() {
    for (const RouterAction& wish : router_.probes()) {
      show(wish);
      port_.probe(wish);
    }
  }

  void carry(const RouterAction& action) {
    show(action);
    carry_out(action);
  }

  void show(const RouterAction& action) {
    if (tap_ != nullptr && action.kind != RouterAction::Kind::kNone) tap_->on_action(action);
  }

  void carry_out(const RouterAction& action) {
    switch (action.kind) {
      case RouterAction::Kind::kNone:
        return;
      case RouterAction::Kind::kSend:
        return port_.send(action);
      case RouterAction::Kind::kAnswer:
        return port_.answer(action);
      case RouterAction::Kind::kProbe:
        return port_.probe(action);
    }
  }

  void rearm(Time now) {
    if (router_.next_wake() >= armed_) return;
    armed_ = router_.next_wake() > now ? router_.next_wake() : now;
    port_.arm(armed_);
  }

  Router router_;
  Port port_;
  RouterTap* tap_;
  Time armed_ = kNever;
  std::vector<RouterAction> due_;  // of the wake-up under way
};

}  // namespace phoenix
