// The two kinds of peers a node has, for tests on one loop: clients that connect to it, and
// gateways it connects to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/net/connect.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::node {

struct ReceivedResponse {
  AttemptResult result{};
  FailureReason reason{};
  int status = 0;
  bool has_report = false;
  LoadReport report;
  std::string headers, body;
};

class TestClient final : public wire::LinkUser {
 public:
  TestClient(net::Loop& loop, const net::Address& node, wire::Role role = wire::Role::kClient,
             std::string token = {}, bool says_hello = true)
      : loop_(loop), token_(std::move(token)) {
    dial_ = net::Dial::start(loop, node, {},
                             [this, role, says_hello](Result<std::unique_ptr<net::Channel>> to) {
                               on_dialled(std::move(to), role, says_hello);
                             });
  }

  // Before the connection stands, too.
  void request(std::uint64_t id, const std::string& service, const std::string& body = {},
               std::uint32_t time_left_us = 0) {
    with_link([=](wire::FrameLink& link) {
      wire::Request request;
      request.service = service;
      request.body = body;
      request.time_left_us = time_left_us;
      link.send(id, request);
    });
  }
  void control(std::uint64_t id, const std::string& payload) {
    with_link([=](wire::FrameLink& link) { link.send(wire::FrameType::kControl, id, payload); });
  }
  void probe(std::uint64_t id) {
    with_link([=](wire::FrameLink& link) { link.send(wire::FrameType::kProbe, id, {}); });
  }
  void raw(const std::string& bytes) {
    with_link([=](wire::FrameLink& link) { link.channel().write(bytes); });
  }
  void disconnect() { link_.reset(); }
  void pause() {
    with_link([](wire::FrameLink& link) { link.channel().pause_reading(); });
  }
  void resume() {
    with_link([](wire::FrameLink& link) { link.channel().resume_reading(); });
  }

  std::map<std::uint64_t, ReceivedResponse> responses;
  std::size_t received = 0;  // also where an id comes twice
  std::map<std::uint64_t, std::string> controls;
  std::map<std::uint64_t, wire::Report> reports;  // by the probe's id
  bool has_hello = false;
  bool is_closed = false;

 private:
  void on_dialled(Result<std::unique_ptr<net::Channel>> channel, wire::Role role, bool says_hello) {
    is_closed = !channel.ok();
    if (is_closed) return;
    link_ = std::make_unique<wire::FrameLink>(loop_, std::move(*channel), *this,
                                              wire::LinkSettings{}, counters_);
    if (says_hello) {
      wire::Hello hello;
      hello.role = role;
      hello.name = "test";
      hello.token = token_;
      link_->send(hello);
    }
    for (const auto& action : later_) action(*link_);
  }
  void with_link(std::function<void(wire::FrameLink&)> action) {
    if (link_ != nullptr) return action(*link_);
    later_.push_back(std::move(action));
  }
  wire::FrameError on_frame(wire::FrameLink&, const wire::Frame& frame) override {
    if (frame.type == wire::FrameType::kHello) has_hello = true;
    if (frame.type == wire::FrameType::kControl) controls[frame.id] = frame.payload;
    if (frame.type == wire::FrameType::kReport &&
        !wire::decode(frame.payload, loop_.now(), reports[frame.id])) {
      return wire::FrameError::kBadPayload;
    }
    if (frame.type != wire::FrameType::kResponse) return wire::FrameError::kNone;
    wire::Response response;
    if (!wire::decode(frame.payload, loop_.now(), response)) return wire::FrameError::kBadPayload;
    ++received;
    responses[frame.id] = {response.result,           response.reason,
                           response.status,           response.has_report,
                           response.report,           std::string(response.headers),
                           std::string(response.body)};
    return wire::FrameError::kNone;
  }
  void on_link_closed(wire::FrameLink&, const std::string&) override {
    is_closed = true;
    link_.reset();
  }

  net::Loop& loop_;
  std::string token_;
  wire::LinkCounters counters_;
  std::unique_ptr<net::Dial> dial_;
  std::unique_ptr<wire::FrameLink> link_;
  std::vector<std::function<void(wire::FrameLink&)>> later_;
};

class TestGateway final : public wire::LinkUser {
 public:
  explicit TestGateway(net::Loop& loop, const net::Address& address = {"127.0.0.1", 0})
      : loop_(loop) {
    auto listener =
        net::Listener::open(loop, address, {}, [this](std::unique_ptr<net::Channel> channel) {
          links_.push_back(std::make_unique<wire::FrameLink>(loop_, std::move(channel), *this,
                                                             wire::LinkSettings{}, counters_));
        });
    if (listener) listener_ = std::move(*listener);
  }
  net::Address address() const { return listener_->local(); }

  struct NodeHello {
    std::string name, token, address, zone;
    std::uint64_t incarnation = 0;
    int cores = 0;
    std::vector<std::pair<std::string, double>> offers;
  };
  std::vector<NodeHello> hellos;
  std::vector<wire::Report> reports;
  int goodbyes = 0;
  int closed = 0;
  bool greets = true;

  // Answers the hellos that wait for it, each connection's first.
  void greet() {
    for (wire::FrameLink* const link : std::exchange(waiting_, {})) {
      wire::Hello answer;
      answer.role = wire::Role::kGateway;
      answer.name = "gateway";
      link->send(answer);
    }
  }

 private:
  wire::FrameError on_frame(wire::FrameLink& link, const wire::Frame& frame) override {
    if (frame.type == wire::FrameType::kGoodbye) ++goodbyes;
    if (frame.type == wire::FrameType::kReport) {
      wire::Report report;
      if (!wire::decode(frame.payload, loop_.now(), report)) return wire::FrameError::kBadPayload;
      reports.push_back(report);
    }
    if (frame.type != wire::FrameType::kHello) return wire::FrameError::kNone;
    wire::Hello hello;
    if (!wire::decode(frame.payload, hello)) return wire::FrameError::kBadPayload;
    hellos.push_back({std::string(hello.name),
                      std::string(hello.token),
                      std::string(hello.address),
                      std::string(hello.zone),
                      hello.incarnation,
                      hello.cores,
                      {}});
    for (const wire::Offer& offer : hello.offers) {
      hellos.back().offers.emplace_back(offer.service, offer.weight);
    }
    if (known_.insert(&link).second) waiting_.push_back(&link);
    if (greets) greet();
    return wire::FrameError::kNone;
  }
  void on_link_closed(wire::FrameLink& link, const std::string&) override {
    ++closed;
    known_.erase(&link);
    std::erase(waiting_, &link);
    std::erase_if(links_, [&](const auto& known) { return known.get() == &link; });
  }

  net::Loop& loop_;
  wire::LinkCounters counters_;
  std::set<wire::FrameLink*> known_;
  std::vector<wire::FrameLink*> waiting_;
  std::vector<std::unique_ptr<wire::FrameLink>> links_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace phoenix::node
