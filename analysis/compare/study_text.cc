#include "analysis/compare/study_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "analysis/compare/warm_up.h"
#include "analysis/human_text.h"
#include "analysis/text_table.h"

namespace phoenix {
namespace {

using statistics::MetricComparison;
using statistics::RankedCell;

// Two tables, each within a terminal's width.
constexpr CellMetric kTimes[] = {CellMetric::kMean, CellMetric::kP50, CellMetric::kP90,
                                 CellMetric::kP95,  CellMetric::kP99, CellMetric::kP999};
constexpr CellMetric kOutcomes[] = {CellMetric::kThroughput,   CellMetric::kFailures,
                                    CellMetric::kAvailability, CellMetric::kSloViolating,
                                    CellMetric::kNodeHours,    CellMetric::kCost,
                                    CellMetric::kMoves};

std::string signed_text(double value, const std::string& size) {
  return (value < 0 ? "-" : value > 0 ? "+" : "") + size;
}

bool is_best(const MetricComparison& comparison, std::size_t cell) {
  return std::ranges::any_of(comparison.ranking, [cell](const RankedCell& one) {
    return one.cell == cell && one.is_among_best;
  });
}

// Whether all variations come to the same number: such a column says nothing.
bool tells_nothing(const Study& study, CellMetric metric) {
  const auto i = static_cast<std::size_t>(metric);
  return std::ranges::all_of(study.variations, [&](const VariationStudy& one) {
    const double value = one.estimates[i].value;
    return std::isnan(value) || value == 0;
  });
}

std::string rank_text(const RankedCell& one) {
  if (one.first == 0) return "-";
  return one.first == one.last ? fmt::format("{}", one.first)
                               : fmt::format("{}-{}", one.first, one.last);
}

std::string interval_text(CellMetric metric, const statistics::Interval& interval) {
  if (!interval.is_known()) return "";
  return fmt::format("{} to {}", metric_difference_text(metric, interval.low),
                     metric_difference_text(metric, interval.high));
}

std::string half_width_text(CellMetric metric, const statistics::RunEstimate& estimate) {
  if (!estimate.interval.is_known()) return estimate.n == 1 ? "n=1" : "";
  return "+-" + metric_text(metric, (estimate.interval.high - estimate.interval.low) / 2);
}

std::string wins_text(CellMetric metric, const statistics::PairedDifference& difference) {
  const std::size_t wins = info(metric).better == statistics::Better::kLower
                               ? difference.wins.below
                               : difference.wins.above;
  return fmt::format("{}/{}", wins, difference.n);
}

void add_row(TextTable& table, const ComparisonPlan& plan, const Study& study,
             const BlockStudy& block, CellMetric metric, const RankedCell& ranked) {
  const std::size_t variation = block.variations[ranked.cell];
  const statistics::RunEstimate& estimate =
      study.variations[variation].estimates[static_cast<std::size_t>(metric)];
  const TextStyle style = ranked.is_among_best ? TextStyle::kGood : TextStyle::kPlain;
  std::vector<TextCell> row = {{short_name(plan, variation), style},
                               {ranked.is_among_best ? "*" : "", style},
                               {metric_text(metric, estimate.value), style},
                               {half_width_text(metric, estimate), TextStyle::kDim}};
  if (const BaselineDifference* const one = block.against_baseline(metric, ranked.cell)) {
    const bool is_worse =
        one->is_separated &&
        (one->difference.mean > 0) == (info(metric).better == statistics::Better::kLower);
    const TextStyle tone = !one->is_separated ? TextStyle::kDim
                           : is_worse         ? TextStyle::kBad
                                              : TextStyle::kGood;
    row.emplace_back(relative_text(one->difference.relative), tone);
    row.emplace_back(interval_text(metric, one->difference.interval), tone);
    row.emplace_back(wins_text(metric, one->difference));
  } else {
    row.emplace_back(block.baseline == ranked.cell ? "baseline" : "", TextStyle::kDim);
    row.insert(row.end(), {TextCell(""), TextCell("")});
  }
  row.emplace_back(rank_text(ranked));
  table.add(std::move(row));
}

std::string primary_table(const ComparisonPlan& plan, const Study& study, const BlockStudy& block,
                          CellMetric metric, bool colour) {
  TextTable table("llrlrlrr",
                  {info(metric).name, "", "mean", "", "against", "difference", "wins", "rank"});
  for (const RankedCell& one : block.metric(metric).ranking) {
    add_row(table, plan, study, block, metric, one);
  }
  return table.print(colour);
}

std::string means_table(const ComparisonPlan& plan, const Study& study, const BlockStudy& block,
                        std::string title, std::span<const CellMetric> shown, bool colour) {
  std::vector<CellMetric> metrics;
  for (const CellMetric metric : shown) {
    if (!tells_nothing(study, metric)) metrics.push_back(metric);
  }
  if (metrics.empty()) return "";
  std::vector<std::string> headers = {std::move(title)};
  for (const CellMetric metric : metrics) headers.emplace_back(info(metric).name);
  TextTable table("l" + std::string(metrics.size(), 'r'), headers);
  for (std::size_t v = 0; v < block.variations.size(); ++v) {
    const VariationStudy& one = study.variations[block.variations[v]];
    std::vector<TextCell> row = {short_name(plan, block.variations[v])};
    for (const CellMetric metric : metrics) {
      const bool best = !block.metrics.empty() && is_best(block.metric(metric), v);
      const double value = one.estimates[static_cast<std::size_t>(metric)].value;
      row.emplace_back(metric_text(metric, value), best ? TextStyle::kGood : TextStyle::kPlain);
    }
    table.add(std::move(row));
  }
  return table.print(colour);
}

std::string head_text(const ComparisonPlan& plan, const Study& study, bool colour) {
  std::string scenario = plan.request().scenario_path;
  scenario = scenario.substr(scenario.rfind('/') + 1);
  const std::string title =
      fmt::format("{}, {}: {} variation{} x {} replication{}", scenario,
                  plan.request().world == "sim" ? "simulated" : "on " + plan.request().world,
                  study.variations.size(), study.variations.size() == 1 ? "" : "s",
                  study.replications, study.replications == 1 ? "" : "s");
  return paint(title, TextStyle::kTitle, colour) + "\n" +
         paint(fmt::format("{}; {:g} % intervals over runs; Holm's adjustment over all pairs",
                           plan.shares_random_numbers() ? "paired by common random numbers"
                                                        : "paired by replication, seeds differ",
                           study.options.confidence * 100),
               TextStyle::kDim, colour) +
         "\n" + paint(warm_up_text(plan), TextStyle::kDim, colour) + "\n";
}

std::string notes_text(const Study& study, bool colour) {
  constexpr std::size_t kShown = 10;
  std::string text;
  for (const std::string& warning : study.warnings) {
    text += paint("warning: " + warning, TextStyle::kFair, colour) + "\n";
  }
  for (std::size_t i = 0; i < std::min(kShown, study.excluded.size()); ++i) {
    const ExcludedRun& run = study.excluded[i];
    text += paint(fmt::format("left out: run {} ({}, replication {}): {}", run.cell, run.variation,
                              run.replication, run.cause),
                  TextStyle::kBad, colour) +
            "\n";
  }
  if (study.excluded.size() > kShown) {
    text += fmt::format("left out: {} more runs\n", study.excluded.size() - kShown);
  }
  return text.empty() ? "" : "\n" + text;
}

// Names of others that share the best's place.
std::vector<std::string> not_told_from_best(const Study& study, const BlockStudy& block,
                                            const MetricComparison& comparison) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < comparison.ranking.size(); ++i) {
    if (!comparison.ranking[i].is_among_best) continue;
    names.push_back(study.variations[block.variations[comparison.ranking[i].cell]].name_in_block);
  }
  return names;
}

}  // namespace

