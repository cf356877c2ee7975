// The data path of one gateway: decides for every request which node gets it, whether it is tried
// again, and when it is given up. The simulated and the real gateway drive exactly this class.
//
// Contract: the world tells what happened and carries out the returned actions. Every request given
// to on_request() is answered by exactly one kAnswer action, whatever happens. The world calls
// on_wake() no later than next_wake(); calling it more often is harmless.
//
// Nodes that leave, drain or go down keep what is under way there: the world reports how each of
// those attempts ended (kReset where the connection broke), else deadline or attempt timeout ends
// them. Refusals (kQueueFull, kRefused) say nothing of a node's health; kError, kReset and timeouts
// count against it.
//
// Of a request with two copies under way, the one that lost stays under way at its node, which is
// still at work on it: the world reports how it ended (kNone is the answer), or kStopped at once
// where it lets go of it. What a stopped attempt held says nothing of its node's health.
//
// One thread at a time. Owns its balancers, pools and tables; keeps no reference to anything passed
// in. After warm-up no call allocates, except membership changes and strategy changes. Costs are
// O(1) plus the balancer's, sweeps are O(nodes).
//
// Sources of the defaults: Envoy outlier detection, panic threshold and slow start; Finagle retry
// budget; Dean and Barroso, The Tail at Scale, for hedging.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strategies/balancing/balancer.h"
#include "strategies/core/ids.h"
#include "strategies/core/load_report.h"
#include "strategies/core/random.h"
#include "strategies/core/request.h"
#include "strategies/core/time.h"

namespace phoenix {

struct RouterSettings {
  // Limits. At a bound, requests are refused with a reason and counted.
  int max_in_flight = 100'000;  // requests under way (sent or backing off) in this gateway
  int queue = 1'000;  // requests that wait while max_in_flight is reached; 0 refuses at once
  int max_in_flight_per_node = 0;  // per service and node; 0 is no limit

  // Admission, per service; see strategies/routing/admission.h. All off by default.
  double concurrency_limit_max = 0;  // the adaptive limit of requests under way stays below; 0: off
  double concurrency_limit_min = 20;
  double breaker_failures = 0;  // share of failed attempts that opens the breaker; 0: off
  int breaker_window = 100;     // of this many
  Duration breaker_rest = std::chrono::seconds(60);
  int breaker_trials = 10;
  double throttle_factor =
      0;  // refuse what exceeds this many times the accepted; 0: off, else >= 1

  // Retries. Only repeatable requests are sent again after kError, kReset or a timed-out attempt;
  // refusals (kQueueFull, kRefused) can always be sent elsewhere. Never after the deadline.
  int retries = 1;  // further attempts a request may have; < 255
  Duration retry_backoff = std::chrono::milliseconds(25);  // doubles per attempt; full jitter
  Duration retry_backoff_max = std::chrono::milliseconds(250);
  double retry_budget = 0.2;        // retries per request over the last 10 s ...
  double retry_reserve_per_s = 10;  // ... plus this many a second in any case

  // Hedging: a repeatable request whose attempt is slow gets a second copy at another node, once in
  // its life, besides its retries but out of the same budget. The first good answer is the answer;
  // a copy that fails leaves it to the other.
  double hedge_quantile = 0;  // slow: beyond this quantile of recent ones of its class; 0 is off
  Duration hedge_min = std::chrono::milliseconds(1);  // bounds of that time
  Duration hedge_max = Duration::max();
  // No second copies while the mean cpu that the service's eligible nodes report is above this, as
  // seen once a second. Nodes whose cpu is unknown are left out; none known counts as idle. 1: no
  // bound.
  double hedge_max_utilization = 0.8;

  // Ejection of nodes that fail.
  int consecutive_errors = 5;        // 0 is off
  double success_rate_stdevs = 1.9;  // below mean - this * stdev is ejected; 0 is off
  int success_rate_nodes = 5;        // needs this many nodes ...
  int success_rate_requests = 100;   // ... with this many requests in an interval
  Duration ejection_interval = std::chrono::seconds(10);  // how often the success rate is judged
  Duration ejection_time = std::chrono::seconds(30);      // times the node's recent ejections
  Duration ejection_time_max = std::chrono::seconds(300);
  double max_ejected_share = 0.1;  // at least one node may always be ejected

  // Below this share of healthy nodes health is ignored: all but draining nodes are used. 0 is off.
  double panic_threshold = 0.5;
  double panic_leave = 0.55;

  // A node that was down, ejected or has just joined ramps up to its weight. 0 is off.
  Duration slow_start = std::chrono::seconds(10);
  double slow_start_min = 0.1;  // weight share at the beginning

  // A node whose newest report is older than this is unhealthy until it reports again; one that has
  // not reported yet counts from joining. 0 is off.
  Duration report_timeout{0};

