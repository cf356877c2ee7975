#include "analysis/statistics/bootstrap.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "analysis/statistics/mean.h"
#include "analysis/statistics/sample.h"
#include "strategies/core/random.h"
#include "strategies/metrics/rank.h"

namespace phoenix::statistics {
namespace {

// One number for each resample, NaN left out. `draw` makes a resample and returns its statistic.
template <class Draw>
Interval resample(const BootstrapOptions& options, Draw draw) {
  assert(options.resamples > 0);
  Random random = Streams(options.seed).named(options.stream);
  std::vector<double> statistics;
  statistics.reserve(options.resamples);
  for (std::uint32_t i = 0; i < options.resamples; ++i) {
    const double statistic = draw(random);
    if (!std::isnan(statistic)) statistics.push_back(statistic);
  }
  return percentile_interval(statistics, options.confidence);
}

Interval resample_mean(std::span<const double> values, const BootstrapOptions& options) {
  const std::size_t n = values.size();
  return resample(options, [values, n](Random& random) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += values[random.below(n)];
    return sum / static_cast<double>(n);
  });
}

// Medians of resamples: how often each value was drawn is walked through in the order of values,
// which is sorted once and not for every resample.
class MedianOfDrawn {
 public:
  explicit MedianOfDrawn(std::span<const double> values) : values_(values), order_(values.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [values](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  }

  // REQUIRES: `times` has a number for each value, which sum to how many values there are.
  double at(std::span<const std::uint32_t> times) const {
    std::size_t place = 0;
    std::size_t seen = times[order_[0]];
    const auto value_at = [&](std::size_t rank) {
      while (seen <= rank) seen += times[order_[++place]];
      return values_[order_[place]];
    };
    const double low = value_at((values_.size() - 1) / 2);
    return (low + value_at(values_.size() / 2)) / 2;
  }

 private:
  std::span<const double> values_;
  std::vector<std::size_t> order_;
};

// `statistic` of how often each of n was drawn.
template <class Statistic>
Interval resample_times(std::size_t n, const BootstrapOptions& options, Statistic statistic) {
  std::vector<std::uint32_t> times(n);
  return resample(options, [&](Random& random) {
    std::fill(times.begin(), times.end(), 0U);
    for (std::size_t i = 0; i < n; ++i) ++times[random.below(n)];
    return statistic(std::span<const std::uint32_t>(times));
  });
}

Interval resample_median(std::span<const double> values, const BootstrapOptions& options) {
  const MedianOfDrawn median(values);
  return resample_times(values.size(), options, [&median](auto times) { return median.at(times); });
}

Interval resample_difference_of_medians(const Pairs& pairs, const BootstrapOptions& options) {
  const MedianOfDrawn a(pairs.a);
  const MedianOfDrawn b(pairs.b);
  return resample_times(pairs.size(), options,
                        [&](auto times) { return a.at(times) - b.at(times); });
}

}  // namespace

RunEstimate bootstrap_center(std::span<const double> values, Center center,
                             const BootstrapOptions& options) {
  const std::vector<double> sorted = known_sorted(values);
  RunEstimate estimate;
  estimate.n = sorted.size();
  estimate.missing = values.size() - sorted.size();
  if (sorted.empty()) return estimate;
  estimate.value = center == Center::kMean ? mean_of(sorted) : median_of_sorted(sorted);
  if (sorted.size() < 2) return estimate;
  estimate.method = IntervalMethod::kBootstrap;
  estimate.interval =
      center == Center::kMean ? resample_mean(sorted, options) : resample_median(sorted, options);
  return estimate;
}

RunEstimate bootstrap_difference(std::span<const double> a, std::span<const double> b,
                                 Center center, const BootstrapOptions& options) {
  const Pairs pairs = complete_pairs(a, b);
  RunEstimate estimate;
  estimate.n = pairs.size();
  estimate.missing = pairs.dropped;
  if (pairs.size() == 0) return estimate;
  if (pairs.size() >= 2) {
    estimate.method = IntervalMethod::kBootstrap;
    estimate.interval = center == Center::kMean ? resample_mean(pairs.differences(), options)
                                                : resample_difference_of_medians(pairs, options);
  }
  estimate.value = center == Center::kMean ? mean_of(pairs.differences())
                                           : median_of_sorted(known_sorted(pairs.a)) -
                                                 median_of_sorted(known_sorted(pairs.b));
  return estimate;
}

RunEstimate estimate_over_runs(std::span<const double> values, const BootstrapOptions& options) {
  const MeanEstimate mean = estimate_mean(values, options.confidence);
  if (mean.n >= kBootstrapRunsMin) return bootstrap_center(values, Center::kMean, options);
  RunEstimate estimate;
  estimate.n = mean.n;
  estimate.missing = mean.missing;
  estimate.value = mean.mean;
  if (mean.n < 2) return estimate;
  estimate.interval = mean.interval();
  estimate.method = IntervalMethod::kStudent;
  return estimate;
}

Interval bootstrap_interval(std::uint32_t n, const ResampleStatistic& statistic,
                            const BootstrapOptions& options) {
  if (n < 2) return {};
  std::vector<std::uint32_t> runs(n);
  return resample(options, [&](Random& random) {
    for (std::uint32_t& run : runs) run = static_cast<std::uint32_t>(random.below(n));
    return statistic(runs);
  });
}

Interval percentile_interval(std::vector<double>& statistics, double confidence) {
  assert(confidence > 0 && confidence < 1);
  if (statistics.empty()) return {};
  std::sort(statistics.begin(), statistics.end());
  const double outside = (1 - confidence) / 2;
  const std::size_t n = statistics.size();
  return {statistics[nearest_rank(n, outside) - 1], statistics[nearest_rank(n, 1 - outside) - 1]};
}

}  // namespace phoenix::statistics
