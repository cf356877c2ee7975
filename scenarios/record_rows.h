// The rows of a run record, format "phoenix-run" 1.1: one flat struct per table, written as HDF5
// compound types of the same layout by either world and read back by analysis, h5py and pandas
// alike.
//
// Times are nanoseconds since the run started. Missing: NaN for floating point, -1 for ids, "" for
// text.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace phoenix {

// Text of fixed length, null padded; longer text is cut before the character that does not fit.
template <std::size_t N>
struct FixedText {
  char data[N] = {};
  FixedText() = default;
  FixedText(std::string_view text) {  // NOLINT: implicit on purpose
    std::size_t bytes = text.size();
    if (bytes > N) {
      bytes = N;
      while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
    }
    if (bytes > 0) std::memcpy(data, text.data(), bytes);
  }
  FixedText(const char* text) : FixedText(std::string_view(text)) {}  // NOLINT
  std::string_view view() const { return {data, strnlen(data, N)}; }
};

// One per recorded request (all, or a sample drawn by request number).
struct RequestRow {
  std::int64_t seq = 0;  // number of the request in arrival order, from 0
  std::int64_t arrived = 0;
  std::int64_t answered = -1;  // -1: still under way at the end
  double work = 0;             // s at speed 1
  double request_bytes = 0;
  double response_bytes = 0;
  std::uint64_t key = 0;
  std::int32_t request_class = -1;  // index into names/classes
  std::int32_t gateway = -1;
  std::int32_t node = -1;  // that answered, else of the last attempt
  std::int32_t attempts = 0;
  std::uint8_t result = 0;                        // FailureReason: 0 is answered well; or:
  static constexpr std::uint8_t kUnderWay = 255;  // not answered when the run ended
};

// One per node and interval.
struct NodeRow {
  std::int64_t t = 0;  // end of the interval
  std::int32_t node = -1;
  std::int32_t queue = 0;       // waiting at t
  std::int32_t in_service = 0;  // at t
  std::int64_t completed = 0;   // in the interval
  std::int64_t refused = 0;
  float cpu = 0;  // share of core time in the interval
  float memory = 0;
  float network = 0;    // share of bandwidth, the busier direction
  std::uint8_t up = 0;  // 0=down, 1=up, 2=draining, 3=paused, 4=absent
};

// One per interval, for the whole cluster.
struct WindowRow {
  std::int64_t t = 0;  // end of the interval
  std::int64_t offered = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t retries = 0;
  std::int64_t in_flight = 0;  // requests accepted and not answered, at t
  float mean = 0;              // s, of requests completed in the interval; NaN if none
  float p50 = 0;
  float p95 = 0;
  float p99 = 0;
  float max = 0;
  float cpu = 0;  // capacity-weighted mean over nodes that are up
  std::int32_t nodes_up = 0;
};

// One per decision of any strategy: ejections, panic, scaling, placement, knobs, alerts. Written
// when the outcome is known, so in order of outcomes.
struct DecisionRow {
  std::int64_t seq = 0;
  std::int64_t t = 0;     // when it was decided
  FixedText<16> family;   // "routing", "scaling", ...
  FixedText<24> action;   // "eject", "readmit", "panic", "scale_out", ...
  FixedText<32> subject;  // "node:3", "gateway:0", "group:web", a knob, a metric
  double value = 0;       // what it is to become
  FixedText<192> reason;
  FixedText<16> outcome;  // "done", "refused", "failed", "superseded", "open" at the end of the run
  double from = std::numeric_limits<double>::quiet_NaN();  // what it was
  double took = std::numeric_limits<double>::quiet_NaN();  // s, from decision to outcome
  FixedText<192> seen = {};                                // the inputs, as a person reads them
  FixedText<64> note = {};  // of the outcome: why it was refused or failed, how far it got
};

// One per phase of a fault; see `fault_plan.h`.
struct FaultRow {
  std::int64_t seq = 0;
  std::int64_t t_planned = 0;
  std::int64_t t_applied = 0;
  std::int32_t fault = -1;   // index into names/faults
  std::int32_t parent = -1;  // index of the composite it belongs to
  FixedText<20> kind;
  FixedText<8> phase;  // begin, step, end, skipped, failed
  FixedText<32> target;
  std::int32_t incarnation = -1;
  double magnitude = 0;       // slow-downs of a node multiplied; others: the fault's own
  FixedText<12> means;        // sim, signal, shim, netem, cgroup, inflate
  std::int64_t affected = 0;  // messages or requests hit, known at the end
  std::int32_t healthy_after = 0;
  FixedText<32> cause;  // of skipped and failed
};

// Filled buckets of response-time histograms.
struct HistogramRow {
  FixedText<16> scope;  // "total", "class", "group"
  FixedText<32> name;
  double low = 0;   // s, inclusive
  double high = 0;  // s, exclusive
  std::int64_t count = 0;
};

// The summary in long form: one number or word a row; `run_summary.h` lists the metrics.
struct SummaryRow {
  FixedText<16> scope;  // "total", "class", "group", "target", "fault", "gateway", "run"
  FixedText<32> name;   // class, group, target ... name; "" for total and run
  FixedText<32> metric;
  double value = 0;  // NaN where the metric is a word
  FixedText<8> unit;
  FixedText<64> text;  // of metrics that are words
};

}  // namespace phoenix
