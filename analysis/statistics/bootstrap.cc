#include "analysis/statistics/bootstrap.h"

#include <algorithm>
#include <cassert>

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

// The median of a resample of sorted values is at the median of the drawn places, which are counted
// rather than sorted.
class MedianOfDrawn {
 public:
  explicit MedianOfDrawn(std::span<const double> sorted) : sorted_(sorted), times_(sorted.size()) {}

  double draw(Random& random) {
    const std::size_t n = sorted_.size();
    std::fill(times_.begin(), times_.end(), 0U);
    for (std::size_t i = 0; i < n; ++i) ++times_[random.below(n)];
    std::size_t place = 0;
    std::size_t seen = times_[0];
    const auto value_at = [&](std::size_t rank) {
      while (seen <= rank) seen += times_[++place];
      return sorted_[place];
    };
    const double low = value_at((n - 1) / 2);
    return (low + value_at(n / 2)) / 2;
  }

 private:
  std::span<const double> sorted_;
  std::vector<std::uint32_t> times_;
};

double center_of(std::vector<double>& values, Center center) {
  if (center == Center::kMean) return mean_of(values);
  std::sort(values.begin(), values.end());
  return median_of_sorted(values);
}

Interval resample_difference_of_medians(const Pairs& pairs, const BootstrapOptions& options) {
  std::vector<double> a(pairs.size());
  std::vector<double> b(pairs.size());
  return resample(options, [&](Random& random) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const std::uint64_t drawn = random.below(pairs.size());
      a[i] = pairs.a[drawn];
      b[i] = pairs.b[drawn];
    }
    return center_of(a, Center::kMedian) - center_of(b, Center::kMedian);
  });
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
  if (center == Center::kMean) {
    estimate.interval = resample_mean(sorted, options);
  } else {
    MedianOfDrawn median(sorted);
    estimate.interval =
        resample(options, [&median](Random& random) { return median.draw(random); });
  }
  return estimate;
}

RunEstimate bootstrap_difference(std::span<const double> a, std::span<const double> b,
                                 Center center, const BootstrapOptions& options) {
  Pairs pairs = complete_pairs(a, b);
  RunEstimate estimate;
  estimate.n = pairs.size();
  estimate.missing = pairs.dropped;
  if (pairs.size() == 0) return estimate;
  if (pairs.size() >= 2) {
    estimate.method = IntervalMethod::kBootstrap;
    estimate.interval = center == Center::kMean ? resample_mean(pairs.differences(), options)
                                                : resample_difference_of_medians(pairs, options);
  }
  estimate.value = center == Center::kMean
                       ? mean_of(pairs.differences())
                       : center_of(pairs.a, center) - center_of(pairs.b, center);
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
