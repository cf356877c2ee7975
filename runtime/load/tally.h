// Where a load source's outcomes go: into a summary and a record of its own, or as bytes to the
// local world that started it.
#pragma once

#include <memory>
#include <string>

#include "runtime/load/outcome.h"
#include "runtime/net/loop.h"
#include "scenarios/collector.h"
#include "scenarios/record_writer.h"
#include "scenarios/run_summary.h"
#include "scenarios/scenario.h"

namespace phoenix::load {

// Counts, times and records what a load source sees. On the loop's thread; the record is flushed
// about once a second.
class Tally final : public OutcomeSink {
 public:
  // `scenario` must outlive the tally. The error says why there can be no record.
  static Result<std::unique_ptr<Tally>> make(net::Loop& loop, const Scenario& scenario,
                                             const std::string& record_path);
  ~Tally() override;

  void on_outcome(const Outcome& outcome) override;
  // Once, after kEnd. A run cut short leaves its record incomplete; `record` says what went wrong.
  RunSummary finish(bool complete, Status& record);

 private:
  Tally(net::Loop& loop, const Scenario& scenario, std::unique_ptr<RecordWriter> record);
  void end_interval();

  net::Loop& loop_;
  const Scenario& scenario_;
  std::unique_ptr<RecordWriter> record_;
  Collector collector_;
  net::Timer interval_;
  Time next_interval_;
  std::uint64_t attempts_ = 0;
};

// Adds one outcome to a collector, with its row where it is to be recorded.
void collect(const Outcome& outcome, Collector& collector);

// Writes outcomes to a descriptor, gathered for a few milliseconds; never blocks. Bounded: when
// more than kPipeBytesMax wait, the process ends with a message, since its measurement would be
// wrong.
inline constexpr std::size_t kPipeBytesMax = 256U << 20;
inline constexpr Duration kPipeStallMax = std::chrono::seconds(10);

class OutcomePipe final : public OutcomeSink {
 public:
  OutcomePipe(net::Loop& loop, int descriptor);
  void on_outcome(const Outcome& outcome) override;
  // Writes everything, waiting where it must. False when nobody reads any more, or nothing for
  // kPipeStallMax.
  bool drain();

 private:
  void write_some();

  net::Loop& loop_;
  int descriptor_;
  net::Timer timer_;
  std::string waiting_;
  std::size_t written_ = 0;
  bool is_broken_ = false;
};

}  // namespace phoenix::load
