#include "analysis/statistics/mean.h"

#include "analysis/statistics/distributions.h"
#include "analysis/statistics/sample.h"

namespace phoenix::statistics {

MeanEstimate estimate_mean(std::span<const double> values, double confidence) {
  const std::vector<double> sorted = known_sorted(values);
  MeanEstimate estimate;
  estimate.n = sorted.size();
  estimate.missing = values.size() - sorted.size();
  if (estimate.n == 0) return estimate;
  estimate.mean = mean_of(sorted);
  if (estimate.n == 1) return estimate;
  const auto n = static_cast<double>(estimate.n);
  estimate.sd = std::sqrt(covariance_of(sorted, estimate.mean, sorted, estimate.mean));
  estimate.half_width = student_critical(confidence, n - 1) * estimate.sd / std::sqrt(n);
  return estimate;
}

}  // namespace phoenix::statistics
