#include "analysis/compare/study.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "analysis/statistics/quantile.h"

namespace phoenix {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kWarningsOfAKind = 5;

std::string run_text(const ComparisonPlan& plan, std::uint64_t cell) {
  return fmt::format("{}, replication {}", plan.variations()[plan.variation_of(cell)].name,
                     plan.replication_of(cell));
}

class StudyMaker {
 public:
  StudyMaker(const ComparisonPlan& plan, std::uint32_t replications, const StudyOptions& options)
      : plan_(plan) {
    study_.options = options;
    study_.replications = replications;
    for (const Variation& variation : plan.variations()) {
      VariationStudy& one = study_.variations.emplace_back();
      one.name = variation.name;
      one.name_in_block = variation.name_in_block;
      for (auto& values : one.values) values.assign(replications, kUnknown);
    }
  }

  void take(const CellResult& result) {
    const std::uint32_t replication = plan_.replication_of(result.cell);
    if (replication >= study_.replications) return;
    seen_.insert(result.cell);
    if (!result.warning.empty()) {
      warn(late_, fmt::format("{}: {}", run_text(plan_, result.cell), result.warning));
    }
    if (!result.is_usable()) {
      return exclude(result.cell,
                     result.failure.empty() ? "not played to its end" : result.failure);
    }
    VariationStudy& one = study_.variations[plan_.variation_of(result.cell)];
    for (std::size_t i = 0; i < kCellMetrics; ++i) one.values[i][replication] = result.metrics[i];
    merge_histogram(one.histogram, result.histogram);
    one.completed_min =
        one.runs == 0 ? result.completed : std::min(one.completed_min, result.completed);
    ++one.runs;
  }

  Result<Study> finish() {
    for (std::uint64_t cell = 0;
         cell < std::uint64_t{study_.replications} * plan_.variations().size(); ++cell) {
      if (!seen_.contains(cell)) exclude(cell, "not run");
    }
    std::ranges::sort(study_.excluded, {}, &ExcludedRun::cell);
    if (std::ranges::all_of(study_.variations, [](const auto& one) { return one.runs == 0; })) {
      return Error{study_.excluded.empty() ? "there are no runs to compare"
                                           : fmt::format("no run has a result; the first: {}",
                                                         study_.excluded.front().cause)};
    }
    estimate();
    for (const Block& block : plan_.blocks()) compare(block);
    warn_of_tails();
    return std::move(study_);
  }

 private:
  void exclude(std::uint64_t cell, std::string cause) {
    study_.excluded.push_back({cell, plan_.variations()[plan_.variation_of(cell)].name,
                               plan_.replication_of(cell), std::move(cause)});
  }

  void warn(std::size_t& count, std::string text) {
    if (++count <= kWarningsOfAKind) study_.warnings.push_back(std::move(text));
  }

  void estimate() {
    statistics::BootstrapOptions bootstrap;
    bootstrap.confidence = study_.options.confidence;
    for (VariationStudy& one : study_.variations) {
      for (std::size_t i = 0; i < kCellMetrics; ++i) {
        one.estimates[i] = statistics::estimate_over_runs(one.values[i], bootstrap);
      }
    }
  }

  void compare(const Block& block) {
    BlockStudy& one = study_.blocks.emplace_back();
    one.name = block.name;
    one.variations = block.variations;
    if (block.baseline) {
      one.baseline = static_cast<std::size_t>(std::ranges::find(block.variations, *block.baseline) -
                                              block.variations.begin());
    }
    if (block.variations.size() < 2) return;
    std::vector<statistics::MetricCells> metrics;
    for (std::size_t i = 0; i < kCellMetrics; ++i) {
      const auto metric = static_cast<CellMetric>(i);
      statistics::MetricCells& cells = metrics.emplace_back();
      cells.better = info(metric).better;
      cells.is_primary = study_.is_primary(metric);
      for (const std::size_t variation : block.variations) {
        cells.cells.emplace_back(study_.variations[variation].values[i]);
      }
    }
    auto compared = statistics::compare_cells(metrics, {study_.options.confidence, {}});
    assert(compared.ok());  // blocks have two or more, and as many for each metric
    one.metrics = std::move(*compared);
    if (one.baseline) compare_with_baseline(one);
  }

