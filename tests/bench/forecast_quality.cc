// How good the forecasters are on real loads: every model on every series of the open data sets,
// rolled through from its beginning, 1 to 12 steps ahead, with one configuration for all.
//
//   forecast_quality [FOLDER]     of the data sets; ../shared/data beside the tree if none is named
//
// A season is a day, or an hour where the series is shorter than three days; a long season is a
// week, where there are three of them. Series by the minute are summed to 5 minutes, unless they
// are too short for that. MASE is relative to the seasonal naive forecast; the goals are the
// project's.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "analysis/backtest.h"
#include "analysis/human_text.h"
#include "analysis/series_file.h"
#include "analysis/text_table.h"
#include "strategies/registry.h"

namespace phoenix {
namespace {

constexpr int kHorizon = 12;
constexpr std::size_t kSeasonsMin = 3;
constexpr double kAgainstHoltWinters = 0.9;
constexpr double kCoverageLow = 0.88;
constexpr double kCoverageHigh = 0.92;
constexpr double kMicrosecondsMax = 20;
constexpr const char* kMixture = "mixture";
constexpr const char* kHoltWinters = "holt_winters";

struct Source {
  std::string name;
  const char* file;
  const char* value;
  const char* time;
  int sum = 1;    // rows that are added to one step
  int day = 288;  // steps
  int hour = 12;
};

std::vector<Source> sources() {
  std::vector<Source> list;
  static const std::vector<std::string> nab = {
      "Twitter_volume_AAPL",        "Twitter_volume_GOOG",
      "Twitter_volume_UPS",         "cpu_utilization_asg_misconfiguration",
      "ec2_cpu_utilization_24ae8d", "ec2_cpu_utilization_5f5533",
      "ec2_cpu_utilization_ac20cd", "ec2_network_in_257a54",
      "elb_request_count_8c0756",   "rds_cpu_utilization_cc0c53"};
  static std::vector<std::string> files;
  for (const std::string& name : nab) files.push_back("nab/" + name + ".csv");
  for (std::size_t i = 0; i < nab.size(); ++i) {
    list.push_back({nab[i], files[i].c_str(), "value", "timestamp"});
  }
  list.push_back({"worldcup98", "worldcup98/worldcup98_per_minute.csv", "count", "minute", 5});
  list.push_back({"nasa_http", "nasa-http/nasa_http_1995_07_per_minute.csv", "count", "minute", 5});
  list.push_back({"azure_functions", "azure-functions-2019/total_per_minute.csv", "count", "minute",
                  1, 1440, 60});
  for (const char* column :
       {"avg_cpu", "avg_mem", "avg_assigned_mem", "avg_cycles_per_instruction"}) {
    list.push_back({std::string("borg ") + column,
                    "cluster-util/google2019_cell_usage_300s_month.csv", column, ""});
  }
  return list;
}

std::vector<double> summed(const std::vector<double>& values, int rows) {
  if (rows == 1) return values;
  std::vector<double> sums;
  const auto n = static_cast<std::size_t>(rows);
  for (std::size_t i = 0; i + n <= values.size(); i += n) {
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += values[i + j];  // a gap makes the sum one
    sums.push_back(sum);
  }
  return sums;
}

BacktestOptions options_for(const Source& source, std::size_t values) {
  BacktestOptions options;
  options.horizon = kHorizon;
  const auto has = [&](int period) {
    return values >= kSeasonsMin * static_cast<std::size_t>(period);
  };
  options.period = has(source.day) ? source.day : source.hour;
  options.period2 = has(7 * source.day) ? 7 * source.day : 0;
  return options;
}

struct Line {
  std::string series;
  std::vector<BacktestScore> scores;  // in the order of the registry
};

double mean_mase(const std::vector<Line>& lines, std::size_t model) {
  double sum = 0;
  for (const Line& line : lines) sum += line.scores[model].mase;
  return sum / static_cast<double>(lines.size());
}

void print_errors(const std::vector<Line>& lines, const std::vector<std::string>& models) {
  std::vector<std::string> headers = {"MASE"};
  for (const std::string& model : models) headers.push_back(model.substr(0, 12));
  TextTable table("l" + std::string(models.size(), 'r'), headers);
  for (const Line& line : lines) {
    double best = line.scores[0].mase;
    for (const BacktestScore& score : line.scores) best = std::min(best, score.mase);
    std::vector<TextCell> cells = {line.series};
    for (const BacktestScore& score : line.scores) {
      cells.emplace_back(fmt::format("{:.3f}{}", score.mase, score.mase == best ? "*" : " "));
    }
    table.add(std::move(cells));
  }
  std::vector<TextCell> means = {"mean"};
  for (std::size_t i = 0; i < models.size(); ++i) {
    means.emplace_back(fmt::format("{:.3f} ", mean_mase(lines, i)));
  }
  table.add(std::move(means));
  std::cout << table.print(false) << "* the least of its line\n\n";
}

void print_mixture(const std::vector<Line>& lines, std::size_t mixture) {
  TextTable table("lrrrrrrr",
                  {"Mixture", "sMAPE", "pinball .5", ".9", ".99", "covered", "width", "us a step"});
  for (const Line& line : lines) {
    const BacktestScore& score = line.scores[mixture];
    table.add({line.series, fmt::format("{:.1f} %", score.smape), human_number(score.pinball[0]),
               human_number(score.pinball[1]), human_number(score.pinball[2]),
               human_share(score.coverage, 1), human_number(score.width),
               fmt::format("{:.1f}", score.us_per_step)});
  }
  std::cout << table.print(false) << "\n";
}

void print_goal(const std::string& goal, const std::string& found, bool is_reached) {
  fmt::print("{:<64} {:<22} {}\n", goal, found, is_reached ? "reached" : "MISSED");
}

void print_goals(const std::vector<Line>& lines, const std::vector<std::string>& models) {
  const auto place = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(models.begin(), models.end(), name) - models.begin());
  };
  const std::size_t mixture = place(kMixture);
  const double reached = mean_mase(lines, mixture);
  const double holt_winters = mean_mase(lines, place(kHoltWinters));
  std::size_t best = mixture == 0 ? 1 : 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (i != mixture && mean_mase(lines, i) < mean_mase(lines, best)) best = i;
  }
  double low = 1;
  double high = 0;
  double slowest = 0;
  for (const Line& line : lines) {
    low = std::min(low, line.scores[mixture].coverage);
    high = std::max(high, line.scores[mixture].coverage);
    slowest = std::max(slowest, line.scores[mixture].us_per_step);
  }
  std::cout << std::flush;
  print_goal("mixture's mean MASE at least 10 % below holt_winters'",
             fmt::format("{:.3f} of {:.3f}, {:.1f} %", reached, holt_winters,
                         100 * (reached / holt_winters - 1)),
             reached <= kAgainstHoltWinters * holt_winters);
  print_goal("below the best single model's, " + models[best],
             fmt::format("{:.3f} of {:.3f}, {:.1f} %", reached, mean_mase(lines, best),
                         100 * (reached / mean_mase(lines, best) - 1)),
             reached < mean_mase(lines, best));
  print_goal("90 % intervals cover 88 to 92 % on every series",
             fmt::format("{:.1f} to {:.1f} %", 100 * low, 100 * high),
             low >= kCoverageLow && high <= kCoverageHigh);
  print_goal("at most 20 us a step, all horizons and intervals (CPU time)",
             fmt::format("{:.1f} us at most", slowest), slowest <= kMicrosecondsMax);
}

