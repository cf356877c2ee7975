// What a report is made of, whatever it was read from: a comparison of one world, judged, and of
// some of its runs what happened in them over time. Bounded: a run of a week is thinned while it is
// read, and only some runs are looked into.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/plan.h"
#include "analysis/compare/study.h"
#include "analysis/record_reader.h"
#include "analysis/report/fidelity.h"
#include "scenarios/record_rows.h"
#include "scenarios/run_summary.h"

namespace phoenix::report {

// CPU of nodes over time. Rows are nodes, or the mean of several neighbours where there are many.
struct NodeGrid {
  static constexpr std::size_t kRowsMax = 40;
  static constexpr std::size_t kColumnsMax = 90;

  std::vector<std::string> rows;  // "web-3", "web-0 to web-24"
  double column_s = 0;
  std::size_t columns = 0;
  std::vector<float> cpu;        // by row, then column; NaN: not known
  std::vector<float> off_share;  // of node and time: down, or not there
  std::size_t nodes = 0;

  std::size_t index(std::size_t row, std::size_t column) const { return row * columns + column; }
};

// Decisions of one family, outcome and short span of time.
struct DecisionMark {
  std::string family, outcome;
  double at_s = 0;
  std::uint64_t count = 0;
  std::string first;  // "scale_out group:web"
};

struct ShownRun {
  static constexpr std::size_t kWindowsMax = 240;
  static constexpr std::size_t kDecisionBins = 150;
  static constexpr std::size_t kDecisionsMax = 100;
  static constexpr std::size_t kFaultsMax = 1000;

  std::size_t variation = 0;
  std::uint32_t replication = 0;
  RunSummary summary;
  RecordAttributes attributes;
  // Where `intervals_merged` is above 1, a row stands for so many: sums of counts, the highest of
  // quantiles, the last of levels, the mean of CPU.
  std::vector<WindowRow> windows;
  std::size_t intervals_merged = 1;
  NodeGrid nodes;
  std::vector<DecisionMark> decision_marks;  // of all decisions
  std::vector<DecisionRow> decisions;        // the first
  std::uint64_t decisions_total = 0;
  std::vector<FaultRow> faults;
  std::vector<std::string> fault_names;
  std::vector<std::string> missing;  // tables that could not be read, and why

  double end_s() const { return summary.duration_s; }
};

struct ComparisonData {
  // Of how many variations a run is looked into: the best, the baseline, then by rank.
  static constexpr std::size_t kShownMax = 8;

  std::string source;  // the path it was read from
  ComparisonPlan plan;
  Study study;
  std::uint64_t runs = 0;                      // results read
  std::vector<std::optional<ShownRun>> shown;  // by variation
  std::vector<std::string> unreadable;  // records that were kept, and what is wrong with them

  const std::string& world() const { return plan.request().world; }
  FidelitySide side() const { return {source, world(), &plan, &study}; }
};

}  // namespace phoenix::report
