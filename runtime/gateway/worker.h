// One thread of a gateway: its loop, its Router, its listeners on the shared ports, its connections
// to every node. Requests come in through accept(), attempts go out through upstreams; whatever
// happens in between is the Router's decision.
//
// All members run on the worker's loop, unless said otherwise; others post.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/gateway/catalog.h"
#include "runtime/gateway/control.h"
#include "runtime/gateway/directory.h"
#include "runtime/gateway/exchange.h"
#include "runtime/gateway/lane.h"
#include "runtime/gateway/pool.h"
#include "runtime/net/loop.h"

namespace phoenix::gateway {

struct ExchangeId {
  std::uint64_t value = ~0ULL;
};

// As ingress connections see the worker.
class RequestSink {
 public:
  virtual ~RequestSink() = default;
  virtual net::Loop& loop() = 0;
  virtual const GatewayConfig& config() const = 0;  // the current one

  // Which service and class serve this host and path; false: no route (404).
  virtual bool route(std::string_view host, std::string_view path, ServiceId& service,
                     ClassId& request_class) const = 0;
  virtual bool find_service(std::string_view service, std::string_view request_class,
                            ServiceId& service_id, ClassId& class_id) const = 0;
  virtual Duration class_deadline(ClassId request_class) const = 0;

  // `client` gets exactly one reply under `tag`, unless it leaves first.
  virtual ExchangeId accept(Request&& request, Client& client, std::uint64_t tag) = 0;
  // The client is gone: no call to it any more for this exchange. The request runs on. Ignored
  // where the exchange is over.
  virtual void leave(ExchangeId exchange) = 0;
  virtual void resume_reply(ExchangeId exchange) = 0;
  virtual bool is_draining() const = 0;  // ingress closes connections when they are idle
  virtual HttpCounters& http_counters() = 0;
};

// One thread's share of GatewayStatus; lists are by number, as the catalog and the directory have
// them.
struct WorkerSnapshot {
  struct NodeShare {
    bool is_known = false, is_reachable = false, is_ejected = false;
    std::uint64_t under_way = 0, attempts = 0, failures = 0, connections = 0;
    std::uint64_t dials_failed = 0;
    LoadReport load;
    Time reported_at = kStart;
    wire::NodeTotals totals;
  };
  std::vector<ClassStatus> classes;  // without names
  std::vector<bool> panic;           // by service
  std::vector<NodeShare> nodes;
  RouterCounters router;
  std::uint64_t probes_unsent = 0;
  std::uint64_t open_requests = 0;
  HttpCounters http;
};

struct WorkerOptions {
  int thread = 0;
  std::uint64_t seed = 0;
  std::function<std::unique_ptr<Upstream>(const NodeView&, UpstreamUser&)> make_upstream;
  std::function<void(std::vector<RouterNotice>)> on_notices;  // may be empty
  AnswerTap* tap = nullptr;
  RouterTap* router_tap = nullptr;
  std::function<Time()> clock;  // empty: the loop's; for replays
};

class Worker final : public RequestSink, private UpstreamUser, private LaneUser {
 public:
  Worker(net::Loop& loop, std::shared_ptr<const GatewayConfig> config,
         std::shared_ptr<const Catalog> catalog, WorkerOptions options);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  net::Loop& loop() override { return loop_; }
  const GatewayConfig& config() const override { return *config_; }
  bool route(std::string_view host, std::string_view path, ServiceId& service,
             ClassId& request_class) const override {
    return catalog_->route(host, path, service, request_class);
  }
  bool find_service(std::string_view service, std::string_view request_class, ServiceId& service_id,
                    ClassId& class_id) const override {
    return catalog_->find(service, request_class, service_id, class_id);
  }
  Duration class_deadline(ClassId request_class) const override {
    return catalog_->classes()[index(request_class)].deadline;
  }
  ExchangeId accept(Request&& request, Client& client, std::uint64_t tag) override;
  void leave(ExchangeId exchange) override;
  void resume_reply(ExchangeId exchange) override;
  bool is_draining() const override { return is_draining_; }
  HttpCounters& http_counters() override { return http_; }

  void on_node(const NodeView& node);  // what the directory publishes
  void on_report(NodeId node, const wire::Report& report) { on_node_report(node, report); }
  // A reload. Requests under way keep what they were accepted under.
  void apply(std::shared_ptr<const GatewayConfig> config, std::shared_ptr<const Catalog> catalog);
  void set_knobs(const Knobs& knobs);
  void set_balancer(ServiceId service, const std::string& text);  // REQUIRES: a valid text
  void set_draining() { is_draining_ = true; }
  // The time for draining is over: everybody who waits is told so, as of a deadline. Returns how
  // many there were. REQUIRES: the worker serves nothing afterwards.
  std::size_t give_up_open();

