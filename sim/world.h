// The simulated cluster: plays requests, messages, service and faults in the order of their dates,
// and drives one production Router per gateway. The Router decides; the world only carries out and
// reports back.
//
// Plays its own events without the engine as long as nothing of SimGrid's can happen in between
// (see engine.h). One thread, one per process.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scenarios/arrivals.h"
#include "scenarios/collector.h"
#include "scenarios/control_loop.h"
#include "scenarios/fault_player.h"
#include "sim/event_queue.h"
#include "sim/flows.h"
#include "sim/gateway.h"
#include "sim/machine.h"
#include "sim/network.h"
#include "sim/platform.h"
#include "sim/traffic.h"
#include "sim/wire.h"

namespace phoenix::sim {

// One played event, as `--twice` compares them.
struct PlayedEvent {
  std::int64_t at = 0;
  std::uint32_t kind = 0;
  std::uint32_t subject = 0;
  friend bool operator==(const PlayedEvent&, const PlayedEvent&) = default;
};

// The digest of an event sequence, taken one event further. Order matters; two multiplications.
constexpr std::uint64_t mix_event(std::uint64_t digest, const PlayedEvent& event) {
  digest = (digest ^ static_cast<std::uint64_t>(event.at)) * 0x9e3779b97f4a7c15ULL;
  const std::uint64_t what = (std::uint64_t{event.subject} << 8) | event.kind;
  return ((digest >> 29) ^ digest ^ what) * 0xbf58476d1ce4e5b9ULL;
}

struct WorldOptions {
  RecordWriter* record = nullptr;
  const std::atomic<bool>* stop = nullptr;               // ends the run early when set
  std::function<void(double simulated_s)> on_progress;   // now and then
  std::function<void(const PlayedEvent&)> on_event;      // every event; slow
  std::function<RouterTap*(std::uint32_t gateway)> tap;  // who listens to its Router, or null
};

class World final : public FaultWorld, private ControlWorld {
 public:
  World(const Scenario& scenario, const Streams& streams, const Platform& platform,
        std::unique_ptr<ArrivalSource> arrivals, WorldOptions options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // For the engine's model. Seconds until the engine is needed next, or -1 when the run is over;
  // plays ahead.
  double seconds_to_next_date(double engine_now_s);
  // The engine's clock has got to `engine_now_s`.
  void play_to(double engine_now_s);

  bool interrupted() const { return interrupted_; }
  // After the run: counts, latencies, groups, faults. Writes the last rows of the record.
  RunSummary finish();

  Collector& collector() { return collector_; }

  // What a tuner may turn: holds for messages, jobs and requests from now on. Nothing is lost: what
  // waits under the old knobs sets out, what is under way stays. For control code, at a boundary.
  // REQUIRES: check_knobs().
  void set_knobs(const Knobs& knobs);
  const Knobs& knobs() const { return knobs_; }
  const WireCounters& wire_counters() const { return wire_.counters; }
  // Core time a gateway's messages have cost, or will as they are handled.
  Duration gateway_busy(std::uint32_t gateway) const { return gateways_[gateway].cpu.busy(); }

  // What faults do, for the player.
  Time now() const override { return now_; }
  std::size_t node_count() const override { return machines_.size(); }
  int healthy_nodes() const override;
  int expected_nodes() const override;
  FaultedNode node(NodeId node) const override;
  std::string_view means(FaultAction) const override { return "sim"; }
  void crash(NodeId node, bool notify, bool keep_queue) override;
  void drain(NodeId node, Duration grace) override;
  void start(NodeId node) override;
  void retry_start(NodeId node) override;
  void pause(NodeId node) override;
  void resume(NodeId node) override;
  void slow(NodeId node, std::uint32_t effect, double factor) override;
  void end_slow(NodeId node, std::uint32_t effect) override;
  void begin_link_effect(const FaultEvent& event) override { network_.begin_effect(event); }
  void step_link_effect(const FaultEvent& event) override { network_.step_effect(event); }
  void end_link_effect(std::uint32_t effect) override;
  std::uint64_t link_affected(std::uint32_t effect) const override {
    return network_.affected(effect);
  }

 private:
  friend struct GatewayPort;

  struct ClassRules {
    ServiceId service{0};
    Duration deadline{0};
    float memory_bytes = 0;
    bool repeatable = true;
    bool is_http = false;
    float compression = 1;
    Duration attempt_timeout = Duration::max();
  };

  struct PlacedAgent {
    std::uint32_t node = 0;
    std::uint32_t service = 0;
    std::uint32_t start = 0;  // number of the start under way; others are stale
    double bytes = 0;
    bool is_up = false;
    bool is_frozen = false;
    std::uint32_t copy = kNoIndex;  // node that holds a second one while it moves
  };
  struct MoveStep {
    MigrationOrder order;
    Time began = kStart;
  };

  // world_setup.cc
  void build_machines();
  void build_gateways();
  void build_transfers();
  void build_agents();
  void measure_resident();
  bool is_plain(const Knobs& knobs) const;

  // world.cc: the loop and the path of a request
  void play(Time until, bool inclusive, bool stop_at_flow);
  void dispatch(const Event& event);
  void note(EventKind kind, std::uint32_t subject);
  Time next_boundary() const;
  void play_boundary();
  void on_arrival();
  void enter_gateway(std::uint32_t request);
  void route(std::uint32_t request);
  std::uint32_t make_job(std::uint32_t request, std::uint32_t node, AttemptId attempt);
  void send_attempt(const RouterAction& action);
  void answer(std::uint32_t request, FailureReason reason, NodeId node = kNoNode);
  void record_request(const Request& request, std::int64_t answered_ns, std::uint8_t result);
  bool finds_its_node(std::uint32_t job);
  void on_node_arrive(std::uint32_t job);
  void on_response(std::uint32_t job);
  void on_gateway_out(std::uint32_t job);
  bool passes(const Message& message);
  Message request_message(std::uint32_t job) const;
  Message response_message(std::uint32_t job) const;
  void lose(const Message& message);
  void lose_flow(const Message& message);
  void start_flows();
  void end_run();

  // world_control.cc: what the control plane asks for
  GatewayReport take_gateway_report() override;
  bool is_ejected(std::uint32_t node) const;
  Status provision(NodeId node, Duration boot_time) override;
  Status remove(NodeId node, Duration grace) override;
  Status keep(NodeId node) override;
  Status set_knob(std::string_view knob, double value) override;
  Status start_agent(const AgentSpec& agent, NodeId node) override;
  void stop_agent(AgentId agent) override;
  void migration_step(const MigrationOrder& order) override;
  void on_provisioned(std::uint32_t node);
  void fail_provisioning(std::uint32_t node, std::string_view why);
  void vanish(std::uint32_t node);
  void introduce(MembershipChange& change) const;
  void tell_services(MembershipChange::Kind kind, std::uint32_t node);
  void log_control(DecisionRow& row);

  // world_placement.cc: agents that are placed one by one
  bool serves(std::uint32_t node, std::size_t service) const;
  void on_agent_up(std::uint32_t agent, std::uint32_t start);
  void add_agent(const PlacedAgent& agent);
  void take_agent(const PlacedAgent& agent);
  void tell_agents(std::uint32_t node, std::size_t service);
  void lose_agents(std::uint32_t node);
  void forget_agents(std::uint32_t node);
  bool is_frozen(std::uint32_t node, std::size_t service) const;
  bool hold_or_refuse(std::uint32_t job);

  // world_moves.cc: agents on the move
  Duration step_time(const MigrationOrder& order) const;
  void send_state(std::uint32_t step);
  void start_state_flows();
  void on_state_sent(std::uint32_t step, bool ok);
  void on_move_step(std::uint32_t step);
  Status take_step(const MigrationOrder& order);
  Status start_copy(const MigrationOrder& order);
  void stop_copy(std::uint32_t agent);
  void freeze(std::uint32_t agent, bool on);
  void move_route(std::uint32_t agent, std::uint32_t to);
  void release_frozen(std::uint32_t from, std::uint32_t service, std::uint32_t to);
  // world_wire.cc: the knobs of the data path
  int in_flight_limit() const;
  Duration frame_cost() const;
  Duration arrival_cost(const Request& request) const;
  void hand_over(std::uint32_t job, const Request& request);
  void join_batch(std::uint32_t job);
  void flush_batch(std::uint32_t gateway, std::uint32_t node);
  void take_connection(std::uint32_t job, Time give_up);
  void carry_on(std::uint32_t job, ConnectionPool::Taken taken);
  void start_waiting(std::uint32_t gateway, std::uint32_t node);
  void arm_pool(std::uint32_t gateway, std::uint32_t node);
  Duration encode(std::span<const std::uint32_t> batch);
  void set_out(std::span<const std::uint32_t> batch);
  bool waits_for_room(std::vector<Window>& windows, std::uint32_t job, double bytes,
                      EventKind then);
  void on_depart(std::uint32_t job);
  Duration round_trip(std::uint32_t job);
  bool holds_answer(std::uint32_t job);
  AttemptResult sendable(const Window& window, std::uint32_t job, double bytes);
  void on_answer_depart(std::uint32_t job);
  void take_answer(std::uint32_t job);
  bool goes_direct(std::uint32_t request);
  void on_direct_answer(std::uint32_t job);
  void on_direct_due(std::uint32_t request, std::uint32_t number);
  void learn_owner(Request& request, FailureReason reason, NodeId node);

  // world_agents.cc: agents and memory
  double memory_of(const Machine& machine) const;
  void fit_speed(std::uint32_t node);
  bool finds_its_agent(std::uint32_t job);
  void leave_agent(std::uint32_t job);
  void on_agent_ready(std::uint32_t job);
  void arm_hibernation(std::uint32_t node);
  void on_hibernate(std::uint32_t node);

  // world_faults.cc
  void deliver_held(const Message& message);
  void apply_factor(std::uint32_t node);
  void stop_machine(std::uint32_t node, bool notify, bool keep_queue);
  void on_start_due(std::uint32_t node, std::uint32_t boot);
  void bring_up(std::uint32_t node);

  // world_machines.cc: nodes, their reports and membership
  void take_job(std::uint32_t job);
  void admit(std::uint32_t job);
  void on_node_service(std::uint32_t node);
  void attach_report(std::uint32_t job);
  void reply(std::uint32_t job, AttemptResult result);
  void reset(std::uint32_t job);
  void finish_job(std::uint32_t job);
  void reschedule(std::uint32_t node);
  void start_executions(std::uint32_t node);
  void leave_if_drained(std::uint32_t node);
  void on_drain_limit(std::uint32_t node);
  void announce(MembershipChange change);
  void on_membership(std::uint32_t change);
  Time report_date(std::uint32_t node) const;
  void on_reports_due(std::uint32_t node);
  LoadReport read_load(const Machine& machine) const;
  void send_report(std::uint32_t node);
  Message report_message(std::uint32_t report) const;
  void on_report_arrive(std::uint32_t report);

  // world_probes.cc: load reports that Routers ask for
  void send_probe(std::uint32_t gateway, NodeId node);
  void on_probe_arrive(std::uint32_t report);
  void on_probe_read(std::uint32_t report);
  Message probe_message(std::uint32_t report) const;

  void on_activity_done(std::uint32_t done);
  void start_bulk(std::uint32_t transfer);
  WireSummary wire_summary() const;
  void on_sample(bool warmup_ends);
  void take_sample();
  void log_decision(std::string_view family, std::string_view action, std::string_view subject,
                    double value, std::string_view reason, std::string_view outcome,
                    std::optional<Time> at = std::nullopt);
  std::vector<NodeSample> node_samples();

  struct ReportOnWay {
    std::uint32_t node = 0;
    std::uint32_t gateway = 0;
    std::uint64_t number = 0;  // identity of its message
    bool was_delayed = false;  // a fault has had its say already
    bool is_probe = false;     // asked for
    LoadReport report;
  };
  struct ChangeOnWay {
    MembershipChange change{MembershipChange::Kind::kUp, kNoNode};
    std::uint32_t gateway = 0;
  };
  struct EndedActivity {
    Flows::Tag tag{Flows::Tag::Kind::kMessage};
    bool ok = false;
  };

  const Scenario& scenario_;
  const Streams& streams_;
  const Platform& platform_;
  WorldOptions options_;
  std::unique_ptr<ArrivalSource> arrivals_;
  EventQueue agenda_;
  Flows flows_;
  Network network_;
  Collector collector_;
  FaultPlayer faults_;
  ControlLoop control_;
  std::vector<SimGateway> gateways_;
  std::vector<Machine> machines_;
  std::vector<ClassRules> classes_;
  Requests requests_;
  Jobs jobs_;
  Slab<ReportOnWay> reports_;
  Slab<ChangeOnWay> changes_;
  Slab<EndedActivity> ended_;
  Wire wire_;
  Knobs knobs_;
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>>
      owners_;  // by gateway; never walked
  Random gateway_choice_;
  std::map<std::uint32_t, PlacedAgent> agents_;
  std::uint32_t agent_starts_ = 0;
  Slab<MoveStep> move_steps_;
  std::vector<std::uint32_t> state_to_send_;  // steps that wait for the engine's clock
  MigrationMeans move_means_;
  std::vector<std::uint32_t> finished_;  // scratch

  Time now_ = kStart;
  Time end_;
  Time next_arrival_ = kNever;
  Time asked_ = kStart;  // the date the engine was last asked to go to
  std::size_t next_transfer_ = 0;
  std::vector<std::pair<Time, std::uint32_t>> transfer_dates_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> transfer_ends_;  // endpoints
  std::vector<ZoneId> group_zones_;
  std::vector<std::uint64_t> identities_;  // of nodes, by their names
  std::vector<double> resident_bytes_;     // by group
  std::uint64_t lost_jobs_ = 0;
  std::uint64_t probes_ = 0;
  std::uint64_t report_cycle_ = 0;
  std::uint64_t decisions_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t digest_ = 0;
  bool is_flow_fidelity_;
  bool is_plain_ = true;  // no knob and no agent is on a message's way
  bool has_agents_ = false;
  bool piggyback_ = false;
  bool uses_reports_ = false;
  bool over_ = false;
  bool interrupted_ = false;
};

inline void GatewayPort::send(const RouterAction& action) { world->send_attempt(action); }

inline void GatewayPort::answer(const RouterAction& action) {
  world->answer(static_cast<std::uint32_t>(action.request), action.reason, action.node);
}

inline void GatewayPort::probe(const RouterAction& action) {
  world->send_probe(gateway, action.node);
}

inline void GatewayPort::arm(Time date) {
  world->agenda_.push(date, EventKind::kRouterWake, gateway);
}

}  // namespace phoenix::sim
