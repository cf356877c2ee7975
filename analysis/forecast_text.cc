#include "analysis/forecast_text.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/human_text.h"
#include "analysis/text_table.h"
#include "strategies/core/units.h"

namespace phoenix {
namespace {

using Json = nlohmann::ordered_json;  // writes NaN as null

constexpr double kPromised = 0.9;
constexpr double kCoverageOff = 0.02;

std::string times_text(std::size_t count, const char* what) {
  return human_count(static_cast<std::uint64_t>(count)) + " " + what;
}

std::string step_text(const Series& series) {
  if (series.step == 0) return "a row each";
  return series.has_dates ? human_duration(series.step)
                          : print_number(series.step) + " in the file's unit";
}

std::string fixed(double value, int digits) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

using Column = double (*)(const BacktestScore&);

double least(const Backtest& test, Column column) {
  double best = std::numeric_limits<double>::infinity();
  for (const BacktestScore& score : test.scores) {
    if (!std::isnan(column(score))) best = std::min(best, column(score));
  }
  return best;
}

TextCell marked(const std::string& text, double value, double best) {
  return {text, value == best ? TextStyle::kGood : TextStyle::kPlain};
}

TextCell coverage_cell(double coverage) {
  const double off = std::abs(coverage - kPromised);
  return {human_share(coverage, 1), off <= kCoverageOff + 1e-12 ? TextStyle::kPlain
                                    : coverage < kPromised      ? TextStyle::kBad
                                                                : TextStyle::kFair};
}

// The settings that differ from model to model are in the JSON; a table has no room for all.
std::string name_of(const std::string& model) { return model.substr(0, model.find('[')); }

}  // namespace

std::string series_text(const Series& series, const BacktestOptions& options) {
  std::string text = times_text(series.rows, "rows") + ", " +
                     times_text(series.values.size(), "steps") + " of " + step_text(series) +
                     "; period " + std::to_string(options.period);
  if (options.period2 > 0) text += " and " + std::to_string(options.period2);
  text += ", horizon " + std::to_string(options.horizon) + "\n";
  if (series.unknown > 0) {
    text += "gaps: " + times_text(series.unknown, "cells without a number\n");
  }
  if (series.missing > 0) text += "gaps: " + times_text(series.missing, "times without a row\n");
  if (series.repeated > 0) {
    text += "repeated: " + times_text(series.repeated, "rows at a time that had one, averaged\n");
  }
  if (series.values.size() < 2 * static_cast<std::size_t>(options.period)) {
    text +=
        "The series is shorter than two periods: the seasonal naive forecast that others are "
        "measured by\nis the last value until one has passed.\n";
  }
  return text;
}

std::string backtest_text(const Backtest& test, bool colour) {
  const Column columns[] = {[](const BacktestScore& s) { return s.mase; },
                            [](const BacktestScore& s) { return s.smape; },
                            [](const BacktestScore& s) { return s.pinball[0]; },
                            [](const BacktestScore& s) { return s.pinball[1]; },
                            [](const BacktestScore& s) { return s.pinball[2]; }};
  TextTable table("lrrrrrrrr", {"Model", "MASE", "sMAPE", "pinball .5", ".9", ".99", "covered",
                                "width", "us a step"});
  for (const BacktestScore& score : test.scores) {
    table.add(
        {name_of(score.model), marked(fixed(score.mase, 3), score.mase, least(test, columns[0])),
         marked(fixed(score.smape, 1) + " %", score.smape, least(test, columns[1])),
         marked(human_number(score.pinball[0]), score.pinball[0], least(test, columns[2])),
         marked(human_number(score.pinball[1]), score.pinball[1], least(test, columns[3])),
         marked(human_number(score.pinball[2]), score.pinball[2], least(test, columns[4])),
         coverage_cell(score.coverage), human_number(score.width), fixed(score.us_per_step, 2)});
  }
  return table.print(colour) +
         fmt::format(
             "{} origins after {} steps of warm-up; MASE below 1 beats the same time one "
             "period before.\ncovered, width: of the 90 % interval\n",
             human_count(test.origins), human_count(test.warm_up));
}

std::string backtest_json(const Series& series, const BacktestOptions& options,
                          const Backtest& test) {
  Json json;
  json["series"] = {{"rows", series.rows},
                    {"steps", series.values.size()},
                    {"step", series.step},
                    {"step_unit", series.step == 0   ? "row"
                                  : series.has_dates ? "s"
                                                     : "as in the file"},
                    {"unknown", series.unknown},
                    {"missing", series.missing},
                    {"repeated", series.repeated}};
  json["period"] = options.period;
  json["period2"] = options.period2;
  json["horizon"] = options.horizon;
  json["warm_up"] = test.warm_up;
  json["origins"] = test.origins;
  json["models"] = Json::array();
  for (const BacktestScore& score : test.scores) {
    Json pinball;
    for (std::size_t i = 0; i < kPinballLevels.size(); ++i) {
      pinball[print_number(kPinballLevels[i])] = score.pinball[i];
    }
    json["models"].push_back({{"model", score.model},
                              {"mase", score.mase},
                              {"smape", score.smape},
                              {"pinball", pinball},
                              {"coverage", score.coverage},
                              {"width", score.width},
                              {"us_per_step", score.us_per_step}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace phoenix
