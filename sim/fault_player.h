// Plays the fault plan on the simulated cluster: applies each event at its date, logs what
// happened, and says in the end what every fault did. All chances were drawn when the plan was
// made, or are indexed by message.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenarios/fault_plan.h"
#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "strategies/core/load_report.h"

namespace phoenix::sim {

class World;

class FaultPlayer {
 public:
  FaultPlayer(World& world, const Scenario& scenario, const Streams& streams, RecordWriter* record);

  // The date of the next event; kNever when there are no more.
  Time next_at() const;
  // Its place in the plan.
  std::uint32_t next_number() const { return static_cast<std::uint32_t>(next_); }
  // Plays everything due at `date`.
  void play(Time date);

  // What faults make of one report: dropped (false), delayed, or replaced by an earlier one.
  bool disturb_report(NodeId node, std::uint64_t number, LoadReport& report, Duration& delay);
  bool disturbs_reports() const { return !report_effects_.empty(); }

  // While start_delay and start_fail last: what they do to one attempt to start a node.
  Duration start_delay(NodeId node);
  bool start_fails(NodeId node, int attempt);

  // One job was lost or broken by the node's death.
  void count_casualty(NodeId node);

  std::vector<FaultSummary> summarize() const;
  const FaultPlan& plan() const { return plan_; }

 private:
  struct Live {
    FaultEvent event;  // its begin, with the node resolved
    std::uint64_t affected = 0;
    std::uint64_t completed_before = 0;  // by the node, when it began
  };

  void begin(FaultEvent event);
  void step(const FaultEvent& event);
  void end(const FaultEvent& event);
  void log(const FaultEvent& event, std::string_view phase, std::string_view cause,
           std::uint64_t affected);
  void note_target(std::size_t fault, const std::string& target);
  void note_phase(FaultSummary& summary, std::string_view phase, std::string_view cause,
                  std::uint64_t affected) const;
  std::uint64_t hits(const Live& live) const;
  double in_force(const FaultEvent& event, std::string_view phase) const;
  NodeId busiest() const;
  bool too_few_left(const FaultEvent& event) const;
  static bool is_link_action(FaultAction action);
  static bool is_report_action(FaultAction action);

  World& world_;
  const Streams& streams_;
  RecordWriter* record_;
  FaultPlan plan_;
  std::size_t next_ = 0;
  std::map<std::uint32_t, Live> live_;          // by effect
  std::vector<std::uint32_t> report_effects_;   // live ones
  std::map<std::uint32_t, LoadReport> frozen_;  // by effect: what is repeated
  std::vector<FaultSummary> summaries_;         // one per name
  std::vector<std::set<std::string>> targets_;  // of each name
  std::int64_t sequence_ = 0;
};

}  // namespace phoenix::sim
