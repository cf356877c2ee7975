// The open loop: sends every request of an arrival source when it is due, whether or not earlier
// ones have been answered, and times each from when it was due. So a server that stalls is charged
// for all requests that came meanwhile (no coordinated omission). Closed loops send a user's next
// request after the answer.
//
// On the loop's thread. Bounded: at most kOpenMax requests under way; more end as in_flight_limit
// without being sent. A request that gets no answer is given up shortly after its deadline.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/load/outcome.h"
#include "runtime/load/sender.h"
#include "scenarios/arrivals.h"
#include "scenarios/scenario.h"
#include "strategies/metrics/histogram.h"

namespace phoenix::load {

inline constexpr std::size_t kOpenMax = 1'000'000;
inline constexpr Duration kAnswerGrace = std::chrono::milliseconds(250);

// How late requests left; the source itself is the bottleneck when this is not small.
struct Lateness {
  Histogram sent_late;         // from due to handed to a connection
  std::uint64_t not_sent = 0;  // over kOpenMax
  // More than one request in a hundred left over a millisecond late, or some were not sent.
  bool fell_behind() const;
};

class LoadDriver final : private SenderUser {
 public:
  // All must outlive the driver. `make_sender` gets the driver as the user of what it makes.
  using MakeSender = std::function<std::unique_ptr<Sender>(SenderUser&)>;
  LoadDriver(net::Loop& loop, const Scenario& scenario, std::unique_ptr<ArrivalSource> arrivals,
             const MakeSender& make_sender, OutcomeSink& sink);
  ~LoadDriver() override;

  const Sender& sender() const { return *sender_; }

  // Sends from kStart on, until the scenario's duration; then tells what is still under way, says
  // kEnd to the sink and calls `done`. stop() ends it early.
  void run(std::function<void()> done);
  void stop();

  const Lateness& lateness() const { return lateness_; }
  std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    Outcome outcome;
    std::uint32_t user = 0;
  };
  struct ClassRules {
    std::string_view service, name;
    Duration deadline{0};
    double memory_bytes = 0;
    bool repeatable = true;
  };

  void on_due();
  void send_next();
  void on_result(const SendResult& result) override;
  void give_up_late();
  void finish(Open&& open, FailureReason reason, Time now);
  void arm();
  void end();

  net::Loop& loop_;
  const Scenario& scenario_;
  std::unique_ptr<ArrivalSource> arrivals_;
  OutcomeSink& sink_;
  std::unique_ptr<Sender> sender_;
  net::Timer due_;
  net::Timer sweep_;
  std::function<void()> done_;
  std::vector<ClassRules> classes_;
  std::vector<std::deque<std::pair<Time, std::uint64_t>>> deadlines_;  // by class, in order
  std::unordered_map<std::uint64_t, Open> open_;
  Random gateway_choice_;
  Lateness lateness_;
  Time end_;
  std::uint64_t next_number_ = 0;
  bool is_running_ = false;
};

}  // namespace phoenix::load
