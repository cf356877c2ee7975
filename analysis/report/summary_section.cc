#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare/study_text.h"
#include "analysis/human_text.h"
#include "analysis/report/html.h"
#include "analysis/report/page.h"
#include "analysis/report/selection.h"
#include "analysis/report/svg_chart.h"

namespace phoenix::report {
namespace {

constexpr std::size_t kNotesMax = 10;
constexpr std::size_t kVerdictCharacters = 1000;

std::string plural(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", human_count(count), what, count == 1 ? "" : "s");
}

std::string scope_sentence(const ComparisonData& data) {
  const PlanRequest& request = data.plan.request();
  if (request.axes.empty()) {
    return fmt::format("{} of scenario {}, {}.",
                       data.runs == 1 ? "One run" : plural(data.runs, "run"), request.scenario_path,
                       world_name(request.world));
  }
  std::string axes;
  for (const Axis& axis : request.axes) {
    axes += fmt::format("{}{} ({})", axes.empty() ? "" : " and ", axis.key,
                        plural(axis.values.size(), "value"));
  }
  const char* const pairs =
      data.plan.shares_random_numbers()
          ? "Runs of one replication met the same arrivals, sizes and faults, so differences come "
            "from what was varied."
          : "The seed was varied: runs of one replication met other arrivals, sizes and faults, "
            "and differences are of these, too.";
  return fmt::format("Compared: {} in scenario {}, {}: {} with {} each, {} in all. {}", axes,
                     request.scenario_path, world_name(request.world),
                     plural(data.study.variations.size(), "variation"),
                     plural(data.study.replications, "replication"), plural(data.runs, "run"),
                     pairs);
}

// Of a lone run there is no winner to tell.
std::string lone_run_sentence(const ComparisonData& data) {
  const VariationStudy& one = data.study.variations.front();
  const auto value = [&](CellMetric metric) {
    return value_text(metric, one.estimates[static_cast<std::size_t>(metric)].value);
  };
  return fmt::format(
      "{}: half of the answers took {} or less, one in a hundred more than {}; {} completed, {} of "
      "those answered went well.",
      label_of(data, 0), value(CellMetric::kP50), value(CellMetric::kP99),
      value(CellMetric::kThroughput), value(CellMetric::kAvailability));
}

std::string verdicts_html(const ComparisonData& data) {
  if (data.study.variations.size() == 1) {
    return paragraph_html(lone_run_sentence(data), "verdict");
  }
  std::string text;
  std::size_t shown = 0;
  for (const BlockStudy& block : data.study.blocks) {
    for (const CellMetric metric : data.study.options.primary) {
      const std::string words = cut(verdict_text(data.study, block, metric), kVerdictCharacters);
      if (words.empty() || ++shown > kNotesMax) continue;
      text += paragraph_html(block.name.empty() ? words : block.name + ": " + words, "verdict");
    }
  }
  if (shown > kNotesMax) {
    text += paragraph_html(fmt::format("{} more verdicts are in the tables.", shown - kNotesMax),
                           "note");
  }
  if (data.study.replications < 2) {
    text += paragraph_html(
        "One run of each variation: what differs may be chance. More replications tell.",
        "warning");
  }
  return text;
}

std::string warnings_html(const Study& study) {
  std::string text;
  for (const std::string& warning : study.warnings) {
    text += paragraph_html("Warning: " + warning, "warning");
  }
  for (std::size_t i = 0; i < std::min(kNotesMax, study.excluded.size()); ++i) {
    const ExcludedRun& run = study.excluded[i];
    text += paragraph_html(fmt::format("Left out: run {} ({}, replication {}): {}", run.cell,
                                       run.variation, run.replication, run.cause),
                           "warning");
  }
  if (study.excluded.size() > kNotesMax) {
    text += paragraph_html(
        fmt::format("Left out: {}.", plural(study.excluded.size() - kNotesMax, "more run")),
        "warning");
  }
  return text;
}

bool is_worth_a_column(const Study& study, CellMetric metric) {
  return std::ranges::any_of(study.variations, [metric](const VariationStudy& one) {
    const double value = one.estimates[static_cast<std::size_t>(metric)].value;
    return std::isfinite(value) && value != 0;
  });
}

std::vector<CellMetric> columns_of(const Study& study) {
  std::vector<CellMetric> columns = study.options.primary;
  for (std::size_t i = 0; i < kCellMetrics; ++i) {
    const auto metric = static_cast<CellMetric>(i);
    if (!study.is_primary(metric) && is_worth_a_column(study, metric)) columns.push_back(metric);
  }
  return columns;
}

std::string mean_text(CellMetric metric, const statistics::RunEstimate& estimate) {
  std::string text = value_text(metric, estimate.value);
  if (estimate.interval.is_known() && estimate.interval.high > estimate.interval.low) {
    text += " ± " + value_text(metric, (estimate.interval.high - estimate.interval.low) / 2);
  }
  return text;
}

bool is_best(const BlockStudy& block, CellMetric metric, std::size_t variation) {
  if (block.metrics.empty()) return false;
  return std::ranges::any_of(block.metric(metric).ranking, [&](const auto& one) {
    return one.is_among_best && block.variations[one.cell] == variation;
  });
}

std::string means_html(const ComparisonData& data, const BlockStudy& block) {
  const std::vector<CellMetric> columns = columns_of(data.study);
  std::vector<std::string> headers = {"", "runs"};
  for (const CellMetric metric : columns) headers.emplace_back(info(metric).name);
  DataTable table("means over runs" + (block.name.empty() ? "" : ", " + block.name),
                  "l" + std::string(columns.size() + 1, 'r'), headers);
  for (const std::size_t variation : by_rank(data.study, block)) {
    const VariationStudy& one = data.study.variations[variation];
    const bool is_baseline = block.baseline && data.study.variations.size() > 1 &&
                             block.variations[*block.baseline] == variation;
    std::vector<Cell> row = {label_of(data, variation) + (is_baseline ? " (baseline)" : ""),
                             std::to_string(one.runs)};
    for (const CellMetric metric : columns) {
      row.emplace_back(mean_text(metric, one.estimates[static_cast<std::size_t>(metric)]),
                       is_best(block, metric, variation) ? Tone::kGood : Tone::kPlain);
    }
    table.add(std::move(row));
  }
  return table.html();
}

}  // namespace

std::string summary_html(const ComparisonData& data) {
  constexpr std::size_t kBlocksMax = 6;
  std::string text =
      paragraph_html(scope_sentence(data)) + verdicts_html(data) + warnings_html(data.study);
  for (std::size_t b = 0; b < std::min(kBlocksMax, data.study.blocks.size()); ++b) {
    text += means_html(data, data.study.blocks[b]);
  }
  std::string note;
  if (data.study.replications > 1) {
    note = fmt::format("± half of the {:g} % interval of the mean over runs. ",
                       data.study.options.confidence * 100);
  }
  if (data.study.variations.size() > 1) {
    note += "Bold with ✓: the best, and those that the runs do not tell from it.";
  }
  if (!note.empty()) text += paragraph_html(note, "note");
  if (data.study.blocks.size() > kBlocksMax) {
    text += paragraph_html(
        fmt::format("{} more groups are not shown.", data.study.blocks.size() - kBlocksMax),
        "note");
  }
  return text;
}

}  // namespace phoenix::report