std::string metric_text(CellMetric metric, double value) {
  switch (info(metric).unit) {
    case MetricUnit::kSeconds:
      return human_duration(value);
    case MetricUnit::kPerSecond:
      return human_rate(value);
    case MetricUnit::kShare:
      return human_share(value, 3);
    case MetricUnit::kCount:
    case MetricUnit::kNumber:
      return human_number(value);
  }
  return "";
}

std::string metric_difference_text(CellMetric metric, double difference) {
  return signed_text(difference, metric_text(metric, std::abs(difference)));
}

std::string relative_text(double share) {
  if (std::isnan(share)) return "-";
  const double size = std::abs(share) * 100;
  return signed_text(share, fmt::format("{:.{}f} %", size, size < 10 ? 2 : size < 1000 ? 1 : 0));
}

std::string short_name(const ComparisonPlan& plan, std::size_t variation) {
  const std::vector<Axis>& axes = plan.request().axes;
  const Condition& compared = plan.request().baseline;
  if (axes.empty()) return plan.variations()[variation].name;
  std::string name;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto is_named = [&](const auto& wanted) { return wanted.first == axes[i].key; };
    if (std::ranges::none_of(compared, is_named)) continue;
    const std::string& value = plan.variations()[variation].values[i];
    name += (name.empty() ? "" : ", ") + (compared.size() == 1 ? value : axes[i].key + "=" + value);
  }
  return name;
}

