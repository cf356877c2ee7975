// Reads run records: finished ones, and the `.part` that a dead or living writer has left so far.
// Never changes a file. Everything in analysis starts here.
//
// One thread in the process at a time may use HDF5. Errors name the file and what is wrong with it:
// not a record, another version, a missing table or column, unreadable data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/table_reader.h"
#include "scenarios/hdf5_handle.h"
#include "scenarios/record_schema.h"
#include "scenarios/run_summary.h"
#include "strategies/core/result.h"

namespace phoenix {

// Where the record comes from; empty or 0 where it does not say.
struct RecordAttributes {
  std::string format_version, world, producer, producer_version, git_commit;
  std::string scenario_name, scenario, overrides;  // the file's text; KEY=VALUE lines
  std::string scenario_xxh64;                      // hash of that text, 16 hex digits
  std::string strategy;                            // the balancer in full
  std::string t0_utc, host, cpu, compiler, simgrid_version, hdf5_version;
  std::uint64_t master_seed = 0;
  std::uint32_t replication = 0;
  double warmup_s = 0;
  double duration_s = 0;  // as asked for
  int writer_pid = 0;
  bool complete = false;
};

class RecordReader {
 public:
  static Result<RecordReader> open(const std::string& path);
  // A record that lies in a group of another file; `path` is for messages.
  static Result<RecordReader> open_inside(Hdf5Handle object, const std::string& path);

  const std::string& path() const { return path_; }
  // For who copies the record, or reads its tables by their schema.
  const TablePlace& place() const { return place_; }
  const RecordAttributes& attributes() const { return attributes_; }
  // A writer was at work on it when it was opened; what it wrote later is not seen.
  bool is_live() const { return is_live_; }

  template <class Row>
  Result<std::int64_t> row_count() const {
    return row_count(schema_of<Row>());
  }

  // Rows [first, first + count), fewer where the table ends. For tables too large to hold.
  template <class Row>
  Result<std::vector<Row>> rows(std::int64_t first, std::int64_t count) const {
    const Result<std::int64_t> total = row_count<Row>();
    if (!total) return Error{total.error()};
    if (first < 0 || first >= *total || count <= 0) return std::vector<Row>();
    std::vector<Row> rows(
        static_cast<std::size_t>(count < *total - first ? count : *total - first));
    if (Status read = read_rows(schema_of<Row>(), first, rows.size(), rows.data()); !read) {
      return Error{read.error()};
    }
    return rows;
  }

  template <class Row>
  Result<std::vector<Row>> rows() const {
    return rows<Row>(0, INT64_MAX);
  }

  // One of kNameTables: the names behind ids.
  Result<std::vector<std::string>> names(const std::string& kind) const;

  // What the run came to. An error where the run died before it could say.
  Result<RunSummary> summary() const;

 private:
  RecordReader() = default;
  Result<std::int64_t> row_count(const TableSchema& schema) const;
  Status read_rows(const TableSchema& schema, std::int64_t first, std::size_t count,
                   void* rows) const;

  std::string path_;
  Hdf5Handle file_;
  TablePlace place_;
  RecordAttributes attributes_;
  bool is_live_ = false;
};

}  // namespace phoenix
