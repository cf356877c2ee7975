#include "sim/cli/study_options.h"

#include <fmt/format.h>

#include "strategies/core/nearest_name.h"
#include "strategies/core/settings.h"
#include "strategies/core/units.h"

namespace phoenix::cli {
namespace {

namespace po = boost::program_options;

constexpr double kConfidenceMin = 0.5;
constexpr double kConfidenceMax = 0.999999;

Result<std::vector<CellMetric>> primary_metrics(const CommandLine& line) {
  std::vector<CellMetric> metrics;
  for (const std::string& name : split_at_commas(line.text("metric"))) {
    const auto metric = find_metric(name);
    if (!metric) {
      return option_error(
          "metric", fmt::format("found \"{}\"; allowed {}{}", name, join_names(metric_names()),
                                did_you_mean(name, metric_names())));
    }
    metrics.push_back(*metric);
  }
  return metrics;
}

}  // namespace

void add_study_options(po::options_description& options) {
  auto add = options.add_options();
  add("metric", po::value<std::string>()->value_name("A,B"),
      "what is judged, declared before the runs (p99); others are exploratory");
  add("confidence", po::value<std::string>()->value_name("SHARE"),
      "of intervals and tests, 50% to 99.9999% (95%)");
}

Result<StudyOptions> read_study_options(const CommandLine& line) {
  StudyOptions options;
  if (line.has("metric")) {
    Result<std::vector<CellMetric>> metrics = primary_metrics(line);
    if (!metrics) return Error{metrics.error()};
    options.primary = std::move(*metrics);
  }
  if (line.has("confidence")) {
    const Result<double> share = parse_share(line, "confidence");
    if (!share) return Error{share.error()};
    // Below, an interval misses more often than it holds; above, it is of tails that runs never
    // fill.
    if (*share < kConfidenceMin || *share > kConfidenceMax) {
      return option_error("confidence", fmt::format("found \"{}\"; allowed 50% to 99.9999%",
                                                    line.text("confidence")));
    }
    options.confidence = *share;
  }
  return options;
}

Result<double> parse_share(const CommandLine& line, const char* option) {
  std::string_view text = line.values[option].as<std::string>();
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  const Result<double> value = parse_number(trim(text));
  const double share = value ? *value / (is_percent ? 100 : 1) : 0;
  if (share > 0 && share < 1) return share;
  return option_error(option,
                      fmt::format("found \"{}\"; allowed a share such as 5%", line.text(option)));
}

Error option_error(const char* option, const std::string& why) {
  return Error{fmt::format("--{}: {}", option, why)};
}

}  // namespace phoenix::cli
