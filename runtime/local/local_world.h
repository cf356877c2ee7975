// A scenario on real processes of this machine: gateways, nodes with the `synthetic` handler, and a
// load source on loopback, with the scenario's own requests, faults and seeds. Watches, injects,
// scales and records; the requests themselves never pass through here.
//
// Faults: nodes die by SIGKILL, pause by SIGSTOP, drain by SIGTERM and slow down by inflated work;
// everything about messages and reports happens in the gateways' frame shim, by the simulator's own
// decisions. netem is not used: it is refused without its kernel module, it acts on packets, which
// the simulator does not know, and on loopback it would strike everybody. What differs from the
// simulated world:
// - messages take the time that loopback takes, gateways the CPU time they need: the scenario's
//   latencies, bandwidths and CPU costs shape nothing here, except bandwidths that a fault cuts;
// - a node told to drain leaves, also when the fault ends before it has left; then it is started
//   again. A process needs some milliseconds to start; `machine start` decisions say how many;
// - transfers, fidelity = "flow" and state = "kept" are refused.
//
// The control plane is the simulated world's: nodes it asks for are processes launched after the
// boot time drawn for them, nodes it gives up are drained by SIGTERM within the grace, after which
// there is no way back. Agents that are placed are services of a node's process, by their number;
// one that is alone on its node moves with its state and without losing a request.
//
// A fault is invalid, and the run with it, when it was applied or acknowledged by those it concerns
// more than kInjectionErrorMax after its date, when a paused process was not stopped or a slowed
// node did not serve as much slower as planned (within 10 %).
//
// Everything it started ends with it, also when this process is killed. One thread: the main one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/agents/agent_keeper.h"
#include "runtime/agents/order_link.h"
#include "runtime/load/driver.h"
#include "runtime/load/outcome.h"
#include "runtime/local/local_node.h"
#include "runtime/local/timers.h"
#include "runtime/net/loop.h"
#include "runtime/process/child.h"
#include "scenarios/collector.h"
#include "scenarios/control_loop.h"
#include "scenarios/fault_player.h"
#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"
#include "strategies/tuning/knobs.h"

namespace phoenix::local {

inline constexpr Duration kInjectionErrorMax = std::chrono::milliseconds(50);

struct LocalOptions {
  std::string record_path;  // empty: no record
  std::function<void(double run_s)> on_progress;
};

struct LocalResult {
  RunSummary summary;
  Status record = success();
  std::string problem;               // why the run was cut short; empty where it was not
  load::Lateness lateness;           // of the load source
  std::vector<std::string> invalid;  // faults that were not as planned, each with the reason
};

class LocalWorld final : private FaultWorld, private ControlWorld {
 public:
  // `scenario` must outlive the world.
  LocalWorld(net::Loop& loop, const Scenario& scenario, LocalOptions options);
  ~LocalWorld() override;  // takes everything down

  // First: the error says what this world cannot do for the scenario, or why there is no record.
  Status open();
  // Starts everything and plays the scenario in real time; everything stands afterwards, served as
  // long as the loop runs. The error is what kept it from beginning.
  Result<LocalResult> run();
  // Ends the run early; from a signal's callback.
  void interrupt(const std::string& why);

  // What went wrong first, also after the run; empty where nothing did.
  const std::string& problem() const { return problem_; }
  std::vector<std::string> gateway_addresses() const;

 private:
  struct LocalGateway {
    std::string frames;  // where it listens
    std::unique_ptr<Child> process;
    std::unique_ptr<OrderLink> link;
    std::uint64_t decisions_seen = 0;
    std::vector<std::uint64_t> attempts;  // by node, as counted since it last joined
    nlohmann::json status;                // newest
  };

  // local_processes.cc: starting and watching
  Status start_gateways();
  void introduce_world();
  Status start_nodes();
  OrderLink::Settings lab_link(const net::Address& address) const;
  bool is_to_serve(std::size_t node) const;
  Status await_connections();
  Status start_load();
  Status launch_node(std::size_t node);
  void on_node_ready(std::size_t node, std::string_view line);
  void on_node_end(std::size_t node, const ChildEnd& end);
  void on_load_end(const ChildEnd& end);
  Status wait_until(const std::function<bool()>& condition, const std::string& what);
  std::string log_path(const std::string& name) const { return folder_ + "/" + name + ".log"; }
  std::string last_words(const std::string& name) const;
  std::vector<std::string> scenario_arguments() const;