  bool operator==(const RouterSettings&) const = default;
};

struct RouterClass {
  ServiceId service{0};
  Duration attempt_timeout = Duration::max();  // one attempt is given up after this; max is never
};

// Changes of the node set, as discovery or the simulated cluster tells them.
struct MembershipChange {
  enum class Kind : std::uint8_t {
    kJoin,    // serves `service` from now on; known already: only the weight is taken over
    kLeave,   // serves `service` no more; what is under way may still finish
    kDrain,   // all services: no new requests
    kDown,    // all services: known to be unreachable
    kUp,      // all services: reachable again (ends kDrain and kDown), ramps up by slow start
    kWeight,  // `service`: new configured weight
  };
  Kind kind;
  NodeId node;
  ServiceId service{0};
  double weight = 1.0;         // kJoin, kWeight; > 0
  bool warm = false;           // kJoin: no slow start (nodes there from the beginning)
  ZoneId zone = kNoZone;       // kJoin
  std::uint64_t identity = 0;  // kJoin: a hash of its name, alike at all gateways; 0: the id serves
};

struct RouterAction {
  enum class Kind : std::uint8_t {
    kNone,    // nothing to do now
    kSend,    // send `request` to `node` as `attempt`
    kAnswer,  // tell the client: `reason` kNone is the node's answer, anything else a failure
    kProbe,   // ask `node` for a load report, which comes back by on_report(); in probes() only
  };
  Kind kind = Kind::kNone;
  FailureReason reason = FailureReason::kNone;
  bool hedge = false;  // kSend: a second copy, kAnswer: its answer
  NodeId node = kNoNode;
  RequestToken request = 0;
  AttemptId attempt = kNoAttempt;  // kAnswer: with `node`, set for the node's answer only
};

// Things the Router did by itself, for records and logs.
struct RouterNotice {
  enum class Kind : std::uint8_t { kEjected, kReadmitted, kPanic, kPanicOver, kStale, kFresh };
  Kind kind;
  ServiceId service{0};
  NodeId node = kNoNode;  // kNoNode for panic
  Time at = kStart;
  double value = 0;      // success rate, run of errors, healthy share, report age in seconds
  const char* why = "";  // "consecutive_errors", "success_rate", ...; static text
};

struct RouterCounters {
  std::uint64_t requests = 0;
  std::uint64_t attempts = 0;  // first ones, retries and second copies
  std::uint64_t probes = 0;    // wishes for a load report
  std::uint64_t retries = 0;
  std::uint64_t retries_denied = 0;  // wanted, but over the budget
  std::uint64_t hedges = 0;          // second copies sent
  std::uint64_t hedges_won = 0;      // their answer was the first
  std::uint64_t hedges_denied = 0;   // wanted, but over budget or utilization, or no other node
  std::uint64_t late_results = 0;    // of attempts given up or of requests answered: wasted work
  std::uint64_t timed_out_attempts = 0;
  std::uint64_t queued = 0;
  std::uint64_t panic_picks = 0;
  std::uint64_t slow_start_repicks = 0;
  std::uint64_t ejections = 0;
  std::uint64_t notices_dropped = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(FailureReason::kCount)>
      answers{};  // by reason
};

class Router {
 public:
  // `balancers` holds one strategy per service. REQUIRES: every class's service exists; at most
  // 65,536 classes.
  Router(const RouterSettings& settings, std::vector<std::unique_ptr<Balancer>> balancers,
         std::vector<RouterClass> classes, Random random);
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // kSend, kAnswer (refused), or kNone: it waits and a later on_wake() sends or answers it.
  // REQUIRES: the request's service is its class's.
  RouterAction on_request(const RequestInfo& request, Time now);

  // kAnswer, kSend (tried again at once), or kNone: tried again later, or the attempt was given up
  // before. REQUIRES: the result is not kTimeout, and not kStopped before its request is answered.
  RouterAction on_result(AttemptId attempt, AttemptResult result, Time now);

  // What became due: deadlines, timed-out attempts, delayed retries, waiting requests, second
  // copies; also runs the sweeps. The span is valid until the next call. Answers come before sends.
  std::span<const RouterAction> on_wake(Time now);

  // A lower bound of when something becomes due. May fall after any other call. O(1).
  Time next_wake() const { return next_wake_; }

  // Nodes to ask for a report, wished for by on_request(), on_result() or on_wake(); valid until
  // the next call of one of these. A wish: a world that cannot ask leaves it.
  std::span<const RouterAction> probes() const;

  void on_report(NodeId node, const LoadReport& report, Time now);
  void on_membership(const MembershipChange& change, Time now);

  // Where this gateway is among the nodes' zones. Before nodes join.
  void set_surroundings(const Surroundings& surroundings);

  // Replaces a service's strategy without losing a request.
  void set_balancer(ServiceId service, std::unique_ptr<Balancer> balancer, Time now);

  // Holds for requests from now on; what is under way beyond it stays. REQUIRES: at least 1.
  void set_max_in_flight(int max_in_flight, Time now);

  // Requests accepted and not answered yet: sent, backing off or waiting.
  std::size_t open_requests() const;
  const RouterCounters& counters() const;
  const NodePool& pool(ServiceId service) const;
  bool in_panic(ServiceId service) const;
  // Whether load reports change anything: a balancer learns from them, their age decides health, or
  // the load decides on second copies.
  bool uses_reports() const;

  // The notices since the last call, oldest first; at most 4,096 are kept, more are counted.
  std::vector<RouterNotice> take_notices();

 private:
  struct State;
  std::unique_ptr<State> state_;
  Time next_wake_ = kNever;
};

}  // namespace phoenix
