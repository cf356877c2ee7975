// Real request rates for the scaling table, scaled so that all peak at the same rate. Reads
// ../shared/data beside the tree; what is not there is empty.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "strategies/core/time.h"

namespace phoenix {

struct Series {
  std::string name;
  Duration step{0};
  std::vector<double> rates;  // per second
  std::size_t begin = 0;      // before it, the forecast only learns
  Duration period{0};         // of its cycle

  Duration length() const { return static_cast<std::int64_t>(rates.size() - begin) * step; }
  // On the line between the middles of the samples; before the beginning too.
  double rate_at(Duration since_begin) const {
    const double place =
        to_seconds(since_begin) / to_seconds(step) - 0.5 + static_cast<double>(begin);
    const auto before = static_cast<std::size_t>(std::max(place, 0.0));
    const std::size_t after = std::min(before + 1, rates.size() - 1);
    const double share = place - static_cast<double>(before);
    return std::max(0.0, rates[before] * (1 - share) + rates[after] * share);
  }
};

// The last column of a CSV file. NAB's has time stamps: single missing samples are left to the
// neighbours.
inline std::vector<double> read_last_column(const std::string& path) {
  std::ifstream file(path);
  std::vector<double> values;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    values.push_back(std::strtod(line.c_str() + line.rfind(',') + 1, nullptr));
  }
  return values;
}

// With its highest rate at `peak`; without rates where the file is not there.
inline Series read_series(std::string name, const std::string& file, Duration step, int days_before,
                          Duration period, double peak) {
  Series series{std::move(name), step,
                read_last_column(PHOENIX_SOURCE_DIR "/../shared/data/" + file),
                static_cast<std::size_t>(days_before * std::chrono::hours(24) / step), period};
  if (series.rates.empty()) return series;
  const double highest = *std::max_element(
      series.rates.begin() + static_cast<std::ptrdiff_t>(series.begin), series.rates.end());
  for (double& rate : series.rates) rate *= peak / highest;
  return series;
}

inline std::vector<Series> all_series(double peak) {
  using std::chrono::hours;
  using std::chrono::minutes;
  // The World Cup from 10 June 1998, the first match day, on.
  return {
      read_series("worldcup", "worldcup98/worldcup98_per_minute.csv", minutes(1), 40, hours(24),
                  peak),
      read_series("nasa", "nasa-http/nasa_http_1995_07_per_minute.csv", minutes(1), 14, hours(24),
                  peak),
      read_series("nab_elb", "nab/elb_request_count_8c0756.csv", minutes(5), 7, hours(24), peak),
      read_series("azure_functions", "azure-functions-2019/total_per_minute.csv", minutes(1), 0,
                  hours(1), peak)};
}

}  // namespace phoenix
