#include "analysis/series_file.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include "analysis/human_text.h"
#include "scenarios/date_time.h"
#include "scenarios/trace_rows.h"
#include "strategies/core/units.h"
#include "strategies/forecasting/series_value.h"

namespace phoenix {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kCellShown = 60;
constexpr double kStepsPerRowMax = 10;
constexpr double kStepsMin = 1000;  // that many are never too many

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || last != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool is_unknown(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.empty() || lower == "nan" || lower == "na" || lower == "null";
}

class SeriesReader {
 public:
  SeriesReader(TraceRows& rows, const std::string& value_column, const std::string& time_column)
      : rows_(rows), value_column_(value_column), time_column_(time_column) {}

  Result<Series> read() {
    for (;;) {
      const Result<bool> more = rows_.next();
      if (!more) return Error{more.error()};
      if (!*more) break;
      if (const Status status = read_row(); !status) return Error{status.error()};
    }
    if (series_.rows == 0) return Error{rows_.where() + "found no rows; allowed at least one"};
    if (times_.empty()) return std::move(series_);
    return on_grid();
  }

 private:
  Error wrong(const std::string& column, std::string_view found, std::string_view allowed) const {
    std::string text = rows_.where() + column + ": found \"";
    text.append(found.substr(0, kCellShown)).append(found.size() > kCellShown ? "...\"" : "\"");
    return Error{text.append("; allowed ").append(allowed)};
  }

  Status read_row() {
    ++series_.rows;
    const std::string_view cell = rows_.cells()[0];
    if (is_unknown(cell)) {
      ++series_.unknown;
      series_.values.push_back(kNaN);
    } else {
      const std::optional<double> value = number_in(cell);
      if (!value || !is_series_value(*value)) {
        return wrong(value_column_, cell,
                     "a number from 0 to 1e15, or for a gap nothing, NaN, NA or null");
      }
      series_.values.push_back(*value);
    }
    return time_column_.empty() ? success() : read_time();
  }

  Status read_time() {
    const std::string_view cell = rows_.cells()[1];
    if (times_.empty()) series_.has_dates = looks_like_date(cell);
    double time = 0;
    if (series_.has_dates) {
      const Result<std::int64_t> date = parse_date_time(cell);
      if (!date) {
        return wrong(time_column_, cell,
                     "a date and time such as \"2023-11-16 18:15:46\", as in the first row");
      }
      if (times_.empty()) first_ns_ = *date;
      time = static_cast<double>(*date - first_ns_) / 1e9;
    } else {
      const std::optional<double> number = number_in(cell);
      if (!number) {
        return wrong(time_column_, cell,
                     times_.empty() ? "a number, or a date and time" : "a number, as before");
      }
      time = *number;
    }
    if (!times_.empty() && time < times_.back()) {
      return wrong(time_column_, cell, "rows in the order of time");
    }
    times_.push_back(time);
    return success();
  }

  double median_step() const {
    std::vector<double> differences;
    for (std::size_t i = 1; i < times_.size(); ++i) {
      if (times_[i] > times_[i - 1]) differences.push_back(times_[i] - times_[i - 1]);
    }
    if (differences.empty()) return 0;
    const auto middle = differences.begin() + static_cast<std::ptrdiff_t>(differences.size() / 2);
    std::nth_element(differences.begin(), middle, differences.end());
    return *middle;
  }

  Result<Series> on_grid() {
    const double step = median_step();
    series_.step = step;
    if (step == 0 && times_.size() > 1) {
      return Error{rows_.where() + time_column_ +
                   ": found the same time in all rows; allowed times that go on"};
    }
    const double steps = step > 0 ? std::round((times_.back() - times_.front()) / step) + 1 : 1;
    const double steps_max =
        std::max(kStepsMin, kStepsPerRowMax * static_cast<double>(times_.size()));
    if (!(steps <= steps_max)) {
      return Error{rows_.where() + time_column_ + ": found " + human_number(steps) + " steps of " +
                   print_number(step) + " from the first row to the last; allowed " +
                   human_number(steps_max) + " for " +
                   human_count(static_cast<std::uint64_t>(times_.size())) + " rows"};
    }
    std::vector<double> sums(static_cast<std::size_t>(steps), 0.0);
    std::vector<std::uint32_t> rows(sums.size(), 0);
    std::vector<std::uint32_t> known(sums.size(), 0);
    for (std::size_t i = 0; i < times_.size(); ++i) {
      const double place = step > 0 ? std::round((times_[i] - times_.front()) / step) : 0;
      const std::size_t slot = std::min(static_cast<std::size_t>(place), sums.size() - 1);
      if (rows[slot]++ > 0) ++series_.repeated;
      if (std::isnan(series_.values[i])) continue;
      sums[slot] += series_.values[i];
      ++known[slot];
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (rows[i] == 0) ++series_.missing;
      sums[i] = known[i] > 0 ? sums[i] / known[i] : kNaN;
    }
    series_.values = std::move(sums);
    return std::move(series_);
  }

  TraceRows& rows_;
  const std::string& value_column_;
  const std::string& time_column_;
  Series series_;
  std::vector<double> times_;
  std::int64_t first_ns_ = 0;
};

}  // namespace

Result<Series> read_series(const std::string& file, const std::string& value_column,
                           const std::string& time_column) {
  std::vector<std::string> columns = {value_column};
  if (!time_column.empty()) columns.push_back(time_column);
  Result<std::unique_ptr<TraceRows>> rows = open_trace_rows(file, TraceFormat::kCsv, columns);
  if (!rows) return Error{rows.error()};
  return SeriesReader(**rows, value_column, time_column).read();
}

}  // namespace phoenix