  void compare_with_baseline(BlockStudy& block) const {
    const auto& base = study_.variations[block.variations[*block.baseline]];
    for (std::size_t i = 0; i < kCellMetrics; ++i) {
      std::vector<BaselineDifference>& row = block.differences.emplace_back();
      for (std::size_t v = 0; v < block.variations.size(); ++v) {
        BaselineDifference& one = row.emplace_back();
        if (v == *block.baseline) continue;
        const auto& values = study_.variations[block.variations[v]].values[i];
        one.difference =
            statistics::paired_difference(values, base.values[i], study_.options.confidence);
        const statistics::PairComparison& pair = block.metrics[i].pair(v, *block.baseline);
        one.adjusted_p = pair.adjusted_p;
        one.is_separated = pair.better.has_value();
      }
    }
  }

  void warn_of_tails() {
    constexpr std::pair<CellMetric, double> kTails[] = {{CellMetric::kP99, 0.99},
                                                        {CellMetric::kP999, 0.999}};
    for (const VariationStudy& one : study_.variations) {
      for (const auto& [metric, q] : kTails) {
        if (one.runs == 0 || is_supported(metric, one.completed_min)) continue;
        warn(tails_, fmt::format("{}: {}, in its smallest run", one.name,
                                 *statistics::tail_warning(one.completed_min, q)));
      }
    }
    if (late_ > kWarningsOfAKind || tails_ > kWarningsOfAKind) {
      const std::size_t more = (late_ > kWarningsOfAKind ? late_ - kWarningsOfAKind : 0) +
                               (tails_ > kWarningsOfAKind ? tails_ - kWarningsOfAKind : 0);
      study_.warnings.push_back(fmt::format("and {} more like these", more));
    }
  }

  const ComparisonPlan& plan_;
  Study study_;
  std::set<std::uint64_t> seen_;
  std::size_t late_ = 0, tails_ = 0;
};

bool is_narrow(const statistics::Interval& interval, double allowed) {
  return interval.is_known() && (interval.high - interval.low) / 2 <= allowed;
}

}  // namespace

bool Study::is_primary(CellMetric metric) const {
  return std::ranges::find(options.primary, metric) != options.primary.end();
}

const BaselineDifference* BlockStudy::against_baseline(CellMetric which,
                                                       std::size_t variation) const {
  if (!baseline || *baseline == variation || differences.empty()) return nullptr;
  return &differences[static_cast<std::size_t>(which)][variation];
}

Result<Study> make_study(const ComparisonPlan& plan, const std::vector<CellResult>& results,
                         std::uint32_t replications, const StudyOptions& options) {
  StudyMaker maker(plan, replications, options);
  std::vector<const CellResult*> ordered;
  for (const CellResult& result : results) ordered.push_back(&result);
  std::ranges::sort(ordered, {}, &CellResult::cell);
  for (const CellResult* result : ordered) maker.take(*result);
  return maker.finish();
}

bool is_precise(const Study& study, const PrecisionGoal& goal) {
  const CellMetric metric = *find_metric(goal.metric);
  const auto i = static_cast<std::size_t>(metric);
  return std::ranges::all_of(study.blocks, [&](const BlockStudy& block) {
    if (!block.baseline || block.metrics.empty()) {
      return std::ranges::all_of(block.variations, [&](std::size_t v) {
        const statistics::RunEstimate& one = study.variations[v].estimates[i];
        return is_narrow(one.interval, goal.relative * std::abs(one.value));
      });
    }
    const double base = study.variations[block.variations[*block.baseline]].estimates[i].value;
    for (std::size_t v = 0; v < block.variations.size(); ++v) {
      const BaselineDifference* const pair = block.against_baseline(metric, v);
      if (pair != nullptr && !is_narrow(pair->difference.interval, goal.relative * std::abs(base)))
        return false;
    }
    return true;
  });
}

}  // namespace phoenix