  // local_faults.cc: what faults do
  Time now() const override;
  std::size_t node_count() const override { return nodes_.size(); }
  int healthy_nodes() const override;
  int expected_nodes() const override;
  FaultedNode node(NodeId node) const override;
  std::string_view means(FaultAction action) const override;
  std::string_view objection(const FaultEvent& event) const override;
  // What the end of the run heals needs no date.
  Duration lateness_max() const override { return is_over_ ? Duration::max() : kInjectionErrorMax; }
  void crash(NodeId node, bool notify, bool keep_queue) override;
  void drain(NodeId node, Duration grace) override;
  void start(NodeId node) override;
  void retry_start(NodeId node) override;
  void pause(NodeId node) override;
  void resume(NodeId node) override;
  void slow(NodeId node, std::uint32_t effect, double factor) override;
  void end_slow(NodeId node, std::uint32_t effect) override;
  void begin_link_effect(const FaultEvent& event) override;
  void step_link_effect(const FaultEvent& event) override;
  void end_link_effect(std::uint32_t effect) override;
  std::uint64_t link_affected(std::uint32_t effect) const override;
  void begin_report_effect(const FaultEvent& event) override;
  void end_report_effect(std::uint32_t effect) override;
  std::uint64_t report_affected(std::uint32_t effect) const override;
  void tell_gateways(const nlohmann::json& command);
  static bool is_at_gateways(FaultAction action);
  const FaultEvent& event_played() const;
  void send_fault(FaultEvent event, FaultPhase phase);
  void expect_in_time(std::uint32_t effect);
  void call_off_start(std::size_t node);
  void cut_off(std::size_t node);
  void end_silence(std::size_t node, Time give_up);
  void tell_back(LocalNode& node);
  void on_start_due(std::size_t node, std::uint32_t boot);
  void start_later(std::size_t node, Duration delay);
  void on_faults_due();

  // local_checks.cc: whether faults did what they should
  void check_is_stopped(std::size_t node, std::uint32_t effect);
  void check_stayed_stopped(const LocalNode& node, std::uint32_t effect);
  void check_slowness(const LocalNode& node);

  // local_control.cc: what the control plane asks for
  GatewayReport take_gateway_report() override;
  Status provision(NodeId node, Duration boot_time) override;
  Status remove(NodeId node, Duration grace) override;
  Status keep(NodeId node) override;
  Status set_knob(std::string_view knob, double value) override;
  void arm_control();
  void on_control_due();
  void on_came(std::size_t node);
  void on_went(std::size_t node);
  void fail_provisioning(std::size_t node, std::string_view why);
  void hear_reports();

  // local_agents.cc: agents that are placed one by one
  Status start_agent(const AgentSpec& agent, NodeId node) override;
  void stop_agent(AgentId agent) override;
  void migration_step(const MigrationOrder& order) override;
  void make_keeper();
  Status begin_agents();

  // local_report.cc: watching and recording
  void on_outcome_bytes(std::string_view bytes);
  void on_sample_due();
  void note_outcome(const load::Outcome& outcome);
  void poll(Duration within, std::function<void()> done,
            const std::vector<std::uint32_t>& effects = {});
  void end_warmup();
  void take_node_stats(std::size_t node, const nlohmann::json& stats);
  void take_gateway_status(std::size_t gateway, const nlohmann::json& status);
  std::vector<NodeSample> samples() const;
  void end_interval(Time at);
  std::string subject_text(const std::string& subject, std::size_t gateway) const;
  void log_decision(const nlohmann::json& decision, std::size_t gateway);
  void log_start(std::size_t node, double value, std::string_view reason, std::string_view outcome);
  void append(DecisionRow row);
  RunSummary summarize(Time end);

  // How long processes have to give their figures; what they gave before counts otherwise.
  static constexpr Duration kPollWithin = std::chrono::milliseconds(50);
  static constexpr Duration kQuickPollWithin = std::chrono::milliseconds(20);

  Time to_loop(Time run) const { return add_saturating(run, offset_); }
  void fail(std::string why);
  void arm_faults();
  Status make_folder();
  Status open_record();
  void play();
  LocalResult finish();

  net::Loop& loop_;
  const Scenario& scenario_;
  LocalOptions options_;
  Streams streams_;
  std::string folder_;  // of logs and the token, removed in the end
  std::string token_, token_path_;
  std::unique_ptr<RecordWriter> record_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<FaultPlayer> faults_;
  std::unique_ptr<ControlLoop> control_;
  std::unique_ptr<agents::AgentKeeper> agents_;
  Knobs knobs_;
  std::vector<LocalGateway> gateways_;
  std::vector<LocalNode> nodes_;
  std::unique_ptr<Child> load_;
  std::unique_ptr<net::DescriptorReader> outcomes_;
  std::string outcome_bytes_;
  bool has_outcomes_ended_ = false;
  std::string load_end_;  // how the load source ended; empty while it lives
  load::Lateness lateness_;
  std::map<std::uint32_t, std::uint64_t> hits_;  // by effect, over all gateways
  net::Timer fault_timer_, sample_timer_, control_timer_;
  Timers timers_;
  Duration offset_{0};        // from run time to the loop's time
  Time fault_date_ = kStart;  // of the events being played
  Time next_sample_ = kStart;
  bool is_over_ = false;  // the load source has said everything
  bool is_playing_ = false;
  std::string problem_;
  std::uint64_t decisions_ = 0;
  std::uint64_t lost_jobs_ = 0;  // by deaths of nodes
};

}  // namespace phoenix::local