int run(const std::filesystem::path& folder) {
  std::vector<std::string> models;
  for (const ForecasterEntry& entry : forecasters()) models.push_back(entry.name);
  std::vector<Line> lines;
  for (const Source& source : sources()) {
    const std::filesystem::path file = folder / source.file;
    if (!std::filesystem::exists(file)) {
      std::cout << "skipped " << source.name << ": no " << file.string() << "\n";
      continue;
    }
    const Result<Series> series = read_series(file.string(), source.value, source.time);
    if (!series) {
      std::cerr << "forecast_quality: " << series.error() << "\n";
      return 2;
    }
    const std::vector<double> values = summed(series->values, source.sum);
    const Result<Backtest> test = backtest(values, models, options_for(source, values.size()));
    if (!test) {
      std::cerr << "forecast_quality: " << source.name << ": " << test.error() << "\n";
      return 2;
    }
    lines.push_back({source.name, test->scores});
  }
  if (lines.empty()) return 0;
  print_errors(lines, models);
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i] == kMixture) print_mixture(lines, i);
  }
  print_goals(lines, models);
  return 0;
}

}  // namespace
}  // namespace phoenix

int main(int argc, char** argv) {
  return phoenix::run(argc > 1 ? argv[1] : PHOENIX_SOURCE_DIR "/../shared/data");
}
