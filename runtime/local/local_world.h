// A scenario on real processes of this machine: gateways, nodes with the `synthetic` handler, and a
// load source on loopback, with the scenario's own requests, faults and seeds. Watches, injects and
// records; the requests themselves never pass through here.
//
// Everything it started ends with it, also when this process is killed. One thread: the main one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/load/outcome.h"
#include "runtime/local/lab_link.h"
#include "runtime/local/local_node.h"
#include "runtime/local/timers.h"
#include "runtime/net/loop.h"
#include "runtime/process/child.h"
#include "scenarios/collector.h"
#include "scenarios/fault_player.h"
#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"

namespace phoenix::local {

struct LocalOptions {
  std::string record_path;  // empty: no record
  std::function<void(double run_s)> on_progress;
  // With `keep`: called when the run is over and everything still stands, with where the gateways
  // listen; returns when it may all end (it runs the loop meanwhile).
  std::function<void(net::Loop&, const std::vector<std::string>& addresses)> on_over;
};

struct LocalResult {
  RunSummary summary;
  Status record = success();
  std::string problem;  // why the run was cut short; empty where it was not
};

class LocalWorld final : private FaultWorld {
 public:
  // `scenario` must outlive the world.
  LocalWorld(net::Loop& loop, const Scenario& scenario, LocalOptions options);
  ~LocalWorld() override;

  // Starts everything, plays the scenario in real time and takes it all down again. The error is
  // what kept it from beginning.
  Result<LocalResult> run();
  // Ends the run early; from a signal's callback.
  void interrupt(const std::string& why);

 private:
  struct LocalGateway {
    std::string http, frames;
    std::unique_ptr<Child> process;
    std::unique_ptr<LabLink> link;
    std::uint64_t decisions_seen = 0;
    nlohmann::json status;  // newest
  };

  // local_processes.cc: starting and watching
  Status start_gateways();
  void introduce_world();
  Status start_nodes();
  Status start_load();
  Status launch_node(std::size_t node);
  void on_node_ready(std::size_t node, std::string_view line);
  void on_node_end(std::size_t node, const ChildEnd& end);
  Status wait_until(const std::function<bool()>& condition, const std::string& what);
  std::string log_path(const std::string& name) const { return folder_ + "/" + name + ".log"; }
  std::string last_words(const std::string& name) const;
  std::vector<std::string> scenario_arguments() const;

  // local_faults.cc: what faults do
  Time now() const override;
  std::size_t node_count() const override { return nodes_.size(); }
  int healthy_nodes() const override;
  FaultedNode node(NodeId node) const override;
  std::string_view means(FaultAction action) const override;
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
  void send_fault(FaultEvent event, FaultPhase phase);
  void on_start_due(std::size_t node, std::uint32_t boot);
  void start_later(std::size_t node, Duration delay);
  void on_faults_due();
  void refresh_hits(const std::vector<std::uint32_t>& effects, std::function<void()> done);

  // local_report.cc: watching and recording
  void on_outcome_bytes(std::string_view bytes);
  void on_sample_due();
  void poll(std::function<void()> done);
  void take_node_stats(std::size_t node, const nlohmann::json& stats);
  void take_gateway_status(std::size_t gateway, const nlohmann::json& status);
  std::vector<NodeSample> samples() const;
  void end_interval(Time at);
  std::string subject_text(const std::string& subject, std::size_t gateway) const;
  void log_decision(const nlohmann::json& decision, std::size_t gateway);
  RunSummary summarize();

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
  std::vector<LocalGateway> gateways_;
  std::vector<LocalNode> nodes_;
  std::unique_ptr<Child> load_;
  std::unique_ptr<net::DescriptorReader> outcomes_;
  std::string outcome_bytes_;
  std::map<std::uint32_t, std::uint64_t> hits_;  // by effect, over all gateways
  net::Timer fault_timer_, sample_timer_;
  Timers timers_;
  Duration offset_{0};  // from run time to the loop's time
  Time next_sample_ = kStart;
  bool is_warm_ = false;
  bool is_over_ = false;  // the load source has said everything
  bool is_playing_ = false;
  std::string problem_;
  std::uint64_t decisions_ = 0;
  std::uint64_t retries_ = 0;
};

}  // namespace phoenix::local
