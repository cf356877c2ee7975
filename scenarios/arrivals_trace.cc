#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "scenarios/arrival_sources.h"
#include "scenarios/request_maker.h"
#include "scenarios/trace_reader.h"
#include "scenarios/variates.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

// What one pass over the file tells; the replay then meets nothing new.
struct Survey {
  std::uint64_t rows = 0;
  Duration first{0};
  Duration last{0};
};

// A run that goes on with half a trace would be a wrong answer that looks right.
[[noreturn]] void file_changed(const std::string& where) {
  std::fprintf(stderr, "phoenix: %sthe trace changed while it was replayed\n", where.c_str());
  std::abort();
}

// Uniform times in a row's interval, smallest first, one at a time: the smallest of k uniforms on
// what is left leaves a part of it that is distributed as U^(1/k).
class SortedUniforms {
 public:
  void restart(std::uint64_t count) {
    count_ = count;
    left_ = 1;
  }
  bool is_empty() const { return count_ == 0; }
  double next(Random& random) {
    left_ *= std::exp(-unit_exponential(random) / static_cast<double>(count_--));
    return 1 - left_;
  }

 private:
  std::uint64_t count_ = 0;
  double left_ = 1;
};

class TraceArrivals final : public ArrivalSource {
 public:
  TraceArrivals(const Scenario& scenario, const Streams& streams, TraceReader reader,
                const Survey& survey)
      : requests_(scenario, streams),
        random_(streams.named("arrivals")),
        reader_(std::move(reader)),
        survey_(survey),
        interval_(scenario.workload.trace.interval),
        scale_(scenario.workload.trace.time_scale),
        repeats_(scenario.workload.trace.repeat),
        end_(kStart + scenario.duration),
        period_(period()) {
    step();
  }

  Time next_at() const override { return next_at_; }

  Arrival next() override {
    assert(next_at_ != kNever);
    const ClassId of = reader_.has_class() ? row_.request_class : requests_.draw_class();
    Arrival arrival = reader_.has_work() ? requests_.make_without_work(of) : requests_.make(of);
    arrival.at = next_at_;
    if (reader_.has_work()) arrival.work = row_.work;
    if (reader_.has_size()) arrival.size = row_.size;
    if (reader_.has_key()) {
      arrival.key = row_.key;
      arrival.has_key = true;
    }
    step();
    return arrival;
  }

 private:
  // From the first row of one round to the first of the next: the mean gap closes the round, so
  // that the mean rate stays. Integers of up to 64 bits fit a long double.
  long double period() const {
    const auto span = static_cast<long double>((survey_.last - survey_.first).count());
    if (reader_.has_intervals()) return span + static_cast<long double>(interval_.count());
    return survey_.rows > 1 ? span * (1 + 1.0L / static_cast<long double>(survey_.rows - 1)) : 0;
  }

  void step() {
    next_at_ = kNever;
    if (!find_row()) return;
    long double at = shift_ + static_cast<long double>(row_.at.count());
    if (reader_.has_intervals()) {
      at += static_cast<long double>(uniforms_.next(random_)) *
            static_cast<long double>(interval_.count());
    } else {
      uniforms_.restart(0);  // one a row, at the row's time
    }
    at /= scale_;
    const auto end = static_cast<long double>(end_.time_since_epoch().count());
    if (std::round(at) < end) next_at_ = Time{Duration{std::llround(at)}};
  }

  // Goes to a row with arrivals left; false at the end of the trace.
  bool find_row() {
    while (uniforms_.is_empty()) {
      const Result<bool> more = reader_.next(row_);
      if (!more || row_count_ + (*more ? 1 : 0) > survey_.rows) file_changed(reader_.where());
      if (*more) {
        ++row_count_;
        uniforms_.restart(row_.count);
      } else if (row_count_ < survey_.rows) {
        file_changed(reader_.where());
      } else if (!start_over()) {
        return false;
      }
    }
    return true;
  }

  bool start_over() {
    if (!repeats_) return false;
    shift_ += period_;
    if (shift_ / scale_ >= static_cast<long double>(end_.time_since_epoch().count())) return false;
    reader_.rewind();
    row_count_ = 0;
    return true;
  }

  RequestMaker requests_;
  Random random_;
  TraceReader reader_;
  Survey survey_;
  Duration interval_;
  long double scale_;
  bool repeats_;
  Time end_;
  long double period_;           // ns
  long double shift_ = 0;        // ns, of this round
  std::uint64_t row_count_ = 0;  // read in this round
  TraceRow row_;
  SortedUniforms uniforms_;  // of the row's arrivals those to come
  Time next_at_ = kNever;
};

Result<Survey> survey(TraceReader& reader) {
  Survey survey;
  TraceRow row;
  while (true) {
    const Result<bool> more = reader.next(row);
    if (!more) return Error{more.error()};
    if (!*more) return survey;
    if (survey.rows++ == 0) survey.first = row.at;
    survey.last = row.at;
  }
}

Status check(const Survey& survey, const Scenario& scenario, const TraceReader& reader) {
  const TraceSettings& trace = scenario.workload.trace;
  if (survey.rows == 0) return Error{trace.file + ": found no rows; allowed at least one"};
  if (to_seconds(survey.first) / trace.time_scale >= to_seconds(scenario.duration)) {
    return Error{trace.file + ": " + trace.time_column + ": found a first row at " +
                 print_duration(survey.first) + "; allowed before the run ends, at " +
                 print_duration(scenario.duration) + " times the time scale"};
  }
  if (trace.repeat && !reader.has_intervals() && survey.first == survey.last) {
    return Error{trace.file + ": found one time only; allowed with repeat are two or more"};
  }
  return success();
}

}  // namespace

Result<std::unique_ptr<ArrivalSource>> make_trace_arrivals(const Scenario& scenario,
                                                           const Streams& streams) {
  Result<TraceReader> reader = TraceReader::open(scenario);
  if (!reader) return Error{reader.error()};
  const Result<Survey> surveyed = survey(*reader);
  if (!surveyed) return Error{surveyed.error()};
  const Status checked = check(*surveyed, scenario, *reader);
  if (!checked) return Error{checked.error()};
  reader->rewind();
  return std::unique_ptr<ArrivalSource>(
      std::make_unique<TraceArrivals>(scenario, streams, std::move(*reader), *surveyed));
}

}  // namespace phoenix
