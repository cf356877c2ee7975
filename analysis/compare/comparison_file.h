// A whole comparison in one HDF5 file, as `phoenix merge` makes it: format "phoenix-comparison".
//
//   attributes   format, format_version, producer_version, git_commit, plan (JSON, see plan.h)
//   runs         one row a run: cell, variation, replication, counts, a column for each metric
//   histograms   filled buckets of response times of each run
//   windows      mean response time of each interval of each run
//   records/<K>  the full record of run K, of those that were kept: the tables of a run's file
//
// Written beside its place and renamed: never half there. One thread of the process at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/cell_result.h"
#include "analysis/compare/plan.h"
#include "analysis/record_reader.h"
#include "strategies/core/result.h"

namespace phoenix {

inline constexpr const char* kComparisonFormat = "phoenix-comparison";

struct RecordPlace {
  std::string file;
  std::string group;  // empty: the file is the record
};

// Runs of one experiment, by cell, and where those full records are that were kept.
struct Comparison {
  ComparisonPlan plan;
  std::vector<CellResult> results;
  std::map<std::uint64_t, RecordPlace> records;
  std::string path;  // folder or file they come from; empty: merged of several

  // The error: it cannot be read. REQUIRES: records has the cell.
  Result<RecordReader> open_record(std::uint64_t cell) const;
};

// As many as were planned, or more where a precision goal asked for more.
std::uint32_t replications_of(const Comparison& comparison);

// A results folder, or a file that was merged.
Result<Comparison> load_comparison(const std::string& path);
// Whether the path is one of both; a run's record is not.
bool is_comparison(const std::string& path);

// Joins runs of one experiment. Refused, with the path and run: other scenarios or axes, a run that
// two have, and runs that failed or were not played to their end.
Result<Comparison> merge_comparisons(std::vector<Comparison> parts);

// Replaces what is at `path` if it is a comparison, refuses anything else.
Status write_comparison(const std::string& path, const Comparison& comparison);

}  // namespace phoenix
