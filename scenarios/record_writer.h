// Writes the one record of a run, for either world. Nobody else in the project writes records; the
// runs of a comparison are joined by analysis/compare/comparison_file.h.
//
// While a run lasts the file is `<path>.part`, guarded by a lock on `<path>.lock`; finish() sets
// `complete`, closes, syncs and renames it. A run killed at any moment leaves a `.part` whose
// flushed rows are readable (as SWMR reader, or after h5clear on a copy) and that says it is not
// complete; attribute `rows` of a table counts those that are safe. The next run with the same path
// replaces it. A finished record is replaced only by another finished one. Memory is bounded: one
// buffered chunk a table, and HDF5's cache of at most 4 MiB a table. Writing stops with an error
// when less than 64 MiB are free.
//
// Equal appends give equal tables, whenever they are flushed. What differs between runs of one seed
// (start time, host, process, speed) is in root attributes and in summary rows of scope "run" only.
//
// One thread at a time; open nothing before a fork(). After the first failure (disk full, ...)
// everything else is a no-op and status() keeps the reason; the run may go on, the record will
// never look whole.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/record_rows.h"
#include "scenarios/scenario.h"
#include "strategies/core/result.h"

namespace phoenix {

// What the record says of its origin, besides the scenario itself.
struct RecordOrigin {
  std::string world = "sim";  // sim, local, live
  std::string producer_version;
  std::string source_revision;
  std::string engine_version;           // e.g. SimGrid's
  std::vector<std::string> node_names;  // by NodeId
};

class RecordWriter {
 public:
  // Creates `<path>.part` with all tables and attributes, as `record_schema.h` has them. The error
  // says which path and why, also when another live process is writing it.
  static Result<std::unique_ptr<RecordWriter>> create(const std::string& path,
                                                      const Scenario& scenario,
                                                      const RecordOrigin& origin);
  ~RecordWriter();  // without finish(): flushes, closes, leaves the .part as it is

  void append(const RequestRow& row);
  void append(const NodeRow& row);
  void append(const WindowRow& row);
  void append(const DecisionRow& row);
  void append(const FaultRow& row);
  void append(const HistogramRow& row);
  void append(const SummaryRow& row);

  // Makes everything appended so far safe from the death of this process. Costs milliseconds and,
  // for each table with new rows, up to a chunk of the file: called about once a second of wall
  // time.
  void flush();

  const Status& status() const;

  // Marks the record complete and gives it its final name. The error says what could not be
  // written.
  Status finish();

 private:
  RecordWriter();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace phoenix
