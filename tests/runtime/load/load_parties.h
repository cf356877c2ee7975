// Parties of a load source under test: a sender that does as told, a sink that remembers, and a
// server whose every answer the test writes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/load/driver.h"
#include "runtime/load/plain_load.h"
#include "tests/runtime/net/parties.h"

namespace phoenix::load {

inline Scenario scenario_at(const std::string& rate, const std::string& duration) {
  PlainLoad load;
  load.rate = rate;
  load.duration = duration;
  Result<Scenario> made = plain_scenario(load);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error());
  return std::move(*made);
}

inline std::unique_ptr<ArrivalSource> arrivals_of(const Scenario& scenario) {
  return std::move(*make_arrivals(scenario, Streams(scenario.seed, scenario.replication)));
}

// When each of an open loop's requests is due.
inline std::vector<Time> due_dates(const Scenario& scenario) {
  std::vector<Time> dates;
  for (auto source = arrivals_of(scenario); source->next_at() != kNever;) {
    dates.push_back(source->next().at);
  }
  return dates;
}

class FakeSender final : public Sender {
 public:
  explicit FakeSender(SenderUser& its_user) : user(its_user) {}
  void send(const Outgoing& request) override {
    sent.push_back(request);
    if (on_send) on_send(request);
  }
  void forget(std::uint64_t number) override { forgotten.push_back(number); }
  bool is_ready() const override { return true; }
  std::string problem() const override { return {}; }

  void answer(std::uint64_t number, FailureReason reason = FailureReason::kNone) {
    user.on_result({number, reason, 3, 1});
  }

  SenderUser& user;
  std::function<void(const Outgoing&)> on_send;
  std::vector<Outgoing> sent;
  std::vector<std::uint64_t> forgotten;
};

struct KeptOutcomes final : OutcomeSink {
  void on_outcome(const Outcome& outcome) override {
    all.push_back(outcome);
    if (outcome.kind == OutcomeKind::kOffered) offered.push_back(outcome);
    if (outcome.kind == OutcomeKind::kAnswered) answered.push_back(outcome);
    if (outcome.kind == OutcomeKind::kUnanswered) unanswered.push_back(outcome);
  }
  std::vector<Outcome> all, offered, answered, unanswered;
};

struct KeptResults final : SenderUser {
  void on_result(const SendResult& result) override { all.push_back(result); }
  std::vector<SendResult> all;
};

// Takes connections and leaves what to say to the test.
class ScriptedServer {
 public:
  using OnRequest = std::function<void(net::Party&, const std::string& request)>;
  ScriptedServer(net::Loop& loop, OnRequest on_request)
      : loop_(loop), on_request_(std::move(on_request)) {
    listener_ = std::move(*net::Listener::open(
        loop, {"127.0.0.1", 0}, {}, [this](auto channel) { adopt(std::move(channel)); }));
  }

  net::Address address() const { return listener_->local(); }
  std::size_t connections() const { return parties.size(); }
  void stop_listening() { listener_.reset(); }

  std::vector<std::unique_ptr<net::Party>> parties;

 private:
  void adopt(std::unique_ptr<net::Channel> channel) {
    auto party = std::make_unique<net::Party>(std::move(channel));
    party->consume = [this, one = party.get()](std::string_view bytes) -> std::size_t {
      const std::size_t end = bytes.find("\r\n\r\n");
      if (end == std::string_view::npos) return 0;
      // Not within the callback, so that the test may drop the connection.
      loop_.post(
          [this, one, text = std::string(bytes.substr(0, end + 4))] { on_request_(*one, text); });
      return end + 4;
    };
    parties.push_back(std::move(party));
  }

  net::Loop& loop_;
  OnRequest on_request_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace phoenix::load
