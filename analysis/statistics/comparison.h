// All strategies against each other on all metrics: who is better than whom, and who shares a rank
// because the runs do not tell them apart. What `phoenix compare` says in the end.
//
// The family that Holm's adjustment is over are all pairs of strategies on all primary metrics,
// which are declared before the first run. Other metrics are exploratory: their p values are not
// adjusted, and what they separate is a hint. Intervals are of one comparison each and not
// adjusted: close to the level, an interval without 0 can belong to a pair that is not separated.
//
// A cell is the sample of one strategy on one metric: one value per replication, in the same order
// in every cell, NaN for a run that is missing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/difference.h"
#include "analysis/statistics/mean.h"
#include "strategies/core/result.h"

namespace phoenix::statistics {

enum class Better { kLower, kHigher };

// kStudent asks whether means differ, kWilcoxon whether one is mostly above the other; the latter
// finds nothing at 0.05 with less than six pairs, before any adjustment.
enum class PairTest { kStudent, kWilcoxon };

struct CompareOptions {
  double confidence = kDefaultConfidence;
  PairTest test = PairTest::kStudent;
};

struct MetricCells {
  std::vector<std::span<const double>> cells;  // by strategy
  Better better = Better::kLower;
  bool is_primary = true;
};

struct PairComparison {
  std::size_t a = 0, b = 0;  // cells, a < b
  PairedDifference difference;
  double p = kUnknown;           // by the test asked for; NaN with less than two complete pairs
  double adjusted_p = kUnknown;  // by Holm; p itself where the metric is exploratory
  // The better cell, where adjusted_p is at most 1 - confidence; nothing where not separated.
  std::optional<std::size_t> better;
};

// Ranks count from 1. By what the runs tell, the strategy's true rank is between `first` (one more
// than there are cells separated as better than it) and `last` (the number of ranked cells less
// those separated as worse). Ranges that overlap are no claim either way.
struct RankedCell {
  std::size_t cell = 0;
  std::size_t first = 0, last = 0;  // 0: no value at all, not ranked
  bool is_among_best = false;       // the best mean, or not separated from it
};

struct MetricComparison {
  bool is_primary = true;
  std::vector<MeanEstimate> means;    // by cell, each over all its own runs
  std::vector<PairComparison> pairs;  // (0, 1), (0, 2), ..., (1, 2), ...
  // By mean, the best first, equal ones by cell; cells without a value come last.
  std::vector<RankedCell> ranking;

  // REQUIRES: a != b, both are cells. The order of both does not matter.
  const PairComparison& pair(std::size_t a, std::size_t b) const;
};

// In the order of the metrics. The error tells which metric has another number of cells than the
// first, less than two of them, or that the confidence is not between 0 and 1.
// O(metrics * cells^2 * n log n).
Result<std::vector<MetricComparison>> compare_cells(std::span<const MetricCells> metrics,
                                                    const CompareOptions& options = {});

}  // namespace phoenix::statistics
