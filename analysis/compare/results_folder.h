// Where a comparison keeps what it has so far:
//
//   plan.json            what is compared
//   cells/0000012.json   one finished run
//   records/0000012.h5   its full record, of those that are kept
//   pilot/               runs that say what to delete of all, a folder like this one
//   plan.lock            held while the plan is made or its warm-up is settled
//
// A cell is written beside its place, synced and renamed: whatever dies, a cell is there whole or
// not at all, and the next to open the folder goes on with those that are missing. One process may
// run cells of a folder as the master; others may add single cells meanwhile (`--cell`), each its
// own file.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "analysis/compare/cell_result.h"
#include "analysis/compare/plan.h"
#include "analysis/compare/plan_lock.h"
#include "scenarios/record_lock.h"
#include "strategies/core/result.h"

namespace phoenix {

class ResultsFolder {
 public:
  // Makes the folder if it is not there. The error: it holds another comparison, is no folder, or
  // cannot be written.
  static Result<ResultsFolder> create(const std::string& path, const ComparisonPlan& plan);
  static Result<ResultsFolder> open(const std::string& path);

  const std::string& path() const { return path_; }
  const ComparisonPlan& plan() const { return plan_; }
  std::string record_path(std::uint64_t cell) const;

  // For as long as the lock lives no other process is the master. Removes what writers that died
  // have left half-written.
  Result<RecordLock> lock() const;

  // Cells that have a result; those that failed are to be run again and do not count.
  Result<std::set<std::uint64_t>> finished() const;
  // Whether the pilot runs for the warm-up are still to be played; they have a folder of their own.
  bool needs_pilot() const;
  Result<ResultsFolder> pilot() const;
  // Other processes may settle the warm-up, too: who holds the plan reads it again and then looks
  // whether it still needs pilots. The error, also: `stop` was set.
  Result<PlanLock> wait_for_plan(const std::atomic<bool>& stop) const;
  Status read_plan_again();
  Status decide_warm_up(const WarmUpRule& rule);

  // Replaces an earlier result. The error says why it could not be kept, e.g. that the disk is
  // full; what was there is untouched.
  Status save(const CellResult& result) const;
  // All results, failed ones too, by cell. The error names the file that cannot be read.
  Result<std::vector<CellResult>> load() const;

 private:
  ResultsFolder(std::string path, ComparisonPlan plan)
      : path_(std::move(path)), plan_(std::move(plan)) {}
  static Result<ResultsFolder> open_same(const std::string& path, const ComparisonPlan& plan);
  std::string cell_path(std::uint64_t cell) const;
  void remove_leftovers() const;

  std::string path_;
  ComparisonPlan plan_;
};

// Writes beside, syncs, renames; where the path is a link, at the place that it leads to. What is
// no regular file, such as a pipe, is written into. The error names the path.
Status write_whole_file(const std::string& path, const std::string& text);
Result<std::string> read_whole_file(const std::string& path);

}  // namespace phoenix
