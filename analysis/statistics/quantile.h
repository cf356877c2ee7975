// Quantiles of one sample: the value, how many samples it takes to say anything about it, and
// between which of them the true one lies. Quantiles over runs are the bootstrap's affair.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "analysis/statistics/interval.h"

namespace phoenix::statistics {

// Nearest rank: the least value with at least n q values at or below it, sorted[ceil(n q) - 1].
// What reports use. `q` counts to a billionth, so that 0.07 of 100 is 7.
// Both are NaN where sorted is empty. REQUIRES: ascending, without NaN; 0 <= q <= 1.
double nearest_rank_quantile(std::span<const double> sorted, double q);

// Linear between the values around position (n - 1) q: type 7 of Hyndman and Fan (1996), the
// default of numpy and R. For holding numbers against those of others.
double interpolated_quantile(std::span<const double> sorted, double q);

// A quantile rests on the samples on its thin side, n (1 - q) or n q: ten at least.
inline constexpr std::uint64_t kTailSamplesMin = 10;

// The least n: 20 for the median, 1,000 for 0.99 and for 0.01, 10,000 for 0.999; 0 for the minimum
// and the maximum, which are what they are. REQUIRES: 0 <= q <= 1.
std::uint64_t samples_needed(double q);

// What to tell where `n` are less: "p99.9 rests on 4200 samples and takes 10000".
std::optional<std::string> tail_warning(std::uint64_t n, double q);

// Order statistics, counted from 1, that enclose a quantile with at least this confidence.
struct RankInterval {
  std::uint64_t low = 0;   // 0: no sample is low enough to bound it from below
  std::uint64_t high = 0;  // n + 1: none is high enough
};

// The number of samples below the true quantile is binomial, (n, q): `low` is the largest rank with
// P(X < low) <= a/2, `high` the least with P(X < high) >= 1 - a/2 (Hahn and Meeker 1991, section
// 5.2). For independent samples, whatever their law. Requests of one run wait behind each other and
// are not independent: this is for oracles, not for reports.
// REQUIRES: 0 < q < 1, 0 < confidence < 1.
RankInterval quantile_ranks(std::uint64_t n, double q, double confidence = kDefaultConfidence);

// The values at those ranks; a side that no sample bounds is infinite. Not known where sorted is
// empty. REQUIRES: as above; ascending, without NaN.
Interval quantile_interval(std::span<const double> sorted, double q,
                           double confidence = kDefaultConfidence);

}  // namespace phoenix::statistics
