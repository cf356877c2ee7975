// Requests of a trace file as a scenario's [workload.trace] maps them: typed, checked, in time
// order. Knows nothing of time scales, repetition or the run's length.
//
// Streams: memory does not grow with the file. One thread at a time. Errors read
// `FILE:LINE: COLUMN: found X; allowed Y`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/scenario.h"
#include "scenarios/trace_rows.h"
#include "strategies/core/ids.h"
#include "strategies/core/result.h"
#include "strategies/core/time.h"

namespace phoenix {

struct TraceRow {
  // As the file says: numbers count from the run's start, dates from the first row's. Rows without
  // a time column follow each other at the interval.
  Duration at{0};
  std::uint64_t count = 1;  // arrivals, spread over the interval
  ClassId request_class{0};
  double work = 0;  // seconds
  double size = 0;
  std::uint64_t key = 0;
};

class TraceReader {
 public:
  // Opens the file and finds the columns.
  static Result<TraceReader> open(const Scenario& scenario);

  // False at the end of the file. Rows go back in time nowhere, and intervals do not overlap.
  Result<bool> next(TraceRow& row);

  // Back to before the first row.
  void rewind();

  std::string where() const { return rows_->where(); }

  // Which parts of a row mean something.
  bool has_class() const { return class_ != kNone; }
  bool has_work() const { return !work_.empty() || work_base_ > Duration{0}; }
  bool has_size() const { return size_ != kNone; }
  bool has_key() const { return key_ != kNone; }
  bool has_intervals() const { return count_ != kNone; }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  explicit TraceReader(const Scenario& scenario);

  std::size_t want(const std::string& column);
  std::string_view cell(std::size_t i) const { return rows_->cells()[i]; }
  Error wrong(std::size_t column, std::string_view allowed) const;

  Status read_time(TraceRow& row);
  Result<Duration> parse_time();
  Status read_class(TraceRow& row) const;
  Status read_count(TraceRow& row) const;
  Status read_work(TraceRow& row) const;
  Result<double> number(std::size_t column) const;

  std::unique_ptr<TraceRows> rows_;
  std::vector<std::string> columns_;
  std::map<std::string, ClassId, std::less<>> classes_;
  Duration time_unit_;
  Duration interval_;
  Duration work_base_;

  std::size_t time_ = kNone;
  std::size_t class_ = kNone;
  std::size_t key_ = kNone;
  std::size_t size_ = kNone;
  std::size_t count_ = kNone;
  std::vector<std::pair<std::size_t, double>> work_;  // column, seconds for each

  bool is_first_ = true;
  bool has_dates_ = false;
  std::int64_t first_date_ns_ = 0;
  Duration earliest_{0};  // the next row may not be before
};

}  // namespace phoenix
