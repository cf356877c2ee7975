// The parts of a diff that are worked out from the rows of tables.
#pragma once

#include <utility>
#include <vector>

#include "analysis/diff.h"
#include "scenarios/record_rows.h"
#include "strategies/core/result.h"

namespace phoenix {

// An error where a bucket is impossible: a count below 0, or bounds that are no interval.
Status check_histogram(const std::vector<HistogramRow>& rows);

// One for each scope and name in either, in order of appearance, total first.
// REQUIRES: check_histogram() found nothing in either.
std::vector<DistributionDiff> diff_distributions(const std::vector<HistogramRow>& a,
                                                 const std::vector<HistogramRow>& b);

// Intervals shorter than half the usual one, as at the end of an interrupted run, are left out.
ThroughputDiff diff_throughput(const std::vector<WindowRow>& a, const std::vector<WindowRow>& b);

// Takes decisions in the order of the tables, in pieces: they may be too many to hold.
class DecisionsDiffer {
 public:
  // The next rows of both; fewer only where a table has ended.
  void add(const std::vector<DecisionRow>& a, const std::vector<DecisionRow>& b);
  DecisionsDiff take() { return std::move(diff_); }

 private:
  void count(const DecisionRow& row, std::uint64_t DecisionCountDiff::*side);
  void compare(const DecisionRow* a, const DecisionRow* b);

  DecisionsDiff diff_;
  std::uint64_t number_ = 0;
};

}  // namespace phoenix
