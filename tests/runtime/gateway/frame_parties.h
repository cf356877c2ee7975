// Parties that speak frames with a gateway under test: a node and a client, on the test's loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/net/connect.h"
#include "runtime/wire/frame_link.h"

namespace phoenix::gateway::testing {

// Serves the loop until `done` holds; false after ten seconds.
inline bool serve_until(net::Loop& loop, const std::function<bool()>& done) {
  const Time limit = loop.now() + std::chrono::seconds(10);
  while (!done()) {
    if (loop.now() > limit) return false;
    loop.run_until(loop.now() + std::chrono::milliseconds(2));
  }
  return true;
}

// One end of a frame connection that keeps what it got.
class Party final : public wire::LinkUser {
 public:
  using OnFrame = std::function<void(Party&, const wire::Frame&)>;
  Party(net::Loop& loop, std::unique_ptr<net::Channel> channel, OnFrame on_frame)
      : on_frame_(std::move(on_frame)),
        link_(std::make_unique<wire::FrameLink>(loop, std::move(channel), *this,
                                                wire::LinkSettings{}, counters_)) {}

  wire::FrameLink& link() { return *link_; }
  bool is_closed() const { return is_closed_; }
  void close() {
    link_.reset();
    is_closed_ = true;
  }

 private:
  wire::FrameError on_frame(wire::FrameLink&, const wire::Frame& frame) override {
    on_frame_(*this, frame);
    return wire::FrameError::kNone;
  }
  void on_link_closed(wire::FrameLink&, const std::string&) override { is_closed_ = true; }

  OnFrame on_frame_;
  bool is_closed_ = false;
  wire::LinkCounters counters_;
  std::unique_ptr<wire::FrameLink> link_;
};

inline std::unique_ptr<Party> dial_party(net::Loop& loop, const net::Address& address,
                                         Party::OnFrame on_frame) {
  std::unique_ptr<net::Channel> channel;
  bool failed = false;
  const auto dial = net::Dial::start(loop, address, {}, [&](auto result) {
    if (result) {
      channel = std::move(*result);
    } else {
      failed = true;
    }
  });
  serve_until(loop, [&] { return channel != nullptr || failed; });
  if (!channel) return nullptr;
  return std::make_unique<Party>(loop, std::move(channel), std::move(on_frame));
}

// A node: listens, announces itself, answers requests by `serve` (by default with the body).
class FakeNode {
 public:
  struct Got {
    Party* from;
    std::uint64_t id;
    std::string service, body;
    std::uint64_t number;
    std::uint32_t time_left_us;
  };
  FakeNode(net::Loop& loop, std::string name, std::string token = "")
      : loop_(loop), name_(std::move(name)), token_(std::move(token)) {
    auto listener = net::Listener::open(loop, {"127.0.0.1", 0}, {},
                                        [this](auto channel) { adopt(std::move(channel)); });
    listener_ = std::move(*listener);
  }

  void announce(const net::Address& gateway, std::vector<std::string> services = {"api"}) {
    announcer_ = dial_party(loop_, gateway, [this](Party&, const wire::Frame& frame) {
      if (frame.type == wire::FrameType::kHello) is_welcome = true;
    });
    wire::Hello hello = greeting();
    for (const std::string& service : services) hello.offers.push_back({service, 1.0});
    announcer_->link().send(hello);
    serve_until(loop_, [this] { return is_welcome || announcer_->is_closed(); });
  }
  Party& announcer() { return *announcer_; }
  void answer(const Got& got, AttemptResult result = AttemptResult::kOk, int status = 200) {
    wire::Response response;
    response.result = result;
    response.status = static_cast<std::uint16_t>(status);
    response.body = got.body;
    if (!got.from->is_closed()) got.from->link().send(got.id, response);
  }
  void die() {
    for (const auto& party : parties_) party->close();
    announcer_->close();
    listener_.reset();
  }
  std::string address() const { return listener_->local().text(); }
  std::size_t connections() const { return parties_.size(); }

  std::function<void(const Got&)> serve = [this](const Got& got) { answer(got); };
  std::uint64_t incarnation = 1;
  std::string zone;
  bool is_welcome = false;
  std::uint64_t served = 0;
  std::vector<std::string> controls;  // as gateways sent them
  std::uint64_t probes = 0;
  bool answers_probes = true;

 private:
  wire::Hello greeting() {
    address_ = listener_->local().text();
    wire::Hello hello;
    hello.role = wire::Role::kNode;
    hello.name = name_;
    hello.token = token_;
    hello.address = address_;
    hello.incarnation = incarnation;
    hello.cores = 2;
    hello.zone = zone;
    return hello;
  }
  void on_probe(Party& party, std::uint64_t id) {
    ++probes;
    wire::Report report;
    report.load.measured_at = loop_.now();
    report.load.queue_length = 17;
    if (answers_probes) party.link().send(report, id);
  }
  void adopt(std::unique_ptr<net::Channel> channel) {
    parties_.push_back(std::make_unique<Party>(
        loop_, std::move(channel), [this](Party& party, const wire::Frame& frame) {
          if (frame.type == wire::FrameType::kHello) return party.link().send(greeting());
          if (frame.type == wire::FrameType::kProbe) on_probe(party, frame.id);
          if (frame.type == wire::FrameType::kControl) controls.emplace_back(frame.payload);
          if (frame.type != wire::FrameType::kRequest) return;
          wire::Request request;
          if (!wire::decode(frame.payload, request)) return;
          ++served;
          serve({&party, frame.id, std::string(request.service), std::string(request.body),
                 request.number, request.time_left_us});
        }));
  }

  net::Loop& loop_;
  std::string name_, token_, address_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<Party>> parties_;
  std::unique_ptr<Party> announcer_;
};

// A native client; `answers` are by the request's id.
class FakeClient {
 public:
  struct Answer {
    FailureReason reason;
    int status, attempts;
    std::uint32_t node;
    std::string body, direct;
    int times = 0;
  };
  FakeClient(net::Loop& loop, const net::Address& gateway, const std::string& token = "",
             wire::Role role = wire::Role::kClient) {
    party_ = dial_party(loop, gateway, [this, &loop](Party&, const wire::Frame& frame) {
      if (frame.type == wire::FrameType::kHello) is_welcome = true;
      if (frame.type == wire::FrameType::kControl) controls.emplace_back(frame.payload);
      if (frame.type != wire::FrameType::kResponse) return;
      wire::Response response;
      if (!wire::decode(frame.payload, loop.now(), response)) return;
      const int times = answers.contains(frame.id) ? answers[frame.id].times : 0;
      answers[frame.id] = {response.reason,
                           response.status,
                           response.attempts,
                           response.node,
                           std::string(response.body),
                           std::string(response.direct),
                           times + 1};
    });
    wire::Hello hello;
    hello.role = role;
    hello.name = "client";
    hello.token = token;
    party_->link().send(hello);
    serve_until(loop, [this] { return is_welcome || party_->is_closed(); });
  }
  void ask(std::uint64_t id, const std::string& body, const wire::Request& like = {}) {
    wire::Request request = like;
    if (request.service.empty()) request.service = "api";
    request.body = body;
    party_->link().send(id, request);
  }
  Party& party() { return *party_; }

  bool is_welcome = false;
  std::map<std::uint64_t, Answer> answers;
  std::vector<std::string> controls;

 private:
  std::unique_ptr<Party> party_;
};

}  // namespace phoenix::gateway::testing
