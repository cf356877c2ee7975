// The open loop: sends every request of an arrival source when it is due, whether or not earlier
// ones have been answered, and times each from when it was due. So a server that stalls is charged
// for all requests that came meanwhile (no coordinated omission). Closed loops send a user's next
// request after the answer.
//
// On the loop's thread. Bounded: at most `open_max` requests under way; more end as in_flight_limit
// without being sent. A request that gets no answer is given up shortly after its deadline; an
// answer after the deadline is a failure.
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

// How long after its deadline a request is given up: whoever serves it says so first, and why.
inline constexpr Duration kAnswerGrace = std::chrono::milliseconds(250);

struct DriverSettings {
  std::size_t open_max = 1'000'000;  // requests under way
};

// How late requests left; the source itself is the bottleneck when this is not small.
struct Lateness {
  Histogram sent_late;         // from due to handed to a connection
  std::uint64_t not_sent = 0;  // over open_max, or still to be sent when the run ended
  // More than one request in a hundred left over a millisecond late, or some were not sent.
  bool fell_behind() const;
};

class LoadDriver final : private SenderUser {
 public:
  // All must outlive the driver. `make_sender` gets the driver as the user of what it makes.
  using MakeSender = std::function<std::unique_ptr<Sender>(SenderUser&)>;
  LoadDriver(net::Loop& loop, const Scenario& scenario, std::unique_ptr<ArrivalSource> arrivals,
             const MakeSender& make_sender, OutcomeSink& sink, const DriverSettings& settings = {});
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
    Arrival arrival;
    Time deadline = kNever;
  };
  struct ClassRules {
    std::string_view service, name;
    Duration deadline{0};
    double memory_bytes = 0;
    bool repeatable = true;
  };

  void on_due();
  void send_next();
  Open take_next();
  void leave_out(Open& open);
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
  std::vector<std::deque<std::pair<Time, std::uint64_t>>> give_up_at_;  // by class, in order
  std::unordered_map<std::uint64_t, Open> open_;
  Random gateway_choice_;
  std::size_t open_max_;
  Lateness lateness_;
  Time end_;
  std::uint64_t next_number_ = 0;
  bool is_running_ = false;
};

}  // namespace phoenix::load