std::string verdict_text(const Study& study, const BlockStudy& block, CellMetric metric) {
  const auto i = static_cast<std::size_t>(metric);
  if (block.metrics.empty()) return "";
  const MetricComparison& comparison = block.metric(metric);
  const RankedCell& best = comparison.ranking.front();
  if (best.first == 0) return fmt::format("{}: not known of any run.", info(metric).name);
  const std::vector<std::string> ties = not_told_from_best(study, block, comparison);
  const VariationStudy& winner = study.variations[block.variations[best.cell]];
  const std::string mean = metric_text(metric, winner.estimates[i].value);
  if (ties.size() + 1 == block.variations.size()) {
    return fmt::format("{}: the runs tell no difference between {} and {}.", info(metric).name,
                       winner.name_in_block, fmt::join(ties, ", "));
  }
  std::string text =
      fmt::format("{}: {} is best with {}", info(metric).name, winner.name_in_block, mean);
  if (!ties.empty()) {
    text += fmt::format("; {} {} not told from it", fmt::join(ties, ", "),
                        ties.size() == 1 ? "is" : "are");
  }
  if (const BaselineDifference* const one = block.against_baseline(metric, best.cell)) {
    const double share = one->difference.relative;
    if (one->is_separated && std::isfinite(share)) {
      text += fmt::format("; {:.{}f} % {} the baseline, {}", std::abs(share) * 100,
                          std::abs(share) < 0.1 ? 1 : 0, share < 0 ? "below" : "above",
                          study.variations[block.variations[*block.baseline]].name_in_block);
    }
  }
  return text + ".";
}

std::string study_text(const ComparisonPlan& plan, const Study& study, bool colour) {
  std::string text = head_text(plan, study, colour);
  for (const BlockStudy& block : study.blocks) {
    text += "\n";
    if (!block.name.empty()) text += paint(block.name, TextStyle::kTitle, colour) + "\n";
    if (!block.metrics.empty()) {
      for (const CellMetric metric : study.options.primary) {
        text += verdict_text(study, block, metric) + "\n\n";
        text += primary_table(plan, study, block, metric, colour) + "\n";
      }
    }
    text += means_table(plan, study, block, "response", kTimes, colour) + "\n";
    text += means_table(plan, study, block, "outcome", kOutcomes, colour);
  }
  return text + notes_text(study, colour);
}

}  // namespace phoenix
