#include "scenarios/trace_reader.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "scenarios/date_time.h"
#include "strategies/core/nearest_name.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

constexpr double kCountMax = 1e12;

template <class Float>
std::optional<Float> read_number(std::string_view text) {
  Float value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || last != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

Result<TraceFormat> format_of(const TraceSettings& trace) {
  const std::string_view name = trace.file;
  if (trace.format == "csv") return TraceFormat::kCsv;
  if (trace.format == "jsonl") return TraceFormat::kJsonLines;
  if (name.ends_with(".csv")) return TraceFormat::kCsv;
  if (name.ends_with(".jsonl")) return TraceFormat::kJsonLines;
  return Error{trace.file +
               ": found no format; allowed \"csv\" or \"jsonl\", or a file that ends "
               "in .csv or .jsonl"};
}

}  // namespace

TraceReader::TraceReader(const Scenario& scenario)
    : time_unit_(scenario.workload.trace.time_unit),
      interval_(scenario.workload.trace.interval),
      work_base_(scenario.workload.trace.work_base) {
  std::size_t number = 0;
  for (const Service& service : scenario.services) {
    for (const RequestClass& request_class : service.classes) {
      classes_.emplace(request_class.name, id_at<ClassId>(number++));
    }
  }
  const TraceSettings& trace = scenario.workload.trace;
  time_ = want(trace.time_column);
  class_ = want(trace.class_column);
  key_ = want(trace.key_column);
  size_ = want(trace.size_column);
  count_ = want(trace.count_column);
  for (const auto& [column, factor] : trace.work_columns) {
    work_.emplace_back(want(column), to_seconds(factor));
  }
}

std::size_t TraceReader::want(const std::string& column) {
  if (column.empty()) return kNone;
  columns_.push_back(column);
  return columns_.size() - 1;
}

Result<TraceReader> TraceReader::open(const Scenario& scenario) {
  const TraceSettings& trace = scenario.workload.trace;
  const Result<TraceFormat> format = format_of(trace);
  if (!format) return Error{format.error()};
  TraceReader reader(scenario);
  Result<std::unique_ptr<TraceRows>> rows = open_trace_rows(trace.file, *format, reader.columns_);
  if (!rows) return Error{rows.error()};
  reader.rows_ = std::move(*rows);
  return reader;
}

void TraceReader::rewind() {
  rows_->rewind();
  is_first_ = true;
  earliest_ = Duration{0};
}

Error TraceReader::wrong(std::size_t column, std::string_view allowed) const {
  constexpr std::size_t kShown = 60;
  const std::string_view found = cell(column);
  std::string text = where() + columns_[column] + ": found \"";
  text.append(found.substr(0, kShown)).append(found.size() > kShown ? "...\"" : "\"");
  return Error{text.append("; allowed ").append(allowed)};
}

Result<bool> TraceReader::next(TraceRow& row) {
  const Result<bool> more = rows_->next();
  if (!more || !*more) return more;
  for (const Status& status : {read_time(row), read_class(row), read_count(row), read_work(row)}) {
    if (!status) return Error{status.error()};
  }
  if (has_size()) {
    const Result<double> size = number(size_);
    if (!size) return Error{size.error()};
    if (*size == 0) return wrong(size_, "a number above 0");
    row.size = *size;
  }
  if (has_key()) row.key = hash_text(cell(key_));
  is_first_ = false;
  return true;
}

Status TraceReader::read_time(TraceRow& row) {
  if (time_ == kNone) {
    row.at = earliest_;
    earliest_ += interval_;
    return success();
  }
  const Result<Duration> at = parse_time();
  if (!at) return Error{at.error()};
  if (*at < earliest_) {
    const std::string bound = print_duration(earliest_) + " from the start";
    if (is_first_) return wrong(time_, "times from 0 on");
    return wrong(time_,
                 has_intervals()
                     ? "rows in the order of time, at or after the interval before ends, " + bound
                     : "rows in the order of time, this one at " + bound + " or later");
  }
  row.at = *at;
  earliest_ = add_saturating(Time{*at}, interval_).time_since_epoch();
  return success();
}

Result<Duration> TraceReader::parse_time() {
  const std::string_view text = cell(time_);
  if (is_first_) has_dates_ = looks_like_date(text);
  if (has_dates_) {
    const Result<std::int64_t> date = parse_date_time(text);
    if (!date) {
      return wrong(time_, "a date and time such as \"2023-11-16 18:15:46.68\", years 1700 to 2200");
    }
    if (is_first_) first_date_ns_ = *date;
    return Duration{*date - first_date_ns_};
  }
  // long double holds every count of nanoseconds exactly.
  const std::optional<long double> value = read_number<long double>(text);
  const long double ns = value.value_or(0) * static_cast<long double>(time_unit_.count());
  if (!value || !(std::abs(ns) < 9.2e18L)) {
    return wrong(time_, "a number of " + print_duration(time_unit_) +
                            " from the start of the run, or a date and time in every row");
  }
  return Duration{std::llround(ns)};
}

Status TraceReader::read_class(TraceRow& row) const {
  if (!has_class()) return success();
  const auto found = classes_.find(cell(class_));
  if (found == classes_.end()) {
    std::vector<std::string> names;
    for (const auto& [name, id] : classes_) names.push_back(name);
    return wrong(class_, join_names(names) + did_you_mean(cell(class_), names));
  }
  row.request_class = found->second;
  return success();
}

Status TraceReader::read_count(TraceRow& row) const {
  if (!has_intervals()) return success();
  const std::optional<double> count = read_number<double>(cell(count_));
  if (!count || *count < 0 || *count > kCountMax || *count != std::floor(*count)) {
    return wrong(count_, "a whole number of at least 0");
  }
  row.count = static_cast<std::uint64_t>(*count);
  return success();
}

Status TraceReader::read_work(TraceRow& row) const {
  row.work = to_seconds(work_base_);
  for (const auto& [column, factor] : work_) {
    const Result<double> value = number(column);
    if (!value) return Error{value.error()};
    row.work += factor * *value;
  }
  return success();
}

Result<double> TraceReader::number(std::size_t column) const {
  const std::optional<double> value = read_number<double>(cell(column));
  if (!value || *value < 0) return wrong(column, "a number of at least 0");
  return *value;
}

}  // namespace phoenix
