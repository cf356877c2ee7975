#include "analysis/statistics/comparison.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include <fmt/format.h>

#include "analysis/statistics/holm.h"

namespace phoenix::statistics {
namespace {

Status check(std::span<const MetricCells> metrics, const CompareOptions& options) {
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return Error{fmt::format("confidence = {}: must be above 0 and below 1", options.confidence)};
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::size_t cells = metrics[i].cells.size();
    if (cells < 2) {
      return Error{fmt::format("metric {} is of {} strategies: a comparison needs 2", i, cells)};
    }
    if (cells != metrics[0].cells.size()) {
      return Error{fmt::format("metric {} is of {} strategies, metric 0 of {}: must be the same", i,
                               cells, metrics[0].cells.size())};
    }
  }
  return success();
}

MetricComparison compare_metric(const MetricCells& metric, const CompareOptions& options) {
  MetricComparison result;
  result.is_primary = metric.is_primary;
  for (const std::span<const double>& cell : metric.cells) {
    result.means.push_back(estimate_mean(cell, options.confidence));
  }
  for (std::size_t a = 0; a < metric.cells.size(); ++a) {
    for (std::size_t b = a + 1; b < metric.cells.size(); ++b) {
      PairComparison pair;
      pair.a = a;
      pair.b = b;
      pair.difference = paired_difference(metric.cells[a], metric.cells[b], options.confidence);
      if (pair.difference.n >= 2) {
        pair.p = options.test == PairTest::kStudent ? pair.difference.student.p
                                                    : pair.difference.ranks.p;
      }
      pair.adjusted_p = pair.p;
      result.pairs.push_back(std::move(pair));
    }
  }
  return result;
}

void adjust_primary(std::span<MetricComparison> metrics) {
  std::vector<PairComparison*> family;
  std::vector<double> p;
  for (MetricComparison& metric : metrics) {
    if (!metric.is_primary) continue;
    for (PairComparison& pair : metric.pairs) {
      family.push_back(&pair);
      p.push_back(pair.p);
    }
  }
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < family.size(); ++i) family[i]->adjusted_p = adjusted[i];
}

// The better one by the test that separated them.
std::size_t better_of(const PairComparison& pair, Better better, PairTest test) {
  const PairedDifference& d = pair.difference;
  const double direction = test == PairTest::kStudent ? d.mean : d.ranks.rank_biserial;
  assert(direction != 0);
  return (direction < 0) == (better == Better::kLower) ? pair.a : pair.b;
}

void rank(MetricComparison& metric, Better better) {
  const std::vector<MeanEstimate>& means = metric.means;
  std::vector<std::size_t> order(means.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto known_end = std::stable_partition(
      order.begin(), order.end(), [&means](std::size_t cell) { return means[cell].n > 0; });
  std::stable_sort(order.begin(), known_end, [&](std::size_t left, std::size_t right) {
    return better == Better::kLower ? means[left].mean < means[right].mean
                                    : means[left].mean > means[right].mean;
  });
  const auto ranked = static_cast<std::size_t>(known_end - order.begin());
  for (std::size_t i = 0; i < order.size(); ++i) {
    RankedCell entry;
    entry.cell = order[i];
    if (i < ranked) {
      entry.first = 1;
      entry.last = ranked;
      entry.is_among_best = i == 0 || !metric.pair(order[0], order[i]).better;
    }
    metric.ranking.push_back(entry);
  }
  for (RankedCell& entry : metric.ranking) {
    for (const PairComparison& pair : metric.pairs) {
      if (!pair.better || (pair.a != entry.cell && pair.b != entry.cell)) continue;
      *pair.better == entry.cell ? --entry.last : ++entry.first;
    }
  }
}

}  // namespace

const PairComparison& MetricComparison::pair(std::size_t a, std::size_t b) const {
  assert(a != b && std::max(a, b) < means.size());
  const std::size_t low = std::min(a, b);
  const std::size_t high = std::max(a, b);
  // Before the pairs that begin with `low` are those that begin with less.
  return pairs[low * (2 * means.size() - low - 1) / 2 + (high - low - 1)];
}

Result<std::vector<MetricComparison>> compare_cells(std::span<const MetricCells> metrics,
                                                    const CompareOptions& options) {
  if (const Status status = check(metrics, options); !status) return Error{status.error()};
  std::vector<MetricComparison> results;
  for (const MetricCells& metric : metrics) results.push_back(compare_metric(metric, options));
  adjust_primary(results);
  for (std::size_t i = 0; i < results.size(); ++i) {
    for (PairComparison& pair : results[i].pairs) {
      if (pair.adjusted_p <= 1 - options.confidence) {
        pair.better = better_of(pair, metrics[i].better, options.test);
      }
    }
    rank(results[i], metrics[i].better);
  }
  return results;
}

}  // namespace phoenix::statistics
