// A series of equally spaced values from a CSV file, for what forecasts and compares series. Gaps
// are NaN; what was not equally spaced in the file is put on its grid and told.
//
// Reads the whole file. One thread at a time. Errors read `FILE:LINE: COLUMN: found X; allowed Y`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "strategies/core/result.h"

namespace phoenix {

struct Series {
  std::vector<double> values;  // NaN for a gap

  // Between two values, in seconds for dates, else in the time column's own unit; 0 without a time
  // column. The median of the differences of neighbouring rows.
  double step = 0;
  bool has_dates = false;

  std::size_t rows = 0;
  std::size_t unknown = 0;   // cells without a number: empty, NaN, NA or null
  std::size_t missing = 0;   // steps without a row
  std::size_t repeated = 0;  // rows in a step that had one already; the step has their mean
};

// `time_column` may be empty: every row is a step then. Rows must not go back in time. Times are
// dates or numbers. A grid of more than ten times as many steps as rows is refused, since its step
// cannot be right.
Result<Series> read_series(const std::string& file, const std::string& value_column,
                           const std::string& time_column);

}  // namespace phoenix
