// Plays the fault plan on a world, simulated or real: applies each event at its date, logs what
// happened, and says in the end what every fault did. All chances were drawn when the plan was
// made, or are indexed by message, so both worlds meet the same faults.
//
// The world calls play() when next_at() has come. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/fault_plan.h"
#include "scenarios/record_writer.h"
#include "scenarios/report_faults.h"
#include "scenarios/run_summary.h"
#include "strategies/core/load_report.h"

namespace phoenix {

// What the player sees of a node. Totals count from the beginning of the run.
struct FaultedNode {
  bool up = true;
  std::uint32_t incarnation = 0;
  std::uint64_t jobs = 0;  // waiting, in service, or held while it is paused
  std::uint64_t completed = 0;
  double slowdown = 1.0;  // product of the slow-downs in force
};

// What a world does for the player. Faults overlap: each call is undone by its opposite only, and a
// node is as it should be again when all that was done to it has been undone.
class FaultWorld {
 public:
  virtual ~FaultWorld() = default;

  virtual Time now() const = 0;
  virtual std::size_t node_count() const = 0;
  virtual int healthy_nodes() const = 0;  // up, neither paused nor draining
  // Nodes there would be without faults: places that scaling has not filled do not count.
  virtual int expected_nodes() const { return static_cast<int>(node_count()); }
  virtual FaultedNode node(NodeId node) const = 0;
  // How an action is carried out, for the record: "sim", "signal", "shim", "inflate", ...
  virtual std::string_view means(FaultAction action) const = 0;
  // Why this event cannot be played here, for its `skipped` row; empty where it can.
  virtual std::string_view objection(const FaultEvent& event) const {
    static_cast<void>(event);
    return {};
  }
  // A fault that is applied later than this after its date is invalid.
  virtual Duration lateness_max() const { return Duration::max(); }

  // `notify`: peers see their connections reset. `keep_queue`: what waits survives.
  virtual void crash(NodeId node, bool notify, bool keep_queue) = 0;
  virtual void drain(NodeId node, Duration grace) = 0;
  virtual void start(NodeId node) = 0;  // undoes one crash or drain; comes up when none is left
  virtual void retry_start(NodeId node) = 0;  // a start that was given up is tried anew
  virtual void pause(NodeId node) = 0;
  virtual void resume(NodeId node) = 0;
  // Again for the same effect: its new factor.
  virtual void slow(NodeId node, std::uint32_t effect, double factor) = 0;
  virtual void end_slow(NodeId node, std::uint32_t effect) = 0;

  // As LinkFaults has them; the end also sends on what the effect had held.
  virtual void begin_link_effect(const FaultEvent& event) = 0;
  virtual void step_link_effect(const FaultEvent& event) = 0;
  virtual void end_link_effect(std::uint32_t effect) = 0;
  virtual std::uint64_t link_affected(std::uint32_t effect) const = 0;

  // For worlds whose reports do not pass disturb_report() here: what disturbs them elsewhere.
  // Again for the same effect: its new strength.
  virtual void begin_report_effect(const FaultEvent& event) { static_cast<void>(event); }
  virtual void end_report_effect(std::uint32_t effect) { static_cast<void>(effect); }
  virtual std::uint64_t report_affected(std::uint32_t effect) const {
    static_cast<void>(effect);
    return 0;
  }
};

class FaultPlayer {
 public:
  // `record` may be null. All must outlive the player; the world may still be under construction.
  FaultPlayer(FaultWorld& world, const Scenario& scenario, const Streams& streams,
              RecordWriter* record);

  // The date of the next event; kNever when there are no more.
  Time next_at() const;
  // Its place in the plan.
  std::uint32_t next_number() const { return static_cast<std::uint32_t>(next_); }
  // Plays everything due at `date`.
  void play(Time date);

  // What faults make of one report: dropped (false), delayed, or replaced by an earlier one.
  bool disturb_report(NodeId node, std::uint64_t number, LoadReport& report, Duration& delay) {
    return reports_.disturb(node, number, report, delay);
  }
  bool disturbs_reports() const { return reports_.any(); }

  // While start_delay and start_fail last: what they do to one attempt to start a node.
  Duration start_delay(NodeId node);
  bool start_fails(NodeId node, int attempt);

  // One job was lost or broken by the node's death.
  void count_casualty(NodeId node);

  // What happened is not what was planned, so the run is not to be averaged with others: a row of
  // phase "failed" and cause "invalid_fault: <why>", and the same as the fault's outcome.
  void invalidate(std::uint32_t effect, std::string_view why);
  // The faults that are invalid, each with the first reason, for people.
  const std::vector<std::string>& invalid() const { return invalid_; }

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
  void judge_date(const FaultEvent& event);
  void mark_invalid(const FaultEvent& event, std::string_view why);
  void note_target(std::size_t fault, const std::string& target);
  void note_phase(FaultSummary& summary, std::string_view phase, std::string_view cause,
                  std::uint64_t affected) const;
  std::uint64_t hits(const Live& live) const;
  double in_force(const FaultEvent& event, std::string_view phase) const;
  NodeId busiest() const;
  bool too_few_left(const FaultEvent& event) const;

  FaultWorld& world_;
  const Streams& streams_;
  RecordWriter* record_;
  FaultPlan plan_;
  ReportFaults reports_;
  std::size_t next_ = 0;
  std::map<std::uint32_t, Live> live_;          // by effect
  std::vector<FaultSummary> summaries_;         // one per name
  std::vector<std::set<std::string>> targets_;  // of each name
  std::set<std::int32_t> invalid_faults_;
  std::vector<std::string> invalid_;
  std::int64_t sequence_ = 0;
};

}  // namespace phoenix
