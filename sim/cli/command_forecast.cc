#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "analysis/backtest.h"
#include "analysis/forecast_text.h"
#include "analysis/series_file.h"
#include "sim/cli/command_line.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr int kPeriodMax = 1'000'000;
constexpr int kHorizonMax = 10'000;
constexpr std::size_t kLongSeasonsMin = 3;  // in a series, for a long season to be looked for
constexpr int kDaysOfWeek = 7;

constexpr const char* kHelp = R"(phoenix forecast - which forecaster suits a series

usage: phoenix forecast FILE.csv --value COLUMN --period STEPS [OPTIONS]

Every model forecasts each step of the series from what came before it, 1 to --horizon steps ahead,
and is compared with what came. MASE is its mean error over that of the forecast "as one period
before". Times that are missing and cells without a number are gaps; rows at one time are averaged.

)";

constexpr const char* kExamples = R"(
examples:
  phoenix forecast requests.csv --time timestamp --value count --period 288 --horizon 12
  phoenix forecast requests.csv --value count --period 1440 --models 'mixture,ewma[memory=10]'
  phoenix forecast requests.csv --value count --period 288 --json
)";

struct ForecastArguments {
  std::string file;
  std::string value;
  std::string time;
  std::string models;
  BacktestOptions options;
  bool json = false;
};

po::options_description option_list() {
  po::options_description options("options");
  auto add = options.add_options();
  add("value", po::value<std::string>()->value_name("COLUMN"), "the column of the values");
  add("time", po::value<std::string>()->default_value("", "")->value_name("COLUMN"),
      "the column of the times, dates or numbers; without it every row is a step");
  add("period", po::value<int>()->value_name("STEPS"),
      "steps of a season: 288 for a day of 5-minute values");
  add("period2", po::value<int>()->value_name("STEPS"),
      "steps of a longer season, 0 for none; without it seven periods, where the series has three "
      "of those");
  add("horizon", po::value<int>()->default_value(12)->value_name("STEPS"),
      "forecasts 1 to this many steps ahead are compared");
  add("models", po::value<std::string>()->default_value("all")->value_name("A,B"),
      "which, as `phoenix list forecasters` shows them");
  add("json", "print the scores as JSON");
  add("help,h", "this text");
  return options;
}

// Empty where a value is out of range; then `code` is set.
bool is_within(const char* option, int value, int low, int high, int& code) {
  if (value >= low && value <= high) return true;
  code = usage_error("forecast",
                     fmt::format("--{}: found {}; allowed {} to {}", option, value, low, high));
  return false;
}

// Empty with an exit code when there is nothing to forecast.
std::optional<ForecastArguments> parse_arguments(const Arguments& arguments, int& code) {
  const std::optional<CommandLine> line = read_command_line(
      {"forecast", kHelp, kExamples}, option_list(), arguments, 1, 1, "one CSV file", code);
  if (!line) return std::nullopt;
  const po::variables_map& values = line->values;
  const std::vector<std::string>& files = line->files;
  for (const char* option : {"value", "period"}) {
    if (values.count(option) > 0) continue;
    code = usage_error("forecast", fmt::format("--{} is needed", option));
    return std::nullopt;
  }
  ForecastArguments parsed{files[0],
                           values["value"].as<std::string>(),
                           values["time"].as<std::string>(),
                           values["models"].as<std::string>(),
                           {},
                           values.count("json") > 0};
  parsed.options.period = values["period"].as<int>();
  parsed.options.period2 = values.count("period2") > 0 ? values["period2"].as<int>() : -1;
  parsed.options.horizon = values["horizon"].as<int>();
  if (!is_within("period", parsed.options.period, 2, kPeriodMax, code) ||
      !is_within("period2", std::max(0, parsed.options.period2), 0, kPeriodMax, code) ||
      !is_within("horizon", parsed.options.horizon, 1, kHorizonMax, code)) {
    return std::nullopt;
  }
  return parsed;
}

int bad_input(const std::string& error) {
  std::cerr << "phoenix forecast: " << error << "\n";
  return kBadInput;
}

int long_season(int period, std::size_t values) {
  const std::size_t longer = static_cast<std::size_t>(period) * kDaysOfWeek;
  return longer <= kPeriodMax && values >= kLongSeasonsMin * longer ? static_cast<int>(longer) : 0;
}

}  // namespace

int forecast_command(const Arguments& arguments) {
  int code = kGood;
  std::optional<ForecastArguments> parsed = parse_arguments(arguments, code);
  if (!parsed) return code;
  const Result<Series> series = read_series(parsed->file, parsed->value, parsed->time);
  if (!series) return bad_input(series.error());
  if (parsed->options.period2 < 0) {
    parsed->options.period2 = long_season(parsed->options.period, series->values.size());
  }
  const std::vector<std::string> models = split_models(parsed->models);
  if (const Status known = check_models(models, parsed->options); !known) {
    return usage_error("forecast", "--models: " + known.error());
  }
  const Result<Backtest> test = backtest(series->values, models, parsed->options);
  if (!test) return bad_input(parsed->file + ": " + test.error());
  if (parsed->json) {
    std::cout << backtest_json(*series, parsed->options, *test) << "\n";
  } else {
    std::cout << series_text(*series, parsed->options) << "\n"
              << backtest_text(*test, wants_colour(STDOUT_FILENO));
  }
  return kGood;
}

}  // namespace phoenix::cli
