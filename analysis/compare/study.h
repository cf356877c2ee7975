// What a comparison comes to: the numbers of every run by variation and replication, and for every
// block of comparable variations and every metric who is better than whom. The unit of inference is
// the run, paired by replication.
//
// Pure: made of a plan and results, in whatever order they came.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "analysis/compare/cell_result.h"
#include "analysis/compare/plan.h"
#include "analysis/statistics/bootstrap.h"
#include "analysis/statistics/comparison.h"
#include "strategies/core/result.h"

namespace phoenix {

struct StudyOptions {
  // Judged with Holm's adjustment over all pairs and these metrics; declared before the runs.
  // Others are exploratory.
  std::vector<CellMetric> primary = {CellMetric::kP99};
  double confidence = statistics::kDefaultConfidence;
};

struct VariationStudy {
  std::string name;
  std::string name_in_block;
  // By metric and replication; NaN where a run is missing.
  std::array<std::vector<double>, kCellMetrics> values;
  // Over runs: Student's t below 20 runs, a bootstrap over runs from there on.
  std::array<statistics::RunEstimate, kCellMetrics> estimates;
  std::vector<HistogramBucket> histogram;  // of all its runs
  std::uint64_t completed_min = 0;         // requests of the run that answered fewest
  std::size_t runs = 0;                    // usable ones
};

// A variation against the baseline: above 0 is more than the baseline has.
struct BaselineDifference {
  statistics::PairedDifference difference;
  double adjusted_p = std::numeric_limits<double>::quiet_NaN();
  bool is_separated = false;
};

struct BlockStudy {
  std::string name;
  std::vector<std::size_t> variations;  // indices of the study's; cells below in this order
  std::optional<std::size_t> baseline;  // index into `variations`
  // By metric; the family of Holm's adjustment is the block's. Empty where the block has one
  // variation only: nothing to compare.
  std::vector<statistics::MetricComparison> metrics;
  // By metric and variation; empty without a baseline. That of the baseline itself says nothing.
  std::vector<std::vector<BaselineDifference>> differences;

  const statistics::MetricComparison& metric(CellMetric which) const {
    return metrics[static_cast<std::size_t>(which)];
  }
  // Null for the baseline itself, and where there is none to compare with.
  const BaselineDifference* against_baseline(CellMetric which, std::size_t variation) const;
};

struct ExcludedRun {
  std::uint64_t cell = 0;
  std::string variation;
  std::uint32_t replication = 0;
  std::string cause;  // "killed by signal 11", "not run", "not complete"
};

struct Study {
  StudyOptions options;
  std::uint32_t replications = 0;  // that there are results of, or should be
  std::vector<VariationStudy> variations;
  std::vector<BlockStudy> blocks;
  std::vector<ExcludedRun> excluded;
  std::vector<std::string> warnings;

  bool is_primary(CellMetric metric) const;
};

// `replications` are those that were to be run so far. The error: no run has a result.
Result<Study> make_study(const ComparisonPlan& plan, const std::vector<CellResult>& results,
                         std::uint32_t replications, const StudyOptions& options);

// Whether the plan's precision goal is met by what there is: every difference to a baseline, or the
// mean itself where a block has one variation, is known that well.
bool is_precise(const Study& study, const PrecisionGoal& goal);

}  // namespace phoenix
