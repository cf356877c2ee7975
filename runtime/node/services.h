// The services a node hosts: hands each request to its handler, on the loop, the worker threads or
// the modelled cores, and gets every answer back to the loop's thread. Counts what is under way.
//
// On the loop's thread, where the answers come too. The destructor waits for worker threads inside
// a handler; answers that come later are dropped.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/net/loop.h"
#include "runtime/node/handlers.h"
#include "runtime/node/hibernation.h"
#include "runtime/node/work_queue.h"
#include "scenarios/node_signals.h"
#include "strategies/tuning/knobs.h"

namespace phoenix::node {

struct ServiceSpec {
  std::string name;
  std::string handler;      // text for make_handler()
  double weight = 1;        // what the operator tells weighted strategies
  bool is_standby = false;  // not offered, and held, until an agent is started here or moves here
};

struct ServicesSettings {
  int cores = 1;
  double speed = 1;
  Discipline discipline = Discipline::kProcessorSharing;
  int queue = 512;
  std::size_t requests = 10'000;  // under way at once; more are refused as kQueueFull ...
  std::size_t request_bytes = 512 * 1024 * 1024;  // ... as is what would make theirs more in all
};

// What a request counts as against ServicesSettings::request_bytes.
inline std::size_t size_of(const CallRequest& request) {
  return request.target.size() + request.headers.size() + request.body.size();
}

// Who asked: a connection and the request's id on it. And until when.
struct ReturnAddress {
  std::uint64_t peer = 0;
  std::uint64_t id = 0;
  Time deadline = kNever;
};

struct ServicesLoad {
  std::uint32_t waiting = 0;
  std::uint32_t in_service = 0;
};

struct ServicesTotals {
  std::uint64_t completed = 0;  // served, well or not
  std::uint64_t refused = 0;    // not carried out
  std::uint64_t expired = 0;    // of those: waited beyond their deadline
};

class Services {
 public:
  using OnAnswer = std::function<void(const ReturnAddress& to, CallReply reply)>;

  static Result<std::unique_ptr<Services>> make(net::Loop& loop, const ServicesSettings& settings,
                                                const std::vector<ServiceSpec>& specs,
                                                OnAnswer on_answer);
  ~Services();

  // Answered exactly once, perhaps before submit() returns. Unknown services are kRefused, as is
  // everything while draining.
  void submit(const ReturnAddress& to, CallRequest request);
  void drain() { is_draining_ = true; }
  std::size_t under_way() const { return under_way_; }

  // Moving an agent. A service that is held serves nothing more: requests wait, the first kHeldMax
  // of them, until it is resumed, forwarded or retired. Errors: not hosted here, and as told.
  static constexpr std::size_t kHeldMax = 1'000;
  enum class What : std::uint8_t { kState, kChanges };  // see handler.h
  using OnTaken = std::function<void(Result<std::string>)>;
  using OnHeld = std::function<void(Status)>;
  // Takes a request that is forwarded. Answered by forwarded_done(), once.
  using Forward = std::function<void(const ReturnAddress& to, CallRequest request)>;
  // Calls `done` when nothing is in service any more, at once where nothing is.
  void hold(const std::string& service, OnHeld done);
  // Holds the service to take its state; it serves on afterwards unless it was held before.
  void take(const std::string& service, What what, OnTaken done);
  Status put(const std::string& service, What what, std::string_view bytes);  // requests in service
  // For an agent to come: holds what is not held yet, forgets what was there.
  Status prepare(const std::string& service);
  Status resume(const std::string& service);                    // what waits goes first
  Status forward(const std::string& service, Forward forward);  // what waits, and what comes
  Status retire(const std::string& service);  // refuses what waits, forgets its state, stays held
  void forwarded_done(const ReturnAddress& to, std::size_t request_bytes, CallReply reply);
  Status check_hosted(const std::string& service) const;

  // What gateways are told: weight 0 is not offered.
  Status offer(const std::string& service, double weight);
  struct Offered {
    std::string_view service;
    double weight = 1;
  };
  std::vector<Offered> offers() const;
  std::vector<std::string_view> standby() const;
  bool is_standby(const std::string& service) const;

  // The knobs that are a node's: workers, queue_length, hibernate_idle. They hold from now on; what
  // is in service or waits already stays. Handlers that answer within handle() have neither workers
  // nor a queue. A service that is idle long enough hibernates: its state is kept compressed, and
  // its handler restored for the next request, which waits that long. Those on the move (held, or
  // their state taken in the last minute), or without a state, stay awake.
  void set_knobs(const Knobs& knobs);
  struct Sleep {
    std::size_t asleep = 0;      // services
    std::size_t bytes_kept = 0;  // of their states
    std::uint64_t hibernations = 0, wakes = 0, wakes_failed = 0;
  };
  Sleep sleep() const;

  ServicesLoad load() const;
  // What requests see that are served here, or refused. The caller samples its rates.
  NodeSignals& signals() { return signals_; }
  const NodeSignals& signals() const { return signals_; }
  ServicesTotals totals() const;
  double busy_thread_ns() const;
  // Whether everything is served by the modelled cores, so that they are what to report.
  bool is_modelled() const { return is_modelled_; }
  const SyntheticCores& synthetic_cores() const { return cores_; }

  void slow(std::uint64_t effect, double factor);
  void end_slow(std::uint64_t effect);

 private:
  struct Outbox;
  struct Answer;
  class Sink;
  struct Waiting {
    ReturnAddress to;
    CallRequest request;
  };
  struct Service {
    ServiceSpec spec;
    MadeHandler made;
    std::size_t lane = 0;  // of the work queue, for those on threads
    std::size_t under_way = 0;
    bool is_held = false;
    bool is_offered = true;
    OnHeld on_quiet;
    std::deque<Waiting> waiting;  // while it is held
    Time idle_since = kStart;
    Time taken_at = kNever;  // its state, the last time: changes count from then
    Time may_sleep_at(Duration idle) const;
    bool stays_awake = false;  // since it was idle
    std::optional<SleepingState> asleep;
    Forward forward;
  };

  Services(net::Loop& loop, const ServicesSettings& settings, OnAnswer on_answer);
  Status build(const std::vector<ServiceSpec>& specs);
  void start_threads();
  Result<std::size_t> find(const std::string& service) const;
  void refuse(const ReturnAddress& to, int status, AttemptResult result);
  void admit(std::size_t service, const ReturnAddress& to, CallRequest request);
  void let_go(Service& service, const std::function<void(Waiting)>& each);
  void deliver(Answer answer);
  void tell_quiet(Service& service);
  void on_idle_due();
  void arm_idle();
  Status wake(Service& service);

  net::Loop& loop_;
  ServicesSettings settings_;
  OnAnswer on_answer_;
  std::shared_ptr<Outbox> outbox_;
  Slowdowns slowdowns_;
  SyntheticCores cores_;
  std::vector<Service> services_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::unique_ptr<WorkQueue> work_queue_;
  std::size_t lanes_ = 0;
  std::size_t under_way_ = 0;
  std::uint32_t admitted_ = 0;       // of those: neither held nor forwarded
  std::size_t bytes_under_way_ = 0;  // of their requests
  bool is_draining_ = false;
  bool is_modelled_ = true;
  ServicesTotals totals_;
  NodeSignals signals_;
  Duration hibernate_idle_{0};
  Sleep sleep_;
  net::Timer idle_timer_;
};

}  // namespace phoenix::node
