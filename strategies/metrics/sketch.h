// Compact, mergeable counts of positive values with a bounded relative error at every quantile:
// what a window of a metric keeps, where a Histogram would cost 60 KB each. Memory is the span of
// values seen (about 115 bins of 4 bytes a decade at 1 %), up to a fixed bound.
//
// Beyond the bound the lowest bins are put together: the error holds for high quantiles and not for
// low ones, and collapsed() says how many values that touched. Zeros have their own counter;
// negative and not finite values are refused. One thread at a time; a record allocates only when
// the span grows.
// Source: Masson, Rim, Lee, DDSketch (VLDB 2019); the bound is the proposal of that paper.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "strategies/core/result.h"

namespace phoenix {

class Histogram;

class Sketch {
 public:
  static constexpr int kBinsMax = 2048;

  // REQUIRES: 0 < error < 0.5, bins_max >= 2.
  explicit Sketch(double error = 0.01, int bins_max = kBinsMax);

  // False, and nothing changes, where the value is negative or not finite.
  bool record(double value, std::uint64_t times = 1);

  // Adds what the other saw; refused, and nothing changes, where its error bound differs.
  Status merge(const Sketch& other);
  // Adds a histogram's counts at the middles of its buckets, in seconds: 0.39 % on top of the own
  // error.
  void merge(const Histogram& other);
  void clear();

  std::uint64_t count() const { return count_; }
  std::uint64_t collapsed() const { return collapsed_; }
  double sum() const { return sum_; }
  // NaN where nothing was recorded.
  double min() const { return min_; }
  double max() const { return max_; }
  double mean() const { return sum_ / static_cast<double>(count_); }

  // Nearest rank; 0 and 1 are the exact extremes. NaN where nothing was recorded.
  // REQUIRES: 0 <= q <= 1.
  double quantile(double q) const;

  double error() const { return error_; }
  std::size_t memory_bytes() const;

  // The bin of a positive value and the value a bin stands for: ceil(log_gamma x) and
  // 2 gamma^i / (gamma + 1), gamma = (1 + error) / (1 - error).
  int bin_of(double value) const;
  double value_of(int bin) const;

 private:
  void add(int bin, std::uint64_t times);
  void make_room(int bin);

  double error_;
  double gamma_;
  double per_log_;  // 1 / ln(gamma)
  int bins_max_;
  int first_bin_ = 0;                // of bins_[0]
  std::vector<std::uint32_t> bins_;  // counts saturate
  std::uint64_t zeros_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t collapsed_ = 0;
  double sum_ = 0;
  double min_ = std::numeric_limits<double>::quiet_NaN();
  double max_ = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace phoenix
