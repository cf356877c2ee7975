// Counts and times everything that happens in a run, writes the record's rows and makes the
// summary. Told by the world, simulated or real, when requests arrive and are answered, and shown
// the cluster once an interval. O(1) per request, memory O(classes + nodes). One thread at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"
#include "strategies/controller.h"
#include "strategies/core/ids.h"
#include "strategies/core/random.h"
#include "strategies/core/request.h"
#include "strategies/core/time.h"
#include "strategies/metrics/histogram.h"

namespace phoenix {

// One node at the end of an interval. Running totals; the collector takes differences.
struct NodeSample {
  std::uint32_t waiting = 0;
  std::uint32_t in_service = 0;
  double busy_core_ns = 0;
  double available_core_ns = 0;  // core time while up
  double paid_ns = 0;            // from being asked for to being gone, in elastic groups
  double busier_bytes = 0;
  double memory_bytes = 0;
  std::uint64_t completed = 0;
  std::uint64_t refused = 0;
  std::uint64_t attempts = 0;
  std::uint8_t state = 0;  // as NodeRow::up
};

class Collector {
 public:
  // `world` is what the summary calls it: "sim", "local". `record` may be null; it and the scenario
  // must outlive the collector.
  Collector(const Scenario& scenario, const Streams& streams, std::string_view world,
            RecordWriter* record);

  // `arrived` is the same each time: what arrived before the end of the warm-up is not measured.
  void offered(ClassId request_class, Time arrived);
  void answered(ClassId request_class, Time arrived, FailureReason reason, Time now);
  // Still under way when the run ends.
  void unanswered(ClassId request_class, Time arrived);

  // Whether the request of this number gets a row, drawn by number alone: the same requests in
  // every run of the seed. Its row is the world's to fill in.
  bool is_recorded(std::uint64_t seq) const {
    return record_ != nullptr && mix64(record_salt_ ^ seq) <= record_below_;
  }
  // REQUIRES: is_recorded(row.seq).
  void record(const RequestRow& row) { record_->append(row); }

  // End of an interval, or of the warm-up, or of the run.
  void end_interval(Time now, const std::vector<NodeSample>& nodes, std::uint64_t retries);
  // What was measured so far belongs to the warm-up: node totals start again from these.
  void end_warmup(const std::vector<NodeSample>& nodes);

  // Everything but faults and what only the world knows (counters, wall time, digest).
  // `scaling_response_s`: from wanting nodes to having them; NaN where none were wanted.
  RunSummary summarize(Time end, const std::vector<NodeSample>& nodes,
                       double scaling_response_s = std::numeric_limits<double>::quiet_NaN()) const;
  void write_histograms() const;

  // For a control plane: counts from now on, and what came in since the last call.
  void watch() { is_watched_ = true; }
  GatewayReport take_watched(Time now);

  std::uint64_t offered_total() const { return offered_total_; }
  std::uint64_t open() const { return open_; }

 private:
  struct ClassData {
    ClassSummary counts;
    Histogram latency;
  };

  bool is_measured(Time arrived) const { return arrived >= measured_from_; }
  double cluster_cpu(const std::vector<NodeSample>& nodes) const;
  // Returns the utilization of the whole cluster; NaN where nothing was up.
  double summarize_groups(Time end, const std::vector<NodeSample>& nodes,
                          RunSummary& summary) const;

  const Scenario& scenario_;
  std::string world_;
  RecordWriter* record_;
  std::uint64_t record_salt_;
  std::uint64_t record_below_;
  Time measured_from_;
  std::vector<int> groups_;  // by NodeId
  std::vector<ClassData> classes_;
  std::vector<NodeSample> base_;      // at the end of the warm-up
  std::vector<NodeSample> previous_;  // at the end of the last interval
  Time previous_at_ = kStart;
  Histogram window_;
  WindowRow counts_;  // of the interval under way
  bool is_watched_ = false;
  GatewayReport watched_;
  Histogram watched_latency_;
  Histogram reported_latency_;  // what the last report points to
  std::uint64_t retries_before_ = 0;
  std::uint64_t offered_total_ = 0;
  std::uint64_t open_ = 0;
};

}  // namespace phoenix