  std::size_t open_exchanges() const { return exchanges_.live(); }
  WorkerSnapshot snapshot() const;
  Lane& lane() { return *lanes_.back(); }  // of new requests

 private:
  struct Exchange {
    Request request;
    Client* client = nullptr;
    std::uint64_t tag = 0;
    Lane* lane = nullptr;
    std::uint64_t newest_attempt = 0;  // the head of its list; 0 is none
    std::uint64_t stream = 0;          // the attempt whose body is being passed on
    NodeId last_node = kNoNode;
  };
  struct Attempt {
    AttemptId at_router = kNoAttempt;
    Lane* lane = nullptr;
    std::uint64_t exchange = 0;  // 0: answered, but the node is still at work on it
    std::uint64_t older = 0;     // of the same exchange
    NodeId node = kNoNode;
  };
  struct Node {
    NodeView view;
    bool is_known = false;
    bool is_reachable = false;
    std::unique_ptr<Upstream> upstream;
    std::uint64_t under_way = 0, attempts = 0, failures = 0;
    LoadReport load;
    Time reported_at = kStart;
    wire::NodeTotals totals;
  };
  struct ClassCounters {
    std::uint64_t offered = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(FailureReason::kCount)> answers{};
    Histogram latency;
  };
  // The attempt whose end the Router is being told.
  struct InHand {
    std::uint64_t exchange = 0;
    std::uint64_t attempt = 0;
    NodeId node = kNoNode;
    const AttemptReply* reply = nullptr;
    bool is_taken = false;
  };

  Time now() const { return options_.clock ? options_.clock() : loop_.event_time(); }
  void on_attempt(AttemptId attempt, AttemptResult result, const AttemptReply* reply) override;
  bool on_attempt_body(AttemptId attempt, std::string_view piece, bool last) override;
  void on_attempt_broken(AttemptId attempt) override;
  void on_node_report(NodeId node, const wire::Report& report) override;
  void on_piggybacked(NodeId node, const LoadReport& report) override;
  void on_probe_answered(NodeId node, std::uint64_t probe, const LoadReport& report) override;
  void on_reachable(NodeId node, bool reachable) override;
  void carry_send(Lane& lane, const RouterAction& action) override;
  void carry_answer(Lane& lane, const RouterAction& action) override;
  void carry_probe(NodeId node) override;
  void on_lane_due(Lane& lane) override;

  void open_lane();
  // Per thread: as the knob says, else as configured.
  int max_in_flight() const {
    return knobs_.max_in_flight > 0 ? knobs_.max_in_flight : config_->router.max_in_flight;
  }
  void close_idle_lanes();
  Reply reply_for(std::uint64_t exchange, FailureReason reason);
  void count_answer(const Exchange& exchange, const Reply& reply, Time at);
  void let_go(Exchange& exchange);
  void stop(std::uint64_t attempt);
  void unlink(Exchange& exchange, std::uint64_t attempt);
  void end_stream(std::uint64_t exchange);
  void forget_soon(NodeId node, AttemptId attempt);
  void do_chores();
  void remove_node(Node& node);
  void tell_lanes(const Node& node);
  void take_notices(Lane& lane);
  bool is_ejected(const Node& node) const;

  net::Loop& loop_;
  WorkerOptions options_;
  std::shared_ptr<const GatewayConfig> config_;
  std::shared_ptr<const Catalog> catalog_;
  Knobs knobs_;
  Pool<Exchange> exchanges_;
  Pool<Attempt> attempts_;
  std::vector<Node> nodes_;  // by NodeId
  std::vector<ClassCounters> classes_;
  HttpCounters http_;
  RouterCounters closed_lanes_;
  InHand in_hand_;
  std::vector<std::pair<NodeId, AttemptId>> to_forget_;
  std::deque<std::pair<Time, std::uint64_t>> orphans_;  // attempts without exchange, and until when
  net::Timer chores_;  // what can wait, or must not happen within a callback of the one concerned
  std::uint64_t next_number_;
  std::uint64_t probes_ = 0, probes_unsent_ = 0;
  std::uint64_t lanes_opened_ = 0;
  bool is_draining_ = false;
  bool gave_up_ = false;
  std::vector<std::unique_ptr<Lane>> lanes_;  // the last one takes new requests
};

}  // namespace phoenix::gateway
