// Two records side by side: every number of one run against the same number of another, typically a
// simulated and a local run of one scenario. Describes, and tests nothing: two runs are one pair,
// and the unit of inference is the run.
//
// Things are matched by name (classes, groups, faults) and keep their order in A, those that only B
// has come last. Not compared is what differs between two runs of one seed: wall time and speed.
// Units are the summary's: seconds, requests per second, shares.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/record_reader.h"
#include "scenarios/run_summary.h"
#include "strategies/core/result.h"

namespace phoenix {

enum class DiffUnit { kCount, kSeconds, kPerSecond, kShare, kNumber };

// One number in both records; NaN where it is not known, or the thing is not there.
struct DiffMetric {
  std::string name;  // as in `run_summary.h`, "failed" for all reasons
  DiffUnit unit = DiffUnit::kNumber;
  double a = std::numeric_limits<double>::quiet_NaN();
  double b = std::numeric_limits<double>::quiet_NaN();

  // (b - a) / a; NaN where a is 0 or either is not known.
  double relative() const;
  // Equal numbers, or known in neither.
  bool is_same() const;
};

enum class Presence { kBoth, kOnlyA, kOnlyB };

// The whole run, a class, a group.
struct DiffThing {
  std::string name;  // "" for the whole run
  Presence presence = Presence::kBoth;
  std::vector<DiffMetric> metrics;

  // Null where there is no metric of this name.
  const DiffMetric* find(std::string_view metric) const;
};

// Response times as whole distributions: the Kolmogorov-Smirnov statistic, the largest distance
// between the shares of requests answered within a time. Mass lies evenly within a bucket.
struct DistributionDiff {
  std::string scope, name;  // as in HistogramRow
  std::uint64_t count_a = 0, count_b = 0;
  double distance = std::numeric_limits<double>::quiet_NaN();  // NaN: nothing answered in one
  double at_s = std::numeric_limits<double>::quiet_NaN();      // the first time it is that large
  double share_a = std::numeric_limits<double>::quiet_NaN();   // answered within at_s
  double share_b = std::numeric_limits<double>::quiet_NaN();
};

struct FaultDiff {
  std::string id;
  std::optional<FaultSummary> a, b;
};

struct DecisionCountDiff {
  std::string family, action;
  std::uint64_t a = 0, b = 0;
};

struct DecisionMoment {
  double at_s = 0;
  std::string family, action, subject;
};

// The i-th decisions of both, where they are not alike; nothing where one has no i-th.
struct DecisionPair {
  std::uint64_t number = 0;  // i, from 0
  std::optional<DecisionMoment> a, b;
};

// Decisions are alike when family, action and subject are; when they were taken does not count.
struct DecisionsDiff {
  static constexpr std::size_t kShown = 5;
  std::uint64_t total_a = 0, total_b = 0;
  std::vector<DecisionCountDiff> counts;  // by family, action
  std::uint64_t alike_at_first = 0;       // decisions before the first pair that is not alike
  std::vector<DecisionPair> different;    // the first kShown, in order
};

// Requests completed per second, interval by interval, over the time both runs cover, warm-up
// included. The intervals are those of the record with the longer ones.
struct ThroughputDiff {
  std::size_t intervals = 0;  // compared; 0: the rest is not known
  double interval_s = std::numeric_limits<double>::quiet_NaN();
  double mean_relative = std::numeric_limits<double>::quiet_NaN();  // mean |b - a| / mean a
  double begin_s = std::numeric_limits<double>::quiet_NaN();        // of the largest difference
  double end_s = std::numeric_limits<double>::quiet_NaN();
  DiffMetric largest{"throughput", DiffUnit::kPerSecond};
};

struct RecordIdentity {
  std::string path, scenario, scenario_xxh64, overrides, world, balancer;
  std::uint64_t seed = 0;
  std::uint32_t replication = 0;
  double duration_s = 0, measured_s = 0;
  std::uint64_t digest = 0;  // of the event sequence; 0: none
  bool complete = false;
};

struct RunDiff {
  RecordIdentity a, b;
  DiffThing total;  // of all classes
  std::vector<DiffThing> classes, groups;
  DiffThing counters;                           // attempts, retries, ... of the whole run
  std::vector<DistributionDiff> distributions;  // total first
  std::vector<FaultDiff> faults;
  DecisionsDiff decisions;
  ThroughputDiff throughput;

  bool is_same_file() const;  // the same scenario text; overrides may differ
  bool is_same_play() const;  // event by event
};

// Incomplete records are compared by what they hold. The error names the record that cannot be
// read, or that ended before it had a summary.
Result<RunDiff> diff_records(const RecordReader& a, const RecordReader& b);

}  // namespace phoenix
