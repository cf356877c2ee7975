#include "analysis/statistics/warm_up.h"

#include <algorithm>
#include <vector>

#include "analysis/statistics/sample.h"

namespace phoenix::statistics {
namespace {

// Mean and sum of squares about it of values that come one by one (Welford 1962).
struct Running {
  double n = 0, mean = 0, squares = 0;

  void add(double value) {
    n += 1;
    const double before = value - mean;
    mean += before / n;
    squares += before * (value - mean);
  }
};

}  // namespace

WarmUp mser(std::span<const double> batches) {
  WarmUp result;
  result.batches = batches.size();
  const std::size_t most = batches.size() / 2;
  Running after;  // of batches from d on
  double least = kUnknown;
  for (std::size_t d = batches.size(); d-- > 0;) {
    if (std::isfinite(batches[d])) after.add(batches[d]);
    if (d > most || after.n == 0) continue;
    const double error = after.squares / (after.n * after.n);
    if (error > least) continue;  // from behind: the smallest d of equal ones stays
    least = error;
    result.deleted_batches = d;
    result.mean_after = after.mean;
  }
  result.deleted = result.deleted_batches;
  result.is_run_too_short = std::isnan(least) || result.deleted_batches == most;
  return result;
}

WarmUp mser5(std::span<const double> windows) {
  std::vector<double> batches;
  for (std::size_t i = 0; i + kWarmUpBatch <= windows.size(); i += kWarmUpBatch) {
    const std::vector<double> known = known_sorted(windows.subspan(i, kWarmUpBatch));
    batches.push_back(known.empty() ? kUnknown : mean_of(known));
  }
  WarmUp result = mser(batches);
  result.deleted *= kWarmUpBatch;
  return result;
}

WarmUp common_warm_up(std::span<const WarmUp> runs) {
  WarmUp common;
  if (runs.empty()) return common;
  common.batches = runs.front().batches;
  common.is_run_too_short = false;
  for (const WarmUp& run : runs) {
    common.batches = std::min(common.batches, run.batches);
    common.deleted_batches = std::max(common.deleted_batches, run.deleted_batches);
    common.deleted = std::max(common.deleted, run.deleted);
    common.is_run_too_short |= run.is_run_too_short;
  }
  return common;
}

}  // namespace phoenix::statistics
