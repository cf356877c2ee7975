// Two runs with round numbers, and records of them: what a diff of them says is worked out by hand.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "analysis/diff.h"
#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "tests/scenarios/record_fixtures.h"

namespace phoenix {

inline ClassSummary class_of(const char* name, std::uint64_t completed, std::uint64_t deadline,
                             double p50_s, double p95_s) {
  ClassSummary c;
  c.name = name;
  c.offered = completed + deadline;
  c.completed = completed;
  c.failed[static_cast<std::size_t>(FailureReason::kDeadline)] = deadline;
  c.throughput_per_s = static_cast<double>(completed) / 10;
  c.availability = static_cast<double>(completed) / static_cast<double>(c.offered);
  c.latency = {p50_s, p50_s, p50_s, p95_s, p95_s, p95_s, 2 * p95_s};
  return c;
}

// 1000 requests in 10 s, 20 of them too late.
inline RunSummary run_a() {
  RunSummary run;
  run.duration_s = 12;
  run.measured_s = 10;
  run.complete = true;
  run.total = class_of("", 980, 20, 0.010, 0.040);
  run.classes = {class_of("checkout", 180, 20, 0.020, 0.080),
                 class_of("browse", 800, 0, 0.008, 0.020)};
  run.groups = {{"new", 4, 0.5, 0.75, 0.01, 0.002}, {"old", 2, 0.25, 0.25, 0.005, 0}};
  run.attempts = 1'000;
  run.retries = 20;
  run.hedges = 10;
  run.hedges_won = 4;
  run.node_hours = 0.015;
  run.cost = 0.002;
  run.faults = {{"crash", "crash_restart", "node:3", "ended", 4, 6, 30},
                {"slow", "slow_cpu", "node:1", "ended", 7, 8, 12}};
  run.digest = 1;
  return run;
}

// The same load, a different outcome: 931 answered (-5 %), p50 +10 %, p95 +15 %, failures 69
// (+245 %), and another class, group and fault.
inline RunSummary run_b() {
  RunSummary run = run_a();
  run.total = class_of("", 931, 69, 0.011, 0.046);
  run.classes = {class_of("browse", 731, 69, 0.010, 0.030),
                 class_of("search", 200, 0, 0.016, 0.040)};
  run.groups = {{"new", 5, 0.4, 1.0, 0.0125, 0.0025}};
  run.retries = 15;
  run.hedges = 12;
  run.ejections = 3;
  run.faults = {{"crash", "crash_restart", "node:3", "ended", 4, 6, 33},
                {"cut", "partition", "zone:a", "ended", 1, 2, 5}};
  run.digest = 2;
  return run;
}

[[noreturn]] inline void failed_to(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

inline RecordReader opened(const std::string& path) {
  Result<RecordReader> reader = RecordReader::open(path);
  if (!reader) failed_to(reader.error());
  return std::move(*reader);
}

using Fill = std::function<void(RecordWriter&)>;

inline std::string write_record(const std::string& path, const RunSummary& run,
                                const Fill& fill = nullptr) {
  const auto writer = make_writer(path);
  for (const SummaryRow& row : run.to_rows()) writer->append(row);
  if (fill) fill(*writer);
  if (const Status finished = writer->finish(); !finished) failed_to(finished.error());
  return path;
}

inline RunDiff diff_of(const std::string& path_a, const std::string& path_b) {
  Result<RunDiff> diff = diff_records(opened(path_a), opened(path_b));
  if (!diff) failed_to(diff.error());
  return std::move(*diff);
}

// Through two records, as a user gets it.
inline RunDiff diff_of(const RunSummary& a, const RunSummary& b, const Fill& fill_a = nullptr,
                       const Fill& fill_b = nullptr) {
  const TempFolder folder;
  return diff_of(write_record(folder.file("a.h5"), a, fill_a),
                 write_record(folder.file("b.h5"), b, fill_b));
}

}  // namespace phoenix
