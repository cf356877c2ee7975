// What tests of faults share: a small cluster whose every answer takes a known time, and questions
// to ask of its record.
//
// One request takes a millisecond to its node, its work there, and a millisecond back. Nothing is
// sent twice, nothing is ejected and no node ramps up unless a test asks for it.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/sim/runs.h"

namespace phoenix::sim {

constexpr std::int64_t ms(double milliseconds) {
  return static_cast<std::int64_t>(milliseconds * 1e6);
}

struct FaultRig {
  int nodes = 2;
  int cores = 4;
  std::string work = "5 ms";
  std::string rate = "100 /s";
  std::string duration = "5 s";
  std::string deadline = "1 s";
  std::string balancer = "round_robin";
  std::string faults = "";  // appended: [[fault]] tables

  std::string text() const {
    return fmt::format(R"(
name = "faults"
duration = "{}"
[cluster]
zone_latency = "0 s"
[[cluster.group]]
name = "n"
count = {}
cores = {}
latency = "1 ms"
boot_time = "500 ms"
[gateway]
cpu_per_message = "0 us"
latency = "0 s"
[reports]
interval = "0 s"
piggyback = false
[router]
retries = 0
consecutive_errors = 0
success_rate_stdevs = 0
panic_threshold = 0
slow_start = "0 s"
[[service]]
name = "s"
discipline = "fifo"
queue = 100000
[[service.class]]
name = "c"
work = "{}"
request = 0
response = 0
deadline = "{}"
[workload]
arrivals = "constant"
rate = "{}"
[strategies]
balancer = "{}"
[record]
requests = "all"
interval = "100 ms"
{})",
                       duration, nodes, cores, work, deadline, rate, balancer, faults);
  }

  RecordedRun run(const Overrides& overrides = {}) const { return run_recorded(text(), overrides); }
};

// One [[fault]] table; `more` holds further lines.
inline std::string fault(std::string_view kind, std::string_view target, std::string_view start,
                         std::string_view duration, std::string_view more = "") {
  std::string table = fmt::format("[[fault]]\nkind = \"{}\"\nstart = \"{}\"\n", kind, start);
  if (!target.empty()) table += fmt::format("target = \"{}\"\n", target);
  if (!duration.empty()) table += fmt::format("duration = \"{}\"\n", duration);
  return table + std::string(more) + "\n";
}

inline bool is_ok(const RequestRow& r) { return r.result == 0; }

inline bool ended_as(const RequestRow& r, FailureReason reason) {
  return r.result == static_cast<std::uint8_t>(reason);
}

// Milliseconds from arrival to answer. REQUIRES: answered.
inline double response_ms(const RequestRow& r) {
  return static_cast<double>(r.answered - r.arrived) / 1e6;
}

// Requests whose last attempt went to `node` and that arrived in [from, until).
inline std::vector<RequestRow> arrived_within(const RecordedRun& run, int node, std::int64_t from,
                                              std::int64_t until) {
  std::vector<RequestRow> found;
  for (const RequestRow& r : run.requests) {
    if (r.node == node && from <= r.arrived && r.arrived < until) found.push_back(r);
  }
  return found;
}

template <class Condition>
std::int64_t count_requests(const RecordedRun& run, Condition condition) {
  return std::ranges::count_if(run.requests, condition);
}

inline double mean_response_ms(const std::vector<RequestRow>& requests) {
  double sum = 0;
  for (const RequestRow& r : requests) sum += response_ms(r);
  return sum / static_cast<double>(requests.size());
}

// Rows of one phase, of one kind or, if that is empty, of all.
inline std::vector<FaultRow> phases(const RecordedRun& run, std::string_view phase,
                                    std::string_view kind = "") {
  std::vector<FaultRow> found;
  for (const FaultRow& row : run.faults) {
    if (row.phase.view() == phase && (kind.empty() || row.kind.view() == kind))
      found.push_back(row);
  }
  return found;
}

// What the node's state was in the intervals ending in (from, until].
inline std::set<int> states_within(const RecordedRun& run, int node, std::int64_t from,
                                   std::int64_t until) {
  std::set<int> states;
  for (const NodeRow& row : run.nodes) {
    if (row.node == node && from < row.t && row.t <= until) states.insert(row.up);
  }
  return states;
}

inline std::int64_t completed_within(const RecordedRun& run, int node, std::int64_t from,
                                     std::int64_t until) {
  std::int64_t completed = 0;
  for (const NodeRow& row : run.nodes) {
    if (row.node == node && from < row.t && row.t <= until) completed += row.completed;
  }
  return completed;
}

inline std::vector<DecisionRow> decisions(const RecordedRun& run, std::string_view action) {
  std::vector<DecisionRow> found;
  for (const DecisionRow& row : run.decisions) {
    if (row.action.view() == action) found.push_back(row);
  }
  return found;
}

// The fault's begin and end, each once. False: the test has failed already.
inline bool has_begun_and_ended(const RecordedRun& run, std::string_view kind) {
  const std::size_t begins = phases(run, "begin", kind).size();
  const std::size_t ends = phases(run, "end", kind).size();
  EXPECT_EQ(begins, 1U) << kind;
  EXPECT_EQ(ends, 1U) << kind;
  return begins == 1 && ends == 1;
}

}  // namespace phoenix::sim
